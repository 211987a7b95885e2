// CopyEngine: a DuckDB instance for the files of COPY, apart from the one that runs clients' SQL,
// which may not reach files.
#pragma once

#include <cstdint>
#include <duckdb.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>

#include "base/result.h"
#include "query/session.h"

namespace varve {

// Who works on a file.
enum class CopyThreads : uint8_t {
  kAll,  // all cores: rows wait in memory until it is their turn in the file
  // The thread that calls, for callers that do several files at once: rows go through in their
  // order, and as few are in memory.
  kCaller,
};

// Thread-safe.
class CopyEngine {
 public:
  // `prepare` is given a connection to the instance before all others; may be empty.
  CopyEngine(uint64_t memory_bytes_max, CopyThreads threads,
             std::function<Status(duckdb::Connection&)> prepare)
      : memory_bytes_max_(memory_bytes_max), threads_(threads), prepare_(std::move(prepare)) {}

  Result<std::unique_ptr<duckdb::Connection>> Connect();

 private:
  Result<std::unique_ptr<duckdb::DuckDB>> Start() const;

  const uint64_t memory_bytes_max_;
  const CopyThreads threads_;
  const std::function<Status(duckdb::Connection&)> prepare_;
  std::mutex mutex_;
  std::unique_ptr<duckdb::DuckDB> duckdb_;  // made when it is first needed
};

// Whether COPY may touch what lies there, in the file system's own spelling (canonical).
bool AllowsPath(const CopyPolicy& policy, const std::filesystem::path& real);

}  // namespace varve
