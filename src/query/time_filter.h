// What a query's filters say about the timestamp key: the interval outside which no row can pass.
// Used to leave out files and parts of memtables before anything is opened.
#pragma once

#include <duckdb.hpp>
#include <duckdb/planner/expression.hpp>
#include <duckdb/planner/table_filter.hpp>

#include "model/time_range.h"

namespace varve {

TimeRange Intersect(const TimeRange& a, const TimeRange& b);

// Of an expression over the scan of `table_index`, whose output column `time_column` is the
// timestamp key (both as in BoundColumnRefExpression). What is not understood restricts nothing.
struct TimeColumn {
  duckdb::idx_t table_index = 0;
  duckdb::idx_t column_index = 0;
};
TimeRange TimeRangeOf(const duckdb::Expression& expression, const TimeColumn& column);

// Of a filter that was pushed down to the timestamp key.
TimeRange TimeRangeOf(const duckdb::TableFilter& filter);

}  // namespace varve
