// Memtable: the newest rows of one table, not yet in files. A list of immutable chunks: a write
// adds a chunk (small ones are merged as they pile up), a reader takes the list as it is and is
// never disturbed.
//
// Distinct series are kept once; a row knows only the number of its series within the memtable.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "model/row_batch.h"
#include "model/table_schema.h"

namespace arrow {
class Array;
class RecordBatch;
}  // namespace arrow

namespace varve {

class MemtableSeries;

// Rows in the order they were written. Immutable.
struct MemChunk {
  std::shared_ptr<arrow::RecordBatch> rows;  // as RowBatch::rows
  std::vector<uint32_t> column_ids;          // as RowBatch::column_ids
  std::vector<uint32_t> series;              // per row: number of its series in the memtable
  std::vector<uint32_t> late;  // rows that may have the key of a row written before; rising
  TimestampUs time_min;
  TimestampUs time_max;
  uint64_t size_bytes = 0;  // of memory, approximately
};

// The values of the timestamp key, per row. `column_ids` as in RowBatch.
std::span<const int64_t> TimeValues(const arrow::RecordBatch& rows,
                                    std::span<const uint32_t> column_ids,
                                    uint32_t timestamp_column);
inline std::span<const int64_t> TimeValues(const MemChunk& chunk, uint32_t timestamp_column) {
  return TimeValues(*chunk.rows, chunk.column_ids, timestamp_column);
}

// What a reader sees of a memtable: the rows that were there when it was taken. Immutable,
// thread-safe.
class MemtableView {
 public:
  const std::vector<std::shared_ptr<const MemChunk>>& chunks() const { return chunks_; }
  uint64_t row_count() const { return row_count_; }
  uint64_t late_count() const { return late_count_; }
  // The late rows at or after a position, rising; positions count from the first row of the first
  // chunk. Cheap when there are few.
  std::vector<uint64_t> LateRows(uint64_t from) const;
  size_t series_count() const { return tsids_->size(); }
  uint64_t tsid(uint32_t series) const { return (*tsids_)[series]; }
  // The smallest and largest time; only when row_count() > 0.
  TimestampUs time_min() const { return time_min_; }
  TimestampUs time_max() const { return time_max_; }

  // The values of a tag, one per series: an array of ArrowType(column.type) with series_count()
  // values, NULL where the series does not have the tag. Cheap for the second caller.
  Result<std::shared_ptr<arrow::Array>> TagValues(const ColumnSchema& column) const;

  // Of the oldest write in it, which names the memtable within its table, and of the newest.
  Sequence first_sequence() const { return first_sequence_; }
  Sequence last_sequence() const { return last_sequence_; }

 private:
  friend class Memtable;
  std::vector<std::shared_ptr<const MemChunk>> chunks_;
  uint64_t row_count_ = 0;
  uint64_t late_count_ = 0;
  TimestampUs time_min_;
  TimestampUs time_max_;
  Sequence first_sequence_;
  Sequence last_sequence_;
  std::shared_ptr<const std::vector<uint64_t>> tsids_;
  std::shared_ptr<MemtableSeries> series_;
};

// Thread-safe.
class Memtable {
 public:
  Memtable();

  // The rows are visible to views taken afterwards. `timestamp_column` is the id of the timestamp
  // key. The batch fits the table's schema (see batch_check.h). `late`: the rows of the batch that
  // may have the key of an earlier row, rising. Errors: kResourceExhausted when it holds too many
  // series.
  Status Add(const RowBatch& batch, uint32_t timestamp_column, Sequence sequence,
             std::vector<uint32_t> late = {});

  std::shared_ptr<const MemtableView> View() const;
  uint64_t size_bytes() const;
  uint64_t row_count() const;
  uint64_t late_count() const;
  // Of the last Add; 0 when empty.
  Sequence last_sequence() const;

 private:
  // Merges the newest chunks while they are small, so that many small writes make few chunks.
  Status MergeSmallChunks();

  const std::shared_ptr<MemtableSeries> series_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<const MemChunk>> chunks_;
  uint64_t row_count_ = 0;
  uint64_t late_count_ = 0;
  uint64_t chunk_bytes_ = 0;
  Sequence first_sequence_;
  Sequence last_sequence_;
  mutable std::shared_ptr<const MemtableView> view_;  // of the present state; null = must be made
};

}  // namespace varve
