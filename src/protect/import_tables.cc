#include "protect/import_tables.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>

#include "base/units.h"
#include "protect/import_record.h"
#include "protect/import_tables_internal.h"
#include "protect/snapshot_error.h"

namespace varve {
namespace {

std::string RangeSuffix(const TimeRange& range) {
  return fmt::format("/{}..{}", range.start.value(), range.end.value());
}

Status CheckNames(const SnapshotSchema& schema, const ImportRequest& request) {
  const auto has_schema = [&](const std::string& name) {
    return std::ranges::find(schema.schemas, name) != schema.schemas.end();
  };
  for (const std::string& name : request.schemas.value_or(std::vector<std::string>())) {
    if (!has_schema(name)) {
      return NotFound("the snapshot has no schema '{}'; it has {}", name,
                      fmt::join(schema.schemas, ", "));
    }
  }
  for (const auto& [from, to] : request.rename_schemas) {
    if (!has_schema(from)) {
      return NotFound("rename_schema: the snapshot has no schema '{}'", from);
    }
    VARVE_TRY(CheckIdentifier("schema", to));
  }
  for (const std::string& name : request.tables.value_or(std::vector<std::string>())) {
    const auto is = [&](const auto& one) {
      return name == one.name || name == fmt::format("{}.{}", one.schema, one.name);
    };
    if (std::ranges::none_of(schema.tables, is) && std::ranges::none_of(schema.views, is)) {
      return NotFound("the snapshot has no table '{}'", name);
    }
  }
  return {};
}

// For a table that is there already.
Result<TableAction> ActionFor(Database& database, const std::shared_ptr<Table>& table,
                              const TablePlan& plan, const Manifest& manifest,
                              const ImportRequest& request) {
  const bool begun = table->HasCommitted(BegunOperation(manifest));
  if (table->HasCommitted(DoneOperation(manifest, request))) {
    return request.on_conflict == OnConflict::kOverwrite ? TableAction::kReplace
                                                         : TableAction::kDoneBefore;
  }
  if (!begun && request.on_conflict == OnConflict::kOverwrite) {
    return TableAction::kReplace;
  }
  if (!begun && request.on_conflict != OnConflict::kAppend) {
    VARVE_ASSIGN(const bool has_rows, HasRows(database, table));
    if (request.on_conflict == OnConflict::kSkip) {
      return TableAction::kSkip;
    }
    if (has_rows) {
      return Named(ErrorKind::kAlreadyExists, kRelationExists,
                   "table {}.{} is there and has rows; say on_conflict skip, append or overwrite, "
                   "or give the schema another name with rename_schema",
                   plan.schema, plan.definition->name);
    }
  }
  const auto differences = Differences(*plan.definition, *table);
  if (!differences.empty()) {
    return Named(ErrorKind::kInvalidArgument, kSchemaMismatch,
                 "table {}.{} is there and differs from the snapshot's: {}", plan.schema,
                 plan.definition->name, fmt::join(differences, "; "));
  }
  return TableAction::kUse;
}

Result<std::shared_ptr<Table>> MakeTable(Database& database, const Manifest& manifest,
                                         const TablePlan& table) {
  const TableDefinition& definition = *table.definition;
  if (table.action == TableAction::kReplace) {
    if (const auto there = database.FindTable(table.schema, definition.name)) {
      if ((*there)->uuid() != table.replaced) {
        return DroppedMeanwhile(table);
      }
      VARVE_TRY(database.DropTable(table.schema, definition.name));
    }
  }
  if (table.action != TableAction::kUse) {
    VARVE_TRY(definition.partition ? database.CreatePartitionedTable(
                                         table.schema, definition.name, definition.Spec(),
                                         table.options, *definition.partition)
                                   : database.CreateTable(table.schema, definition.name,
                                                          definition.Spec(), table.options));
  }
  VARVE_ASSIGN(auto made, database.FindTable(table.schema, definition.name));
  VARVE_TRY(made->NoteOperation(BegunOperation(manifest)));
  return made;
}

}  // namespace

bool IsSelected(const std::optional<std::vector<std::string>>& names, std::string_view schema,
                std::string_view table) {
  return !names || std::ranges::any_of(*names, [&](const std::string& name) {
    return name == table || name == fmt::format("{}.{}", schema, table);
  });
}

std::vector<std::string> Differences(const TableDefinition& wanted, const Table& table) {
  std::vector<std::string> out;
  const auto schema = table.schema();
  const auto key_of = [](const TableSchema& one) {
    std::vector<std::string> key;
    for (size_t i = 0; i < one.key_size(); ++i) {
      key.push_back(one.columns()[i].name);
    }
    return key;
  };
  for (const ColumnSchema& column : wanted.columns.columns()) {
    const ColumnSchema* there = schema->Find(column.name);
    if (there == nullptr) {
      out.push_back(fmt::format("column {} is missing", column.name));
    } else if (there->type != column.type) {
      out.push_back(fmt::format("column {} is {}, not {}", column.name, ColumnTypeName(there->type),
                                ColumnTypeName(column.type)));
    } else if (there->tag != column.tag) {
      out.push_back(fmt::format("column {} is {} tag", column.name, there->tag ? "a" : "no"));
    } else if (!there->nullable && column.nullable) {
      out.push_back(fmt::format("column {} is NOT NULL", column.name));
    }
  }
  for (const ColumnSchema& column : schema->columns()) {
    if (!column.nullable && wanted.columns.Find(column.name) == nullptr) {
      out.push_back(fmt::format("column {} is NOT NULL and not in the snapshot", column.name));
    }
  }
  if (key_of(*schema) != key_of(wanted.columns)) {
    out.push_back(fmt::format("the primary key is ({}), not ({})", fmt::join(key_of(*schema), ", "),
                              fmt::join(key_of(wanted.columns), ", ")));
  } else if (schema->timestamp().name != wanted.columns.timestamp().name) {
    out.push_back(fmt::format("the timestamp key is {}, not {}", schema->timestamp().name,
                              wanted.columns.timestamp().name));
  }
  if (table.options().update_mode != wanted.options.update_mode) {
    out.push_back("update_mode is another one");
  }
  const auto& partitioning = table.partitioning();
  const std::optional<PartitionClause> clause =
      partitioning ? std::optional(ClauseOf(*partitioning, *schema)) : std::nullopt;
  if (clause != wanted.partition) {
    out.push_back("it is partitioned in another way");
  }
  return out;
}

Result<bool> HasRows(Database& database, const std::shared_ptr<Table>& table) {
  auto parts = database.PartitionsOf(*table);
  parts.push_back(table);
  for (const auto& part : parts) {
    VARVE_ASSIGN(const ReadView view, part->View());
    if (view.version->row_count() > 0 || !view.memtables.empty()) {
      return true;
    }
  }
  return false;
}

TableOptions OptionsFor(const Database& database, const TableDefinition& table,
                        const Manifest& manifest, const ImportRequest& request,
                        std::vector<std::string>& warnings) {
  TableOptions options = table.options;
  if (!options.enable_ttl || request.ttl_hold == ImportRequest::TtlHold::kNone) {
    return options;
  }
  TimestampUs oldest = database.clock().Now();
  for (const Chunk& chunk : manifest.chunks) {
    for (const SnapshotFile& file : chunk.files) {
      if (file.schema == table.schema && file.table == table.name) {
        oldest = std::min(oldest, file.time_min);
      }
    }
  }
  const int64_t visible_from =
      database.clock().Now().value() - std::chrono::microseconds(options.ttl).count();
  if (oldest.value() < visible_from) {
    options.enable_ttl = false;
    warnings.push_back(fmt::format(
        "table {}: its rows are older than its ttl of {}, which is switched off so that they stay: "
        "ALTER TABLE {} MODIFY SETTING enable_ttl='true' when they may go, or import with ttl_hold "
        "false",
        table.name, FormatDuration(options.ttl), table.name));
  }
  return options;
}

Status PlanViews(const Database& database, const SnapshotSchema& schema,
                 const ImportRequest& request, ImportPlan& plan) {
  for (const ViewEntry& view : schema.views) {
    if (!IsSelected(request.tables, view.schema, view.name) ||
        (request.schemas &&
         std::ranges::find(*request.schemas, view.schema) == request.schemas->end())) {
      continue;
    }
    ViewEntry here = view;
    here.schema = SchemaHere(request, view.schema);
    const auto there = database.FindView(here.schema, here.name);
    const bool same = there && there->query == here.query && there->columns == here.columns;
    if (same || (there && request.on_conflict == OnConflict::kSkip)) {
      continue;
    }
    if (there && request.on_conflict != OnConflict::kOverwrite) {
      return Named(ErrorKind::kAlreadyExists, kRelationExists,
                   "view {}.{} is there and is another one; say on_conflict skip or overwrite",
                   here.schema, here.name);
    }
    plan.views.push_back(std::move(here));
  }
  return {};
}

Result<OnConflict> ParseOnConflict(std::string_view text) {
  constexpr std::array<std::string_view, 4> kNames = {"fail", "skip", "append", "overwrite"};
  const auto found = std::ranges::find(kNames, text);
  if (found == kNames.end()) {
    return InvalidArgument("it is fail, skip, append or overwrite, not '{}'", text);
  }
  return static_cast<OnConflict>(found - kNames.begin());
}

std::string BegunOperation(const Manifest& manifest) {
  return fmt::format("import/{}", manifest.snapshot_id.ToString());
}

std::string DoneOperation(const Manifest& manifest, const ImportRequest& request) {
  return BegunOperation(manifest) + "/done" + (request.range ? RangeSuffix(*request.range) : "");
}

std::string ChunkOperation(const Manifest& manifest, const Chunk& chunk, const TimeRange& range) {
  return fmt::format("{}/{}{}", BegunOperation(manifest), chunk.id,
                     range == chunk.range ? "" : RangeSuffix(range));
}

std::string SchemaHere(const ImportRequest& request, const std::string& name) {
  const auto renamed = request.rename_schemas.find(name);
  return renamed == request.rename_schemas.end() ? name : renamed->second;
}

Result<std::map<std::string, std::string>> PlanSchemas(const Database& database,
                                                       const SnapshotSchema& schema,
                                                       const ImportRequest& request,
                                                       ImportPlan& plan) {
  std::map<std::string, std::string> from;  // by the name here
  for (const std::string& name : request.schemas.value_or(schema.schemas)) {
    const std::string here = SchemaHere(request, name);
    if (const auto [other, is_new] = from.try_emplace(here, name); !is_new) {
      return Named(ErrorKind::kInvalidArgument, kRenameCollision,
                   "the schemas '{}' and '{}' of the snapshot would both become '{}'",
                   other->second, name, here);
    }
    if (!database.HasSchema(here)) {
      plan.schemas.push_back(here);
    }
  }
  return from;
}

Result<ImportPlan> PlanImport(Database& database, const Manifest& manifest,
                              const SnapshotSchema& schema, const ImportRequest& request) {
  VARVE_TRY(CheckNames(schema, request));
  ImportPlan plan;
  VARVE_ASSIGN(auto from, PlanSchemas(database, schema, request, plan));
  for (const TableDefinition& table : schema.tables) {
    const std::string here = SchemaHere(request, table.schema);
    if (!from.contains(here) || from[here] != table.schema ||
        !IsSelected(request.tables, table.schema, table.name)) {
      continue;
    }
    TablePlan one{&table, here, TableAction::kCreate, {}};
    one.options = OptionsFor(database, table, manifest, request, plan.warnings);
    const auto there = database.FindTable(here, table.name);
    if (there) {
      VARVE_ASSIGN(one.action, ActionFor(database, *there, one, manifest, request));
      one.replaced = (*there)->uuid();
    }
    plan.tables.push_back(std::move(one));
  }
  VARVE_TRY(PlanViews(database, schema, request, plan));
  return plan;
}

std::unexpected<Error> DroppedMeanwhile(const TablePlan& table) {
  return Conflict(
      "table {}.{} has been dropped or replaced while the import ran, perhaps by another import: "
      "run it again to go on",
      table.schema, table.definition->name);
}

Result<MadeTables> MakeTables(Database& database, const Manifest& manifest,
                              const ImportPlan& plan) {
  VARVE_TRY(DropRelations(database, manifest, plan));
  for (const std::string& schema : plan.schemas) {
    if (!database.HasSchema(schema)) {
      VARVE_TRY(database.CreateSchema(schema));
    }
  }
  MadeTables made;
  for (const TablePlan& table : plan.tables) {
    if (table.action == TableAction::kSkip || table.action == TableAction::kDoneBefore) {
      continue;
    }
    VARVE_ASSIGN(made[&table], table.action == TableAction::kAdvance
                                   ? AdvanceTable(database, manifest, table)
                                   : MakeTable(database, manifest, table));
  }
  return made;
}

Status MakeViews(Database& database, const ImportPlan& plan) {
  for (const ViewEntry& view : plan.views) {
    VARVE_TRY(database.SetView(view, Catalogue::OnExisting::kReplace));
  }
  return {};
}

Status NoteDone(Database& database, const Manifest& manifest, const ImportRequest& request,
                const ImportPlan& plan, const MadeTables& tables) {
  for (const auto& [table, made] : tables) {
    if (made->dropped()) {
      return DroppedMeanwhile(*table);
    }
    VARVE_TRY(made->NoteOperation(DoneOperation(manifest, request)));
  }
  if (request.range) {
    return {};
  }
  const bool anew = std::ranges::any_of(
      plan.tables, [](const TablePlan& table) { return table.action != TableAction::kDoneBefore; });
  return NoteImported(database.store(), manifest, request,
                      anew ? ImportedNow::kYes : ImportedNow::kBefore);
}

}  // namespace varve
