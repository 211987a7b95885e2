#include "query/running_statement.h"

#include <arrow/record_batch.h>

#include <utility>

#include "base/units.h"

namespace varve {
namespace {

class WatchedStream final : public ResultStream {
 public:
  WatchedStream(std::unique_ptr<ResultStream> rows, std::shared_ptr<RunningStatement> statement)
      : statement_(std::move(statement)), rows_(std::move(rows)) {}
  ~WatchedStream() override {
    rows_.reset();
    // Whoever did not want the rest had no error; unless he was cancelled.
    const Status went_on = statement_->Continue();
    statement_->End(went_on ? std::nullopt : std::optional(went_on.error()));
  }

  std::shared_ptr<arrow::Schema> schema() const override { return rows_->schema(); }

  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    if (ended_) {
      return nullptr;
    }
    if (const Status status = statement_->Continue(); !status) {
      return Fail(status.error());
    }
    auto batch = rows_->Next();
    if (!batch) {
      return Fail(statement_->Explain(std::move(batch).error()));
    }
    if (*batch != nullptr) {
      statement_->AddRows(static_cast<uint64_t>((*batch)->num_rows()));
    } else {
      ended_ = true;
      statement_->End(std::nullopt);
    }
    return batch;
  }

 private:
  std::unexpected<Error> Fail(Error error) {
    ended_ = true;
    statement_->End(error);
    return std::unexpected(std::move(error));
  }

  const std::shared_ptr<RunningStatement> statement_;
  std::unique_ptr<ResultStream> rows_;
  bool ended_ = false;
};

Error TimedOut(std::chrono::milliseconds timeout) {
  return {
      ErrorKind::kInvalidArgument,
      fmt::format("the statement took longer than statement_timeout ({}) and was ended; ask for "
                  "less, or allow more with SET statement_timeout or the parameter timeout",
                  FormatDuration(timeout))};
}

}  // namespace

RunningStatement::RunningStatement(Options options, std::stop_token stop)
    : options_(std::move(options)), began_(options_.clock.Steady()) {
  if (options_.timeout.count() > 0) {
    timeout_.emplace(options_.deadlines, began_ + options_.timeout, [this] {
      timed_out_ = true;
      options_.interrupt();
    });
  }
  if (stop.stop_possible()) {
    stop_.emplace(std::move(stop), [this] { Cancel(); });
  }
}

RunningStatement::~RunningStatement() { End(std::nullopt); }

void RunningStatement::Cancel() {
  const std::lock_guard lock(mutex_);
  if (ended_ || cancelled_.exchange(true)) {
    return;
  }
  options_.interrupt();
  cancelling_.emplace(options_.deadlines, options_.clock.Steady(), options_.interrupt);
}

Status RunningStatement::Continue() const {
  if (timed_out_) {
    return std::unexpected(TimedOut(options_.timeout));
  }
  if (cancelled_) {
    return Cancelled("the query was cancelled");
  }
  return {};
}

Error RunningStatement::Explain(Error error) const {
  return error.kind == ErrorKind::kCancelled && timed_out_ ? TimedOut(options_.timeout)
                                                           : std::move(error);
}

void RunningStatement::End(std::optional<Error> error) {
  stop_.reset();  // waits for a Cancel that it runs, so not under the lock
  timeout_.reset();
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(ended_, true)) {
      return;
    }
    cancelling_.reset();
  }
  if (options_.log != nullptr) {
    options_.log->Add({.request_id = options_.request_id,
                       .schema = options_.schema,
                       .sql = options_.sql,
                       .rows = rows_,
                       .took = options_.clock.Steady() - began_,
                       .error = std::move(error)});
  }
}

std::unique_ptr<ResultStream> Watched(std::unique_ptr<ResultStream> rows,
                                      std::shared_ptr<RunningStatement> statement) {
  return std::make_unique<WatchedStream>(std::move(rows), std::move(statement));
}

}  // namespace varve
