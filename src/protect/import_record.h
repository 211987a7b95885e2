// The snapshots that have been imported into a database as a whole, for increments that find no
// table to ask.
//
// FORMAT, version 1 (extended only here): objects of the database's store
//   imports/<key>.json   {"version": 1, "snapshots": [UUID…], "checksum": HASH}
//   snapshots  one that is no increment, and those that were applied to it, in order
//   checksum   "sha256:" and the SHA-256 of the ids, with a line feed after each
//   key        the SHA-256 of the import's options `schemas`, `tables` and `rename_schema`: what
//              was imported in different ways goes on in different ways
// Whoever reads a version above 1 refuses it.
#pragma once

#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "protect/import_request.h"
#include "protect/manifest.h"
#include "store/object_store.h"

namespace varve {

// Empty: none. Errors: those of the store; kCorruption, kNotSupported.
Result<std::vector<Uuid>> FindImported(ObjectStore& store, const ImportRequest& request);

// kBefore: nothing was left to import, so a base does not begin the list anew.
enum class ImportedNow : uint8_t { kYes, kBefore };
// Notes that the snapshot has been imported. Errors: as FindImported.
Status NoteImported(ObjectStore& store, const Manifest& manifest, const ImportRequest& request,
                    ImportedNow now);

}  // namespace varve
