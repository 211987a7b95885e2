// What Varve says of itself in SQL: `system.public.tables`, `columns`, `options`, and those of
// version_tables.h, beside DuckDB's information_schema. Each is a view over a table function, which
// reads the Database when it runs. Of one table the same is `t$options`, `t$snapshots`, …
#pragma once

#include <duckdb.hpp>
#include <duckdb/parser/statement/select_statement.hpp>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "engine/database.h"

namespace varve {

class Transfers;

// Adds them to DuckDB's system catalogue. Once per instance, after its fence has been closed: the
// functions would not get through it. Database and transfers (nullptr: none) outlive the instance.
Status RegisterSystemTables(duckdb::Connection& connection, Database& database,
                            const Transfers* transfers);

// What `t$snapshots` and the like read; nullopt: the name is none of these, or there is no such
// table.
std::optional<duckdb::unique_ptr<duckdb::SelectStatement>> TableDetailsQuery(
    const Database& database, std::string_view schema, std::string_view name);

}  // namespace varve
