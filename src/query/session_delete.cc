// DELETE and TRUNCATE.
#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>

#include <duckdb/parser/expression/columnref_expression.hpp>
#include <duckdb/parser/query_node/select_node.hpp>
#include <duckdb/parser/statement/select_statement.hpp>

#include "query/duckdb_bridge.h"
#include "query/name_text.h"
#include "query/session_internal.h"

namespace varve {
namespace {

constexpr uint64_t kRowMask = (uint64_t{1} << kRowPlaceBits) - 1;

// SELECT 1 FROM the table WHERE the condition. In parentheses, so that the condition is one
// expression: its own are known to match.
std::string RowsQuery(const Table& table, const std::optional<std::string>& where) {
  std::string sql = fmt::format("SELECT 1 FROM {}.{}.{}", DuckDbName(kDefaultCatalogName),
                                DuckDbName(table.schema_name()), DuckDbName(table.name()));
  if (where) {
    sql += fmt::format(" WHERE ({})", *where);
  }
  return sql;
}

Result<Table::RowsByFile> ReadPlaces(ResultStream& places, const Version& version) {
  std::vector<Uuid> files;
  for (const auto& [id, file] : version.files) {
    files.push_back(id);
  }
  Table::RowsByFile rows;
  while (true) {
    VARVE_ASSIGN(const auto batch, places.Next());
    if (!batch) {
      return rows;
    }
    const auto& column = static_cast<const arrow::UInt64Array&>(*batch->column(0));
    for (int64_t i = 0; i < column.length(); ++i) {
      const uint64_t place = column.Value(i);
      rows[files[place >> kRowPlaceBits]].push_back(place & kRowMask);
    }
  }
}

}  // namespace

Result<QueryResult> SessionImpl::Run(const DeleteStatement& statement) {
  VARVE_ASSIGN(const auto table, Find(statement.name));
  VARVE_TRY(AllowWrite(*table));
  if (statement.where) {
    // By itself first: what is wrong with it is shown in the user's text.
    VARVE_TRY(RewriteExpression(fmt::format("({})", *statement.where), Rewriting(), {}));
  }
  VARVE_ASSIGN(RewrittenQuery query, RewriteQuery(RowsQuery(*table, statement.where), Rewriting()));
  auto& select = query.statement->node->Cast<duckdb::SelectNode>().select_list;
  select.clear();
  select.push_back(duckdb::make_uniq<duckdb::ColumnRefExpression>(kRowPlaceName));
  const auto find = [&](const ReadView& view) -> Result<Table::RowsByFile> {
    VARVE_ASSIGN(const auto places, connection_->Run(std::move(query.statement), query.names,
                                                     RowTarget{table->id(), view}));
    return ReadPlaces(*places, *view.version);
  };
  VARVE_ASSIGN(const uint64_t rows, table->Delete(find));
  return AffectedRows{rows};
}

Result<QueryResult> SessionImpl::Run(const TruncateStatement& statement) {
  VARVE_ASSIGN(const auto table, Find(statement.name));
  VARVE_TRY(AllowWrite(*table));
  VARVE_TRY(table->Truncate());
  return AffectedRows{};
}

}  // namespace varve
