// ScanFilters: what the filters that DuckDB has pushed into a scan say, sorted by how they are
// applied: to the series (tags, tsid), to the time as an interval, or to rows.
//
// DuckDB takes pushed filters out of the plan, so all of them but optional ones must be applied.
#pragma once

#include <duckdb.hpp>
#include <duckdb/planner/table_filter.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "model/time_range.h"
#include "query/scan_piece.h"
#include "query/table_source.h"

namespace varve {

// Thread-safe: DuckDB's dynamic filters change while a query runs.
class ScanFilters {
 public:
  struct Filter {
    duckdb::idx_t column = 0;  // position among the scanned columns
    const ColumnSchema* schema = nullptr;
    const duckdb::TableFilter* filter = nullptr;
    bool of_series = false;       // on a tag or tsid
    bool of_time = false;         // on the timestamp key
    bool exact_interval = false;  // of_time, and nothing but an interval
  };

  // `columns` are the scanned columns as places in the schema; the source and the filters outlive
  // it.
  ScanFilters(const TableSource& source, const duckdb::vector<duckdb::column_t>& columns,
              duckdb::optional_ptr<duckdb::TableFilterSet> filters);

  const std::vector<Filter>& all() const { return all_; }
  bool has_series_filters() const { return has_series_filters_; }
  // Outside it no row passes now; never before the source's visible_from.
  TimeRange CurrentTimeRange() const;

  using Passes = std::shared_ptr<const std::vector<uint8_t>>;
  // By series of the piece, which has series: whether it passes the filters on series. Throws.
  Passes PassingSeries(duckdb::ClientContext& context, const ScanPiece& piece) const;
  // The same of the piece of a unit; all units of a memtable share its series, and the answer.
  Passes PassingSeries(duckdb::ClientContext& context, const ScanPiece& piece,
                       const ScanUnit& unit) const;

 private:
  const TableSource& source_;
  std::vector<Filter> all_;
  bool has_series_filters_ = false;
  mutable std::mutex mutex_;
  mutable std::map<size_t, Passes> of_memtables_;
};

}  // namespace varve
