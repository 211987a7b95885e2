#include "protect/import_increment.h"

#include <algorithm>
#include <map>

#include "base/log.h"
#include "protect/import_record.h"
#include "protect/import_tables_internal.h"
#include "protect/snapshot_error.h"

namespace varve {
namespace {

constexpr std::string_view kImportOperation = "import/";
constexpr std::string_view kDoneSuffix = "/done";

// Who has touched a table last.
enum class TableState : uint8_t {
  kUntouched,  // no import has
  kBase,       // the base, and it is complete
  kOurs,       // this increment, which has not ended
  kDone,       // it has
  kOther,
};

std::string DoneBy(const Uuid& snapshot_id) {
  return fmt::format("{}{}{}", kImportOperation, snapshot_id.ToString(), kDoneSuffix);
}

TableState StateOf(const Table& table, const Manifest& manifest) {
  if (table.HasCommitted(DoneBy(manifest.snapshot_id))) {
    return TableState::kDone;
  }
  const auto last = table.LastOperation(kImportOperation);
  if (!last) {
    return TableState::kUntouched;
  }
  if (*last == DoneBy(manifest.base->snapshot_id)) {
    return TableState::kBase;
  }
  return last->starts_with(BegunOperation(manifest)) ? TableState::kOurs : TableState::kOther;
}

std::unexpected<Error> Mismatch(const Manifest& manifest, std::string_view what,
                                std::string_view here) {
  return Named(ErrorKind::kInvalidArgument, kBaseMismatch,
               "{}: snapshot {} is an increment of snapshot {} ({}), which has to be imported "
               "before it, with nothing after; here is {}",
               what, manifest.snapshot_id.ToString(), manifest.base->snapshot_id.ToString(),
               manifest.base->location, here);
}

std::string LeftHere(const Table& table) {
  const auto last = table.LastOperation(kImportOperation);
  if (!last) {
    return "a table that no import has touched";
  }
  const std::string rest = last->substr(kImportOperation.size());
  const std::string id = rest.substr(0, rest.find('/'));
  return fmt::format("{}snapshot {}", rest == id + std::string(kDoneSuffix) ? "" : "a part of ",
                     id);
}

class Planner {
 public:
  Planner(Database& database, const Manifest& manifest, const SnapshotSchema& schema,
          const ImportRequest& request)
      : database_(database), manifest_(manifest), schema_(schema), request_(request) {}

  Result<ImportPlan> Run() {
    VARVE_TRY(CheckRequest());
    VARVE_ASSIGN(schemas_, PlanSchemas(database_, schema_, request_, plan_));
    VARVE_TRY(FindTables());
    VARVE_ASSIGN(const bool done, IsDone());
    if (done) {
      plan_.schemas.clear();
      for (TablePlan& table : plan_.tables) {
        table.action = TableAction::kDoneBefore;
      }
      return std::move(plan_);
    }
    VARVE_TRY(CheckBaseWithoutTables());
    for (TablePlan& table : plan_.tables) {
      VARVE_TRY(PlanTable(table));
    }
    ImportRequest views = request_;
    views.on_conflict = OnConflict::kOverwrite;
    VARVE_TRY(PlanViews(database_, schema_, views, plan_));
    PlanDrops();
    return std::move(plan_);
  }

 private:
  Status CheckRequest() const {
    if (request_.range) {
      return InvalidArgument(
          "time_range: an increment is imported as a whole; import it all, and export from there");
    }
    if (request_.on_conflict != OnConflict::kFail) {
      return InvalidArgument(
          "on_conflict: an increment goes on from what its base has left, and says itself which "
          "rows it adds and which it replaces: leave the option out");
    }
    for (const std::string& name : request_.schemas.value_or(std::vector<std::string>())) {
      if (std::ranges::find(schema_.schemas, name) == schema_.schemas.end()) {
        return NotFound("the snapshot has no schema '{}'; it has {}", name,
                        fmt::join(schema_.schemas, ", "));
      }
    }
    for (const auto& [from, to] : request_.rename_schemas) {
      VARVE_TRY(CheckIdentifier("schema", to));
    }
    for (const std::string& name : request_.tables.value_or(std::vector<std::string>())) {
      const auto is = [&](const auto& one) {
        return name == one.name || name == fmt::format("{}.{}", one.schema, one.name);
      };
      if (std::ranges::none_of(schema_.tables, is) && std::ranges::none_of(schema_.views, is) &&
          std::ranges::none_of(manifest_.changes.dropped_tables, is) &&
          std::ranges::none_of(manifest_.changes.dropped_views, is)) {
        return NotFound("the snapshot has no table '{}'", name);
      }
    }
    return {};
  }

