// What is known of a table's rows without reading them: for the planner, and for counts, minima and
// maxima that need no scan.
#pragma once

#include <duckdb.hpp>
#include <duckdb/function/partition_stats.hpp>
#include <vector>

#include "query/scan_units.h"
#include "query/table_source.h"

namespace varve {

// What is known about a column of the table; nullptr: nothing.
duckdb::unique_ptr<duckdb::BaseStatistics> ColumnStatistics(const TableSource& source,
                                                            duckdb::idx_t column);

// Of each unit its number of rows, exact or not, and the bounds of its times.
duckdb::vector<duckdb::PartitionStatistics> UnitsStatistics(const TableSource& source,
                                                            const std::vector<ScanUnit>& units);

}  // namespace varve
