#include "protect/schema_files.h"

#include <algorithm>
#include <array>
#include <utility>

#include "protect/json_fields.h"
#include "protect/manifest.h"
#include "protect/snapshot_error.h"

namespace varve {
namespace {

constexpr uint64_t kSchemaFilesVersion = 1;
constexpr std::string_view kEngine = "Analytic";
constexpr std::array<std::string_view, 3> kMethods = {"KEY", "HASH", "RANDOM"};

SnapshotJson ColumnToJson(const ColumnSchema& column) {
  SnapshotJson json = {{"id", column.id},
                       {"name", column.name},
                       {"type", ColumnTypeName(column.type)},
                       {"nullable", column.nullable},
                       {"tag", column.tag},
                       {"dictionary", column.dictionary}};
  if (!column.default_value.empty()) {
    json["default"] = column.default_value;
  }
  if (!column.comment.empty()) {
    json["comment"] = column.comment;
  }
  return json;
}

SnapshotJson TableToJson(const TableDefinition& table) {
  SnapshotJson columns = SnapshotJson::array();
  SnapshotJson key = SnapshotJson::array();
  for (size_t i = 0; i < table.columns.columns().size(); ++i) {
    const ColumnSchema& column = table.columns.columns()[i];
    columns.push_back(ColumnToJson(column));
    if (i < table.columns.key_size()) {
      key.push_back(column.name);
    }
  }
  SnapshotJson options = SnapshotJson::object();
  for (const auto& [name, value] : ToMap(table.options)) {
    options[name] = value;
  }
  SnapshotJson json = {{"schema", table.schema},
                       {"name", table.name},
                       {"engine", kEngine},
                       {"uuid", table.uuid.ToString()},
                       {"columns", std::move(columns)},
                       {"primary_key", std::move(key)},
                       {"timestamp_key", table.columns.timestamp().name},
                       {"options", std::move(options)}};
  if (table.partition) {
    json["partitioning"] = {{"method", kMethods[static_cast<size_t>(table.partition->method)]},
                            {"linear", table.partition->linear},
                            {"columns", table.partition->columns},
                            {"count", table.partition->count}};
  }
  return json;
}

Result<ColumnSchema> ColumnFromJson(const SnapshotJson& json) {
  VARVE_ASSIGN(const JsonFields fields, JsonFields::Of(json, "an entry of 'columns'"));
  ColumnSchema column;
  VARVE_ASSIGN(const uint64_t id, fields.U64("id"));
  column.id = static_cast<uint32_t>(id);
  VARVE_ASSIGN(column.name, fields.Text("name"));
  VARVE_ASSIGN(const std::string type, fields.Text("type"));
  const auto parsed = ParseColumnType(type);
  if (!parsed) {
    return Corruption("column {}: '{}' is no type", column.name, type);
  }
  column.type = *parsed;
  VARVE_ASSIGN(column.nullable, fields.Boolean("nullable"));
  VARVE_ASSIGN(column.tag, fields.Boolean("tag"));
  VARVE_ASSIGN(column.dictionary, fields.Boolean("dictionary"));
  if (fields.Find("default") != nullptr) {
    VARVE_ASSIGN(column.default_value, fields.Text("default"));
  }
  if (fields.Find("comment") != nullptr) {
    VARVE_ASSIGN(column.comment, fields.Text("comment"));
  }
  return column;
}

Result<TableSchema> ColumnsFromJson(const JsonFields& fields) {
  VARVE_ASSIGN(const SnapshotJson* items, fields.Array("columns"));
  std::vector<ColumnSchema> columns;
  uint32_t last_id = 0;
  for (const SnapshotJson& item : *items) {
    VARVE_ASSIGN(ColumnSchema column, ColumnFromJson(item));
    last_id = std::max(last_id, column.id);
    columns.push_back(std::move(column));
  }
  VARVE_ASSIGN(std::vector<std::string> key, fields.Texts("primary_key"));
  VARVE_ASSIGN(const std::string timestamp, fields.Text("timestamp_key"));
  return TableSchema::Restore(/*schema_id=*/1, last_id, std::move(columns), std::move(key),
                              timestamp);
}

Result<TableOptions> OptionsFromJson(const JsonFields& fields) {
  const SnapshotJson* json = fields.Find("options");
  if (json == nullptr || !json->is_object()) {
    return Corruption("'options' is missing");
  }
  std::map<std::string, std::string> options;
  for (const auto& [name, value] : json->items()) {
    const auto* text = value.get_ptr<const SnapshotJson::string_t*>();
    if (text == nullptr) {
      return Corruption("option '{}' is not a text", name);
    }
    options[name] = *text;
  }
  return WithChanges({}, options, OptionsUse::kCreate);
}

Result<PartitionClause> PartitionFromJson(const SnapshotJson& json) {
  VARVE_ASSIGN(const JsonFields fields, JsonFields::Of(json, "'partitioning'"));
  PartitionClause clause;
  VARVE_ASSIGN(const std::string method, fields.Text("method"));
  const auto known = std::ranges::find(kMethods, method);
  if (known == kMethods.end()) {
    return Corruption("'{}' is no way to partition", method);
  }
  clause.method = static_cast<PartitionMethod>(known - kMethods.begin());
  VARVE_ASSIGN(clause.linear, fields.Boolean("linear"));
  VARVE_ASSIGN(clause.columns, fields.Texts("columns"));
  VARVE_ASSIGN(clause.count, fields.U64("count"));
  return clause;
}

Result<TableDefinition> TableFromJson(const SnapshotJson& json) {
  VARVE_ASSIGN(const JsonFields fields, JsonFields::Of(json, "an entry of 'tables'"));
  VARVE_ASSIGN(std::string schema, fields.Text("schema"));
  VARVE_ASSIGN(std::string name, fields.Text("name"));
  VARVE_ASSIGN(const std::string uuid_text, fields.Text("uuid"));
  VARVE_ASSIGN(const Uuid uuid, Uuid::Parse(uuid_text));
  VARVE_ASSIGN(TableSchema columns, ColumnsFromJson(fields));
  VARVE_ASSIGN(TableOptions options, OptionsFromJson(fields));
  std::optional<PartitionClause> partition;
  if (const SnapshotJson* clause = fields.Find("partitioning")) {
    VARVE_ASSIGN(partition, PartitionFromJson(*clause));
  }
  return TableDefinition{std::move(schema),  std::move(name),    uuid,
                         std::move(columns), std::move(options), std::move(partition)};
}

Result<ViewEntry> ViewFromJson(const SnapshotJson& json) {
  VARVE_ASSIGN(const JsonFields fields, JsonFields::Of(json, "an entry of 'views'"));
  ViewEntry view;
  VARVE_ASSIGN(view.schema, fields.Text("schema"));
  VARVE_ASSIGN(view.name, fields.Text("name"));
  VARVE_ASSIGN(view.columns, fields.Texts("columns"));
  VARVE_ASSIGN(view.query, fields.Text("query"));
  return view;
}

// Calls `read` with every entry of the list `name` in the text.
template <class Read>
Status ReadList(std::string_view path, std::string_view text, const char* name, const Read& read) {
  const auto entries = [&]() -> Status {
    VARVE_ASSIGN(const SnapshotJson json, ParseSnapshotJson(text));
    VARVE_ASSIGN(const JsonFields fields, JsonFields::Of(json, "the file"));
    VARVE_ASSIGN(const SnapshotJson* items, fields.Array(name));
    for (const SnapshotJson& item : *items) {
      VARVE_TRY(read(item));
    }
    return {};
  };
  if (auto status = entries(); !status) {
    return Named(ErrorKind::kCorruption, kManifestCorrupt, "{}: {}", path, status.error().message);
  }
  return {};
}

Result<SchemaText> Printed(std::string_view path, const char* name, SnapshotJson items) {
  SnapshotJson json = {{"version", kSchemaFilesVersion}};
  json[name] = std::move(items);
  VARVE_ASSIGN(std::string text, PrintSnapshotJson(json));
  return SchemaText{std::string(path), std::move(text)};
}

}  // namespace

TableSpec TableDefinition::Spec() const {
  TableSpec spec;
  for (const ColumnSchema& column : columns.columns()) {
    if (column.name != kTsidColumn) {
      spec.columns.push_back(column);
    }
  }
  // Ids are given in this order, so that they come out as they were.
  std::ranges::sort(spec.columns, {}, &ColumnSchema::id);
  if (!columns.HasDefaultKey()) {
    for (size_t i = 0; i < columns.key_size(); ++i) {
      spec.primary_key.push_back(columns.columns()[i].name);
    }
  }
  spec.timestamp_key = columns.timestamp().name;
  return spec;
}

const TableDefinition* SnapshotSchema::Find(std::string_view schema, std::string_view table) const {
  const auto found = std::ranges::find_if(tables, [&](const TableDefinition& one) {
    return one.schema == schema && one.name == table;
  });
  return found == tables.end() ? nullptr : &*found;
}

Result<std::vector<SchemaText>> EncodeSchema(const SnapshotSchema& schema) {
  SnapshotJson schemas = SnapshotJson::array();
  for (const std::string& name : schema.schemas) {
    schemas.push_back({{"name", name}});
  }
  SnapshotJson tables = SnapshotJson::array();
  for (const TableDefinition& table : schema.tables) {
    tables.push_back(TableToJson(table));
  }
  SnapshotJson views = SnapshotJson::array();
  for (const ViewEntry& view : schema.views) {
    views.push_back({{"schema", view.schema},
                     {"name", view.name},
                     {"columns", view.columns},
                     {"query", view.query}});
  }
  std::vector<SchemaText> files(3);
  VARVE_ASSIGN(files[0], Printed(kSchemasPath, "schemas", std::move(schemas)));
  VARVE_ASSIGN(files[1], Printed(kTablesPath, "tables", std::move(tables)));
  VARVE_ASSIGN(files[2], Printed(kViewsPath, "views", std::move(views)));
  return files;
}

Result<SnapshotSchema> DecodeSchema(std::string_view schemas, std::string_view tables,
                                    std::string_view views) {
  SnapshotSchema out;
  VARVE_TRY(ReadList(kSchemasPath, schemas, "schemas", [&](const SnapshotJson& json) -> Status {
    VARVE_ASSIGN(const JsonFields fields, JsonFields::Of(json, "an entry of 'schemas'"));
    VARVE_ASSIGN(out.schemas.emplace_back(), fields.Text("name"));
    return {};
  }));
  VARVE_TRY(ReadList(kTablesPath, tables, "tables", [&](const SnapshotJson& json) -> Status {
    VARVE_ASSIGN(TableDefinition table, TableFromJson(json));
    out.tables.push_back(std::move(table));
    return {};
  }));
  VARVE_TRY(ReadList(kViewsPath, views, "views", [&](const SnapshotJson& json) -> Status {
    VARVE_ASSIGN(out.views.emplace_back(), ViewFromJson(json));
    return {};
  }));
  return out;
}

PartitionClause ClauseOf(const Partitioning& partitioning, const TableSchema& schema) {
  PartitionClause clause;
  clause.method = partitioning.method;
  clause.linear = partitioning.linear;
  clause.count = partitioning.count;
  for (const uint32_t id : partitioning.columns) {
    clause.columns.push_back(schema.FindById(id)->name);
  }
  return clause;
}

}  // namespace varve
