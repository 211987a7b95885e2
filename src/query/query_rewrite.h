// From the text of a query, in DuckDB's spelling, to the one SELECT that DuckDB runs. This is the
// first wall of the fence (duckdb_fence.h), and the place where Varve's names and literals are
// fitted to DuckDB's.
#pragma once

#include <duckdb.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/database.h"
#include "query/name_mapping.h"
#include "query/session.h"

namespace varve {

// Expressions nest no deeper: DuckDB and the rewrite recurse.
inline constexpr size_t kExpressionDepthMax = 1000;

struct RewriteContext {
  const Database* database = nullptr;
  std::string_view schema;                     // of the session
  std::span<const Parameter> parameters = {};  // the values of $1, $2, …
};

struct RewrittenQuery {
  duckdb::unique_ptr<duckdb::SelectStatement> statement;
  NameMapping names;  // for the StatementState of the connection that runs it
};

// Errors: kInvalidArgument for a text that is not one query, with what DuckDB's parser says, and
// for a parameter without a value.
Result<RewrittenQuery> RewriteQuery(std::string_view sql, const RewriteContext& context);

// One expression, without a table: a DEFAULT or a value of an INSERT. `names` are those of the
// columns in reach. Errors: kInvalidArgument for a text that is not one expression.
Result<duckdb::unique_ptr<duckdb::ParsedExpression>> RewriteExpression(
    std::string_view sql, const RewriteContext& context, NameMapping names);

}  // namespace varve
