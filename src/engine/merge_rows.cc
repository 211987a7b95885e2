#include "engine/merge_rows.h"

#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <compare>
#include <utility>

#include "engine/compare_values_internal.h"

namespace varve {
namespace {

// Keys of the default primary key (tsid, timestamp): two columns of numbers without NULLs.
class SeriesTimeKeys {
 public:
  SeriesTimeKeys(const TableSchema&, const MergeBatch& batch)
      : tsids_(static_cast<const arrow::UInt64Array&>(*batch.rows->column(0)).raw_values()),
        times_(static_cast<const arrow::TimestampArray&>(*batch.rows->column(1)).raw_values()) {
    if (batch.live.empty()) {
      return;
    }
    // Deleted rows are left out once, so that comparing need not know of them.
    for (const uint32_t row : batch.live) {
      live_tsids_.push_back(tsids_[row]);
      live_times_.push_back(times_[row]);
    }
    tsids_ = live_tsids_.data();
    times_ = live_times_.data();
  }
  SeriesTimeKeys(const SeriesTimeKeys&) = delete;
  SeriesTimeKeys& operator=(const SeriesTimeKeys&) = delete;

  static int Compare(const SeriesTimeKeys& a, size_t i, const SeriesTimeKeys& b, size_t j) {
    if (a.tsids_[i] != b.tsids_[j]) {
      return a.tsids_[i] < b.tsids_[j] ? -1 : 1;
    }
    return a.times_[i] < b.times_[j] ? -1 : (a.times_[i] > b.times_[j] ? 1 : 0);
  }

 private:
  const uint64_t* tsids_;
  const int64_t* times_;
  std::vector<uint64_t> live_tsids_;
  std::vector<int64_t> live_times_;
};

// Keys of any columns.
class AnyKeys {
 public:
  AnyKeys(const TableSchema& schema, const MergeBatch& batch) : batch_(batch) {
    for (size_t k = 0; k < schema.key_size(); ++k) {
      const auto& column = batch.rows->column(static_cast<int>(k));
      columns_.push_back({column.get(), ValueOrderOf(column->type_id())});
    }
  }
  AnyKeys(const AnyKeys&) = delete;
  AnyKeys& operator=(const AnyKeys&) = delete;

  static int Compare(const AnyKeys& a, size_t i, const AnyKeys& b, size_t j) {
    const int64_t left_row = a.batch_.offset(i);
    const int64_t right_row = b.batch_.offset(j);
    for (size_t k = 0; k < a.columns_.size(); ++k) {
      const arrow::Array& left = *a.columns_[k].values;
      const arrow::Array& right = *b.columns_[k].values;
      const bool left_null = left.IsNull(left_row);
      const bool right_null = right.IsNull(right_row);
      if (left_null || right_null) {
        if (left_null != right_null) {
          return left_null ? -1 : 1;
        }
        continue;
      }
      if (const int order = a.columns_[k].compare(left, left_row, right, right_row); order != 0) {
        return order;
      }
    }
    return 0;
  }

 private:
  struct Column {
    const arrow::Array* values;
    CompareValues compare;
  };
  const MergeBatch& batch_;
  std::vector<Column> columns_;
};

template <class Keys>
struct KeyedBatch final : MergeBatch {
  std::optional<Keys> keys;
};

template <class Keys>
class MergeRowsOf final : public MergeRows {
 public:
  MergeRowsOf(const TableSchema& schema, std::vector<MergeInput*> inputs)
      : schema_(schema), inputs_(std::move(inputs)) {}

  Result<std::optional<MergedRun>> Next() override {
    if (!started_) {
      VARVE_TRY(Start());
    }
    if (!empty_.empty()) {
      VARVE_TRY(Refill());
    }
    if (heap_.empty()) {
      return std::nullopt;
    }
    Cursor& top = heap_.front();
    const size_t end = heap_.size() == 1 ? top.batch->live_count() : EndOfRun(top, Second());
    MergedRun run{top.batch, top.at, end - top.at};
    top.at = end;
    if (end == top.batch->live_count()) {
      empty_.push_back(top.batch->input);
      std::swap(heap_.front(), heap_.back());
      heap_.pop_back();
    }
    SiftDown(0);
    return run;
  }

