// What planning a whole import and planning an increment share. For import_tables.cc and
// import_increment.cc.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "protect/import_tables.h"

namespace varve {

bool IsSelected(const std::optional<std::vector<std::string>>& names, std::string_view schema,
                std::string_view table);
// What the schema of the snapshot is called here.
std::string SchemaHere(const ImportRequest& request, const std::string& name);
// Adds to the plan the schemas that are missing. The selected ones, by their names here. Errors:
// RENAME_COLLISION.
Result<std::map<std::string, std::string>> PlanSchemas(const Database& database,
                                                       const SnapshotSchema& schema,
                                                       const ImportRequest& request,
                                                       ImportPlan& plan);
// Adds to the plan the views that are missing or are others. Errors: RELATION_EXISTS.
Status PlanViews(const Database& database, const SnapshotSchema& schema,
                 const ImportRequest& request, ImportPlan& plan);
// What of the snapshot's table does not fit the one that is there, in words; empty: it fits.
std::vector<std::string> Differences(const TableDefinition& wanted, const Table& table);
Result<bool> HasRows(Database& database, const std::shared_ptr<Table>& table);
// Options of a new table; the warning when its ttl is held.
TableOptions OptionsFor(const Database& database, const TableDefinition& table,
                        const Manifest& manifest, const ImportRequest& request,
                        std::vector<std::string>& warnings);

// --- increments (import_increment.cc) ---

// Errors: those of Database; to be called again.
Status DropRelations(Database& database, const Manifest& manifest, const ImportPlan& plan);
// The table's columns and options become those of the snapshot, once. Errors: likewise.
Result<std::shared_ptr<Table>> AdvanceTable(Database& database, const Manifest& manifest,
                                            const TablePlan& table);

}  // namespace varve
