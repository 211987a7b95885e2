#include "query/scan_piece.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <algorithm>

#include "query/duckdb_bridge.h"
#include "sst/sst_cache.h"
#include "sst/sst_file.h"

namespace varve {
namespace {

class FilePiece final : public ScanPiece {
 public:
  FilePiece(const ReadView& view, const FileMeta& meta, SeriesUse use)
      : file_(OrThrow(view.files->Open(meta))),
        cache_(*view.files),
        series_(use == SeriesUse::kNeeded && file_->HasSeries() ? OrThrow(file_->Series())
                                                                : nullptr) {}

  const std::vector<RowRange>& blocks() const override { return file_->blocks(); }
  const std::vector<uint64_t>& row_groups() const override { return file_->row_groups(); }
  size_t BlockOf(uint64_t row) const override { return file_->BlockOf(row); }
  bool IsOutside(size_t, const TimeRange& range) const override {
    return !range.Overlaps(file_->meta().time_min, file_->meta().time_max);
  }

  std::shared_ptr<arrow::Array> Values(const ColumnSchema& column, size_t block) const override {
    return OrThrow(file_->Values(column, block));
  }
  bool HasInMemory(const ColumnSchema& column, size_t block) const override {
    return cache_.Find({file_->meta().id, column.id, static_cast<uint32_t>(block)}) != nullptr;
  }

  bool HasSeries() const override { return series_ != nullptr; }
  size_t series_count() const override { return series_->size(); }
  uint64_t tsid(size_t series) const override { return series_->tsid(series); }
  std::shared_ptr<arrow::Array> TagValues(const ColumnSchema& column) const override {
    return OrThrow(file_->TagValues(column));
  }

  void SeriesOfRows(uint64_t first, size_t count, uint32_t* out) const override {
    const uint64_t end = first + count;
    for (size_t series = series_->SeriesOf(first); first < end; ++series) {
      const uint64_t stop = std::min(series_->rows(series).end, end);
      out = std::fill_n(out, stop - first, static_cast<uint32_t>(series));
      first = stop;
    }
  }
  uint64_t SameSeries(uint64_t first, uint64_t end) const override {
    return std::min(series_->rows(series_->SeriesOf(first)).end, end) - first;
  }

  bool IsSorted() const override { return HasSeries(); }
  RowRange RowsOf(size_t series, const TimeRange& range) const override {
    return Narrow(series_->rows(series), range);
  }
  RowRange Narrow(RowRange rows, const TimeRange& range) const override {
    return OrThrow(file_->NarrowToTime(rows, range.start.value(), range.end.value()));
  }
  size_t SeriesOf(uint64_t row) const override { return series_->SeriesOf(row); }

 private:
  const std::shared_ptr<const SstFile> file_;
  SstCache& cache_;
  const std::shared_ptr<const SeriesIndex> series_;
};

// The chunks of one unit.
class MemoryPiece final : public ScanPiece {
 public:
  MemoryPiece(const MemtableView& memtable, const ScanUnit& unit)
      : memtable_(memtable), first_chunk_(unit.chunk_begin) {
    uint64_t row = unit.first_row;
    for (size_t i = unit.chunk_begin; i < unit.chunk_end; ++i) {
      const uint64_t end = row + memtable.chunks()[i]->series.size();
      blocks_.push_back({row, end});
      row = end;
    }
  }

  const std::vector<RowRange>& blocks() const override { return blocks_; }
  const std::vector<uint64_t>& row_groups() const override { return no_row_groups_; }
  size_t BlockOf(uint64_t row) const override {
    return static_cast<size_t>(std::ranges::upper_bound(blocks_, row, {}, &RowRange::begin) -
                               blocks_.begin()) -
           1;
  }
  bool IsOutside(size_t block, const TimeRange& range) const override {
    return !range.Overlaps(chunk(block).time_min, chunk(block).time_max);
  }

  std::shared_ptr<arrow::Array> Values(const ColumnSchema& column, size_t block) const override {
    const auto& ids = chunk(block).column_ids;
    const auto found = std::ranges::find(ids, column.id);
    if (found == ids.end()) {
      return std::make_shared<arrow::NullArray>(chunk(block).rows->num_rows());
    }
    return chunk(block).rows->column(static_cast<int>(found - ids.begin()));
  }
  bool HasInMemory(const ColumnSchema&, size_t) const override { return true; }

  bool HasSeries() const override { return true; }
  size_t series_count() const override { return memtable_.series_count(); }
  uint64_t tsid(size_t series) const override {
    return memtable_.tsid(static_cast<uint32_t>(series));
  }
  std::shared_ptr<arrow::Array> TagValues(const ColumnSchema& column) const override {
    return OrThrow(memtable_.TagValues(column));
  }

  void SeriesOfRows(uint64_t first, size_t count, uint32_t* out) const override {
    const size_t block = BlockOf(first);
    std::copy_n(chunk(block).series.data() + (first - blocks_[block].begin), count, out);
  }
  uint64_t SameSeries(uint64_t, uint64_t) const override { return 1; }

  bool IsSorted() const override { return false; }
  RowRange RowsOf(size_t, const TimeRange&) const override { return {}; }
  RowRange Narrow(RowRange rows, const TimeRange&) const override { return rows; }
  size_t SeriesOf(uint64_t row) const override {
    const size_t block = BlockOf(row);
    return chunk(block).series[row - blocks_[block].begin];
  }

 private:
  const MemChunk& chunk(size_t block) const { return *memtable_.chunks()[first_chunk_ + block]; }

  const MemtableView& memtable_;
  const size_t first_chunk_;
  std::vector<RowRange> blocks_;
  const std::vector<uint64_t> no_row_groups_;
};

}  // namespace

std::shared_ptr<const ScanPiece> ScanPiece::Open(const TableSource& source, const ScanUnit& unit,
                                                 SeriesUse use) {
  if (unit.file != nullptr) {
    return std::make_shared<const FilePiece>(source.view, *unit.file, use);
  }
  return std::make_shared<const MemoryPiece>(*source.view.memtables[unit.memtable].rows, unit);
}

}  // namespace varve
