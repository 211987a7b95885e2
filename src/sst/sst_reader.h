// SstReader: the rows of one data file, in the file's order, as the table's current schema sees
// them. For compaction, export and checks, which read whole files; queries read through DuckDB.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "model/file_meta.h"
#include "model/table_schema.h"
#include "store/object_store.h"

namespace arrow {
class RecordBatch;
}  // namespace arrow

namespace varve {

// Two data pages: enough to spread the cost of a batch, little enough to merge dozens of wide files
// at once.
inline constexpr int64_t kSstReaderBatchRows = 16'384;

// One thread.
class SstReader {
 public:
  virtual ~SstReader() = default;

  // `schema` is the table's current one; columns that the file does not have are NULL. Errors:
  // those of the store; kCorruption when the file is not the one of the meta or does not fit the
  // schema; kNotSupported when a newer Varve wrote it. Every message names the file.
  static Result<std::unique_ptr<SstReader>> Open(ObjectStore& store, const FileMeta& meta,
                                                 const TableSchema& schema);

  // The next rows: at least one and at most kSstReaderBatchRows; nullptr after the last. The
  // columns are the schema's, in its order, with their ArrowType; string tags and DICTIONARY
  // columns are dictionary<int32, utf8>, whose dictionary may differ from batch to batch. Rows of
  // the deletion vector are still there: positions count from the first row of the first batch.
  // Page checksums are verified. Errors: as Open.
  virtual Result<std::shared_ptr<arrow::RecordBatch>> Next() = 0;
};

// Reads the whole file and compares size and SHA-256. Errors: kNotFound, kIo; kCorruption, which
// names the file.
Status VerifyFile(ObjectStore& store, const FileMeta& meta);

}  // namespace varve
