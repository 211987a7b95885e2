// INSERT and COPY: values on their way into a table.

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <duckdb/common/types/column/column_data_collection.hpp>
#include <duckdb/parser/expression/list.hpp>
#include <duckdb/parser/query_node/select_node.hpp>
#include <duckdb/parser/statement/select_statement.hpp>
#include <duckdb/parser/tableref/column_data_ref.hpp>
#include <duckdb/parser/tableref/expressionlistref.hpp>
#include <duckdb/parser/tableref/subqueryref.hpp>
#include <optional>
#include <set>

#include "engine/arrow_status.h"
#include "query/arrow_vectors.h"
#include "query/duckdb_bridge.h"
#include "query/duckdb_types.h"
#include "query/literals.h"
#include "query/parameters.h"
#include "query/session_internal.h"
#include "sql/parameters.h"

namespace varve {
namespace {

// Rows of one write of INSERT … SELECT and COPY: enough to make a write's fixed costs small, and
// few enough that two of them fit in memory for the widest tables.
constexpr int64_t kStreamedRowsMax = 100'000;

duckdb::unique_ptr<duckdb::SelectStatement> Select(duckdb::unique_ptr<duckdb::SelectNode> node) {
  auto statement = duckdb::make_uniq<duckdb::SelectStatement>();
  statement->node = std::move(node);
  return statement;
}

// The statement's rows, each column cast to the type of its target.
duckdb::unique_ptr<duckdb::SelectStatement> CastTo(
    duckdb::unique_ptr<duckdb::SelectStatement> query, const TableSchema& schema,
    const std::vector<size_t>& targets) {
  auto node = duckdb::make_uniq<duckdb::SelectNode>();
  for (size_t i = 0; i < targets.size(); ++i) {
    node->select_list.push_back(duckdb::make_uniq<duckdb::CastExpression>(
        DuckDbType(schema.columns()[targets[i]].type),
        duckdb::make_uniq<duckdb::PositionalReferenceExpression>(i + 1)));
  }
  node->from_table = duckdb::make_uniq<duckdb::SubqueryRef>(std::move(query), "inserted_rows");
  return Select(std::move(node));
}

// The given columns as a relation of DuckDB.
struct Relation {
  duckdb::vector<std::string> names;
  duckdb::unique_ptr<duckdb::ColumnDataCollection> rows;
};

Relation RelationOf(duckdb::ClientContext& context, const TableSchema& schema,
                    const ColumnArrays& columns, const NameMapping& names) {
  Relation relation;
  duckdb::vector<duckdb::LogicalType> types;
  std::vector<const arrow::Array*> arrays;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i]) {
      relation.names.push_back(names.ToDuckDb(schema.columns()[i].name));
      types.push_back(DuckDbType(schema.columns()[i].type));
      arrays.push_back(columns[i].get());
    }
  }
  relation.rows = duckdb::make_uniq<duckdb::ColumnDataCollection>(context, types);
  duckdb::DataChunk chunk;
  chunk.Initialize(context, types);
  const int64_t rows = arrays.empty() ? 0 : arrays.front()->length();
  for (int64_t first = 0; first < rows; first += STANDARD_VECTOR_SIZE) {
    chunk.Reset();
    const auto count =
        static_cast<duckdb::idx_t>(std::min<int64_t>(STANDARD_VECTOR_SIZE, rows - first));
    for (size_t i = 0; i < arrays.size(); ++i) {
      ShowArrow(*arrays[i], {.first = first, .count = count}, chunk.data[i]);
    }
    chunk.SetCardinality(count);
    relation.rows->Append(chunk);
  }
  return relation;
}

// The rows with the values of parameters in the places of those that are a parameter and nothing
// else; what computes with one is an expression.
std::vector<std::vector<InsertValue>> WithLiterals(std::vector<std::vector<InsertValue>> rows,
                                                   std::span<const Parameter> parameters) {
  for (auto& row : rows) {
    for (InsertValue& value : row) {
      const auto* const text = std::get_if<ExpressionText>(&value);
      const auto number = text == nullptr ? std::nullopt : ParameterNumber(text->sql);
      if (number && *number <= parameters.size()) {
        value = LiteralOf(parameters[*number - 1]);
      }
    }
  }
  return rows;
}

}  // namespace

