// CREATE, DROP, ALTER, USE.

#include <algorithm>
#include <duckdb/parser/expression/list.hpp>
#include <duckdb/parser/parsed_expression_iterator.hpp>
#include <duckdb/parser/query_node/select_node.hpp>
#include <duckdb/parser/statement/select_statement.hpp>
#include <duckdb/parser/tableref/emptytableref.hpp>
#include <duckdb/parser/tableref/subqueryref.hpp>

#include "query/duckdb_bridge.h"
#include "query/duckdb_types.h"
#include "query/session_internal.h"

namespace varve {
namespace {

constexpr std::string_view kEngine = "Analytic";

bool IsEngine(std::string_view name) {
  return std::ranges::equal(
      name, kEngine, {}, [](unsigned char c) { return std::tolower(c); },
      [](unsigned char c) { return std::tolower(c); });
}

// A subquery would read tables at every INSERT, an aggregate or window other rows of it.
bool IsScalar(const duckdb::ParsedExpression& expression) {
  const auto kind = expression.GetExpressionClass();
  if (kind == duckdb::ExpressionClass::SUBQUERY || kind == duckdb::ExpressionClass::WINDOW ||
      kind == duckdb::ExpressionClass::STAR) {
    return false;
  }
  bool scalar = true;
  duckdb::ParsedExpressionIterator::EnumerateChildren(
      expression,
      [&](const duckdb::ParsedExpression& child) { scalar = scalar && IsScalar(child); });
  return scalar;
}

// SELECT NULL AS the columns before `end`, in their types.
duckdb::unique_ptr<duckdb::TableRef> RowOfNulls(const std::vector<ColumnSchema>& columns,
                                                size_t end, const NameMapping& names) {
  if (end == 0) {
    return duckdb::make_uniq<duckdb::EmptyTableRef>();
  }
  auto node = duckdb::make_uniq<duckdb::SelectNode>();
  node->from_table = duckdb::make_uniq<duckdb::EmptyTableRef>();
  for (size_t i = 0; i < end; ++i) {
    auto null =
        duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value(DuckDbType(columns[i].type)));
    null->SetAlias(names.ToDuckDb(columns[i].name));
    node->select_list.push_back(std::move(null));
  }
  auto statement = duckdb::make_uniq<duckdb::SelectStatement>();
  statement->node = std::move(node);
  return duckdb::make_uniq<duckdb::SubqueryRef>(std::move(statement), "earlier_columns");
}

}  // namespace

Result<QueryResult> AnswerOfDrop(const Status& dropped, IfMissing if_missing) {
  if (!dropped &&
      !(if_missing == IfMissing::kIgnore && dropped.error().kind == ErrorKind::kNotFound)) {
    return std::unexpected(dropped.error());
  }
  return AffectedRows{};
}

Status SessionImpl::CheckDefaults(const std::vector<ColumnSchema>& columns, size_t first_checked) {
  for (size_t i = first_checked; i < columns.size(); ++i) {
    const ColumnSchema& column = columns[i];
    if (column.default_value.empty()) {
      continue;
    }
    const auto failed = [&](const Error& why) {
      return InvalidArgument(
          "Failed to cast default value expr to column type, column:{}, expr:{}: {}", column.name,
          column.default_value, why.message);
    };
    auto expression = RewriteDefault(column.default_value, RewritingDefaults(), {});
    if (!expression) {
      return failed(expression.error());
    }
    if (!IsScalar(**expression)) {
      return InvalidArgument("a DEFAULT computes from its own row only, column:{}, expr:{}",
                             column.name, column.default_value);
    }
    auto node = duckdb::make_uniq<duckdb::SelectNode>();
    node->select_list.push_back(
        duckdb::make_uniq<duckdb::CastExpression>(DuckDbType(column.type), *std::move(expression)));
    node->from_table = RowOfNulls(columns, i, {});
    auto statement = duckdb::make_uniq<duckdb::SelectStatement>();
    statement->node = std::move(node);
    const auto value = connection_->RunToArrays(std::move(statement), {});
    if (!value) {
      return failed(value.error());
    }
  }
  return {};
}