  bool SameKey(const MergeBatch& a, size_t i, const MergeBatch& b, size_t j) const override {
    return Keys::Compare(*static_cast<const KeyedBatch<Keys>&>(a).keys, i,
                         *static_cast<const KeyedBatch<Keys>&>(b).keys, j) == 0;
  }

 private:
  struct Cursor {
    std::shared_ptr<const KeyedBatch<Keys>> batch;
    size_t at = 0;  // of its live rows
  };

  Status Start() {
    started_ = true;
    for (uint32_t input = 0; input < inputs_.size(); ++input) {
      empty_.push_back(input);
    }
    return {};
  }

  // The next batches of the inputs that have none in the heap.
  Status Refill() {
    for (const uint32_t input : std::exchange(empty_, {})) {
      auto batch = std::make_shared<KeyedBatch<Keys>>();
      batch->input = input;
      VARVE_ASSIGN(const bool more, inputs_[input]->Next(*batch));
      if (more) {
        batch->keys.emplace(schema_, *batch);
        heap_.push_back({std::move(batch), 0});
        SiftUp(heap_.size() - 1);
      }
    }
    return {};
  }

  static bool Before(const Cursor& a, size_t i, const Cursor& b, size_t j) {
    const int order = Keys::Compare(*a.batch->keys, i, *b.batch->keys, j);
    return order != 0 ? order < 0 : a.batch->input < b.batch->input;
  }
  static bool Before(const Cursor& a, const Cursor& b) { return Before(a, a.at, b, b.at); }

  const Cursor& Second() const {
    return heap_.size() == 2 || Before(heap_[1], heap_[2]) ? heap_[1] : heap_[2];
  }

  // The first row of `top` that does not stand before the other's.
  static size_t EndOfRun(const Cursor& top, const Cursor& other) {
    const size_t size = top.batch->live_count();
    size_t low = top.at + 1;  // the rows before it are known to stand before the other's
    size_t step = 1;
    while (low + step <= size && Before(top, low + step - 1, other, other.at)) {
      low += step;
      step *= 2;
    }
    size_t high = std::min(size, low + step - 1);
    while (low < high) {
      const size_t middle = low + (high - low) / 2;
      if (Before(top, middle, other, other.at)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  void SiftUp(size_t i) {
    for (; i > 0 && Before(heap_[i], heap_[(i - 1) / 2]); i = (i - 1) / 2) {
      std::swap(heap_[i], heap_[(i - 1) / 2]);
    }
  }
  void SiftDown(size_t i) {
    while (true) {
      size_t least = i;
      for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < heap_.size(); ++child) {
        least = Before(heap_[child], heap_[least]) ? child : least;
      }
      if (least == i) {
        return;
      }
      std::swap(heap_[i], heap_[least]);
      i = least;
    }
  }

  const TableSchema& schema_;
  const std::vector<MergeInput*> inputs_;
  std::vector<Cursor> heap_;     // the least first
  std::vector<uint32_t> empty_;  // inputs whose last batch is used up
  bool started_ = false;
};

}  // namespace

size_t MergeBatch::live_count() const {
  return live.empty() ? static_cast<size_t>(rows->num_rows()) : live.size();
}

std::unique_ptr<MergeRows> MergeRows::Make(const TableSchema& schema,
                                           std::vector<MergeInput*> inputs) {
  if (schema.HasDefaultKey()) {
    return std::make_unique<MergeRowsOf<SeriesTimeKeys>>(schema, std::move(inputs));
  }
  return std::make_unique<MergeRowsOf<AnyKeys>>(schema, std::move(inputs));
}

}  // namespace varve
