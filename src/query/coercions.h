// How Varve's literals meet Varve's columns inside DuckDB, beyond what DuckDB does by itself:
//   ts >= 1357020000000     an integer compared with a timestamp is milliseconds since the epoch
//   CAST(1357020000000 AS timestamp), CAST(ts AS bigint)       likewise
//   ts = '2013-01-01T07:00:00+01:00'  the offset of a text counts
//   name = 10               a number compared with a string is its text
// DuckDB's types are known only while it binds. So the rewrite puts a call of kAlignFunction around
// each integer that is compared with something else, and binding replaces the call by a constant of
// the right type.
#pragma once

#include <duckdb.hpp>
#include <string_view>

#include "base/result.h"

namespace varve {

// align(other, literal): the literal in the type that comparing it with `other` asks for.
inline constexpr std::string_view kAlignFunction = "__varve_align";

// Once per instance, before the fence closes.
Status RegisterCoercions(duckdb::Connection& connection);

}  // namespace varve
