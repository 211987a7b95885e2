// ExportBase: the snapshot that an increment goes on from, and what has changed in schemas since.
#pragma once

#include <string>

#include "base/result.h"
#include "engine/database.h"
#include "protect/export_request.h"
#include "protect/manifest.h"
#include "protect/schema_files.h"
#include "store/object_store.h"

namespace varve {

struct ExportBase {
  SnapshotBase identity;
  Manifest manifest;
  SnapshotSchema schema;
};

// Reads the snapshot whose root the store is. Errors: those of SnapshotFolder::LoadComplete and
// ReadSchema; kInvalidArgument BASE_MISMATCH for a snapshot of another database or without rows.
Result<ExportBase> LoadExportBase(ObjectStore& store, const std::string& location,
                                  const Uuid& db_uuid);

// The request with all that an increment has of its base: what is selected, but for what has been
// dropped since, from when on, the window and the format. Errors: kInvalidArgument BASE_MISMATCH
// that names the option which asks for something else.
Result<ExportRequest> RequestOfIncrement(ExportRequest request, const ExportBase& base,
                                         const Database& database);

// What has to happen to the base's schemas, tables and views besides what `now` says by itself.
SchemaChanges ChangesSince(const SnapshotSchema& base, const SnapshotSchema& now);

}  // namespace varve