Result<QueryResult> SessionImpl::Run(const CreateTableStatement& statement) {
  VARVE_ASSIGN(const ResolvedName name, Resolve(statement.name));
  const bool ignore_present = statement.if_present == IfPresent::kIgnore;
  if (ignore_present && database().FindTable(name.schema, name.table)) {
    return AffectedRows{};
  }
  if (!IsEngine(statement.engine)) {
    return NotSupported("there is no engine {}; tables are of ENGINE={}", statement.engine,
                        kEngine);
  }
  VARVE_ASSIGN(TableOptions options, WithChanges({}, statement.options, OptionsUse::kCreate));
  VARVE_ASSIGN(const TableSchema schema, TableSchema::Make(statement.spec));
  VARVE_TRY(CheckDefaults(schema.columns(), 0));
  const auto created =
      statement.partition
          ? database().CreatePartitionedTable(name.schema, name.table, statement.spec,
                                              std::move(options), *statement.partition)
          : database().CreateTable(name.schema, name.table, statement.spec, std::move(options));
  if (!created && !(ignore_present && created.error().kind == ErrorKind::kAlreadyExists)) {
    return std::unexpected(created.error());
  }
  return AffectedRows{};
}

Result<QueryResult> SessionImpl::Run(const DropTableStatement& statement) {
  VARVE_ASSIGN(const ResolvedName name, Resolve(statement.name));
  if (database().FindView(name.schema, name.table)) {
    return InvalidArgument("{0} is a view: it is dropped with DROP VIEW {0}", name.table);
  }
  return AnswerOfDrop(database().DropTable(name.schema, name.table), statement.if_missing);
}

Result<QueryResult> SessionImpl::Run(const AddColumnsStatement& statement) {
  VARVE_ASSIGN(const auto table, FindToAlter(statement.name, statement.if_missing));
  if (!table) {
    return AffectedRows{};
  }
  std::vector<ColumnSchema> columns = table->schema()->columns();
  const size_t first_new = columns.size();
  columns.insert(columns.end(), statement.columns.begin(), statement.columns.end());
  VARVE_TRY(CheckDefaults(columns, first_new));
  VARVE_TRY(database().AddColumns(*table, statement.columns));
  return AffectedRows{};
}

Result<QueryResult> SessionImpl::Run(const ModifySettingStatement& statement) {
  VARVE_ASSIGN(const auto table, FindToAlter(statement.name, statement.if_missing));
  if (!table) {
    return AffectedRows{};
  }
  VARVE_TRY(database().ModifyOptions(*table, statement.options));
  return AffectedRows{};
}

Result<QueryResult> SessionImpl::Run(const CreateSchemaStatement& statement) {
  VARVE_ASSIGN(const ResolvedName name,
               Resolve({statement.name.catalog, statement.name.schema, ""}));
  const Status created = database().CreateSchema(name.schema);
  if (!created && !(statement.if_present == IfPresent::kIgnore &&
                    created.error().kind == ErrorKind::kAlreadyExists)) {
    return std::unexpected(created.error());
  }
  return AffectedRows{};
}

Result<QueryResult> SessionImpl::Run(const DropSchemaStatement& statement) {
  VARVE_ASSIGN(const ResolvedName name,
               Resolve({statement.name.catalog, statement.name.schema, ""}));
  const bool cascade = statement.contents == DropSchemaStatement::Contents::kCascade;
  return AnswerOfDrop(database().DropSchema(
                          name.schema, cascade ? DropBehavior::kCascade : DropBehavior::kRestrict),
                      statement.if_missing);
}

Result<QueryResult> SessionImpl::Run(const CompactTableStatement& statement) {
  VARVE_ASSIGN(const auto table, Find(statement.name));
  VARVE_ASSIGN(const CompactionOutcome outcome, database().CompactTable(*table));
  return AffectedRows{outcome.rows_written};
}

Result<QueryResult> SessionImpl::Run(const UseStatement& statement) {
  VARVE_ASSIGN(const ResolvedName name,
               Resolve({statement.name.catalog, statement.name.schema, ""}));
  VARVE_TRY(UseSchema(name.schema));
  return AffectedRows{};
}

}  // namespace varve
