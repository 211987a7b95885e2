#include "model/schema_change.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace varve {
namespace {

std::vector<std::string> KeyNames(const TableSchema& schema) {
  std::vector<std::string> names;
  for (size_t i = 0; i < schema.key_size(); ++i) {
    names.push_back(schema.columns()[i].name);
  }
  return names;
}

// The next schema, of these columns.
Result<TableSchema> Next(const TableSchema& schema, std::vector<ColumnSchema> columns,
                         std::vector<std::string> key, std::string_view timestamp_key) {
  auto next = TableSchema::Restore(schema.schema_id() + 1, schema.last_column_id(),
                                   std::move(columns), std::move(key), timestamp_key);
  if (!next) {
    return Internal("{}", next.error().message);
  }
  return next;
}

Status CheckDrop(const TableSchema& schema, std::string_view name) {
  const auto index = schema.FindIndex(name);
  if (!index) {
    return InvalidArgument("Column not found, name:{}", name);
  }
  if (*index == schema.timestamp_index()) {
    return InvalidArgument("Column can not be dropped: it is the timestamp key, name:{}", name);
  }
  if (*index < schema.key_size()) {
    return InvalidArgument("Column can not be dropped: it is part of the primary key, name:{}",
                           name);
  }
  if (schema.columns()[*index].tag && schema.tsid_index()) {
    return InvalidArgument(
        "Column can not be dropped: it is a tag, and tsid, which tells the rows apart, is computed "
        "from it, name:{}",
        name);
  }
  return {};
}

}  // namespace

Result<TableSchema> WithColumnRenamed(const TableSchema& schema, std::string_view from,
                                      std::string_view to) {
  const auto index = schema.FindIndex(from);
  if (!index) {
    return InvalidArgument("Column not found, name:{}", from);
  }
  if (from == kTsidColumn || to == kTsidColumn) {
    return InvalidArgument("tsid is a reserved column name");
  }
  VARVE_TRY(CheckIdentifier("column", to));
  if (schema.Find(to) != nullptr) {
    return AlreadyExists("Column name already exists, name:{}", to);
  }
  std::vector<ColumnSchema> columns = schema.columns();
  columns[*index].name = to;
  std::vector<std::string> key = KeyNames(schema);
  if (*index < key.size()) {
    key[*index] = to;
  }
  const std::string timestamp_key = columns[schema.timestamp_index()].name;
  return Next(schema, std::move(columns), std::move(key), timestamp_key);
}

Result<TableSchema> WithColumnsDropped(const TableSchema& schema,
                                       std::span<const std::string> names) {
  for (const std::string& name : names) {
    VARVE_TRY(CheckDrop(schema, name));
  }
  std::vector<ColumnSchema> columns = schema.columns();
  std::erase_if(columns, [&](const ColumnSchema& column) {
    return std::ranges::find(names, column.name) != names.end();
  });
  return Next(schema, std::move(columns), KeyNames(schema), schema.timestamp().name);
}

}  // namespace varve
