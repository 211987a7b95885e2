#include "main/memory_plan.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/units.h"

namespace varve {
namespace {

constexpr uint64_t kMachinePercent = 60;
constexpr uint64_t kWritePercent = 20;
constexpr uint64_t kWalPercent = 10;
constexpr uint64_t kFileCachePercent = 25;
constexpr uint64_t kQueryPercent = 40;
constexpr uint64_t kWalBuffers = 3;
// Smaller ones are written out all the time, larger ones only make a restart slower.
constexpr uint64_t kWalBufferBytesMin = uint64_t{8} << 20;
constexpr uint64_t kWalBufferBytesMax = uint64_t{256} << 20;

}  // namespace

MemoryPlan PlanMemory(const ServerConfig& config, uint64_t machine_bytes) {
  const uint64_t all = config.memory_bytes_max.value_or(machine_bytes / 100 * kMachinePercent);
  const auto share = [&](uint64_t percent) { return all / 100 * percent; };
  return {
      .write_bytes = config.write_memory_bytes_max.value_or(share(kWritePercent)),
      .wal_buffer_bytes =
          std::clamp(share(kWalPercent) / kWalBuffers, kWalBufferBytesMin, kWalBufferBytesMax),
      .file_cache_bytes = config.file_cache_bytes_max.value_or(share(kFileCachePercent)),
      .query_bytes = config.query_memory_bytes_max.value_or(share(kQueryPercent)),
  };
}

ServerConfig WithMemory(ServerConfig config, const MemoryPlan& plan) {
  config.write_memory_bytes_max = plan.write_bytes;
  config.file_cache_bytes_max = plan.file_cache_bytes;
  config.query_memory_bytes_max = plan.query_bytes;
  return config;
}

std::string DescribeMemory(const MemoryPlan& plan) {
  return fmt::format(
      "memory: {} for rows not yet in files, {} for the log's buffers, {} for the cache of files, "
      "{} for queries",
      FormatSize(plan.write_bytes), FormatSize(plan.wal_buffer_bytes * kWalBuffers),
      FormatSize(plan.file_cache_bytes), FormatSize(plan.query_bytes));
}

}  // namespace varve
