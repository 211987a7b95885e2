#include "query/partition_view.h"

#include <duckdb/parser/expression/cast_expression.hpp>
#include <duckdb/parser/expression/columnref_expression.hpp>
#include <duckdb/parser/expression/constant_expression.hpp>
#include <duckdb/parser/query_node/select_node.hpp>
#include <duckdb/parser/query_node/set_operation_node.hpp>
#include <duckdb/parser/tableref/at_clause.hpp>
#include <duckdb/parser/tableref/basetableref.hpp>

#include "query/duckdb_types.h"
#include "query/session.h"

namespace varve {
namespace {

duckdb::unique_ptr<duckdb::ParsedExpression> ColumnOf(const TableSource& partition,
                                                      const ColumnSchema& column) {
  const auto& columns = partition.schema().columns();
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].id == column.id) {
      return duckdb::make_uniq<duckdb::ColumnRefExpression>(partition.column_names[i]);
    }
  }
  return duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value(DuckDbType(column.type)));
}

duckdb::unique_ptr<duckdb::AtClause> AtClauseOf(const PartitionSource& read) {
  if (read.time) {
    return duckdb::make_uniq<duckdb::AtClause>(
        "timestamp", duckdb::make_uniq<duckdb::ConstantExpression>(
                         duckdb::Value::TIMESTAMP(duckdb::timestamp_t(read.time->value()))));
  }
  if (read.version.empty()) {
    return nullptr;
  }
  return duckdb::make_uniq<duckdb::AtClause>(
      "version", duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value(read.version)));
}

duckdb::unique_ptr<duckdb::QueryNode> Select(std::string_view schema_name,
                                             const TableSchema& schema, const NameMapping& names,
                                             const PartitionSource& read) {
  const TableSource& partition = *read.source;
  auto node = duckdb::make_uniq<duckdb::SelectNode>();
  for (const ColumnSchema& column : schema.columns()) {
    auto value = ColumnOf(partition, column);
    value->SetAlias(names.ToDuckDb(column.name));
    node->select_list.push_back(std::move(value));
  }
  auto table = duckdb::make_uniq<duckdb::BaseTableRef>();
  table->catalog_name = std::string(kDefaultCatalogName);
  table->schema_name = std::string(schema_name);
  table->table_name = partition.name;
  table->at_clause = AtClauseOf(read);
  node->from_table = std::move(table);
  return node;
}

}  // namespace

duckdb::unique_ptr<duckdb::SelectStatement> PartitionsQuery(
    std::string_view schema_name, const TableSchema& schema, const NameMapping& names,
    const std::vector<PartitionSource>& partitions) {
  auto statement = duckdb::make_uniq<duckdb::SelectStatement>();
  if (partitions.size() == 1) {
    statement->node = Select(schema_name, schema, names, partitions.front());
    return statement;
  }
  auto all = duckdb::make_uniq<duckdb::SetOperationNode>();
  all->setop_type = duckdb::SetOperationType::UNION;
  all->setop_all = true;
  for (const PartitionSource& partition : partitions) {
    all->children.push_back(Select(schema_name, schema, names, partition));
  }
  statement->node = std::move(all);
  return statement;
}

}  // namespace varve
