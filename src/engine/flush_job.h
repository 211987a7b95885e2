// FlushJob: sealed memtables in, files and the edit that names them out. It commits nothing: the
// caller does.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "engine/memtable.h"
#include "meta/version.h"
#include "store/object_store.h"

namespace varve {

struct FlushInput {
  ObjectStore* store = nullptr;
  IdSource* ids = nullptr;
  std::string table_folder;  // "tables/<uuid>"
  std::shared_ptr<const TableSchema> schema;
  TableOptions options;  // segment_duration may be open: it is chosen then
  std::vector<std::shared_ptr<const MemtableView>> memtables;  // oldest first, none empty
};

// Writes the rows, sorted by the primary key, as one file per segment; in OVERWRITE tables of rows
// with one key just the newest. The files are durable when
// it returns ok; the edit adds them, sets `flushed` to the newest write of the memtables, and the
// segment duration when it was chosen here. On an error no file is left, as far as the store lets
// them be deleted. One thread.
Result<VersionEdit> RunFlush(const FlushInput& input);

// Deletes the files of an edit that is known not to be committed, and its deletion vectors.
// Failures are only logged: GC finds the rest.
void DiscardFiles(ObjectStore& store, const VersionEdit& edit);
void DiscardObject(ObjectStore& store, const std::string& path);
// The file and its deletion vector.
void DiscardDataFile(ObjectStore& store, const FileMeta& file);
// A path for a new deletion vector of the file: beside it, so that both are found together.
std::string DeletionVectorPath(const FileMeta& file, IdSource& ids);
// Just the deletion vectors, which the edit does not name any more then.
void DiscardDeletionVectors(ObjectStore& store, VersionEdit& edit);

}  // namespace varve
