// ScanPiece: the rows of one ScanUnit by place, wherever they lie: blocks of columns, which series
// each row belongs to, and the tags of the series.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/table_schema.h"
#include "model/time_range.h"
#include "query/scan_units.h"
#include "sst/series_index.h"

namespace arrow {
class Array;
}  // namespace arrow

namespace varve {

// Thread-safe. Rows are numbered as ReadView::replaced and RowSelection do. All functions throw
// what reading answers.
class ScanPiece {
 public:
  virtual ~ScanPiece() = default;

  // Whether HasSeries() may be answered: a query without tags need not read a file's series.
  enum class SeriesUse : uint8_t { kNeeded, kNotNeeded };
  // The source outlives the piece.
  static std::shared_ptr<const ScanPiece> Open(const TableSource& source, const ScanUnit& unit,
                                               SeriesUse use);

  // The rows of each block, in order.
  virtual const std::vector<RowRange>& blocks() const = 0;
  virtual size_t BlockOf(uint64_t row) const = 0;
  // The first row of each row group of a file, and then the number of rows; empty in memory.
  virtual const std::vector<uint64_t>& row_groups() const = 0;
  // Whether no row of the block can be in the range.
  virtual bool IsOutside(size_t block, const TimeRange& range) const = 0;

  // The column in a block, one value per row; of arrow::null() when it is not there.
  virtual std::shared_ptr<arrow::Array> Values(const ColumnSchema& column, size_t block) const = 0;
  // Whether Values needs not read.
  virtual bool HasInMemory(const ColumnSchema& column, size_t block) const = 0;

  // Whether tags and tsid are asked by series, with what follows.
  virtual bool HasSeries() const = 0;
  virtual size_t series_count() const = 0;
  virtual uint64_t tsid(size_t series) const = 0;
  virtual std::shared_ptr<arrow::Array> TagValues(const ColumnSchema& column) const = 0;
  // Puts the series of each of `count` rows from `first`, which lie in one block, into out.
  virtual void SeriesOfRows(uint64_t first, size_t count, uint32_t* out) const = 0;
  // How many rows from `first` on, which is in the block that ends at `end`, belong to one series.
  virtual uint64_t SameSeries(uint64_t first, uint64_t end) const = 0;

  // Whether the rows of a series are one range, in which times rise.
  virtual bool IsSorted() const = 0;
  // Requires IsSorted: the rows of the series in the time range.
  virtual RowRange RowsOf(size_t series, const TimeRange& range) const = 0;
  virtual RowRange Narrow(RowRange rows, const TimeRange& range) const = 0;
  virtual size_t SeriesOf(uint64_t row) const = 0;
};

}  // namespace varve
