#include "meta/model_format_internal.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "store/object_store.h"

namespace varve {
namespace {

// A path that leaves the store must not reach it, also not from a file that somebody has edited.
Result<std::string> ReadPath(const JsonObject& object) {
  VARVE_ASSIGN(std::string path, object.Text("path"));
  if (auto status = CheckObjectPath(path); !status) {
    return Corruption("{}", status.error().message);
  }
  return path;
}

Result<std::map<uint32_t, uint64_t>> ReadNullCounts(const JsonObject& object) {
  VARVE_ASSIGN(const Json* items, object.Array("null_counts"));
  std::map<uint32_t, uint64_t> counts;
  for (const Json& item : *items) {
    if (!item.is_array() || item.size() != 2) {
      return Corruption("'null_counts' has an entry that is not a pair");
    }
    VARVE_ASSIGN(const uint32_t column, AsU32(item[0], "null_counts"));
    VARVE_ASSIGN(counts[column], AsU64(item[1], "null_counts"));
  }
  return counts;
}

Status ReadBounds(const JsonObject& object, FileMeta& file) {
  VARVE_ASSIGN(file.segment_start, object.Time("segment_start"));
  VARVE_ASSIGN(file.time_min, object.Time("time_min"));
  VARVE_ASSIGN(file.time_max, object.Time("time_max"));
  VARVE_ASSIGN(file.tsid_min, object.U64("tsid_min"));
  VARVE_ASSIGN(file.tsid_max, object.U64("tsid_max"));
  VARVE_ASSIGN(const uint64_t sequence, object.U64("sequence_max"));
  file.sequence_max = Sequence(sequence);
  return {};
}

Json ColumnToJson(const ColumnSchema& column) {
  Json json;
  json["id"] = column.id;
  json["name"] = column.name;
  json["type"] = static_cast<uint8_t>(column.type);
  if (!column.nullable) {
    json["not_null"] = true;
  }
  if (column.tag) {
    json["tag"] = true;
  }
  if (column.dictionary) {
    json["dictionary"] = true;
  }
  if (!column.default_value.empty()) {
    json["default_value"] = column.default_value;
  }
  if (!column.comment.empty()) {
    json["comment"] = column.comment;
  }
  return json;
}

Result<ColumnSchema> ColumnFromJson(const Json& json) {
  VARVE_ASSIGN(const JsonObject object, JsonObject::From(json, "columns"));
  ColumnSchema column;
  VARVE_ASSIGN(column.id, object.U32("id"));
  VARVE_ASSIGN(column.name, object.Text("name"));
  VARVE_ASSIGN(const uint32_t number, object.U32("type"));
  const auto type = std::ranges::find(kAllColumnTypes, number,
                                      [](ColumnType t) { return static_cast<uint32_t>(t); });
  if (type == kAllColumnTypes.end()) {
    return Corruption("column '{}' has the unknown type {}", column.name, number);
  }
  column.type = *type;
  VARVE_ASSIGN(const bool not_null, object.BoolOr("not_null", false));
  column.nullable = !not_null;
  VARVE_ASSIGN(column.tag, object.BoolOr("tag", false));
  VARVE_ASSIGN(column.dictionary, object.BoolOr("dictionary", false));
  VARVE_ASSIGN(column.default_value, object.TextOr("default_value", ""));
  VARVE_ASSIGN(column.comment, object.TextOr("comment", ""));
  return column;
}

}  // namespace

Json FileToJson(const FileMeta& file) {
  Json json;
  json["id"] = file.id.ToString();
  json["path"] = file.path;
  json["segment_start"] = file.segment_start.value();
  json["schema_id"] = file.schema_id;
  json["rows"] = file.rows;
  json["size_bytes"] = file.size_bytes;
  json["sha256"] = file.sha256;
  json["time_min"] = file.time_min.value();
  json["time_max"] = file.time_max.value();
  json["tsid_min"] = file.tsid_min;
  json["tsid_max"] = file.tsid_max;
  json["sequence_max"] = file.sequence_max.value();
  json["null_counts"] = Json::array();
  for (const auto& [column, count] : file.null_counts) {
    json["null_counts"].push_back(Json::array({column, count}));
  }
  if (file.deletion_vector) {
    json["deletion_vector"] = VectorToJson(*file.deletion_vector);
  }
  return json;
}

Result<FileMeta> FileFromJson(const Json& json) {
  VARVE_ASSIGN(const JsonObject object, JsonObject::From(json, "file"));
  FileMeta file;
  VARVE_ASSIGN(file.id, object.Id("id"));
  VARVE_ASSIGN(file.path, ReadPath(object));
  VARVE_ASSIGN(file.schema_id, object.U32("schema_id"));
  VARVE_ASSIGN(file.rows, object.U64("rows"));
  VARVE_ASSIGN(file.size_bytes, object.U64("size_bytes"));
  VARVE_ASSIGN(file.sha256, object.Sha256("sha256"));
  VARVE_TRY(ReadBounds(object, file));
  VARVE_ASSIGN(file.null_counts, ReadNullCounts(object));
  if (const Json* vector = object.Find("deletion_vector")) {
    VARVE_ASSIGN(file.deletion_vector, VectorFromJson(*vector));
    if (file.deletion_vector->rows > file.rows) {
      return Corruption("the deletion vector of '{}' deletes more rows than there are", file.path);
    }
  }
  return file;
}

Json VectorToJson(const DeletionVectorMeta& vector) {
  Json json;
  json["path"] = vector.path;
  json["size_bytes"] = vector.size_bytes;
  json["sha256"] = vector.sha256;
  json["rows"] = vector.rows;
  return json;
}

Result<DeletionVectorMeta> VectorFromJson(const Json& json) {
  VARVE_ASSIGN(const JsonObject object, JsonObject::From(json, "deletion_vector"));
  DeletionVectorMeta vector;
  VARVE_ASSIGN(vector.path, ReadPath(object));
  VARVE_ASSIGN(vector.size_bytes, object.U64("size_bytes"));
  VARVE_ASSIGN(vector.sha256, object.Sha256("sha256"));
  VARVE_ASSIGN(vector.rows, object.U64("rows"));
  return vector;
}

Json SchemaToJson(const TableSchema& schema) {
  Json json;
  json["schema_id"] = schema.schema_id();
  json["last_column_id"] = schema.last_column_id();
  json["primary_key"] = Json::array();
  for (size_t i = 0; i < schema.key_size(); ++i) {
    json["primary_key"].push_back(schema.columns()[i].name);
  }
  json["timestamp_key"] = schema.timestamp().name;
  json["columns"] = Json::array();
  for (const ColumnSchema& column : schema.columns()) {
    json["columns"].push_back(ColumnToJson(column));
  }
  return json;
}

Result<TableSchema> SchemaFromJson(const Json& json) {
  VARVE_ASSIGN(const JsonObject object, JsonObject::From(json, "schema"));
  VARVE_ASSIGN(const uint32_t schema_id, object.U32("schema_id"));
  VARVE_ASSIGN(const uint32_t last_column_id, object.U32("last_column_id"));
  VARVE_ASSIGN(std::vector<std::string> primary_key, object.Texts("primary_key"));
  VARVE_ASSIGN(const std::string timestamp_key, object.Text("timestamp_key"));
  VARVE_ASSIGN(const Json* items, object.Array("columns"));
  std::vector<ColumnSchema> columns;
  columns.reserve(items->size());
  for (const Json& item : *items) {
    VARVE_ASSIGN(ColumnSchema column, ColumnFromJson(item));
    columns.push_back(std::move(column));
  }
  return TableSchema::Restore(schema_id, last_column_id, std::move(columns), std::move(primary_key),
                              timestamp_key);
}

Json OptionsToJson(const TableOptions& options) {
  // ToMap leaves out the sizes of compaction while the strategy is the default; they must not be
  // lost.
  TableOptions all = options;
  all.compaction_strategy = CompactionStrategy::kSizeTiered;
  auto texts = ToMap(all);
  texts["compaction_strategy"] = ToMap(options)["compaction_strategy"];
  Json json = Json::object();
  for (auto& [option, text] : texts) {
    json[option] = std::move(text);
  }
  return json;
}

Result<TableOptions> OptionsFromJson(const Json& json) {
  VARVE_TRY(JsonObject::From(json, "options"));
  std::map<std::string, std::string> texts;
  for (const auto& [option, value] : json.items()) {
    VARVE_ASSIGN(texts[option], AsText(value, option));
  }
  auto options = WithChanges({}, texts, OptionsUse::kCreate);
  if (!options) {
    return Corruption("{}", options.error().message);
  }
  return options;
}

}  // namespace varve
