// From the text of a query, in DuckDB's spelling, to the one SELECT that DuckDB runs. This is the
// first wall of the fence (duckdb_fence.h), and the place where Varve's names and literals are
// fitted to DuckDB's.
#pragma once

#include <duckdb.hpp>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/database.h"
#include "query/name_mapping.h"
#include "query/session.h"

namespace varve {

// Views that read views, to any end.
inline constexpr size_t kViewsDeepMax = 16;

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
  std::set<std::pair<std::string, std::string>> views;  // schema and name: those that it reads
};

// Errors: kInvalidArgument for a text that is not one query, with what DuckDB's parser says, and
// for a parameter without a value.
Result<RewrittenQuery> RewriteQuery(std::string_view sql, const RewriteContext& context);

// The query of a view as DuckDB binds it, in a statement whose names are mapped like that. Errors:
// kInvalidArgument when it is no query any more.
Result<duckdb::unique_ptr<duckdb::SelectStatement>> ViewQuery(const ViewEntry& view,
                                                              const Database& database,
                                                              NameMapping names);

// In two steps. Errors of the first: as above; it gives what DuckDB's parser makes of the text.
Result<duckdb::unique_ptr<duckdb::SelectStatement>> ParseQuery(std::string_view sql);
Result<RewrittenQuery> RewriteQuery(duckdb::unique_ptr<duckdb::SelectStatement> statement,
                                    const RewriteContext& context);

// One expression, without a table: a value of an INSERT. `names` are those of the
// columns in reach. Errors: kInvalidArgument for a text that is not one expression.
Result<duckdb::unique_ptr<duckdb::ParsedExpression>> RewriteExpression(
    std::string_view sql, const RewriteContext& context, NameMapping names);

// A DEFAULT, in Varve's spelling as the schema keeps it (sql/default_expression.h). Same errors.
Result<duckdb::unique_ptr<duckdb::ParsedExpression>> RewriteDefault(std::string_view expression,
                                                                    const RewriteContext& context,
                                                                    NameMapping names);

}  // namespace varve
