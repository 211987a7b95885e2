// What an export is asked for, and how far it is.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/version_ref.h"
#include "protect/manifest.h"

namespace varve {

inline constexpr size_t kParallelismMax = 64;
inline constexpr std::chrono::milliseconds kChunkWindowDefault = std::chrono::days(1);

// What is not given is the default in a new export and stays as it was in one that is resumed.
struct ExportRequest {
  std::optional<std::string> catalog;
  std::optional<std::vector<std::string>> schemas;  // default: all
  std::optional<std::vector<std::string>> tables;   // "table" (in any schema) or "schema.table"
  std::optional<TimestampUs> start;                 // default: the earliest row
  std::optional<TimestampUs> end;                   // default: now
  std::optional<std::chrono::milliseconds> chunk_window;
  std::optional<DataFormat> format;
  enum class Contents : uint8_t { kAll, kSchemaOnly } contents = Contents::kAll;
  enum class Existing : uint8_t { kResume, kReplace } existing = Existing::kResume;
  // The location of an earlier snapshot of the database: only what is new since then.
  std::optional<std::string> since;
  // The point in time; default: now.
  std::optional<VersionRef> as_of;
  size_t parallelism = 1;
  uint64_t bytes_per_second = 0;  // read of the database; 0: no limit
};

// Of an export or an import. Thread-safe.
class TransferProgress {
 public:
  enum class State : uint8_t { kRunning, kDone, kFailed };
  struct Numbers {
    uint64_t chunks = 0;
    uint64_t chunks_done = 0;
    uint64_t bytes = 0;  // of all chunks; of what is not done yet an estimate
    uint64_t bytes_done = 0;
    uint64_t rows_done = 0;
    uint64_t retries = 0;
  };

  void SetTotals(uint64_t chunks, uint64_t bytes) {
    chunks_ = chunks;
    bytes_ = bytes;
  }
  void AddBytes(uint64_t bytes) { bytes_done_ += bytes; }
  void AddRows(uint64_t rows) { rows_done_ += rows; }
  void AddChunk() { ++chunks_done_; }
  void AddRetry() { ++retries_; }
  Numbers numbers() const {
    return {chunks_, chunks_done_, bytes_, bytes_done_, rows_done_, retries_};
  }

 private:
  std::atomic<uint64_t> chunks_ = 0;
  std::atomic<uint64_t> chunks_done_ = 0;
  std::atomic<uint64_t> bytes_ = 0;
  std::atomic<uint64_t> bytes_done_ = 0;
  std::atomic<uint64_t> rows_done_ = 0;
  std::atomic<uint64_t> retries_ = 0;
};

}  // namespace varve