Result<QueryResult> SessionImpl::Run(const InsertStatement& statement) {
  VARVE_ASSIGN(const auto table, Find(statement.name));
  VARVE_TRY(AllowWrite(*table));
  const std::shared_ptr<const TableSchema> schema = table->schema();
  VARVE_ASSIGN(const std::vector<size_t> targets,
               TargetColumns(*table, *schema, statement.columns ? &*statement.columns : nullptr));
  if (const auto* query = std::get_if<std::string>(&statement.source)) {
    return InsertQuery(table, *schema, targets, *query);
  }
  const auto& rows = std::get<ValueRows>(statement.source);
  if (parameters_.empty()) {
    return InsertRows(table, *schema, targets, rows);
  }
  return InsertRows(table, *schema, targets, WithLiterals(rows, parameters_));
}

Result<std::vector<size_t>> SessionImpl::TargetColumns(
    const Table& table, const TableSchema& schema, const std::vector<std::string>* named) const {
  std::vector<size_t> targets;
  if (named == nullptr) {
    for (size_t i = 0; i < schema.columns().size(); ++i) {
      if (i != schema.tsid_index()) {
        targets.push_back(i);
      }
    }
    return targets;
  }
  std::set<size_t> seen;
  for (const std::string& name : *named) {
    const auto index = schema.FindIndex(name);
    if (!index) {
      return InvalidArgument("Unknown insert column, name:{}", name);
    }
    if (index == schema.tsid_index()) {
      return InvalidArgument("Column is reserved, table:{}, column:{}", table.name(), name);
    }
    if (!seen.insert(*index).second) {
      return InvalidArgument("Invalid insert stmt, contains duplicate columns, column:{}", name);
    }
    targets.push_back(*index);
  }
  return targets;
}

Result<QueryResult> SessionImpl::InsertRows(const std::shared_ptr<Table>& table,
                                            const TableSchema& schema,
                                            const std::vector<size_t>& targets,
                                            const ValueRows& rows) {
  if (rows.size() > static_cast<size_t>(kBatchRowsMax)) {
    return InvalidArgument("Too many rows to write, rows:{}, max:{}", rows.size(), kBatchRowsMax);
  }
  for (const auto& row : rows) {
    if (row.size() < targets.size()) {
      return InvalidArgument("Insert values not enough, len:{}, index:{}", row.size(), row.size());
    }
  }
  if (rows.empty()) {
    return AffectedRows{};
  }
  ColumnArrays columns(schema.columns().size());
  for (size_t i = 0; i < targets.size(); ++i) {
    const ColumnSchema& column = schema.columns()[targets[i]];
    VARVE_ASSIGN(const auto evaluated, EvaluateExpressions(column, rows, i));
    VARVE_ASSIGN(columns[targets[i]], LiteralColumn(column, rows, i, evaluated));
  }
  VARVE_ASSIGN(const WriteReport report, WriteColumns(table, schema, std::move(columns)));
  return AffectedRows{rows.size(), report.Warnings()};
}

Result<std::shared_ptr<arrow::Array>> SessionImpl::EvaluateExpressions(const ColumnSchema& column,
                                                                       const ValueRows& rows,
                                                                       size_t position) {
  auto list = duckdb::make_uniq<duckdb::ExpressionListRef>();
  list->alias = "inserted_values";
  list->expected_names = {"value"};
  list->expected_types = {DuckDbType(column.type)};
  for (const auto& row : rows) {
    if (const auto* text = std::get_if<ExpressionText>(&row[position])) {
      VARVE_ASSIGN(auto expression, RewriteExpression(text->sql, Rewriting(), {}));
      duckdb::vector<duckdb::unique_ptr<duckdb::ParsedExpression>> value;
      value.push_back(duckdb::make_uniq<duckdb::CastExpression>(DuckDbType(column.type),
                                                                std::move(expression)));
      list->values.push_back(std::move(value));
    }
  }
  if (list->values.empty()) {
    return nullptr;
  }
  auto node = duckdb::make_uniq<duckdb::SelectNode>();
  node->select_list.push_back(duckdb::make_uniq<duckdb::StarExpression>());
  node->from_table = std::move(list);
  VARVE_ASSIGN(auto columns, connection_->RunToArrays(Select(std::move(node)), {}));
  return std::move(columns.front());
}

