// What there is in a database: schemas, tables, views, and their names.
#include "base/log.h"
#include "engine/database.h"

namespace varve {

Result<std::shared_ptr<Table>> Database::CreateTable(std::string_view schema, std::string_view name,
                                                     TableSpec spec, TableOptions options) {
  VARVE_TRY(CheckIdentifier("table", name));
  std::lock_guard ddl(ddl_mutex_);
  if (!HasSchema(schema)) {
    return NotFound("Schema not found, schema_name:{}", schema);
  }
  if (FindTable(schema, name) || FindView(schema, name)) {
    return AlreadyExists("Failed to create table, table already exists, table:{}.", name);
  }
  VARVE_ASSIGN(TableSchema table_schema, TableSchema::Make(std::move(spec)));
  const Uuid uuid = options_.ids->NewUuid();
  VARVE_TRY(TableLog::Create(*options_.store, *options_.clock, uuid, std::move(table_schema),
                             std::move(options)));
  VARVE_ASSIGN(const TableEntry entry, catalogue_->AddTable(schema, name, uuid));
  return OpenTable(entry);
}

Status Database::DropTable(std::string_view schema, std::string_view name) {
  std::lock_guard ddl(ddl_mutex_);
  return DropTableLocked(schema, name);
}

Status Database::DropTableLocked(std::string_view schema, std::string_view name) {
  VARVE_ASSIGN(const auto table, FindTable(schema, name));
  {
    // Before the catalogue says that its files are garbage.
    std::lock_guard lock(dropped_mutex_);
    dropped_[table->uuid()] = table;
  }
  VARVE_TRY(catalogue_->RemoveTable(schema, name));
  {
    std::unique_lock lock(tables_mutex_);
    tables_.erase(table->id());
    auto& tables = by_name_.find(schema)->second;
    tables.erase(tables.find(name));
  }
  table->MarkDropped();
  // The table is gone either way; what is left of its log is removed when its id is not in the
  // catalogue.
  if (auto status = options_.wal->Drop(table->id()); !status) {
    LogWarn("the log of the dropped table {} is still there: {}", name, status.error().message);
  }
  memory_freed_.notify_all();
  return {};
}

Status Database::RenameTable(std::string_view schema, std::string_view from, std::string_view to) {
  VARVE_TRY(CheckIdentifier("table", to));
  std::lock_guard ddl(ddl_mutex_);
  VARVE_ASSIGN(const auto table, FindTable(schema, from));
  if (FindTable(schema, to) || FindView(schema, to)) {
    return AlreadyExists("Failed to rename table, table already exists, table:{}.", to);
  }
  VARVE_TRY(catalogue_->RenameTable(schema, from, to));
  std::unique_lock lock(tables_mutex_);
  auto& tables = by_name_.find(schema)->second;
  tables.erase(tables.find(from));
  tables[std::string(to)] = table;
  table->Rename(std::string(to));
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
