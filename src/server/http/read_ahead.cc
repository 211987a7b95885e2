#include "server/http/read_ahead.h"

#include <arrow/record_batch.h>

#include <system_error>
#include <utility>

namespace varve {
namespace {

// DuckDB's batches have 2,048 rows: a piece of an answer is about one, and the next few should be
// there when it has been encoded.
constexpr size_t kBatchesAheadMax = 16;

bool IsLast(const Result<std::shared_ptr<arrow::RecordBatch>>& batch) {
  return !batch || *batch == nullptr;
}

}  // namespace

ReadAhead::ReadAhead(std::unique_ptr<ResultStream> rows) : rows_(std::move(rows)) {}

ReadAhead::~ReadAhead() = default;  // the thread is asked to stop, and joined, first

void ReadAhead::Begin() {
  try {
    thread_ = std::jthread([this](const std::stop_token& stop) { Fetch(stop); });
  } catch (const std::system_error&) {
    // No thread is left; Next goes on by itself.
  }
}

void ReadAhead::Fetch(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    Batch batch = rows_->Next();
    const bool last = IsLast(batch);
    std::unique_lock lock(mutex_);
    fetched_.push_back(std::move(batch));
    changed_.notify_all();
    if (last || !changed_.wait(lock, stop, [this] { return fetched_.size() < kBatchesAheadMax; })) {
      return;
    }
  }
}

Result<std::shared_ptr<arrow::RecordBatch>> ReadAhead::Next() {
  if (!thread_.joinable()) {
    return rows_->Next();
  }
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !fetched_.empty(); });
  if (IsLast(fetched_.front())) {
    return fetched_.front();  // and again, whenever it is asked for
  }
  Batch batch = std::move(fetched_.front());
  fetched_.pop_front();
  if (fetched_.size() == kBatchesAheadMax / 2) {
    changed_.notify_all();
  }
  return batch;
}

}  // namespace varve
