// The values of a statement's parameters in the forms in which statements take them. They are put
// into DuckDB's expressions as constants, after the text has been parsed, so that no value is ever
// read as SQL, and a value means what the same literal would.
#pragma once

#include <duckdb.hpp>
#include <span>
#include <string_view>

#include "base/result.h"
#include "query/session.h"
#include "sql/statement.h"

namespace varve {

// Errors: kInvalidArgument when the statement needs more or fewer than are given.
Status CheckParameters(std::string_view statement, std::span<const Parameter> parameters);

// As a literal in the place of an INSERT's value.
InsertValue LiteralOf(const Parameter& parameter);

// As a constant of a query. Throws for a number that is none: the place of $1 is 1.
duckdb::Value ConstantOf(std::span<const Parameter> parameters, std::string_view number);

}  // namespace varve
