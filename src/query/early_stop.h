// EarlyStop: plans that read no more than their answer needs. DuckDB calls it on each plan before
// its own optimizers.
//   last rows       DISTINCT ON, QUALIFY row_number() = 1 and aggregates such as max(ts),
//   arg_max(x,
//                   ts), last(x ORDER BY ts), by tags: only the newest row of each series is read
//   newest buckets  GROUP BY a bucket of time ORDER BY it DESC LIMIT n: only rows from the n-th
//                   newest bucket on are read
//   newest rows     ORDER BY ts DESC LIMIT n: the newest files are read first, and DuckDB's own
//                   filter on the n best so far skips the others
// The rest of the plan stays as it is, so the answer is that of the plain plan.
#pragma once

#include <duckdb.hpp>

namespace varve {

void RegisterEarlyStop(duckdb::DBConfig& config);

}  // namespace varve
