// PinnedRows: the rows of some files of one segment of a pinned table that lie in a range of time,
// as one sorted sequence.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "protect/pinned_table.h"
#include "store/object_store.h"

namespace arrow {
class RecordBatch;
}  // namespace arrow

namespace varve {

// One thread.
class PinnedRows {
 public:
  virtual ~PinnedRows() = default;

  // `files` are of one segment, oldest first, and no more than kMergedFilesMax. Store and table
  // outlive it; files are opened as rows are asked for.
  static std::unique_ptr<PinnedRows> Open(ObjectStore& store, const PinnedTable& table,
                                          std::span<const FileMeta* const> files,
                                          const TimeRange& range);

  // The next rows, at most kPinnedBatchRows and about kPinnedBatchBytes, sorted by the primary key
  // across calls; columns as those of SstReader for the table's pinned schema. nullptr after the
  // last. Errors: those of SstReader and ReadDeletionVector.
  virtual Result<std::shared_ptr<arrow::RecordBatch>> Next() = 0;
};

// A row group of the default size.
inline constexpr uint64_t kPinnedBatchRows = 122'880;
// Little beside the row group that is collected from batches, since the rows that a batch is made
// of are in memory with it.
inline constexpr uint64_t kPinnedBatchBytes = uint64_t{4} << 20;
// Files that are merged at once: each holds a batch of its rows in memory. More of them are as good
// as several sequences.
inline constexpr size_t kMergedFilesMax = 4;

}  // namespace varve