Status SessionImpl::AddDefaults(const TableSchema& schema, ColumnArrays& columns) {
  NameMapping names;
  names.Add(schema);
  auto node = duckdb::make_uniq<duckdb::SelectNode>();
  std::vector<size_t> computed;
  bool has_default = false;
  for (size_t i = 0; i < columns.size(); ++i) {
    const ColumnSchema& column = schema.columns()[i];
    if (columns[i] || i == schema.tsid_index()) {
      continue;
    }
    duckdb::unique_ptr<duckdb::ParsedExpression> value;
    if (column.default_value.empty()) {
      value = duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value(DuckDbType(column.type)));
    } else {
      has_default = true;
      VARVE_ASSIGN(auto expression,
                   RewriteDefault(column.default_value, RewritingDefaults(), names));
      value = duckdb::make_uniq<duckdb::CastExpression>(DuckDbType(column.type),
                                                        std::move(expression), true);
    }
    // Later DEFAULTs may refer to it by its name.
    value->SetAlias(names.ToDuckDb(column.name));
    node->select_list.push_back(std::move(value));
    computed.push_back(i);
  }
  if (!has_default) {
    return {};
  }
  VARVE_ASSIGN(SchemaConnection* const evaluator, Evaluator());
  VARVE_ASSIGN(
      const auto arrays, Caught([&] {
        Relation given = RelationOf(*evaluator->connection().context, schema, columns, names);
        auto reference = duckdb::make_uniq<duckdb::ColumnDataRef>(
            duckdb::optionally_owned_ptr<duckdb::ColumnDataCollection>(std::move(given.rows)),
            std::move(given.names));
        reference->alias = "given_values";
        node->from_table = std::move(reference);
        return evaluator->RunToArrays(Select(std::move(node)), {});
      }));
  for (size_t i = 0; i < computed.size(); ++i) {
    if (!schema.columns()[computed[i]].default_value.empty()) {
      columns[computed[i]] = arrays[i];
    }
  }
  return {};
}

Result<WriteReport> SessionImpl::WriteColumns(const std::shared_ptr<Table>& table,
                                              const TableSchema& schema, ColumnArrays columns) {
  VARVE_TRY(AddDefaults(schema, columns));
  VARVE_ASSIGN(RowBatch batch, BuildRowBatch(schema, table->name(), columns));
  std::vector<TableWrite> writes;
  writes.push_back({table, std::move(batch)});
  return database().Write(std::move(writes));
}

Result<QueryResult> SessionImpl::InsertQuery(const std::shared_ptr<Table>& table,
                                             const TableSchema& schema,
                                             const std::vector<size_t>& targets,
                                             std::string_view sql) {
  VARVE_ASSIGN(RewrittenQuery query, RewriteQuery(sql, Rewriting()));
  VARVE_ASSIGN(const auto stream,
               connection_->Run(CastTo(std::move(query.statement), schema, targets), query.names));
  VARVE_ASSIGN(AffectedRows affected, WriteStream(table, schema, targets, *stream));
  return affected;
}

Result<AffectedRows> SessionImpl::WriteStream(const std::shared_ptr<Table>& table,
                                              const TableSchema& schema,
                                              const std::vector<size_t>& targets,
                                              ResultStream& stream) {
  uint64_t written = 0;
  WriteReport report;
  std::vector<std::shared_ptr<arrow::RecordBatch>> pending;
  int64_t pending_rows = 0;
  const auto write = [&]() -> Status {
    if (pending_rows == 0) {
      return {};
    }
    VARVE_ASSIGN(const auto whole, FromArrow(arrow::ConcatenateRecordBatches(pending)));
    ColumnArrays columns(schema.columns().size());
    for (size_t i = 0; i < targets.size(); ++i) {
      columns[targets[i]] = whole->column(static_cast<int>(i));
    }
    VARVE_ASSIGN(const WriteReport part, WriteColumns(table, schema, std::move(columns)));
    report.Add(part);
    written += static_cast<uint64_t>(pending_rows);
    pending.clear();
    pending_rows = 0;
    return {};
  };
  while (true) {
    VARVE_ASSIGN(auto batch, stream.Next());
    if (!batch) {
      break;
    }
    pending_rows += batch->num_rows();
    pending.push_back(std::move(batch));
    if (pending_rows >= kStreamedRowsMax) {
      VARVE_TRY(write());
    }
  }
  VARVE_TRY(write());
  return AffectedRows{written, report.Warnings()};
}

Result<QueryResult> SessionImpl::Run(const CopyFromStatement& statement) {
  VARVE_ASSIGN(const auto table, Find(statement.name));
  VARVE_TRY(AllowWrite(*table));
  const std::shared_ptr<const TableSchema> schema = table->schema();
  VARVE_ASSIGN(CopyRows copy, engine_.copy_source.Open({.path = statement.path,
                                                        .options = statement.options,
                                                        .schema = schema.get(),
                                                        .columns = statement.columns}));
  const auto announce = [this](duckdb::Connection* connection) {
    const std::lock_guard lock(copying_mutex_);
    copying_ = connection;
  };
  announce(copy.connection.get());
  Result<AffectedRows> rows = WriteStream(table, *schema, copy.targets, *copy.rows);
  announce(nullptr);
  if (!rows) {
    return std::unexpected(std::move(rows).error());
  }
  return *std::move(rows);
}

}  // namespace varve
