// StatementLog: the statements that took long and those that failed, a line each.
//
//   slow statement: request_id=3f… schema=public took=5.231s rows=10 sql=SELECT …
//   failed statement: request_id=3f… schema=public took=0.002s rows=0 kind=not_found
//   error="Table not found, table:t" sql=SELECT …
//
// They go to files of their own where such are named (a time before each line), else to the
// program's log: slow ones as warnings; failed ones as warnings when the server is at fault, else
// with the level debug, as anybody can fill a log with typing errors.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace varve {

struct StatementRecord {
  std::string_view request_id;
  std::string_view schema;
  std::string_view sql;  // secrets in it are masked
  uint64_t rows = 0;     // affected, or sent
  std::chrono::nanoseconds took{0};
  std::optional<Error> error;
};

// Thread-safe.
class StatementLog {
 public:
  struct Options {
    std::chrono::milliseconds slow_threshold{0};  // 0 = no statement is slow
    std::string slow_path;                        // "" = the program's log
    std::string failed_path;
    const Clock* clock = nullptr;  // outlives the log
  };
  // Errors: kIo for a file that cannot be opened for appending.
  static Result<std::unique_ptr<StatementLog>> Open(Options options);
  ~StatementLog();

  void Add(const StatementRecord& record);

  std::chrono::milliseconds slow_threshold() const { return slow_threshold_.load(); }
  void SetSlowThreshold(std::chrono::milliseconds threshold) { slow_threshold_ = threshold; }
  uint64_t slow_statements() const { return slow_.load(); }
  uint64_t failed_statements() const { return failed_.load(); }

 private:
  class File;
  explicit StatementLog(const Options& options);
  void Write(File* file, std::string_view line);

  const Clock& clock_;
  std::unique_ptr<File> slow_file_;
  std::unique_ptr<File> failed_file_;
  std::atomic<std::chrono::milliseconds> slow_threshold_;
  std::atomic<uint64_t> slow_ = 0;
  std::atomic<uint64_t> failed_ = 0;
};

// Of a statement's text in the log.
inline constexpr size_t kLoggedTextBytesMax = 1024;

}  // namespace varve
