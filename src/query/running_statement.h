// RunningStatement: one statement of a session from its beginning to its last row: what ends it
// before its time, and what the log says about it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "query/deadlines.h"
#include "query/session.h"
#include "query/statement_log.h"

namespace varve {

// Cancel from any thread; all else on the session's.
class RunningStatement {
 public:
  struct Options {
    const Clock& clock;
    Deadlines& deadlines;
    StatementLog* log;  // may be nullptr
    std::string schema;
    std::string sql;
    std::string request_id;
    std::chrono::milliseconds timeout{0};  // 0 = none
    // Has DuckDB stop what it does for the session. From any thread; it may come too early, and is
    // then called again.
    std::function<void()> interrupt;
  };
  RunningStatement(Options options, std::stop_token stop);
  ~RunningStatement();  // End
  RunningStatement(const RunningStatement&) = delete;
  RunningStatement& operator=(const RunningStatement&) = delete;

  void Cancel();

  // An error when the statement must not go on: kCancelled, or kInvalidArgument for the time-out.
  Status Continue() const;
  // What went wrong, in the light of why the statement was interrupted.
  Error Explain(Error error) const;

  void AddRows(uint64_t rows) { rows_ += rows; }
  // Interrupts no more, and tells the log. Only the first call counts.
  void End(std::optional<Error> error);

 private:
  const Options options_;
  const Deadlines::Time began_;
  uint64_t rows_ = 0;
  bool ended_ = false;
  std::atomic<bool> cancelled_ = false;
  std::atomic<bool> timed_out_ = false;
  std::mutex mutex_;
  std::optional<Deadlines::Alarm> cancelling_;
  std::optional<Deadlines::Alarm> timeout_;
  std::optional<std::stop_callback<std::function<void()>>> stop_;
};

// The stream, with every row counted; the statement ends with it.
std::unique_ptr<ResultStream> Watched(std::unique_ptr<ResultStream> rows,
                                      std::shared_ptr<RunningStatement> statement);

}  // namespace varve
