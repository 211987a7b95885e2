#include "protect/export_source.h"

#include <algorithm>

#include "protect/snapshot_error.h"

namespace varve {
namespace {

constexpr int64_t kUsPerDay = 86'400'000'000;

bool Selects(const std::optional<std::vector<std::string>>& names, std::string_view schema,
             std::string_view table) {
  return !names || std::ranges::any_of(*names, [&](const std::string& name) {
    return name == table || name == fmt::format("{}.{}", schema, table);
  });
}

// Names that select nothing are mistakes.
Status CheckAllFound(const std::vector<std::string>& wanted, const SnapshotSchema& found) {
  for (const std::string& name : wanted) {
    const bool is_table = std::ranges::any_of(found.tables, [&](const TableDefinition& table) {
      return name == table.name || name == fmt::format("{}.{}", table.schema, table.name);
    });
    const bool is_view = std::ranges::any_of(found.views, [&](const ViewEntry& view) {
      return name == view.name || name == fmt::format("{}.{}", view.schema, view.name);
    });
    if (!is_table && !is_view) {
      return NotFound("Table not found, table:{}", name);
    }
  }
  return {};
}

Result<std::vector<std::shared_ptr<Table>>> SelectTables(Database& database,
                                                         const ExportRequest& request,
                                                         SnapshotSchema& schema) {
  schema.schemas = request.schemas.value_or(database.ListSchemas());
  std::ranges::sort(schema.schemas);
  const auto repeated = std::ranges::unique(schema.schemas);
  schema.schemas.erase(repeated.begin(), repeated.end());
  std::vector<std::shared_ptr<Table>> selected;
  for (const std::string& name : schema.schemas) {
    VARVE_ASSIGN(const auto tables, database.ListTables(name));
    for (const auto& table : tables) {
      if (!table->partition_of() && Selects(request.tables, name, table->name())) {
        selected.push_back(table);
      }
    }
    for (ViewEntry& view : database.ListViews(name)) {
      if (Selects(request.tables, name, view.name)) {
        schema.views.push_back(std::move(view));
      }
    }
  }
  return selected;
}

PinnedTable Pinned(const Table& table, std::string name, std::optional<uint32_t> partition,
                   const std::shared_ptr<const Version>& version) {
  const ReadView view = table.ViewAt(version);
  return {table.schema_name(), std::move(name), partition, table.uuid(), version,
          view.visible_from,   view.table};
}

// The table as it is defined in the version, and those of its parts that hold rows.
Status AddTable(Database& database, const std::shared_ptr<Table>& table,
                const std::vector<TableSavepoint>& savepoints, ExportSources& out) {
  const auto version_of = [&](const Table& one) -> Result<std::shared_ptr<const Version>> {
    const auto found = std::ranges::find_if(
        savepoints, [&](const TableSavepoint& saved) { return saved.table->id() == one.id(); });
    if (found == savepoints.end()) {
      return Conflict("table {} has changed its partitions; try again", table->name());
    }
    return one.FindVersion(found->savepoint.saved_snapshot_id);
  };
  VARVE_ASSIGN(const auto version, version_of(*table));
  TableDefinition definition{.schema = table->schema_name(),
                             .name = table->name(),
                             .uuid = table->uuid(),
                             .columns = *version->schema,
                             .options = version->options,
                             .partition = {}};
  if (const auto& partitioning = table->partitioning()) {
    definition.partition = ClauseOf(*partitioning, *version->schema);
    const auto partitions = database.PartitionsOf(*table);
    for (size_t i = 0; i < partitions.size(); ++i) {
      VARVE_ASSIGN(const auto part, version_of(*partitions[i]));
      out.tables.push_back(Pinned(*partitions[i], table->name(), static_cast<uint32_t>(i), part));
    }
  } else {
    out.tables.push_back(Pinned(*table, table->name(), std::nullopt, version));
  }
  out.schema.tables.push_back(std::move(definition));
  return {};
}

TimestampUs RetainUntil(const Database& database) {
  return TimestampUs(database.clock().Now().value() + kPinDays.count() * kUsPerDay);
}

std::vector<std::shared_ptr<Table>> AllTables(const Database& database) {
  std::vector<std::shared_ptr<Table>> all;
  for (const std::string& schema : database.ListSchemas()) {
    if (const auto tables = database.ListTables(schema)) {
      all.insert(all.end(), tables->begin(), tables->end());
    }
  }
  return all;
}

}  // namespace

std::string ExportSavepoint(const Uuid& snapshot_id) {
  return fmt::format("export-{}", snapshot_id.ToString());
}

Result<ExportSources> PinSources(Database& database, const ExportRequest& request,
                                 const Uuid& snapshot_id) {
  ExportSources out;
  VARVE_ASSIGN(const auto tables, SelectTables(database, request, out.schema));
  if (tables.empty()) {
    VARVE_TRY(CheckAllFound(request.tables.value_or(std::vector<std::string>()), out.schema));
    return out;
  }
  VARVE_ASSIGN(
      const auto savepoints,
      database.CreateSavepoints(
          tables, {.name = ExportSavepoint(snapshot_id), .retain_until = RetainUntil(database)},
          request.as_of));
  const auto add_all = [&]() -> Status {
    for (const auto& table : tables) {
      VARVE_TRY(AddTable(database, table, savepoints, out));
    }
    return CheckAllFound(request.tables.value_or(std::vector<std::string>()), out.schema);
  };
  if (auto status = add_all(); !status) {
    VARVE_TRY(ReleaseSources(database, snapshot_id));
    return std::unexpected(std::move(status).error());
  }
  return out;
}

Result<std::vector<PinnedTable>> ReopenSources(Database& database, const Manifest& manifest) {
  const auto all = AllTables(database);
  std::vector<PinnedTable> pinned;
  for (const ExportSource& source : manifest.sources) {
    const auto table = std::ranges::find(all, source.uuid, [](const auto& t) { return t->uuid(); });
    if (table == all.end()) {
      return NotFound(
          "{}.{} has been dropped since the export began: it cannot be resumed, --force begins it "
          "again",
          source.schema, source.table);
    }
    VARVE_ASSIGN(auto savepoint,
                 (*table)->savepoints().Find(ExportSavepoint(manifest.snapshot_id)));
    if (!savepoint) {
      return NotFound(
          "the savepoint '{}' of {}.{} is gone: the export cannot be resumed, --force begins it "
          "again",
          ExportSavepoint(manifest.snapshot_id), source.schema, source.table);
    }
    savepoint->retain_until = RetainUntil(database);
    VARVE_TRY((*table)->savepoints().Replace(*savepoint));
    VARVE_ASSIGN(const auto version, (*table)->FindVersion(source.version));
    PinnedTable one = Pinned(**table, source.table, source.partition, version);
    one.schema = source.schema;
    one.visible_from = source.visible_from.value_or(ReadView{}.visible_from);
    pinned.push_back(std::move(one));
  }
  return pinned;
}

Status RenewSources(Database& database, const Manifest& manifest) {
  const auto all = AllTables(database);
  for (const ExportSource& source : manifest.sources) {
    const auto table = std::ranges::find(all, source.uuid, [](const auto& t) { return t->uuid(); });
    if (table != all.end()) {
      VARVE_ASSIGN(auto savepoint,
                   (*table)->savepoints().Find(ExportSavepoint(manifest.snapshot_id)));
      if (savepoint) {
        savepoint->retain_until = RetainUntil(database);
        VARVE_TRY((*table)->savepoints().Replace(*savepoint));
      }
    }
  }
  return {};
}

Result<uint64_t> ReleaseSources(Database& database, const Uuid& snapshot_id) {
  uint64_t released = 0;
  const std::string name = ExportSavepoint(snapshot_id);
  for (const auto& table : AllTables(database)) {
    if (table->partition_of()) {
      continue;  // goes with its table's
    }
    VARVE_ASSIGN(const auto savepoint, table->savepoints().Find(name));
    if (savepoint) {
      VARVE_TRY(database.DropSavepoint(*table, savepoint->id));
      ++released;
    }
  }
  return released;
}

}  // namespace varve
