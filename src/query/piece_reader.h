// PieceReader: rows of pieces as DuckDB's chunks. It reads a column's block when the first row of
// it is needed, so that what filters exclude is not read; it copies nothing where layouts agree and
// filters leave enough rows.
//
// Tags and tsid of pieces with series are constant vectors, or dictionaries over the series.
#pragma once

#include <arrow/array/data.h>

#include <duckdb.hpp>
#include <duckdb/planner/table_filter_state.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "query/piece_plan.h"
#include "query/scan_filters.h"

namespace varve {

struct ScanCounts {
  uint64_t blocks_read = 0;
  uint64_t blocks_from_cache = 0;
  uint64_t rows = 0;  // looked at
};

// One thread. Throws what reading answers, and when the query is cancelled.
class PieceReader {
 public:
  // Counting blocks costs a little.
  enum class Counting : uint8_t { kOn, kOff };

  // `columns` as ScanFilters has them, the column without a name, or kRowPlaceColumn. All
  // references outlive it.
  PieceReader(duckdb::ClientContext& context, const TableSource& source,
              const duckdb::vector<duckdb::column_t>& columns, const ScanFilters& filters,
              Counting counting);

  // Goes on with these rows of the plan.
  void Start(std::shared_ptr<const PiecePlan> plan, std::vector<RowRange> ranges);
  // The next rows, one vector per column; valid until the next call. false: there are no more.
  bool Next(duckdb::DataChunk& chunk);

  // Since the last call.
  ScanCounts TakeCounts() { return std::exchange(counts_, {}); }

 private:
  struct Column {
    const ColumnSchema* schema = nullptr;  // nullptr: none of the table's
    bool row_place = false;                // kRowPlaceColumn; otherwise the column without a name
    duckdb::LogicalType type;
    bool of_series = false;
    // The values of block_, and of DICTIONARY columns what they mean.
    size_t block = 0;
    std::shared_ptr<arrow::Array> array;
    std::shared_ptr<arrow::ArrayData> dictionary_of;
    duckdb::buffer_ptr<duckdb::VectorChildBuffer> dictionary;
    duckdb::SelectionVector codes;
    // By series of the piece.
    std::shared_ptr<arrow::Array> tags;
    duckdb::buffer_ptr<duckdb::VectorChildBuffer> tag_dictionary;
  };
  struct RowFilter {
    const ScanFilters::Filter* filter = nullptr;
    duckdb::unique_ptr<duckdb::TableFilterState> state;
  };
  // Neighbouring rows of one block; those that are wanted are in selection_, or all of them.
  struct Window {
    size_t block = 0;
    uint64_t first = 0;
    duckdb::idx_t count = 0;
    duckdb::idx_t selected = 0;
  };

  bool NextWindow();
  bool ReadWindow();
  void GatherShortRanges(uint64_t end);
  duckdb::idx_t Select(duckdb::DataChunk& chunk);
  template <class Keeps>
  void Keep(Keeps&& keeps);
  void RemoveHidden();
  void RemoveExpired();
  void RemoveOtherSeries();
  bool IsDone(const ScanFilters::Filter& filter) const;
  void Fill(duckdb::idx_t column, duckdb::Vector& vector);
  void FillOfSeries(Column& column, duckdb::Vector& vector);
  void FillRowPlaces(duckdb::Vector& vector) const;
  void FillDictionary(Column& column, duckdb::Vector& vector) const;
  const arrow::Array& BlockOf(Column& column);
  const arrow::Array& TagsOf(Column& column);
  void ShowSeries(Column& column, uint64_t series, duckdb::idx_t count, duckdb::Vector& vector);
  const uint32_t* RowSeries();

  duckdb::ClientContext& context_;
  const TableSource& source_;
  const ScanFilters& filters_;
  const Counting counting_;
  std::vector<Column> columns_;
  Column time_;  // for what has expired
  std::vector<RowFilter> row_filters_;

  std::shared_ptr<const PiecePlan> plan_;
  std::vector<RowRange> ranges_;
  uint64_t first_row_place_ = 0;  // of the plan's file
  TimeRange time_range_;
  size_t range_ = 0;  // that row_ is in
  uint64_t row_ = 0;  // the next
  Window window_;
  duckdb::SelectionVector selection_;
  duckdb::DataChunk window_chunk_;
  bool window_waits_ = false;  // it has been read, and is the next to be given
  std::vector<bool> filled_;
  bool row_series_known_ = false;
  std::vector<uint32_t> row_series_;  // of the window
  ScanCounts counts_;
};

}  // namespace varve
