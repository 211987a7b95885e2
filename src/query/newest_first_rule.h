// The rules "newest buckets" and "newest rows" of early_stop.h.
#pragma once

#include <duckdb.hpp>
#include <duckdb/planner/logical_operator.hpp>

namespace varve {

// When `plan` is a LIMIT over rows or buckets of time, the newest first, has the scan below it read
// the newest first, and leave out what is older than the buckets that are asked for; else does
// nothing.
void ReadNewestFirst(duckdb::ClientContext& context,
                     duckdb::unique_ptr<duckdb::LogicalOperator>& plan);

}  // namespace varve
