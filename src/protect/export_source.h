// ExportSources: the tables of an export at one point in time, which savepoints keep until the
// export is complete, also over restarts.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "engine/database.h"
#include "protect/export_request.h"
#include "protect/manifest.h"
#include "protect/pinned_table.h"
#include "protect/schema_files.h"

namespace varve {

// How long the savepoints of an export stay that nobody goes on with; renewed while one runs.
inline constexpr std::chrono::days kPinDays{7};
inline constexpr std::chrono::hours kPinRenewal{12};

struct ExportSources {
  SnapshotSchema schema;
  std::vector<PinnedTable> tables;
};

// "export-<snapshot id>": the name of the savepoints.
std::string ExportSavepoint(const Uuid& snapshot_id);

// Pins all tables that the request selects. Errors: kNotFound for a schema or table that is not
// there; those of Database::CreateSavepoints: nothing is pinned then.
Result<ExportSources> PinSources(Database& database, const ExportRequest& request,
                                 const Uuid& snapshot_id);
// The tables as they were pinned, in this process or an earlier one, and pinned for longer. Errors:
// kNotFound when a table or its savepoint is gone: the export cannot be resumed.
Result<std::vector<PinnedTable>> ReopenSources(Database& database, const Manifest& manifest);
// Pins them for longer. Errors: those of Savepoints.
Status RenewSources(Database& database, const Manifest& manifest);
// Drops the savepoints; how many tables had one. Errors: those of Database::DropSavepoint; to be
// called again.
Result<uint64_t> ReleaseSources(Database& database, const Uuid& snapshot_id);

}  // namespace varve
