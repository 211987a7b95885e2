// FlushRows: the rows of several memtables seen as one table: for every column of the schema, where
// the value of a row lies. Sorting and gathering work on it without copying the memtables together
// first.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/memtable.h"
#include "model/table_schema.h"

namespace arrow {
class RecordBatch;
}  // namespace arrow

namespace varve {

// A row: which chunk, and which row in it.
struct RowRef {
  uint32_t chunk = 0;
  uint32_t row = 0;
};

// Where the values of one column lie.
struct ColumnSource {
  const ColumnSchema* column = nullptr;
  std::vector<std::shared_ptr<arrow::Array>> arrays;  // per chunk; null = NULL in every row of it
  // Tags and tsid have one value per series of the chunk's memtable, other columns one per row.
  enum class Index : uint8_t { kRow, kSeries } index = Index::kRow;
};

// One thread. The schema and the views outlive it.
class FlushRows {
 public:
  static Result<FlushRows> Make(const TableSchema& schema,
                                std::span<const std::shared_ptr<const MemtableView>> memtables);

  uint64_t row_count() const;
  // The rows by the start of their segment; within one in the order they were written.
  std::map<TimestampUs, std::vector<RowRef>> BySegment(int64_t segment_us) const;

  // Sorts by the primary key; rows of equal keys stay in the order they were written.
  void Sort(std::vector<RowRef>& rows) const;
  // Of sorted rows with one key, keeps just the newest.
  void DropReplaced(std::vector<RowRef>& rows) const;

  // These rows as a batch of all columns of the schema; string tags become dictionary<int32, utf8>
  // with just the values that occur.
  Result<std::shared_ptr<arrow::RecordBatch>> Gather(std::span<const RowRef> rows) const;

  // Per series with at least two rows among the first ones: the time between neighbours, in
  // microseconds. At most `samples_max` values.
  std::vector<int64_t> SampleIntervals(size_t samples_max) const;

 private:
  struct Chunk {
    std::shared_ptr<const MemChunk> rows;
    const int64_t* times;
    uint32_t series_base;  // of the chunk's memtable in the numbering across memtables
  };
  explicit FlushRows(const TableSchema& schema) : schema_(&schema) {}
  void SortByDefaultKey(std::vector<RowRef>& rows) const;
  void SortByAnyKey(std::vector<RowRef>& rows) const;
  std::function<int(RowRef, RowRef)> KeyOrder() const;
  uint32_t SeriesOf(RowRef ref) const;

  const TableSchema* schema_;
  std::vector<Chunk> chunks_;
  std::vector<ColumnSource> columns_;  // as schema_->columns()
  std::vector<uint32_t> series_rank_;  // by series across memtables: its place in the order of tsid
  uint32_t rank_count_ = 0;
};

}  // namespace varve
