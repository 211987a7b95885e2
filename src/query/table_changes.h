// table_changes('t' [, from [, to]]), also with from_version => and to_version =>: the changes of a
// table as rows (engine/changes.h), anywhere a table may stand. `from` is exclusive and without it
// the oldest there is; `to` is inclusive and without it the newest.
#pragma once

#include <duckdb.hpp>
#include <duckdb/planner/operator/logical_get.hpp>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "engine/database.h"

namespace varve {

inline constexpr std::string_view kTableChanges = "table_changes";

// Adds it to DuckDB's system catalogue. Once per instance, after its fence has been closed: it
// would not get through it. The database outlives the instance.
Status RegisterTableChanges(duckdb::Connection& connection, Database& database);

// The table whose changes a scan reads; nullptr: it is another scan.
std::shared_ptr<const Table> ScannedChanges(const duckdb::LogicalGet& get);

}  // namespace varve
