#include <algorithm>
#include <array>

#include "protect/manifest_increment_internal.h"

namespace varve {
namespace {

// kWhole is written as no change at all.
constexpr std::array<std::string_view, 4> kChanges = {"", "none", "add", "replace"};

SnapshotJson FilesToJson(const std::vector<SourceFile>& files) {
  SnapshotJson json = SnapshotJson::array();
  for (const SourceFile& file : files) {
    SnapshotJson one = {{"id", file.id.ToString()}};
    if (!file.deletions.empty()) {
      one["deletions"] = Hash(file.deletions);
    }
    json.push_back(std::move(one));
  }
  return json;
}

Result<std::vector<SourceFile>> FilesFromJson(const SnapshotJson& json) {
  std::vector<SourceFile> files;
  for (const SnapshotJson& item : json) {
    VARVE_ASSIGN(const JsonFields fields, JsonFields::Of(item, "a file of 'sources'"));
    SourceFile& file = files.emplace_back();
    VARVE_ASSIGN(const std::string id, fields.Text("id"));
    VARVE_ASSIGN(file.id, Uuid::Parse(id));
    if (fields.Find("deletions") != nullptr) {
      VARVE_ASSIGN(file.deletions, fields.Sha256("deletions"));
    }
  }
  std::ranges::sort(files);
  return files;
}

SnapshotJson NamesToJson(const std::vector<RelationName>& names) {
  SnapshotJson json = SnapshotJson::array();
  for (const RelationName& one : names) {
    json.push_back({{"schema", one.schema}, {"name", one.name}});
  }
  return json;
}

Result<std::vector<RelationName>> NamesFromJson(const JsonFields& fields, const char* name) {
  VARVE_ASSIGN(const SnapshotJson* json, fields.Array(name));
  std::vector<RelationName> names;
  for (const SnapshotJson& item : *json) {
    VARVE_ASSIGN(const JsonFields one, JsonFields::Of(item, name));
    RelationName& out = names.emplace_back();
    VARVE_ASSIGN(out.schema, one.Text("schema"));
    VARVE_ASSIGN(out.name, one.Text("name"));
  }
  return names;
}

Result<BaseColumns> BaseColumnsFromJson(const SnapshotJson& json) {
  VARVE_ASSIGN(const JsonFields fields, JsonFields::Of(json, "an entry of 'base_columns'"));
  BaseColumns out;
  VARVE_ASSIGN(out.table.schema, fields.Text("schema"));
  VARVE_ASSIGN(out.table.name, fields.Text("table"));
  VARVE_ASSIGN(const SnapshotJson* columns, fields.Array("columns"));
  for (const SnapshotJson& item : *columns) {
    VARVE_ASSIGN(const JsonFields column, JsonFields::Of(item, "an entry of 'columns'"));
    VARVE_ASSIGN(const uint64_t id, column.U64("id"));
    VARVE_ASSIGN(out.columns[static_cast<uint32_t>(id)], column.Text("name"));
  }
  return out;
}

Result<ChunkSource> ChunkSourceFromJson(const SnapshotJson& json) {
  VARVE_ASSIGN(ChunkSource source, TableSourceFromJson<ChunkSource>(json));
  VARVE_ASSIGN(const JsonFields fields, JsonFields::Of(json, "an entry of 'sources'"));
  if (fields.Find("change") != nullptr) {
    VARVE_ASSIGN(const std::string change, fields.Text("change"));
    const auto known = std::ranges::find(kChanges, change);
    if (change.empty() || known == kChanges.end()) {
      return Corruption("'{}' is no change of a chunk", change);
    }
    source.change = static_cast<ChunkChange>(known - kChanges.begin());
  }
  VARVE_ASSIGN(const SnapshotJson* files, fields.Array("files"));
  VARVE_ASSIGN(source.files, FilesFromJson(*files));
  if (fields.Find("added") != nullptr) {
    VARVE_ASSIGN(const SnapshotJson* added, fields.Array("added"));
    VARVE_ASSIGN(source.added, FilesFromJson(*added));
  }
  return source;
}

}  // namespace

SnapshotJson ChunkSourcesToJson(const std::vector<ChunkSource>& sources) {
  SnapshotJson json = SnapshotJson::array();
  for (const ChunkSource& source : sources) {
    SnapshotJson one = {{"schema", source.schema}, {"table", source.table}};
    if (source.partition) {
      one["partition"] = *source.partition;
    }
    one["uuid"] = source.uuid.ToString();
    if (source.visible_from) {
      one["visible_from"] = TimeText(*source.visible_from);
    }
    if (source.change != ChunkChange::kWhole) {
      one["change"] = kChanges[static_cast<size_t>(source.change)];
    }
    one["files"] = FilesToJson(source.files);
    if (!source.added.empty()) {
      one["added"] = FilesToJson(source.added);
    }
    json.push_back(std::move(one));
  }
  return json;
}

Result<std::vector<ChunkSource>> ChunkSourcesFromJson(const JsonFields& chunk) {
  std::vector<ChunkSource> sources;
  if (chunk.Find("sources") == nullptr) {
    return sources;
  }
  VARVE_ASSIGN(const SnapshotJson* json, chunk.Array("sources"));
  for (const SnapshotJson& item : *json) {
    VARVE_ASSIGN(sources.emplace_back(), ChunkSourceFromJson(item));
  }
  return sources;
}

SnapshotJson SelectionToJson(const ExportSelection& selection) {
  SnapshotJson json = SnapshotJson::object();
  if (selection.schemas) {
    json["schemas"] = *selection.schemas;
  }
  if (selection.tables) {
    json["tables"] = *selection.tables;
  }
  if (selection.start) {
    json["start"] = TimeText(*selection.start);
  }
  return json;
}

Result<ExportSelection> SelectionFromJson(const JsonFields& manifest) {
  ExportSelection selection;
  const SnapshotJson* json = manifest.Find("selection");
  if (json == nullptr) {
    return selection;
  }
  VARVE_ASSIGN(const JsonFields fields, JsonFields::Of(*json, "'selection'"));
  if (fields.Find("schemas") != nullptr) {
    VARVE_ASSIGN(selection.schemas, fields.Texts("schemas"));
  }
  if (fields.Find("tables") != nullptr) {
    VARVE_ASSIGN(selection.tables, fields.Texts("tables"));
  }
  if (fields.Find("start") != nullptr) {
    VARVE_ASSIGN(selection.start, fields.Time("start"));
  }
  return selection;
}

SnapshotJson BaseToJson(const SnapshotBase& base) {
  return {{"snapshot_id", base.snapshot_id.ToString()},
          {"manifest_sha256", Hash(base.manifest_sha256)},
          {"location", base.location}};
}

Result<std::optional<SnapshotBase>> BaseFromJson(const JsonFields& manifest) {
  const SnapshotJson* json = manifest.Find("base");
  if (json == nullptr) {
    return std::nullopt;
  }
  VARVE_ASSIGN(const JsonFields fields, JsonFields::Of(*json, "'base'"));
  SnapshotBase base;
  VARVE_ASSIGN(const std::string id, fields.Text("snapshot_id"));
  VARVE_ASSIGN(base.snapshot_id, Uuid::Parse(id));
  VARVE_ASSIGN(base.manifest_sha256, fields.Sha256("manifest_sha256"));
  VARVE_ASSIGN(base.location, fields.Text("location"));
  return base;
}

SnapshotJson ChangesToJson(const SchemaChanges& changes) {
  SnapshotJson tables = SnapshotJson::array();
  for (const BaseColumns& table : changes.base_columns) {
    SnapshotJson columns = SnapshotJson::array();
    for (const auto& [id, name] : table.columns) {
      columns.push_back({{"id", id}, {"name", name}});
    }
    tables.push_back({{"schema", table.table.schema},
                      {"table", table.table.name},
                      {"columns", std::move(columns)}});
  }
  return {{"dropped_schemas", changes.dropped_schemas},
          {"dropped_tables", NamesToJson(changes.dropped_tables)},
          {"dropped_views", NamesToJson(changes.dropped_views)},
          {"made_tables", NamesToJson(changes.made_tables)},
          {"base_columns", std::move(tables)}};
}

Result<SchemaChanges> ChangesFromJson(const JsonFields& manifest) {
  const SnapshotJson* json = manifest.Find("changes");
  if (json == nullptr) {
    return Corruption("'changes' is missing");
  }
  VARVE_ASSIGN(const JsonFields fields, JsonFields::Of(*json, "'changes'"));
  SchemaChanges changes;
  VARVE_ASSIGN(changes.dropped_schemas, fields.Texts("dropped_schemas"));
  VARVE_ASSIGN(changes.dropped_tables, NamesFromJson(fields, "dropped_tables"));
  VARVE_ASSIGN(changes.dropped_views, NamesFromJson(fields, "dropped_views"));
  VARVE_ASSIGN(changes.made_tables, NamesFromJson(fields, "made_tables"));
  VARVE_ASSIGN(const SnapshotJson* tables, fields.Array("base_columns"));
  for (const SnapshotJson& table : *tables) {
    VARVE_ASSIGN(changes.base_columns.emplace_back(), BaseColumnsFromJson(table));
  }
  return changes;
}

}  // namespace varve
