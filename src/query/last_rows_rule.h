// The rule "last rows" of early_stop.h.
#pragma once

#include <duckdb.hpp>
#include <duckdb/planner/logical_operator.hpp>

namespace varve {

// When `plan` is an operator whose answer depends on the newest row of each series only, restricts
// the scan below it to these rows; else does nothing.
void ReadOnlyLastRows(duckdb::ClientContext& context,
                      duckdb::unique_ptr<duckdb::LogicalOperator>& plan);

}  // namespace varve
