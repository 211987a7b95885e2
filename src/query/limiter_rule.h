// Asks the Limiter about every table that a plan reads, also through views, subqueries and joins:
// before DuckDB's optimizers about the tables, after them about what the filters leave.
#pragma once

#include <duckdb.hpp>

#include "base/clock.h"
#include "query/limiter.h"

namespace varve {

// Both arguments outlive the configuration's instances. Planning then throws what the limiter
// answers. EXPLAIN without ANALYZE reads nothing and is let through.
void RegisterLimiter(duckdb::DBConfig& config, Limiter& limiter, const Clock& clock);

}  // namespace varve
