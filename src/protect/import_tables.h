// The schema of a snapshot against what a database has: which tables an import makes, goes on with,
// leaves alone, and what does not fit.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/database.h"
#include "protect/import_request.h"
#include "protect/manifest.h"
#include "protect/schema_files.h"

namespace varve {

enum class TableAction : uint8_t {
  kCreate,
  kReplace,     // drop it and make it again
  kUse,         // it is there and fits
  kAdvance,     // it is as the increment's base left it: its columns and options follow
  kSkip,        // it stays as it is
  kDoneBefore,  // this import has been done
};

struct TablePlan {
  const TableDefinition* definition = nullptr;  // of the snapshot
  std::string schema;                           // here
  TableAction action = TableAction::kCreate;
  TableOptions options;                 // of a new table, or of one that goes on
  Uuid replaced = {};                   // kReplace: the table that goes
  const BaseColumns* before = nullptr;  // kAdvance: what the base had, when columns have changed
};

struct ImportPlan {
  std::vector<std::string> schemas;  // to be made
  std::vector<TablePlan> tables;
  std::vector<ViewEntry> views;  // to be made or replaced, with their schema here
  // To be dropped, with their schemas here.
  std::vector<RelationName> dropped_tables = {};
  std::vector<RelationName> dropped_views = {};
  std::vector<std::string> dropped_schemas = {};
  std::vector<std::string> warnings;
};

// Of a snapshot that is no increment. Changes nothing. Errors: kNotFound for a schema or table that
// the snapshot does not have, kInvalidArgument RENAME_COLLISION, SCHEMA_MISMATCH (names each
// difference); kAlreadyExists RELATION_EXISTS.
Result<ImportPlan> PlanImport(Database& database, const Manifest& manifest,
                              const SnapshotSchema& schema, const ImportRequest& request);
// The tables that rows come into, by their plans. Somebody else may put others in their places.
using MadeTables = std::map<const TablePlan*, std::shared_ptr<Table>>;
// Drops, alters and makes schemas and tables. To be called again after an error. Errors: those of
// Database; kConflict when somebody else has replaced a table meanwhile: plan again.
Result<MadeTables> MakeTables(Database& database, const Manifest& manifest, const ImportPlan& plan);
// Errors: those of Database::SetView.
Status MakeViews(Database& database, const ImportPlan& plan);
// Notes that nothing is left to import: in each table, and of the database as a whole.
// Errors: those of the store; kConflict when a table has been dropped meanwhile.
Status NoteDone(Database& database, const Manifest& manifest, const ImportRequest& request,
                const ImportPlan& plan, const MadeTables& tables);
std::unexpected<Error> DroppedMeanwhile(const TablePlan& table);

// The ids under which an import is committed in a table's log.
std::string BegunOperation(const Manifest& manifest);
std::string DoneOperation(const Manifest& manifest, const ImportRequest& request);
// `range`: of the rows that are imported.
std::string ChunkOperation(const Manifest& manifest, const Chunk& chunk, const TimeRange& range);

}  // namespace varve
