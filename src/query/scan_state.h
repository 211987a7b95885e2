// ScanState: one scan of a table while it runs: hands out its rows to threads, in the order of the
// units, about a row group at a time.
#pragma once

#include <atomic>
#include <duckdb.hpp>
#include <duckdb/function/table_function.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "query/piece_plan.h"
#include "query/piece_reader.h"
#include "query/scan_filters.h"
#include "query/scan_units.h"
#include "query/table_source.h"

namespace varve {

// Thread-safe.
class ScanState final : public duckdb::GlobalTableFunctionState {
 public:
  // Rows for one thread. Later tasks have larger numbers.
  struct Task {
    std::shared_ptr<const PiecePlan> plan;
    std::vector<RowRange> ranges;
    duckdb::idx_t number = 0;
  };

  // `columns` are the scanned columns as places in the schema. Source, units and filters outlive
  // it. With filters on series, finds out which rows they leave. Throws what reading answers.
  ScanState(duckdb::ClientContext& context, const TableSource& source,
            const std::vector<ScanUnit>& units, duckdb::vector<duckdb::column_t> columns,
            duckdb::optional_ptr<duckdb::TableFilterSet> filters);

  // nullopt: all rows have been handed out. Opens files, one thread at a time: tasks must be handed
  // out in order. Throws what reading answers.
  std::optional<Task> NextTask(duckdb::ClientContext& context);

  void Count(const ScanCounts& counts);
  // For EXPLAIN ANALYZE.
  duckdb::InsertionOrderPreservingMap<std::string> Describe() const;
  double progress_percent() const;
  // Rows in the ranges that filters on series and the time leave, as far as it is known yet.
  uint64_t rows_total() const { return rows_total_; }

  const duckdb::vector<duckdb::column_t>& columns() const { return columns_; }
  const ScanFilters& filters() const { return filters_; }
  // When the output has fewer columns than are scanned: which.
  duckdb::vector<duckdb::idx_t> projection;

  duckdb::idx_t MaxThreads() const override { return threads_; }

 private:
  std::shared_ptr<const PiecePlan> Plan(duckdb::ClientContext& context, size_t unit) const;
  bool OpenNextUnit(duckdb::ClientContext& context);
  void CountFile();
  Task CutTask();

  const TableSource& source_;
  const std::vector<ScanUnit>& units_;
  const duckdb::vector<duckdb::column_t> columns_;
  const ScanFilters filters_;
  const ScanPiece::SeriesUse series_use_;
  duckdb::idx_t threads_ = 1;
  uint64_t rows_total_ = 0;

  std::mutex mutex_;                                            // held while a unit is opened
  std::map<size_t, std::shared_ptr<const PiecePlan>> planned_;  // units that are open already
  size_t next_unit_ = 0;
  std::shared_ptr<const PiecePlan> plan_;  // that tasks are cut from
  size_t range_ = 0;                       // of the plan
  uint64_t row_ = 0;                       // the next one
  duckdb::idx_t tasks_ = 0;

  std::atomic<uint64_t> rows_handed_out_ = 0;
  std::atomic<uint64_t> files_read_ = 0;
  std::atomic<uint64_t> row_groups_read_ = 0;
  std::atomic<uint64_t> row_groups_pruned_ = 0;  // of the files that are read
  std::atomic<uint64_t> blocks_read_ = 0;
  std::atomic<uint64_t> blocks_from_cache_ = 0;
  std::atomic<uint64_t> rows_read_ = 0;
};

}  // namespace varve
