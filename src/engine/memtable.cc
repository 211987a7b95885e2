#include "engine/memtable.h"

#include <arrow/array/array_base.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/concatenate.h>
#include <arrow/array/data.h>
#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>

#include <algorithm>

#include "base/check.h"
#include "engine/arrow_status.h"
#include "engine/memtable_series.h"

namespace varve {
namespace {

// Chunks below this are merged with their neighbours; above it, copying costs more than one more
// chunk in a scan.
constexpr int64_t kSmallChunkRows = 8'192;

// Its place, and what is kept of it when it is resolved: at most one row that it replaces.
constexpr uint64_t kBytesPerLateRow = 16;

struct TimeBounds {
  TimestampUs min;
  TimestampUs max;
};

Result<TimeBounds> BoundsOf(const MemChunk& chunk, uint32_t timestamp_column) {
  const auto found = std::ranges::find(chunk.column_ids, timestamp_column);
  if (found == chunk.column_ids.end()) {
    return Internal("a batch has no timestamp column");
  }
  const auto index = static_cast<int>(found - chunk.column_ids.begin());
  const auto& times = static_cast<const arrow::TimestampArray&>(*chunk.rows->column(index));
  const int64_t* values = times.raw_values();
  const auto [min, max] = std::minmax_element(values, values + times.length());
  return TimeBounds{TimestampUs(*min), TimestampUs(*max)};
}

// The column of that id, or NULLs of the type that the other chunk has for it.
Result<std::shared_ptr<arrow::Array>> ColumnOrNulls(const MemChunk& chunk, uint32_t column_id,
                                                    const arrow::DataType& type) {
  const auto found = std::ranges::find(chunk.column_ids, column_id);
  if (found != chunk.column_ids.end()) {
    return chunk.rows->column(static_cast<int>(found - chunk.column_ids.begin()));
  }
  return FromArrow(arrow::MakeArrayOfNull(type.GetSharedPtr(), chunk.rows->num_rows()));
}

Result<std::shared_ptr<const MemChunk>> Merge(const MemChunk& first, const MemChunk& second) {
  auto merged = std::make_shared<MemChunk>();
  std::vector<std::shared_ptr<arrow::Field>> fields;
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (const MemChunk* chunk : {&first, &second}) {
    for (size_t i = 0; i < chunk->column_ids.size(); ++i) {
      const uint32_t id = chunk->column_ids[i];
      if (std::ranges::find(merged->column_ids, id) != merged->column_ids.end()) {
        continue;
      }
      const auto field = chunk->rows->schema()->field(static_cast<int>(i));
      VARVE_ASSIGN(const auto head, ColumnOrNulls(first, id, *field->type()));
      VARVE_ASSIGN(const auto tail, ColumnOrNulls(second, id, *field->type()));
      VARVE_ASSIGN(auto column, FromArrow(arrow::Concatenate({head, tail})));
      merged->column_ids.push_back(id);
      fields.push_back(field);
      columns.push_back(std::move(column));
    }
  }
  const int64_t rows = first.rows->num_rows() + second.rows->num_rows();
  merged->rows = arrow::RecordBatch::Make(arrow::schema(fields), rows, std::move(columns));
  merged->series = first.series;
  merged->series.insert(merged->series.end(), second.series.begin(), second.series.end());
  merged->late = first.late;
  const auto shift = static_cast<uint32_t>(first.rows->num_rows());
  std::ranges::transform(second.late, std::back_inserter(merged->late),
                         [shift](uint32_t row) { return shift + row; });
  merged->time_min = std::min(first.time_min, second.time_min);
  merged->time_max = std::max(first.time_max, second.time_max);
  merged->size_bytes = first.size_bytes + second.size_bytes;
  return merged;
}

}  // namespace

std::span<const int64_t> TimeValues(const arrow::RecordBatch& rows,
                                    std::span<const uint32_t> column_ids,
                                    uint32_t timestamp_column) {
  const auto found = std::ranges::find(column_ids, timestamp_column);
  VARVE_CHECK(found != column_ids.end(), "rows without their time, column {}", timestamp_column);
  const auto& times = *rows.column(static_cast<int>(found - column_ids.begin()));
  return {static_cast<const arrow::TimestampArray&>(times).raw_values(),
          static_cast<size_t>(times.length())};
}

Result<std::shared_ptr<arrow::Array>> MemtableView::TagValues(const ColumnSchema& column) const {
  return series_->TagValues(column, tsids_->size());
}

std::vector<uint64_t> MemtableView::LateRows(uint64_t from) const {
  std::vector<uint64_t> rows;
  uint64_t first = 0;
  for (const auto& chunk : chunks_) {
    const uint64_t end = first + chunk->series.size();
    if (end > from) {
      const auto begin = std::ranges::lower_bound(chunk->late, from > first ? from - first : 0);
      std::transform(begin, chunk->late.end(), std::back_inserter(rows),
                     [first](uint32_t row) { return first + row; });
    }
    first = end;
  }
  return rows;
}

Memtable::Memtable() : series_(std::make_shared<MemtableSeries>()) {}

Status Memtable::Add(const RowBatch& batch, uint32_t timestamp_column, Sequence sequence,
                     std::vector<uint32_t> late) {
  auto chunk = std::make_shared<MemChunk>();
  chunk->rows = batch.rows;
  chunk->column_ids = batch.column_ids;
  const std::vector<uint32_t> numbers = series_->Number(batch.series);
  chunk->series.resize(batch.row_series.size());
  std::ranges::transform(batch.row_series, chunk->series.begin(),
                         [&](uint32_t index) { return numbers[index]; });
  VARVE_ASSIGN(const TimeBounds bounds, BoundsOf(*chunk, timestamp_column));
  chunk->time_min = bounds.min;
  chunk->time_max = bounds.max;
  chunk->size_bytes = static_cast<uint64_t>(arrow::util::TotalBufferSize(*batch.rows)) +
                      chunk->series.size() * sizeof(uint32_t) + late.size() * kBytesPerLateRow;
  chunk->late = std::move(late);

  std::lock_guard lock(mutex_);
  VARVE_CHECK(sequence > last_sequence_, "{} after {}", sequence, last_sequence_);
  if (row_count_ == 0) {
    first_sequence_ = sequence;
  }
  row_count_ += chunk->series.size();
  late_count_ += chunk->late.size();
  chunk_bytes_ += chunk->size_bytes;
  last_sequence_ = sequence;
  chunks_.push_back(std::move(chunk));
  view_.reset();
  return MergeSmallChunks();
}

Status Memtable::MergeSmallChunks() {
  while (chunks_.size() >= 2) {
    const auto& last = *chunks_.back();
    const auto& before = *chunks_[chunks_.size() - 2];
    // As with a binary counter, a row is copied once per doubling of its chunk.
    if (before.rows->num_rows() >= kSmallChunkRows ||
        before.rows->num_rows() > 2 * last.rows->num_rows()) {
      return {};
    }
    VARVE_ASSIGN(auto merged, Merge(before, last));
    chunks_.pop_back();
    chunks_.back() = std::move(merged);
  }
  return {};
}

std::shared_ptr<const MemtableView> Memtable::View() const {
  std::lock_guard lock(mutex_);
  if (view_) {
    return view_;
  }
  auto view = std::make_shared<MemtableView>();
  view->chunks_ = chunks_;
  view->row_count_ = row_count_;
  view->late_count_ = late_count_;
  view->first_sequence_ = first_sequence_;
  view->last_sequence_ = last_sequence_;
  view->series_ = series_;
  view->tsids_ = series_->Tsids();
  if (!chunks_.empty()) {
    view->time_min_ =
        std::ranges::min(chunks_, {}, [](const auto& c) { return c->time_min; })->time_min;
    view->time_max_ =
        std::ranges::max(chunks_, {}, [](const auto& c) { return c->time_max; })->time_max;
  }
  view_ = view;
  return view;
}

uint64_t Memtable::size_bytes() const {
  std::lock_guard lock(mutex_);
  return chunk_bytes_ + series_->size_bytes();
}

uint64_t Memtable::row_count() const {
  std::lock_guard lock(mutex_);
  return row_count_;
}

uint64_t Memtable::late_count() const {
  std::lock_guard lock(mutex_);
  return late_count_;
}

Sequence Memtable::last_sequence() const {
  std::lock_guard lock(mutex_);
  return last_sequence_;
}

}  // namespace varve
