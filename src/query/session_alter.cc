// ALTER TABLE … RENAME TO, RENAME COLUMN, DROP COLUMN.
#include <algorithm>
#include <duckdb/parser/expression/list.hpp>
#include <duckdb/parser/parsed_expression_iterator.hpp>

#include "model/schema_change.h"
#include "query/session_internal.h"

namespace varve {
namespace {

bool Names(const duckdb::ParsedExpression& expression, const std::vector<std::string>& columns) {
  if (expression.GetExpressionClass() == duckdb::ExpressionClass::COLUMN_REF) {
    const auto& name = expression.Cast<duckdb::ColumnRefExpression>().GetColumnName();
    return std::ranges::find(columns, name) != columns.end();
  }
  bool names = false;
  duckdb::ParsedExpressionIterator::EnumerateChildren(
      expression,
      [&](const duckdb::ParsedExpression& child) { names = names || Names(child, columns); });
  return names;
}

}  // namespace

Result<std::shared_ptr<Table>> SessionImpl::FindToAlter(const TableName& name,
                                                        IfMissing if_missing) const {
  auto table = Find(name);
  if (!table && if_missing == IfMissing::kIgnore && table.error().kind == ErrorKind::kNotFound) {
    return nullptr;
  }
  return table;
}

Status SessionImpl::CheckUnused(const TableSchema& schema,
                                const std::vector<std::string>& columns) const {
  for (const ColumnSchema& column : schema.columns()) {
    if (column.default_value.empty() || std::ranges::find(columns, column.name) != columns.end()) {
      continue;
    }
    VARVE_ASSIGN(const auto value, RewriteDefault(column.default_value, RewritingDefaults(), {}));
    if (Names(*value, columns)) {
      return InvalidArgument(
          "Column can not be changed: the DEFAULT of column {} is computed from it ({}), name:{}",
          column.name, column.default_value, columns.front());
    }
  }
  return {};
}

Result<QueryResult> SessionImpl::Run(const RenameTableStatement& statement) {
  VARVE_ASSIGN(const auto table, FindToAlter(statement.name, statement.if_missing));
  if (table) {
    VARVE_TRY(database().RenameTable(table->schema_name(), table->name(), statement.new_name));
  }
  return AffectedRows{};
}

Result<QueryResult> SessionImpl::Run(const RenameColumnStatement& statement) {
  VARVE_ASSIGN(const auto table, FindToAlter(statement.name, statement.if_missing));
  if (table) {
    VARVE_TRY(database().AlterTable(*table, [&](const TableSchema& schema) -> Result<TableSchema> {
      VARVE_ASSIGN(TableSchema next,
                   WithColumnRenamed(schema, statement.column, statement.new_name));
      VARVE_TRY(CheckUnused(schema, {statement.column}));
      return next;
    }));
  }
  return AffectedRows{};
}

Result<QueryResult> SessionImpl::Run(const DropColumnsStatement& statement) {
  VARVE_ASSIGN(const auto table, FindToAlter(statement.name, statement.if_missing));
  if (!table) {
    return AffectedRows{};
  }
  std::vector<std::string> columns = statement.columns;
  if (statement.if_column_missing == IfMissing::kIgnore) {
    const auto schema = table->schema();
    std::erase_if(columns, [&](const auto& name) { return schema->Find(name) == nullptr; });
  }
  if (!columns.empty()) {
    VARVE_TRY(database().AlterTable(*table, [&](const TableSchema& schema) -> Result<TableSchema> {
      VARVE_ASSIGN(TableSchema next, WithColumnsDropped(schema, columns));
      VARVE_TRY(CheckUnused(schema, columns));
      return next;
    }));
  }
  return AffectedRows{};
}

}  // namespace varve
