// ScanShape: a part of a plan, before DuckDB has optimized it, that is one scan of a Varve table
// under filters and projections: what its filters leave, and what expressions above it mean in
// terms of the table's columns.
#pragma once

#include <duckdb.hpp>
#include <duckdb/planner/operator/logical_get.hpp>
#include <optional>
#include <vector>

#include "model/time_range.h"
#include "query/table_source.h"

namespace varve {

// One thread. The plan outlives it and is not changed meanwhile.
class ScanShape {
 public:
  // nullopt: the plan below `top` is something else.
  static std::optional<ScanShape> Of(duckdb::ClientContext& context,
                                     duckdb::unique_ptr<duckdb::LogicalOperator>& top);

  // Where the scan hangs in the plan.
  duckdb::unique_ptr<duckdb::LogicalOperator>& scan() const { return *scan_; }
  duckdb::LogicalGet& get() const { return (*scan_)->Cast<duckdb::LogicalGet>(); }
  const TableSource& source() const { return *source_; }
  duckdb::shared_ptr<TableSource> shared_source() const { return source_; }

  // The expression with everything that projections compute put in its place, so that its columns
  // are the scan's; nullptr when it uses what is not below.
  duckdb::unique_ptr<duckdb::Expression> InTermsOfScan(const duckdb::Expression& expression) const;
  // The table's column that the expression is; nullptr when it is anything else.
  const ColumnSchema* ColumnOf(const duckdb::Expression& expression) const;
  bool IsTime(const duckdb::Expression& expression) const;
  // Whether its value is the same in all rows of a series.
  bool OfSeries(const duckdb::Expression& expression) const;

  // What the filters say: rows pass exactly when their time is in time_range() and the filters of
  // the series pass. Not so: there are other filters, and nothing is known.
  struct Filters {
    TimeRange time_range;
    bool on_series = false;  // there are filters of the series
  };
  const std::optional<Filters>& filters() const { return filters_; }

 private:
  explicit ScanShape(duckdb::ClientContext& context) : context_(&context) {}
  bool Descend(duckdb::unique_ptr<duckdb::LogicalOperator>& top);
  void AddFilter(const duckdb::Expression& conjunct);
  // The range that a comparison of the time with a constant says; nullopt for anything else.
  std::optional<TimeRange> ExactTimeRange(duckdb::Expression& conjunct) const;
  const ColumnSchema* ScanColumn(const duckdb::ColumnBinding& binding) const;

  duckdb::ClientContext* context_;
  duckdb::unique_ptr<duckdb::LogicalOperator>* scan_ = nullptr;
  duckdb::shared_ptr<TableSource> source_;
  std::vector<const duckdb::LogicalOperator*> projections_;
  std::optional<Filters> filters_ = Filters();
};

}  // namespace varve
