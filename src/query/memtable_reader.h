// MemtableReader: rows in memory as a file of DuckDB's multi-file scan. One thread scans one
// reader.
//
// DuckDB takes pushed-down filters out of the plan, so this reader applies them. Tags and tsid are
// dictionary vectors over the memtable's series; a filter on them is evaluated once per series, and
// then rows are chosen by number.
#pragma once

#include <duckdb.hpp>
#include <duckdb/common/multi_file/base_file_reader.hpp>
#include <duckdb/planner/table_filter_state.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "query/scan_units.h"

namespace varve {

class MemtableReader final : public duckdb::BaseFileReader {
 public:
  MemtableReader(duckdb::OpenFileInfo file, duckdb::shared_ptr<TableSource> source,
                 MemoryUnit unit);

  bool TryInitializeScan(duckdb::ClientContext& context, duckdb::GlobalTableFunctionState& global,
                         duckdb::LocalTableFunctionState& local) override;
  void PrepareScan(duckdb::ClientContext& context, duckdb::GlobalTableFunctionState& global,
                   duckdb::LocalTableFunctionState& local) override;
  duckdb::AsyncResult Scan(duckdb::ClientContext& context, duckdb::GlobalTableFunctionState& global,
                           duckdb::LocalTableFunctionState& local,
                           duckdb::DataChunk& chunk) override;
  std::string GetReaderType() const override { return "Memtable"; }

 private:
  // One output column: where its values are.
  struct Output {
    const ColumnSchema* column = nullptr;
    bool per_series = false;
    duckdb::buffer_ptr<duckdb::VectorChildBuffer> dictionary;  // of a per-series column
    int array = -1;  // of another: its index in the chunk that is being read; -1 = all NULL
  };
  struct RowFilter {
    duckdb::idx_t output = 0;
    duckdb::TableFilter* filter = nullptr;
    duckdb::unique_ptr<duckdb::TableFilterState> state;
  };

  duckdb::buffer_ptr<duckdb::VectorChildBuffer> BuildDictionary(const ColumnSchema& column) const;
  void ApplyToSeries(duckdb::ClientContext& context, duckdb::TableFilter& filter,
                     duckdb::VectorChildBuffer& dictionary);
  // Goes to the next chunk that may hold rows; false at the end.
  bool OpenChunk();
  duckdb::idx_t Select(duckdb::idx_t count, duckdb::DataChunk& chunk, std::vector<bool>& filled);
  void Fill(duckdb::idx_t output, const duckdb::SelectionVector* only, duckdb::idx_t only_count,
            duckdb::idx_t count, duckdb::Vector& vector) const;

  const duckdb::shared_ptr<TableSource> source_;
  const MemtableView& memtable_;
  const MemoryUnit unit_;
  bool claimed_ = false;
  std::vector<Output> outputs_;
  std::vector<RowFilter> row_filters_;
  bool filters_series_ = false;
  std::vector<uint8_t> series_passes_;  // by series, when filters_series_
  TimeRange time_range_;
  size_t next_chunk_;
  const MemChunk* chunk_ = nullptr;
  duckdb::idx_t row_ = 0;  // the next one of the chunk
  duckdb::SelectionVector selection_;
};

}  // namespace varve
