// ReadView: everything a reader needs of one table at one moment: a version (its files cannot be
// deleted while the view lives), the rows that are in no file of that version yet, and which rows
// later ones have replaced. Each row is in exactly one of them.
#pragma once

#include <limits>
#include <map>
#include <memory>
#include <vector>

#include "base/result.h"
#include "engine/memtable.h"
#include "meta/version.h"
#include "sst/deletion_vector.h"
#include "sst/sst_cache.h"

namespace varve {

// Rows in memory, less those that have been replaced.
struct MemoryRows {
  std::shared_ptr<const MemtableView> rows;
  // Positions count from the first row of the first chunk; nullptr: none.
  std::shared_ptr<const DeletionVector> replaced;

  uint64_t row_count() const { return rows->row_count() - (replaced ? replaced->size() : 0); }
};

struct ReadView {
  std::shared_ptr<const Version> version;
  // Not older than version->schema: files of the version and rows in memory are read with this one.
  std::shared_ptr<const TableSchema> schema;
  std::vector<MemoryRows> memtables;  // oldest first; none is empty
  // By file: rows that rows in memory have replaced. Some may be in the file's deletion vector too:
  // count with Deleted.
  std::map<Uuid, std::shared_ptr<const DeletionVector>> replaced;
  // Rows before it have expired: no reader may show them.
  TimestampUs visible_from = TimestampUs(std::numeric_limits<int64_t>::min());
  std::shared_ptr<SstCache> files;
  // The table: while it lives, the files of a table that has been dropped stay.
  std::shared_ptr<const void> table;

  // The rows of a file of the version that must not be read: the version's own and those replaced
  // since; nullptr: none. Errors: as ReadDeletionVector.
  Result<std::shared_ptr<const DeletionVector>> Deleted(const FileMeta& file) const;
};

}  // namespace varve
