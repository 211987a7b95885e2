// Leaving out the partitions that hold no row a statement asks for: what its filters say about the
// partition key is compared with where such rows are (model/partitioning.h).
//
// DuckDB brings the filters of a statement down to each scan, through joins, subqueries and views,
// with parameters as constants; there MayHoldRows decides. A rule that runs after DuckDB's own
// takes the scans that hold nothing out of the plan, so that EXPLAIN shows what is read.
#pragma once

#include <duckdb.hpp>
#include <duckdb/planner/operator/logical_get.hpp>
#include <string>

#include "model/partitioning.h"
#include "model/table_schema.h"

namespace varve {

// Which part of which table a partition is.
struct PartitionPlace {
  std::string table;
  Partitioning partitioning;
  uint32_t index = 0;
};

// False: no row of the partition passes the filters, all of which apply. Understood are comparisons
// for equality with constants, IN, IS NULL, and AND and OR of them. `get` scans the partition,
// whose schema this is.
bool MayHoldRows(const PartitionPlace& place, const TableSchema& schema,
                 const duckdb::LogicalGet& get,
                 const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& filters);

void RegisterPartitionPruning(duckdb::DBConfig& config);

}  // namespace varve
