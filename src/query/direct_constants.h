// Constants as a statement writes them, before DuckDB binds it: for direct aggregates
// (direct_aggregate.h), which compare columns with nothing else.
#pragma once

#include <duckdb.hpp>
#include <optional>
#include <span>

#include "model/column_type.h"
#include "query/session.h"

namespace varve {

// The value of a literal, a parameter, TIMESTAMP '…' or INTERVAL …; nullopt: it is something else.
std::optional<duckdb::Value> ConstantIn(const duckdb::ParsedExpression& expression,
                                        std::span<const Parameter> parameters);

// The same as a value of a column's type, where comparing in that type is what DuckDB would do.
std::optional<duckdb::Value> ConstantForColumn(const duckdb::ParsedExpression& expression,
                                               std::span<const Parameter> parameters,
                                               ColumnType column);

// nullopt: the value is NULL or does not fit.
std::optional<duckdb::Value> CastConstant(const duckdb::Value& value,
                                          const duckdb::LogicalType& type);

}  // namespace varve
