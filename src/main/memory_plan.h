// MemoryPlan: one limit of memory, divided among those that use much of it.
#pragma once

#include <cstdint>
#include <string>

#include "main/server_config.h"

namespace varve {

struct MemoryPlan {
  uint64_t write_bytes = 0;       // memtables
  uint64_t wal_buffer_bytes = 0;  // one of the log's buffers, of which there are up to three
  uint64_t file_cache_bytes = 0;  // decoded pages and indexes of data files
  uint64_t query_bytes = 0;       // DuckDB's operators

  bool operator==(const MemoryPlan&) const = default;
};

// Divides `config.memory_bytes_max`, or 60 % of `machine_bytes` where it is not set: 20 % for
// memtables, 10 % for the log's buffers (at most 256 MiB each), 25 % for the cache of files, 40 %
// for queries; the rest is for everything else. A share that is set in the config is taken as it
// is, and the others keep theirs.
MemoryPlan PlanMemory(const ServerConfig& config, uint64_t machine_bytes);

// The config with what the plan decided in the place of what it left open.
ServerConfig WithMemory(ServerConfig config, const MemoryPlan& plan);

// For the log: "memory: 1.6 GiB for rows not yet in files, …".
std::string DescribeMemory(const MemoryPlan& plan);

}  // namespace varve