  bool IsWanted(std::string_view schema, std::string_view name) const {
    const bool in_schemas = !request_.schemas ||
                            std::ranges::find(*request_.schemas, schema) != request_.schemas->end();
    return in_schemas && IsSelected(request_.tables, schema, name);
  }

  bool IsMade(const TableDefinition& table) const {
    return std::ranges::find(manifest_.changes.made_tables,
                             RelationName{table.schema, table.name}) !=
           manifest_.changes.made_tables.end();
  }

  Status FindTables() {
    for (const TableDefinition& table : schema_.tables) {
      const std::string here = SchemaHere(request_, table.schema);
      const auto from = schemas_.find(here);
      if (from != schemas_.end() && from->second == table.schema &&
          IsWanted(table.schema, table.name)) {
        plan_.tables.push_back({&table, here, TableAction::kCreate, {}});
      }
    }
    return {};
  }

  std::shared_ptr<Table> Here(const TablePlan& table) const {
    return database_.FindTable(table.schema, table.definition->name).value_or(nullptr);
  }

  // Tables that are not here may have been dropped by a later increment.
  Result<bool> IsDone() const {
    bool any = false;
    for (const TablePlan& table : plan_.tables) {
      if (const auto here = Here(table)) {
        if (StateOf(*here, manifest_) != TableState::kDone) {
          return false;
        }
        any = true;
      }
    }
    if (any) {
      return true;
    }
    VARVE_ASSIGN(const auto imported, FindImported(database_.store(), request_));
    return std::ranges::find(imported, manifest_.snapshot_id) != imported.end();
  }

  // Where no table can say whether the base is here.
  Status CheckBaseWithoutTables() const {
    const bool can_say = std::ranges::any_of(
        plan_.tables, [&](const TablePlan& table) { return !IsMade(*table.definition); });
    if (can_say) {
      return {};
    }
    VARVE_ASSIGN(const auto imported, FindImported(database_.store(), request_));
    if (!imported.empty() && imported.back() == manifest_.base->snapshot_id) {
      return {};
    }
    return Mismatch(manifest_, "the database",
                    imported.empty()
                        ? "no note of an import with the same schemas, tables and rename_schema"
                        : fmt::format("snapshot {}", imported.back().ToString()));
  }

  Status PlanTable(TablePlan& table) {
    const auto here = Here(table);
    const TableState state = here ? StateOf(*here, manifest_) : TableState::kUntouched;
    table.options = OptionsFor(database_, *table.definition, manifest_, request_, plan_.warnings);
    if (state == TableState::kDone) {
      table.action = TableAction::kDoneBefore;
      return {};
    }
    return IsMade(*table.definition) ? PlanMade(table, here, state) : PlanKept(table, here, state);
  }

  Status PlanKept(TablePlan& table, const std::shared_ptr<Table>& here, TableState state) {
    const std::string name = fmt::format("table {}.{}", table.schema, table.definition->name);
    if (here == nullptr) {
      return Mismatch(manifest_, name, "no such table");
    }
    if (state != TableState::kBase && state != TableState::kOurs) {
      return Mismatch(manifest_, name, LeftHere(*here));
    }
    table.action = TableAction::kAdvance;
    const auto& changed = manifest_.changes.base_columns;
    const auto before =
        std::ranges::find(changed, RelationName{table.definition->schema, table.definition->name},
                          &BaseColumns::table);
    table.before = before == changed.end() ? nullptr : &*before;
    if (table.options.enable_ttl && !here->options().enable_ttl &&
        request_.ttl_hold == ImportRequest::TtlHold::kHold) {
      table.options.enable_ttl = false;
      plan_.warnings.push_back(fmt::format(
          "{}: its ttl is switched off here and stays so: ALTER TABLE {} MODIFY SETTING "
          "enable_ttl='true' when its rows may go, or import with ttl_hold false",
          name, table.definition->name));
    }
    return {};
  }

  Status PlanMade(TablePlan& table, const std::shared_ptr<Table>& here, TableState state) {
    const std::string name = fmt::format("table {}.{}", table.schema, table.definition->name);
    if (here == nullptr) {
      table.action = TableAction::kCreate;
      return {};
    }
    if (state == TableState::kBase) {
      table.action = TableAction::kReplace;
      table.replaced = here->uuid();
      return {};
    }
    if (state == TableState::kOther) {
      return Mismatch(manifest_, name, LeftHere(*here));
    }
    VARVE_ASSIGN(const bool has_rows, HasRows(database_, here));
    if (state == TableState::kUntouched && has_rows) {
      return Named(ErrorKind::kAlreadyExists, kRelationExists,
                   "{} is new in the snapshot, and is here with rows: rename or drop it", name);
    }
    const auto differences = Differences(*table.definition, *here);
    if (!differences.empty()) {
      return Named(ErrorKind::kInvalidArgument, kSchemaMismatch,
                   "{} is there and differs from the snapshot's: {}", name,
                   fmt::join(differences, "; "));
    }
    table.action = TableAction::kUse;
    return {};
  }

