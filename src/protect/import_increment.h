// Importing an increment: onto what its base has left, and onto nothing else.
//
// Each table's log says which import has touched it last. An increment goes on where that is its
// base, complete, or this increment itself; everything else is refused before anything changes.
#pragma once

#include "base/result.h"
#include "protect/import_tables.h"

namespace varve {

// The plan of a snapshot that has a base. Changes nothing. Errors: kNotFound for a schema or table
// that the snapshot does not have; kInvalidArgument for options that are not for increments,
// RENAME_COLLISION, SCHEMA_MISMATCH, BASE_MISMATCH (what is expected, and what is here);
// kAlreadyExists RELATION_EXISTS.
Result<ImportPlan> PlanIncrement(Database& database, const Manifest& manifest,
                                 const SnapshotSchema& schema, const ImportRequest& request);

}  // namespace varve
