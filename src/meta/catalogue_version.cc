#include "meta/catalogue_version.h"

#include <algorithm>
#include <utility>

#include "model/table_schema.h"

namespace varve {
namespace {

Status AddSchema(CatalogueVersion& version, const std::string& schema) {
  VARVE_TRY(CheckIdentifier("schema", schema));
  if (!version.schemas.try_emplace(schema).second) {
    return AlreadyExists("the schema '{}' is there already", schema);
  }
  return {};
}

Status RemoveSchema(CatalogueVersion& version, const std::string& schema) {
  const auto found = version.schemas.find(schema);
  if (found == version.schemas.end()) {
    return NotFound("there is no schema '{}'", schema);
  }
  if (schema == kDefaultSchema) {
    return InvalidArgument("the schema '{}' cannot be dropped", schema);
  }
  if (const auto views = version.views.find(schema);
      views != version.views.end() && !views->second.empty()) {
    return InvalidArgument("the schema '{}' holds {} views ('{}', …): drop them first", schema,
                           views->second.size(), views->second.begin()->first);
  }
  if (!found->second.empty()) {
    return InvalidArgument("the schema '{}' holds {} tables ('{}', …): drop them first", schema,
                           found->second.size(), found->second.begin()->first);
  }
  version.schemas.erase(found);
  version.views.erase(schema);
  return {};
}

bool HasUuid(const CatalogueVersion& version, const Uuid& uuid) {
  return std::ranges::any_of(version.schemas,
                             [&](const auto& schema) {
                               return std::ranges::any_of(schema.second, [&](const auto& table) {
                                 return table.second.uuid == uuid;
                               });
                             }) ||
         std::ranges::any_of(version.dropped, [&](const auto& dropped) {
           return dropped.second.table.uuid == uuid;
         });
}

Status AddTable(CatalogueVersion& version, TableEntry entry) {
  VARVE_TRY(CheckIdentifier("table", entry.name));
  const auto schema = version.schemas.find(entry.schema);
  if (schema == version.schemas.end()) {
    return NotFound("there is no schema '{}'", entry.schema);
  }
  if (schema->second.contains(entry.name)) {
    return AlreadyExists("the table '{}' is there already in schema '{}'", entry.name,
                         entry.schema);
  }
  if (version.FindView(entry.schema, entry.name) != nullptr) {
    return AlreadyExists("'{}' is a view in schema '{}'", entry.name, entry.schema);
  }
  if (HasUuid(version, entry.uuid)) {
    return AlreadyExists("the table {} is there already under another name", entry.uuid.ToString());
  }
  if (entry.id <= version.last_table_id) {
    return InvalidArgument("the table id {} was given before (the last one is {})", entry.id,
                           version.last_table_id);
  }
  version.last_table_id = entry.id;
  std::string name = entry.name;
  schema->second.emplace(std::move(name), std::move(entry));
  return {};
}

Status AddPartitions(CatalogueVersion& version, const TableEntry& table,
                     std::vector<TableEntry> partitions) {
  if (partitions.size() != (table.partitioning ? table.partitioning->count : 0)) {
    return InvalidArgument("the table '{}' is made with {} partitions, which is not their number",
                           table.name, partitions.size());
  }
  for (uint32_t i = 0; i < partitions.size(); ++i) {
    if (partitions[i].partition_of != table.id ||
        partitions[i].id.value() != table.id.value() + 1 + i || partitions[i].partitioning) {
      return InvalidArgument("'{}' is not partition {} of the table '{}'", partitions[i].name, i,
                             table.name);
    }
    VARVE_TRY(AddTable(version, std::move(partitions[i])));
  }
  return {};
}

Status AddTables(CatalogueVersion& version, TableEntry table, std::vector<TableEntry> partitions) {
  if (table.partition_of) {
    return InvalidArgument("the partition '{}' is made without its table", table.name);
  }
  VARVE_TRY(AddTable(version, table));
  return AddPartitions(version, table, std::move(partitions));
}

Result<const TableEntry*> FindSame(const CatalogueVersion& version, const TableEntry& entry) {
  const TableEntry* found = version.Find(entry.schema, entry.name);
  if (found == nullptr || found->uuid != entry.uuid) {
    return NotFound("there is no table '{}' in schema '{}'", entry.name, entry.schema);
  }
  if (found->partition_of) {
    return InvalidArgument("'{}' is a partition: it is renamed and dropped with its table",
                           entry.name);
  }
  return found;
}

// The table and its partitions are taken out; they are returned.
Result<std::vector<TableEntry>> TakeTable(CatalogueVersion& version, const TableEntry& entry) {
  VARVE_ASSIGN(const TableEntry* const found, FindSame(version, entry));
  std::vector<TableEntry> taken = version.PartitionsOf(*found);
  taken.insert(taken.begin(), *found);
  auto& tables = version.schemas.find(entry.schema)->second;
  for (const TableEntry& each : taken) {
    tables.erase(each.name);
  }
  return taken;
}

Status RemoveTable(CatalogueVersion& version, const TableEntry& entry,
                   const std::optional<TimestampUs>& kept_until, TimestampUs now) {
  VARVE_ASSIGN(std::vector<TableEntry> removed, TakeTable(version, entry));
  if (kept_until) {
    for (TableEntry& each : removed) {
      const TableId id = each.id;
      version.dropped[id] = {std::move(each), now, *kept_until};
    }
  }
  return {};
}

Status GiveName(CatalogueVersion& version, TableEntry table, std::string name) {
  VARVE_TRY(CheckIdentifier("table", name));
  if (version.Find(table.schema, name) != nullptr ||
      version.FindView(table.schema, name) != nullptr) {
    return AlreadyExists("the name '{}' is taken in schema '{}'", name, table.schema);
  }
  table.name = name;
  version.schemas.find(table.schema)->second.emplace(std::move(name), std::move(table));
  return {};
}

Status RenameTable(CatalogueVersion& version, const TableRename& rename) {
  const TableEntry& table = rename.table;
  VARVE_ASSIGN(const TableEntry* const found, FindSame(version, table));
  if (rename.name == table.name) {
    return AlreadyExists("the name '{}' is taken in schema '{}'", rename.name, table.schema);
  }
  const TableEntry renamed = *found;
  const auto partitions = version.PartitionsOf(renamed);
  VARVE_TRY(TakeTable(version, table));
  VARVE_TRY(GiveName(version, renamed, rename.name));
  for (uint32_t i = 0; i < partitions.size(); ++i) {
    VARVE_TRY(GiveName(version, partitions[i], PartitionName(rename.name, i)));
  }
  return {};
}

// The dropped table and its partitions.
Result<std::vector<TableEntry>> TakeDropped(CatalogueVersion& version, TableId id) {
  const auto found = version.dropped.find(id);
  if (found == version.dropped.end() || found->second.table.partition_of) {
    return NotFound("there is no dropped table {}", id);
  }
  std::vector<TableEntry> taken = {found->second.table};
  version.dropped.erase(found);
  for (auto next = version.dropped.begin(); next != version.dropped.end();) {
    if (next->second.table.partition_of == id) {
      taken.push_back(std::move(next->second.table));
      next = version.dropped.erase(next);
    } else {
      ++next;
    }
  }
  return taken;
}

Status RestoreTable(CatalogueVersion& version, const TableRestore& restore) {
  VARVE_ASSIGN(const std::vector<TableEntry> tables, TakeDropped(version, restore.table));
  if (!version.schemas.contains(tables.front().schema)) {
    return NotFound("there is no schema '{}' any more", tables.front().schema);
  }
  VARVE_TRY(GiveName(version, tables.front(), restore.name));
  for (uint32_t i = 1; i < tables.size(); ++i) {
    VARVE_TRY(GiveName(version, tables[i], PartitionName(restore.name, i - 1)));
  }
  return {};
}

Status RemoveView(CatalogueVersion& version, const ViewEntry& view) {
  if (version.FindView(view.schema, view.name) == nullptr) {
    return NotFound("there is no view '{}' in schema '{}'", view.name, view.schema);
  }
  version.views.find(view.schema)->second.erase(view.name);
  return {};
}

Status AddView(CatalogueVersion& version, ViewEntry view) {
  VARVE_TRY(CheckIdentifier("view", view.name));
  if (!version.schemas.contains(view.schema)) {
    return NotFound("there is no schema '{}'", view.schema);
  }
  if (version.Find(view.schema, view.name) != nullptr) {
    return AlreadyExists("'{}' is a table in schema '{}'", view.name, view.schema);
  }
  std::string name = view.name;
  auto& views = version.views[view.schema];
  if (!views.try_emplace(std::move(name), std::move(view)).second) {
    return AlreadyExists("the view is there already");
  }
  return {};
}

Status CheckKind(const CatalogueVersion& base, const CatalogueEdit& edit) {
  const bool first = base.id == VersionId();
  if (first != (edit.kind == CatalogueEditKind::kCreate)) {
    return InvalidArgument("the first edit of a catalogue, and only that, is 'create'");
  }
  if ((edit.kind == CatalogueEditKind::kOther) == edit.other_kind.empty()) {
    return InvalidArgument("an edit of another kind, and only that, has the kind's name");
  }
  return {};
}

}  // namespace

const TableEntry* CatalogueVersion::Find(std::string_view schema, std::string_view name) const {
  const auto tables = schemas.find(std::string(schema));
  if (tables == schemas.end()) {
    return nullptr;
  }
  const auto table = tables->second.find(std::string(name));
  return table == tables->second.end() ? nullptr : &table->second;
}

std::vector<TableEntry> CatalogueVersion::PartitionsOf(const TableEntry& table) const {
  std::vector<TableEntry> partitions;
  const auto tables = schemas.find(table.schema);
  for (uint32_t i = 0; table.partitioning && i < table.partitioning->count; ++i) {
    const auto found = tables->second.find(PartitionName(table.name, i));
    if (found != tables->second.end() && found->second.partition_of == table.id) {
      partitions.push_back(found->second);
    }
  }
  return partitions;
}

const DroppedTable* CatalogueVersion::FindDropped(std::string_view schema,
                                                  std::string_view name) const {
  const DroppedTable* newest = nullptr;
  for (const auto& [id, each] : dropped) {
    if (each.table.schema == schema && each.table.name == name && !each.table.partition_of &&
        (newest == nullptr || newest->dropped_at < each.dropped_at)) {
      newest = &each;
    }
  }
  return newest;
}

std::vector<TableEntry> CatalogueVersion::KeptTables() const {
  std::vector<TableEntry> out;
  for (const auto& [schema, tables] : schemas) {
    for (const auto& [name, table] : tables) {
      out.push_back(table);
    }
  }
  for (const auto& [id, each] : dropped) {
    out.push_back(each.table);
  }
  return out;
}

const ViewEntry* CatalogueVersion::FindView(std::string_view schema, std::string_view name) const {
  const auto of_schema = views.find(std::string(schema));
  if (of_schema == views.end()) {
    return nullptr;
  }
  const auto view = of_schema->second.find(std::string(name));
  return view == of_schema->second.end() ? nullptr : &view->second;
}

Result<CatalogueVersion> Apply(CatalogueVersion base, CatalogueEdit edit, TimestampUs now) {
  VARVE_TRY(CheckKind(base, edit));
  if (edit.added_schema) {
    VARVE_TRY(AddSchema(base, *edit.added_schema));
  }
  if (edit.added_table) {
    VARVE_TRY(AddTables(base, std::move(*edit.added_table), std::move(edit.added_partitions)));
  }
  const bool first = base.id == VersionId();
  const TimestampUs committed_at =
      first ? now : std::max(now, TimestampUs(base.committed_at.value() + 1));
  if (edit.removed_table) {
    VARVE_TRY(RemoveTable(base, *edit.removed_table, edit.kept_until, committed_at));
  }
  if (edit.restored_table) {
    VARVE_TRY(RestoreTable(base, *edit.restored_table));
  }
  for (const TableId id : edit.purged_tables) {
    VARVE_TRY(TakeDropped(base, id));
  }
  if (edit.renamed_table) {
    VARVE_TRY(RenameTable(base, *edit.renamed_table));
  }
  if (edit.removed_view) {
    VARVE_TRY(RemoveView(base, *edit.removed_view));
  }
  if (edit.added_view) {
    VARVE_TRY(AddView(base, std::move(*edit.added_view)));
  }
  if (edit.removed_schema) {
    VARVE_TRY(RemoveSchema(base, *edit.removed_schema));
  }
  base.id = VersionId(base.id.value() + 1);
  base.committed_at = committed_at;
  return base;
}

}  // namespace varve