  void PlanDrops() {
    const SchemaChanges& changes = manifest_.changes;
    for (const RelationName& dropped : changes.dropped_tables) {
      const std::string schema = SchemaHere(request_, dropped.schema);
      const auto here = database_.FindTable(schema, dropped.name).value_or(nullptr);
      if (here == nullptr || !IsWanted(dropped.schema, dropped.name)) {
        continue;
      }
      if (StateOf(*here, manifest_) == TableState::kBase) {
        plan_.dropped_tables.push_back({schema, dropped.name});
      } else {
        plan_.warnings.push_back(
            fmt::format("table {}.{} has been dropped where the snapshot was made; the one here is "
                        "not what the base has left, and stays",
                        schema, dropped.name));
      }
    }
    for (const RelationName& dropped : changes.dropped_views) {
      const std::string schema = SchemaHere(request_, dropped.schema);
      if (IsWanted(dropped.schema, dropped.name) && database_.FindView(schema, dropped.name)) {
        plan_.dropped_views.push_back({schema, dropped.name});
      }
    }
    for (const std::string& dropped : changes.dropped_schemas) {
      const std::string schema = SchemaHere(request_, dropped);
      if (!request_.tables && !request_.schemas && database_.HasSchema(schema)) {
        plan_.dropped_schemas.push_back(schema);
      }
    }
  }

  Database& database_;
  const Manifest& manifest_;
  const SnapshotSchema& schema_;
  const ImportRequest& request_;
  std::map<std::string, std::string> schemas_;  // that are selected, by their names here
  ImportPlan plan_;
};

// The present columns as the snapshot has them: a column that the base had keeps its id here.
Result<TableSchema> Advanced(const TableSchema& current, const TableSchema& wanted,
                             const BaseColumns& before) {
  uint32_t last_id = current.last_column_id();
  std::vector<ColumnSchema> columns = wanted.columns();
  for (ColumnSchema& column : columns) {
    const auto former = before.columns.find(column.id);
    if (former != before.columns.end()) {
      const ColumnSchema* here = current.Find(former->second);
      if (here == nullptr || here->type != column.type || here->tag != column.tag) {
        return Named(ErrorKind::kInvalidArgument, kSchemaMismatch,
                     "column {} is not here as the base had it: somebody has altered the table",
                     former->second);
      }
      column.id = here->id;
      continue;
    }
    // The id that it has in the files, where it is free, so that they may be copied.
    last_id = std::max(last_id + 1, column.id);
    column.id = last_id;
  }
  std::vector<std::string> key;
  for (size_t i = 0; i < wanted.key_size(); ++i) {
    key.push_back(wanted.columns()[i].name);
  }
  return TableSchema::Restore(current.schema_id() + 1, last_id, std::move(columns), std::move(key),
                              wanted.timestamp().name);
}

}  // namespace

Result<ImportPlan> PlanIncrement(Database& database, const Manifest& manifest,
                                 const SnapshotSchema& schema, const ImportRequest& request) {
  return Planner(database, manifest, schema, request).Run();
}

Status DropRelations(Database& database, const Manifest& manifest, const ImportPlan& plan) {
  for (const RelationName& view : plan.dropped_views) {
    if (database.FindView(view.schema, view.name)) {
      VARVE_TRY(database.DropView(view.schema, view.name));
    }
  }
  for (const RelationName& table : plan.dropped_tables) {
    const auto here = database.FindTable(table.schema, table.name);
    if (here && StateOf(**here, manifest) == TableState::kBase) {
      VARVE_TRY(database.DropTable(table.schema, table.name));
    }
  }
  for (const std::string& schema : plan.dropped_schemas) {
    if (const Status dropped = database.DropSchema(schema, DropBehavior::kRestrict);
        !dropped && dropped.error().kind != ErrorKind::kNotFound) {
      if (dropped.error().kind != ErrorKind::kInvalidArgument) {
        return dropped;
      }
      LogWarn("schema {} has been dropped where the snapshot was made, and stays here: {}", schema,
              dropped.error().message);
    }
  }
  return {};
}

Result<std::shared_ptr<Table>> AdvanceTable(Database& database, const Manifest& manifest,
                                            const TablePlan& table) {
  VARVE_ASSIGN(auto here, database.FindTable(table.schema, table.definition->name));
  VARVE_TRY(database.AlterOnce(
      *here, BegunOperation(manifest),
      [&](const TableSchema& schema) -> Result<std::optional<TableSchema>> {
        if (table.before == nullptr) {
          return std::nullopt;
        }
        VARVE_ASSIGN(auto next, Advanced(schema, table.definition->columns, *table.before));
        return next;
      },
      table.options));
  return here;
}

}  // namespace varve
