// Views: queries that have a name.
#include <arrow/type.h>

#include "query/name_text.h"
#include "query/session_internal.h"
#include "sql/rewrite.h"

namespace varve {
namespace {

std::string TypeName(const arrow::DataType& type) {
  for (const ColumnType column_type : kAllColumnTypes) {
    if (ArrowType(column_type)->Equals(type)) {
      return std::string(ColumnTypeName(column_type));
    }
  }
  return type.ToString();
}

Catalogue::OnExisting OnExistingOf(IfTaken if_taken) {
  return if_taken == IfTaken::kReplace ? Catalogue::OnExisting::kReplace
                                       : Catalogue::OnExisting::kFail;
}

}  // namespace

std::string CreateViewText(const ViewEntry& view) {
  std::string text = "CREATE VIEW " + QuotedName(view.name);
  std::string columns;
  for (const std::string& column : view.columns) {
    columns += (columns.empty() ? "" : ", ") + QuotedName(column);
  }
  if (!columns.empty()) {
    text += fmt::format(" ({})", columns);
  }
  return text + " AS " + view.query;
}

Result<std::shared_ptr<arrow::Schema>> SessionImpl::ViewColumns(std::string_view schema,
                                                                const std::string& query) {
  VARVE_ASSIGN(const auto connection, SchemaConnection::Open(engine_, schema));
  VARVE_ASSIGN(RewrittenQuery rewritten,
               RewriteQuery(fmt::format("SELECT * FROM ({}) LIMIT 0", query),
                            RewriteContext{&database(), schema}));
  VARVE_ASSIGN(const auto rows, connection->Run(std::move(rewritten.statement), rewritten.names));
  return rows->schema();
}

Result<QueryResult> SessionImpl::Run(const CreateViewStatement& statement) {
  VARVE_ASSIGN(const ResolvedName name, Resolve(statement.name));
  if (statement.if_taken == IfTaken::kKeep && database().FindView(name.schema, name.table)) {
    return AffectedRows{};
  }
  VARVE_ASSIGN(const std::string query, RewriteForDuckDb(statement.query));
  VARVE_ASSIGN(const RewrittenQuery rewritten,
               RewriteQuery(query, RewriteContext{&database(), name.schema}));
  if (rewritten.views.contains({name.schema, name.table})) {
    return InvalidArgument("a view can not read itself, view:{}", name.table);
  }
  VARVE_ASSIGN(const auto columns, ViewColumns(name.schema, query));
  if (statement.columns.size() > static_cast<size_t>(columns->num_fields())) {
    return InvalidArgument("view {} has {} names for the {} columns of its query", name.table,
                           statement.columns.size(), columns->num_fields());
  }
  VARVE_TRY(database().SetView({.schema = name.schema,
                                .name = name.table,
                                .columns = statement.columns,
                                .query = statement.query,
                                .created_at = {}},
                               OnExistingOf(statement.if_taken)));
  return AffectedRows{};
}

Result<QueryResult> SessionImpl::Run(const DropViewStatement& statement) {
  VARVE_ASSIGN(const ResolvedName name, Resolve(statement.name));
  return AnswerOfDrop(database().DropView(name.schema, name.table), statement.if_missing);
}

Result<QueryResult> SessionImpl::Run(const ShowCreateViewStatement& statement) {
  VARVE_ASSIGN(const ResolvedName name, Resolve(statement.name));
  const auto view = database().FindView(name.schema, name.table);
  if (!view) {
    return NotFound("View not found, view:{}", name.table);
  }
  return TableOf(
      {{"View", StringArray({view->name})}, {"Create View", StringArray({CreateViewText(*view)})}});
}

Result<QueryResult> SessionImpl::DescribeView(const ViewEntry& view) {
  const std::string sql =
      fmt::format("SELECT * FROM {}.{}", DuckDbName(view.schema), DuckDbName(view.name));
  VARVE_ASSIGN(const auto columns, ViewColumns(view.schema, sql));
  std::vector<std::string> names;
  std::vector<std::string> types;
  for (const auto& field : columns->fields()) {
    names.push_back(field->name());
    types.push_back(TypeName(*field->type()));
  }
  const std::vector<bool> no(names.size(), false);
  const std::vector<bool> yes(names.size(), true);
  return TableOf({{"name", StringArray(names)},
                  {"type", StringArray(types)},
                  {"is_primary", BooleanArray(no)},
                  {"is_nullable", BooleanArray(yes)},
                  {"is_tag", BooleanArray(no)},
                  {"is_dictionary", BooleanArray(no)}});
}

}  // namespace varve
