// What there is in a database: schemas, tables, views, and their names.
#include "base/log.h"
#include "engine/database.h"

namespace varve {

Status Database::CheckNew(std::string_view schema, std::string_view name) const {
  if (!HasSchema(schema)) {
    return NotFound("Schema not found, schema_name:{}", schema);
  }
  if (FindTable(schema, name) || FindView(schema, name)) {
    return AlreadyExists("Failed to create table, table already exists, table:{}.", name);
  }
  return {};
}

Result<std::shared_ptr<Table>> Database::CreateTable(std::string_view schema, std::string_view name,
                                                     TableSpec spec, TableOptions options) {
  VARVE_TRY(CheckIdentifier("table", name));
  std::lock_guard ddl(ddl_mutex_);
  VARVE_TRY(CheckNew(schema, name));
  VARVE_ASSIGN(TableSchema table_schema, TableSchema::Make(std::move(spec)));
  const Uuid uuid = options_.ids->NewUuid();
  VARVE_TRY(TableLog::Create(*options_.store, *options_.clock, uuid, std::move(table_schema),
                             std::move(options)));
  VARVE_ASSIGN(const TableEntry entry, catalogue_->AddTable(schema, name, {uuid}));
  return OpenTable(entry);
}

Status Database::DropTable(std::string_view schema, std::string_view name) {
  std::lock_guard ddl(ddl_mutex_);
  return DropTableLocked(schema, name);
}

Status Database::CheckNoPartition(const Table& table) const {
  if (const auto whole = TableOf(table)) {
    return InvalidArgument(
        "{0} is a partition of table {1}: it is altered, renamed and dropped with {1}",
        table.name(), whole->name());
  }
  return {};
}

Status Database::DropTableLocked(std::string_view schema, std::string_view name) {
  VARVE_ASSIGN(const auto table, FindTable(schema, name));
  VARVE_TRY(CheckNoPartition(*table));
  auto dropped = PartitionsOf(*table);
  dropped.push_back(table);
  {
    // Before the catalogue says that its files are garbage.
    std::lock_guard lock(dropped_mutex_);
    for (const auto& each : dropped) {
      dropped_[each->uuid()] = each;
    }
  }
  const auto retained = table->options().drop_time_retained;
  std::optional<TimestampUs> kept_until;
  if (retained.count() > 0) {
    kept_until =
        TimestampUs(options_.clock->Now().value() + std::chrono::microseconds(retained).count());
  }
  VARVE_TRY(catalogue_->RemoveTable(schema, name, kept_until));
  {
    std::unique_lock lock(tables_mutex_);
    auto& tables = by_name_.find(schema)->second;
    for (const auto& each : dropped) {
      tables_.erase(each->id());
      tables.erase(tables.find(each->name()));
    }
  }
  for (const auto& each : dropped) {
    each->MarkDropped();
    if (kept_until) {
      continue;  // what is not in files yet is in the log, for UndropTable
    }
    // The table is gone either way; what is left of its log is removed when its id is not in the
    // catalogue.
    if (auto status = options_.wal->Drop(each->id()); !status) {
      LogWarn("the log of the dropped table {} is still there: {}", each->name(),
              status.error().message);
    }
  }
  memory_freed_.notify_all();
  return {};
}

Status Database::RenameTable(std::string_view schema, std::string_view from, std::string_view to) {
  VARVE_TRY(CheckIdentifier("table", to));
  std::lock_guard ddl(ddl_mutex_);
  VARVE_ASSIGN(const auto table, FindTable(schema, from));
  VARVE_TRY(CheckNoPartition(*table));
  const auto partitions = PartitionsOf(*table);
  const auto taken = [&](std::string_view name) {
    return FindTable(schema, name) || FindView(schema, name);
  };
  bool any_taken = taken(to);
  for (uint32_t i = 0; i < partitions.size(); ++i) {
    any_taken = any_taken || taken(PartitionName(to, i));
  }
  if (any_taken) {
    return AlreadyExists("Failed to rename table, table already exists, table:{}.", to);
  }
  VARVE_TRY(catalogue_->RenameTable(schema, from, to));
  std::unique_lock lock(tables_mutex_);
  auto& tables = by_name_.find(schema)->second;
  const auto rename = [&](const std::shared_ptr<Table>& each, std::string name) {
    tables.erase(tables.find(each->name()));
    tables[name] = each;
    each->Rename(std::move(name));
  };
  rename(table, std::string(to));
  for (uint32_t i = 0; i < partitions.size(); ++i) {
    rename(partitions[i], PartitionName(to, i));
  }
  return {};
}

Status Database::CreateSchema(std::string_view schema) {
  std::lock_guard ddl(ddl_mutex_);
  VARVE_TRY(catalogue_->AddSchema(schema));
  std::unique_lock lock(tables_mutex_);
  by_name_[std::string(schema)];
  return {};
}

Status Database::DropSchema(std::string_view schema, DropBehavior behavior) {
  std::lock_guard ddl(ddl_mutex_);
  if (!HasSchema(schema)) {
    return NotFound("Schema not found, schema_name:{}", schema);
  }
  if (schema == kDefaultSchema) {
    return InvalidArgument("Schema {} can not be dropped: it is the default one", schema);
  }
  VARVE_ASSIGN(const auto tables, ListTables(schema));
  const auto views = ListViews(schema);
  if (behavior == DropBehavior::kRestrict && !(tables.empty() && views.empty())) {
    return InvalidArgument(
        "Schema {} is not empty, it holds {} tables and {} views: drop them first, or all with "
        "DROP SCHEMA ... CASCADE",
        schema, tables.size(), views.size());
  }
  for (const ViewEntry& view : views) {
    VARVE_TRY(catalogue_->RemoveView(schema, view.name));
  }
  for (const auto& table : tables) {
    if (table->partition_of()) {
      continue;  // goes with its table
    }
    VARVE_TRY(DropTableLocked(schema, table->name()));
  }
  VARVE_TRY(catalogue_->RemoveSchema(schema));
  std::unique_lock lock(tables_mutex_);
  by_name_.erase(by_name_.find(schema));
  return {};
}

Status Database::SetView(ViewEntry view, Catalogue::OnExisting on_existing) {
  std::lock_guard ddl(ddl_mutex_);
  if (!HasSchema(view.schema)) {
    return NotFound("Schema not found, schema_name:{}", view.schema);
  }
  if (FindTable(view.schema, view.name)) {
    return AlreadyExists("Failed to create view, table already exists, table:{}.", view.name);
  }
  if (on_existing == Catalogue::OnExisting::kFail && FindView(view.schema, view.name)) {
    return AlreadyExists("Failed to create view, view already exists, view:{}.", view.name);
  }
  return catalogue_->SetView(std::move(view), on_existing);
}

Status Database::DropView(std::string_view schema, std::string_view name) {
  std::lock_guard ddl(ddl_mutex_);
  if (!FindView(schema, name)) {
    return NotFound("View not found, view:{}", name);
  }
  return catalogue_->RemoveView(schema, name);
}

std::optional<ViewEntry> Database::FindView(std::string_view schema, std::string_view name) const {
  const auto catalogue = catalogue_->current();
  const ViewEntry* found = catalogue->FindView(schema, name);
  return found == nullptr ? std::nullopt : std::optional(*found);
}

std::vector<ViewEntry> Database::ListViews(std::string_view schema) const {
  const auto catalogue = catalogue_->current();
  std::vector<ViewEntry> out;
  if (const auto found = catalogue->views.find(std::string(schema));
      found != catalogue->views.end()) {
    for (const auto& [name, view] : found->second) {
      out.push_back(view);
    }
  }
  return out;
}

}  // namespace varve
