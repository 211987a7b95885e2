#include "meta/catalogue_format.h"

#include <algorithm>
#include <array>
#include <utility>

#include "meta/log_format_internal.h"

namespace varve {
namespace {

constexpr std::string_view kStoreFormat = "varve";
constexpr std::string_view kEditFormat = "varve-catalogue-edit";
constexpr std::string_view kCheckpointFormat = "varve-catalogue-checkpoint";

constexpr std::array<std::pair<CatalogueEditKind, std::string_view>, 10> kKindNames = {{
    {CatalogueEditKind::kCreate, "create"},
    {CatalogueEditKind::kAddSchema, "add_schema"},
    {CatalogueEditKind::kRemoveSchema, "remove_schema"},
    {CatalogueEditKind::kAddTable, "add_table"},
    {CatalogueEditKind::kRemoveTable, "remove_table"},
    {CatalogueEditKind::kRenameTable, "rename_table"},
    {CatalogueEditKind::kRestoreTable, "restore_table"},
    {CatalogueEditKind::kPurgeTables, "purge_tables"},
    {CatalogueEditKind::kSetView, "set_view"},
    {CatalogueEditKind::kRemoveView, "remove_view"},
}};

// What a reader of the first major would lose.
constexpr uint32_t kViewsMajor = 2;
constexpr uint32_t kPartitionsMajor = 3;
constexpr uint32_t kKeptTablesMajor = 4;  // and clones

constexpr std::array<std::pair<PartitionMethod, std::string_view>, 3> kMethodNames = {{
    {PartitionMethod::kKey, "key"},
    {PartitionMethod::kHash, "hash"},
    {PartitionMethod::kRandom, "random"},
}};

std::string KindName(const CatalogueEdit& edit) {
  const auto found =
      std::ranges::find(kKindNames, edit.kind, [](const auto& entry) { return entry.first; });
  return found == kKindNames.end() ? edit.other_kind : std::string(found->second);
}

Json PartitioningToJson(const Partitioning& partitioning) {
  Json json;
  json["method"] = std::string(std::ranges::find(kMethodNames, partitioning.method,
                                                 &decltype(kMethodNames)::value_type::first)
                                   ->second);
  if (partitioning.linear) {
    json["linear"] = true;
  }
  json["columns"] = partitioning.columns;
  json["count"] = partitioning.count;
  return json;
}

Result<Partitioning> PartitioningFromJson(const JsonObject& object) {
  Partitioning partitioning;
  VARVE_ASSIGN(const std::string method, object.Text("method"));
  const auto* const named =
      std::ranges::find(kMethodNames, method, &decltype(kMethodNames)::value_type::second);
  if (named == kMethodNames.end()) {
    return Corruption("'{}' is no method of partitioning", method);
  }
  partitioning.method = named->first;
  VARVE_ASSIGN(partitioning.linear, object.BoolOr("linear", false));
  VARVE_ASSIGN(const Json* const columns, object.Array("columns"));
  for (const Json& column : *columns) {
    VARVE_ASSIGN(const uint32_t id, AsU32(column, "columns"));
    partitioning.columns.push_back(id);
  }
  VARVE_ASSIGN(partitioning.count, object.U32("count"));
  const bool keyed = partitioning.method != PartitionMethod::kRandom;
  if (partitioning.count == 0 || partitioning.count > kPartitionsMax ||
      partitioning.columns.empty() == keyed) {
    return Corruption("a table has {} partitions by {} columns", partitioning.count,
                      partitioning.columns.size());
  }
  return partitioning;
}

Json TableToJson(const TableEntry& table) {
  Json json;
  json["id"] = table.id.value();
  json["uuid"] = table.uuid.ToString();
  json["schema"] = table.schema;
  json["name"] = table.name;
  json["created_at"] = table.created_at.value();
  if (table.partitioning) {
    json["partitioning"] = PartitioningToJson(*table.partitioning);
  }
  if (table.partition_of) {
    json["partition_of"] = table.partition_of->value();
  }
  for (const Uuid& shared : table.shares) {
    json["shares"].push_back(shared.ToString());
  }
  return json;
}

Result<TableEntry> TableFromJson(const Json& json) {
  VARVE_ASSIGN(const JsonObject object, JsonObject::From(json, "table"));
  TableEntry table;
  VARVE_ASSIGN(const uint64_t id, object.U64("id"));
  table.id = TableId(id);
  VARVE_ASSIGN(table.uuid, object.Id("uuid"));
  VARVE_ASSIGN(table.schema, object.Text("schema"));
  VARVE_ASSIGN(table.name, object.Text("name"));
  VARVE_ASSIGN(table.created_at, object.Time("created_at"));
  if (object.Find("partitioning") != nullptr) {
    VARVE_ASSIGN(const JsonObject partitioning, object.Object("partitioning"));
    VARVE_ASSIGN(table.partitioning, PartitioningFromJson(partitioning));
  }
  if (object.Find("partition_of") != nullptr) {
    VARVE_ASSIGN(const uint64_t partition_of, object.U64("partition_of"));
    table.partition_of = TableId(partition_of);
  }
  if (object.Find("shares") != nullptr) {
    VARVE_ASSIGN(const Json* const shares, object.Array("shares"));
    for (const Json& item : *shares) {
      VARVE_ASSIGN(const Uuid shared, AsUuid(item, "shares"));
      table.shares.push_back(shared);
    }
  }
  return table;
}

Json ViewToJson(const ViewEntry& view) {
  Json json;
  json["schema"] = view.schema;
  json["name"] = view.name;
  if (!view.columns.empty()) {
    json["columns"] = view.columns;
  }
  json["query"] = view.query;
  json["created_at"] = view.created_at.value();
  return json;
}

Result<ViewEntry> ViewFromJson(const Json& json) {
  VARVE_ASSIGN(const JsonObject object, JsonObject::From(json, "view"));
  ViewEntry view;
  VARVE_ASSIGN(view.schema, object.Text("schema"));
  VARVE_ASSIGN(view.name, object.Text("name"));
  if (object.Find("columns") != nullptr) {
    VARVE_ASSIGN(view.columns, object.Texts("columns"));
  }
  VARVE_ASSIGN(view.query, object.Text("query"));
  VARVE_ASSIGN(view.created_at, object.Time("created_at"));
  return view;
}

Json RenameToJson(const TableRename& rename) {
  Json json;
  json["table"] = TableToJson(rename.table);
  json["name"] = rename.name;
  return json;
}

Result<TableRename> RenameFromJson(const Json& json) {
  VARVE_ASSIGN(const JsonObject object, JsonObject::From(json, "renamed_table"));
  VARVE_ASSIGN(const Json* table, object.Get("table"));
  TableRename rename;
  VARVE_ASSIGN(rename.table, TableFromJson(*table));
  VARVE_ASSIGN(rename.name, object.Text("name"));
  return rename;
}

Json DroppedToJson(const DroppedTable& dropped) {
  Json json;
  json["table"] = TableToJson(dropped.table);
  json["dropped_at"] = dropped.dropped_at.value();
  json["kept_until"] = dropped.kept_until.value();
  return json;
}

Result<DroppedTable> DroppedFromJson(const Json& json) {
  VARVE_ASSIGN(const JsonObject object, JsonObject::From(json, "dropped"));
  VARVE_ASSIGN(const Json* const table, object.Get("table"));
  DroppedTable out;
  VARVE_ASSIGN(out.table, TableFromJson(*table));
  VARVE_ASSIGN(out.dropped_at, object.Time("dropped_at"));
  VARVE_ASSIGN(out.kept_until, object.Time("kept_until"));
  return out;
}

void KeptToJson(const CatalogueEdit& edit, Json& json) {
  if (edit.kept_until) {
    json["kept_until"] = edit.kept_until->value();
  }
  if (edit.restored_table) {
    json["restored_table"]["id"] = edit.restored_table->table.value();
    json["restored_table"]["name"] = edit.restored_table->name;
  }
  for (const TableId id : edit.purged_tables) {
    json["purged_tables"].push_back(id.value());
  }
}

Status KeptFromJson(const JsonObject& json, CatalogueEdit& edit) {
  if (json.Find("kept_until") != nullptr) {
    VARVE_ASSIGN(edit.kept_until, json.Time("kept_until"));
  }
  if (json.Find("restored_table") != nullptr) {
    VARVE_ASSIGN(const JsonObject restored, json.Object("restored_table"));
    VARVE_ASSIGN(const uint64_t id, restored.U64("id"));
    VARVE_ASSIGN(std::string name, restored.Text("name"));
    edit.restored_table = TableRestore{TableId(id), std::move(name)};
  }
  if (json.Find("purged_tables") != nullptr) {
    VARVE_ASSIGN(const Json* const purged, json.Array("purged_tables"));
    for (const Json& item : *purged) {
      VARVE_ASSIGN(const uint64_t id, AsU64(item, "purged_tables"));
      edit.purged_tables.emplace_back(id);
    }
  }
  return {};
}

Json EditToJson(const CatalogueEdit& edit) {
  Json json = Json::object();
  if (edit.added_schema) {
    json["added_schema"] = *edit.added_schema;
  }
  if (edit.added_table) {
    json["added_table"] = TableToJson(*edit.added_table);
  }
  for (const TableEntry& partition : edit.added_partitions) {
    json["added_partitions"].push_back(TableToJson(partition));
  }
  if (edit.removed_table) {
    json["removed_table"] = TableToJson(*edit.removed_table);
  }
  KeptToJson(edit, json);
  if (edit.renamed_table) {
    json["renamed_table"] = RenameToJson(*edit.renamed_table);
  }
  if (edit.removed_view) {
    json["removed_view"] = ViewToJson(*edit.removed_view);
  }
  if (edit.added_view) {
    json["added_view"] = ViewToJson(*edit.added_view);
  }
  if (edit.removed_schema) {
    json["removed_schema"] = *edit.removed_schema;
  }
  return json;
}

Result<CatalogueEdit> EditFromJson(const JsonObject& json) {
  CatalogueEdit edit;
  if (const Json* schema = json.Find("added_schema")) {
    VARVE_ASSIGN(edit.added_schema, AsText(*schema, "added_schema"));
  }
  if (const Json* table = json.Find("added_table")) {
    VARVE_ASSIGN(edit.added_table, TableFromJson(*table));
  }
  if (json.Find("added_partitions") != nullptr) {
    VARVE_ASSIGN(const Json* const partitions, json.Array("added_partitions"));
    for (const Json& item : *partitions) {
      VARVE_ASSIGN(TableEntry partition, TableFromJson(item));
      edit.added_partitions.push_back(std::move(partition));
    }
  }
  if (const Json* table = json.Find("removed_table")) {
    VARVE_ASSIGN(edit.removed_table, TableFromJson(*table));
  }
  VARVE_TRY(KeptFromJson(json, edit));
  if (const Json* rename = json.Find("renamed_table")) {
    VARVE_ASSIGN(edit.renamed_table, RenameFromJson(*rename));
  }
  if (const Json* view = json.Find("removed_view")) {
    VARVE_ASSIGN(edit.removed_view, ViewFromJson(*view));
  }
  if (const Json* view = json.Find("added_view")) {
    VARVE_ASSIGN(edit.added_view, ViewFromJson(*view));
  }
  if (const Json* schema = json.Find("removed_schema")) {
    VARVE_ASSIGN(edit.removed_schema, AsText(*schema, "removed_schema"));
  }
  return edit;
}

Status CheckPartitions(const CatalogueVersion& version) {
  size_t partitions = 0;
  size_t found = 0;
  for (const auto& [schema, tables] : version.schemas) {
    for (const auto& [name, table] : tables) {
      partitions += table.partition_of ? 1 : 0;
      const size_t of_table = version.PartitionsOf(table).size();
      found += of_table;
      if (table.partitioning && of_table != table.partitioning->count) {
        return Corruption("the table '{}' has {} of its {} partitions", name, of_table,
                          table.partitioning->count);
      }
    }
  }
  if (partitions != found) {
    return Corruption("{} partitions are without their table", partitions - found);
  }
  return {};
}

Status ReadTables(const JsonObject& state, CatalogueVersion& version) {
  VARVE_ASSIGN(std::vector<std::string> schemas, state.Texts("schemas"));
  for (std::string& schema : schemas) {
    version.schemas.try_emplace(std::move(schema));
  }
  VARVE_ASSIGN(const uint64_t last_table_id, state.U64("last_table_id"));
  version.last_table_id = TableId(last_table_id);
  VARVE_ASSIGN(const Json* tables, state.Array("tables"));
  for (const Json& item : *tables) {
    VARVE_ASSIGN(TableEntry table, TableFromJson(item));
    const auto schema = version.schemas.find(table.schema);
    if (schema == version.schemas.end() || table.id > version.last_table_id) {
      return Corruption("the table '{}' has no schema or an id beyond 'last_table_id'", table.name);
    }
    std::string name = table.name;
    if (!schema->second.try_emplace(std::move(name), std::move(table)).second) {
      return Corruption("a table is there twice in schema '{}'", schema->first);
    }
  }
  return CheckPartitions(version);
}

Status ReadDropped(const JsonObject& state, CatalogueVersion& version) {
  if (state.Find("dropped") == nullptr) {
    return {};
  }
  VARVE_ASSIGN(const Json* const dropped, state.Array("dropped"));
  for (const Json& item : *dropped) {
    VARVE_ASSIGN(DroppedTable table, DroppedFromJson(item));
    const TableId id = table.table.id;
    if (id > version.last_table_id || !version.dropped.try_emplace(id, std::move(table)).second) {
      return Corruption("the dropped table {} is there twice or beyond 'last_table_id'", id);
    }
  }
  return {};
}

Status ReadViews(const JsonObject& state, CatalogueVersion& version) {
  if (state.Find("views") == nullptr) {
    return {};
  }
  VARVE_ASSIGN(const Json* views, state.Array("views"));
  for (const Json& item : *views) {
    VARVE_ASSIGN(ViewEntry view, ViewFromJson(item));
    const auto schema = version.schemas.find(view.schema);
    if (schema == version.schemas.end() || schema->second.contains(view.name)) {
      return Corruption("the view '{}' has no schema or the name of a table", view.name);
    }
    std::string name = view.name;
    if (!version.views[view.schema].try_emplace(std::move(name), std::move(view)).second) {
      return Corruption("a view is there twice in schema '{}'", schema->first);
    }
  }
  return {};
}

}  // namespace

namespace {

bool IsPartitioned(const std::optional<TableEntry>& table) {
  return table && (table->partitioning || table->partition_of);
}

uint32_t MajorOf(const CatalogueEdit& edit) {
  if (edit.kept_until || edit.restored_table || !edit.purged_tables.empty() ||
      (edit.added_table && !edit.added_table->shares.empty())) {
    return kKeptTablesMajor;
  }
  const bool renamed = edit.renamed_table && edit.renamed_table->table.partitioning;
  if (IsPartitioned(edit.added_table) || IsPartitioned(edit.removed_table) || renamed) {
    return kPartitionsMajor;
  }
  const bool newer = edit.renamed_table || edit.removed_view || edit.added_view;
  return newer ? kViewsMajor : kLogFormatBaseMajor;
}

}  // namespace

Result<std::string> EncodeCatalogueEdit(const CatalogueEdit& edit, const EditLink& link) {
  Json file = StartEdit(kEditFormat, link, KindName(edit), MajorOf(edit));
  file["edit"] = EditToJson(edit);
  return SealFile(file);
}

Result<std::string> EncodeCatalogueCheckpoint(const CatalogueVersion& version,
                                              std::string_view edit_sha256) {
  Json schemas = Json::array();
  Json tables = Json::array();
  bool partitioned = false;
  bool kept = !version.dropped.empty();
  for (const auto& [schema, entries] : version.schemas) {
    schemas.push_back(schema);
    for (const auto& [name, table] : entries) {
      partitioned |= IsPartitioned(table);
      kept |= !table.shares.empty();
      tables.push_back(TableToJson(table));
    }
  }
  Json views = Json::array();
  for (const auto& [schema, entries] : version.views) {
    for (const auto& [name, view] : entries) {
      views.push_back(ViewToJson(view));
    }
  }
  Json file = StartCheckpoint(kCheckpointFormat, version.id, version.committed_at, edit_sha256,
                              kept            ? kKeptTablesMajor
                              : partitioned   ? kPartitionsMajor
                              : views.empty() ? kLogFormatBaseMajor
                                              : kViewsMajor);
  file["state"]["schemas"] = std::move(schemas);
  file["state"]["tables"] = std::move(tables);
  if (!views.empty()) {
    file["state"]["views"] = std::move(views);
  }
  for (const auto& [id, dropped] : version.dropped) {
    file["state"]["dropped"].push_back(DroppedToJson(dropped));
  }
  file["state"]["last_table_id"] = version.last_table_id.value();
  return SealFile(file);
}

Result<std::string> EncodeStoreFormat(const Uuid& db_uuid) {
  Json file = StartFile(kStoreFormat);
  file["db_uuid"] = db_uuid.ToString();
  return SealFile(file);
}

Result<DecodedEdit<CatalogueEdit>> DecodeCatalogueEdit(std::string_view bytes) {
  VARVE_ASSIGN(const Json json, UnsealFile(kEditFormat, bytes));
  VARVE_ASSIGN(const JsonObject file, JsonObject::From(json, "file"));
  VARVE_ASSIGN(EditLink link, ReadEditLink(file));
  VARVE_ASSIGN(const JsonObject body, file.Object("edit"));
  VARVE_ASSIGN(CatalogueEdit edit, EditFromJson(body));
  VARVE_ASSIGN(std::string kind, file.Text("kind"));
  if (kind.empty()) {
    return Corruption("'kind' is empty");
  }
  const auto found =
      std::ranges::find(kKindNames, kind, [](const auto& entry) { return entry.second; });
  const bool known = found != kKindNames.end();
  edit.kind = known ? found->first : CatalogueEditKind::kOther;
  edit.other_kind = known ? std::string() : std::move(kind);
  return DecodedEdit<CatalogueEdit>{std::move(link), std::move(edit)};
}

Result<DecodedCheckpoint<CatalogueVersion>> DecodeCatalogueCheckpoint(std::string_view bytes) {
  VARVE_ASSIGN(const Json json, UnsealFile(kCheckpointFormat, bytes));
  VARVE_ASSIGN(const JsonObject file, JsonObject::From(json, "file"));
  CatalogueVersion version;
  VARVE_ASSIGN(const uint64_t id, file.U64("version"));
  version.id = VersionId(id);
  VARVE_ASSIGN(version.committed_at, file.Time("committed_at"));
  VARVE_ASSIGN(std::string edit_sha256, file.Sha256("edit_sha256"));
  VARVE_ASSIGN(const JsonObject state, file.Object("state"));
  VARVE_TRY(ReadTables(state, version));
  VARVE_TRY(ReadViews(state, version));
  VARVE_TRY(ReadDropped(state, version));
  return DecodedCheckpoint<CatalogueVersion>{std::move(version), std::move(edit_sha256)};
}

Result<Uuid> DecodeStoreFormat(std::string_view bytes) {
  VARVE_ASSIGN(const Json json, UnsealFile(kStoreFormat, bytes));
  VARVE_ASSIGN(const JsonObject file, JsonObject::From(json, "file"));
  return file.Id("db_uuid");
}

}  // namespace varve
