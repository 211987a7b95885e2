// ReadAhead: rows that a thread of their own fetches while those before them are encoded and sent.
// Worth it for large answers only: each is one thread more, at most one per connection.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "query/session.h"

namespace varve {

// One thread.
class ReadAhead final : public ResultStream {
 public:
  explicit ReadAhead(std::unique_ptr<ResultStream> rows);
  // Waits for the batch that is being fetched: cancel the session before.
  ~ReadAhead() override;

  std::shared_ptr<arrow::Schema> schema() const override { return rows_->schema(); }
  Result<std::shared_ptr<arrow::RecordBatch>> Next() override;

  // From now on a thread fetches. Without one, where there is none to be had, Next does.
  void Begin();

 private:
  using Batch = Result<std::shared_ptr<arrow::RecordBatch>>;

  void Fetch(const std::stop_token& stop);

  const std::unique_ptr<ResultStream> rows_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Batch> fetched_;
  std::jthread thread_;
};

}  // namespace varve
