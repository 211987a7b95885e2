// Rows that come into a table as whole files, past the log and the memtable: what one import gives
// and gets (Table::Import).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "model/file_meta.h"
#include "model/table_options.h"
#include "model/table_schema.h"
#include "model/time_range.h"
#include "sst/sst_cache.h"
#include "store/object_store.h"

namespace varve {

// Where the files of an import go. Valid during the call that gets it.
struct ImportPlace {
  ObjectStore* store = nullptr;
  // Of the files: GC leaves those alone that have their ids from here.
  IdSource* ids = nullptr;
  SstCache* files = nullptr;  // to read those that are written
  std::string table_folder;   // "tables/<uuid>"
  std::shared_ptr<const TableSchema> schema;
  TableOptions options;  // segment_duration is set
};

struct TableImport {
  // The import is committed at most once under this id.
  std::string operation_id;
  // The table's segments, when it has not chosen their length yet.
  std::chrono::milliseconds segment_duration = std::chrono::days(1);
  // All rows of these times that are there before go with the same commit, whatever their keys; the
  // files hold rows of these times only, and there may be none.
  std::optional<TimeRange> replaces = {};
  // Writes the files, durably, at `FilePath`, and the deletion vectors that they name; rows of one
  // primary key are in at most one of them. On an error it leaves none.
  std::function<Result<std::vector<FileMeta>>(const ImportPlace&)> write;

  // Where a data file of the segment is.
  static std::string FilePath(const ImportPlace& place, TimestampUs segment_start, const Uuid& id);
};

struct ImportOutcome {
  enum class Kind : uint8_t { kCommitted, kDoneBefore } kind = Kind::kCommitted;
  uint64_t rows = 0;
  uint64_t files = 0;
  uint64_t replaced_rows = 0;  // older rows of the same keys, or of the range
};

}  // namespace varve
