// What Varve says of itself in SQL: `system.public.tables`, `columns` and `options`, beside
// DuckDB's information_schema. Each is a view over a table function, which reads the Database when
// it runs.
#pragma once

#include <duckdb.hpp>

#include "base/result.h"
#include "engine/database.h"

namespace varve {

// Adds them to DuckDB's system catalogue. Once per instance, after its fence has been closed: the
// functions would not get through it. The database outlives the instance.
Status RegisterSystemTables(duckdb::Connection& connection, Database& database);

}  // namespace varve
