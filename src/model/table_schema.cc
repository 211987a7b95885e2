#include "model/table_schema.h"

#include <algorithm>
#include <ranges>
#include <set>

#include "base/check.h"

namespace varve {
namespace {

ColumnSchema MakeTsidColumn() {
  ColumnSchema tsid;
  tsid.name = kTsidColumn;
  tsid.type = ColumnType::kUInt64;
  tsid.nullable = false;
  return tsid;
}

Status CheckColumn(const ColumnSchema& column) {
  VARVE_TRY(CheckIdentifier("column", column.name));
  if (column.name == kTsidColumn) {
    return InvalidArgument("tsid is a reserved column name");
  }
  if (column.dictionary && column.type != ColumnType::kString) {
    return InvalidArgument("Only string column can be dictionary encoded: \"{} {} DICTIONARY\"",
                           column.name, ColumnTypeName(column.type));
  }
  if (column.tag && !CanBeKey(column.type)) {
    return InvalidArgument("Tag column can not be of type {}, name:{}", ColumnTypeName(column.type),
                           column.name);
  }
  return {};
}

Status CheckColumns(const std::vector<ColumnSchema>& columns) {
  std::set<std::string_view> names;
  for (const auto& column : columns) {
    VARVE_TRY(CheckColumn(column));
    if (!names.insert(column.name).second) {
      return InvalidArgument("Column name already exists, name:{}", column.name);
    }
  }
  if (columns.size() >= kColumnsMax) {
    return InvalidArgument("A table has at most {} columns, this one has {}", kColumnsMax,
                           columns.size());
  }
  return {};
}

Result<std::string> ChooseTimestampKey(const TableSpec& spec) {
  if (spec.timestamp_key) {
    return *spec.timestamp_key;
  }
  const auto is_timestamp = [](const auto& c) { return c.type == ColumnType::kTimestamp; };
  const auto found = std::ranges::find_if(spec.columns, is_timestamp);
  if (found == spec.columns.end() || std::ranges::count_if(spec.columns, is_timestamp) != 1) {
    return InvalidArgument(
        "Table must contain timestamp constraint: add TIMESTAMP KEY(c) for a timestamp column");
  }
  return found->name;
}

Status CheckTimestampKey(const std::vector<ColumnSchema>& columns, std::string_view name) {
  const auto found = std::ranges::find(columns, name, &ColumnSchema::name);
  if (found == columns.end()) {
    return InvalidArgument("Timestamp column not found, name:{}", name);
  }
  if (found->type != ColumnType::kTimestamp) {
    return InvalidArgument(
        "Table must contain only one timestamp key and it's data type must be TIMESTAMP, {} is {}",
        name, ColumnTypeName(found->type));
  }
  if (found->tag) {
    return InvalidArgument("Timestamp key column can not be tag, name:{}", name);
  }
  return {};
}

Status CheckPrimaryKey(const std::vector<ColumnSchema>& columns,
                       const std::vector<std::string>& key, std::string_view timestamp_key) {
  std::set<std::string_view> seen;
  for (const auto& name : key) {
    const auto found = std::ranges::find(columns, name, &ColumnSchema::name);
    if (found == columns.end()) {
      return InvalidArgument("Undefined column is used in primary key, name:{}", name);
    }
    if (!CanBeKey(found->type)) {
      return InvalidArgument("Key column can not be of type {}, name:{}",
                             ColumnTypeName(found->type), name);
    }
    if (found->type == ColumnType::kTimestamp && name != timestamp_key) {
      return InvalidArgument("Only the timestamp key may be a timestamp in the key, name:{}", name);
    }
    if (!seen.insert(name).second) {
      return InvalidArgument("Column is named twice in the primary key, name:{}", name);
    }
  }
  if (!seen.contains(timestamp_key)) {
    return InvalidArgument("Timestamp not in primary key, name:{}", timestamp_key);
  }
  return {};
}

// A declaration of tsid as SHOW CREATE TABLE prints it: the key names it, so that it is there
// anyway.
bool IsShownTsid(const ColumnSchema& column, const std::vector<std::string>& key) {
  ColumnSchema shown = MakeTsidColumn();
  shown.id = column.id;
  return column == shown && std::ranges::find(key, kTsidColumn) != key.end();
}

}  // namespace

Status CheckIdentifier(std::string_view kind, std::string_view name) {
  if (name.empty()) {
    return InvalidArgument("The name of a {} is empty", kind);
  }
  if (name.size() > kIdentifierBytesMax) {
    return InvalidArgument("The name of a {} has {} bytes, {} are allowed", kind, name.size(),
                           kIdentifierBytesMax);
  }
  if (std::ranges::any_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
    return InvalidArgument("The name of a {} holds a control character", kind);
  }
  return {};
}

Result<TableSchema> TableSchema::Make(TableSpec spec) {
  std::erase_if(spec.columns,
                [&](const ColumnSchema& column) { return IsShownTsid(column, spec.primary_key); });
  VARVE_TRY(CheckColumns(spec.columns));
  VARVE_ASSIGN(const std::string timestamp_key, ChooseTimestampKey(spec));
  VARVE_TRY(CheckTimestampKey(spec.columns, timestamp_key));
  std::vector<std::string> key = spec.primary_key;
  if (key.empty()) {
    key = {std::string(kTsidColumn), timestamp_key};
  }
  if (std::ranges::find(key, kTsidColumn) != key.end()) {
    spec.columns.insert(spec.columns.begin(), MakeTsidColumn());
  }
  VARVE_TRY(CheckPrimaryKey(spec.columns, key, timestamp_key));
  const auto key_rank = [&](const ColumnSchema& column) {
    return std::ranges::find(key, column.name) - key.begin();
  };
  std::ranges::stable_sort(spec.columns, {}, key_rank);

  TableSchema schema;
  schema.columns_ = std::move(spec.columns);
  for (auto& column : schema.columns_) {
    column.id = ++schema.last_column_id_;
    if (key_rank(column) < static_cast<ptrdiff_t>(key.size()) &&
        (column.name == timestamp_key || column.name == kTsidColumn)) {
      column.nullable = false;
    }
  }
  VARVE_TRY(schema.Complete(key, timestamp_key));
  return schema;
}

Result<TableSchema> TableSchema::Restore(uint32_t schema_id, uint32_t last_column_id,
                                         std::vector<ColumnSchema> columns,
                                         std::vector<std::string> primary_key,
                                         std::string_view timestamp_key) {
  TableSchema schema;
  schema.schema_id_ = schema_id;
  schema.last_column_id_ = last_column_id;
  schema.columns_ = std::move(columns);
  if (auto status = schema.Complete(primary_key, timestamp_key); !status) {
    return Corruption("the stored schema {} is not valid: {}", schema_id, status.error().message);
  }
  return schema;
}

Result<TableSchema> TableSchema::WithColumnsAdded(std::vector<ColumnSchema> added) const {
  TableSchema next = *this;
  ++next.schema_id_;
  for (auto& column : added) {
    VARVE_TRY(CheckColumn(column));
    if (next.Find(column.name) != nullptr) {
      return AlreadyExists("Column name already exists, name:{}", column.name);
    }
    if (!column.nullable) {
      return InvalidArgument("Not allow to add a not null column, name:{}", column.name);
    }
    if (next.columns_.size() >= kColumnsMax) {
      return InvalidArgument("A table has at most {} columns", kColumnsMax);
    }
    column.id = ++next.last_column_id_;
    if (column.tag) {
      next.tags_.push_back(next.columns_.size());
    }
    next.columns_.push_back(std::move(column));
  }
  return next;
}

Status TableSchema::Complete(const std::vector<std::string>& primary_key,
                             std::string_view timestamp_key) {
  VARVE_TRY(CheckPrimaryKey(columns_, primary_key, timestamp_key));
  key_size_ = primary_key.size();
  std::set<uint32_t> ids;
  std::set<std::string_view> names;
  for (size_t i = 0; i < columns_.size(); ++i) {
    const auto& column = columns_[i];
    if (i < key_size_ && column.name != primary_key[i]) {
      return InvalidArgument("key column {} stands in place {}", primary_key[i], i);
    }
    if (column.id == 0 || column.id > last_column_id_ || !ids.insert(column.id).second ||
        !names.insert(column.name).second) {
      return InvalidArgument("column {} has a bad id ({}) or a name that is taken", column.name,
                             column.id);
    }
    if (column.name == timestamp_key) {
      timestamp_index_ = i;
    }
    if (column.name == kTsidColumn) {
      tsid_index_ = i;
    }
    if (column.tag) {
      tags_.push_back(i);
    }
  }
  return CheckTimestampKey(columns_, timestamp_key);
}

std::optional<size_t> TableSchema::FindIndex(std::string_view name) const {
  const auto found = std::ranges::find(columns_, name, &ColumnSchema::name);
  if (found == columns_.end()) {
    return std::nullopt;
  }
  return static_cast<size_t>(found - columns_.begin());
}

const ColumnSchema* TableSchema::Find(std::string_view name) const {
  const auto index = FindIndex(name);
  return index ? &columns_[*index] : nullptr;
}

const ColumnSchema* TableSchema::FindById(uint32_t id) const {
  const auto found = std::ranges::find(columns_, id, &ColumnSchema::id);
  return found == columns_.end() ? nullptr : &*found;
}

TableSchema TableSchema::AsSuccessorOf(const TableSchema& current) const {
  TableSchema next = *this;
  next.schema_id_ = current.schema_id_ + 1;
  next.last_column_id_ = current.last_column_id_;
  return next;
}

}  // namespace varve
