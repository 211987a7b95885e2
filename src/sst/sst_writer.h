// SstWriter: sorted record batches in, one immutable Parquet file and its FileMeta out.
//
// The file is plain Parquet that stock DuckDB, Spark and pyiceberg read with the same values: field
// ids are column ids, timestamps are TIMESTAMP(MICROS, not adjusted to UTC), small unsigned
// integers are widened (uint8/16 -> INT32, uint32 -> INT64), uint64 is UINT_64. The exact column
// types stand in the key/value metadata (see sst_format.h). How each column is encoded is decided
// by the rows of the first row group (see encoding_choice.h).
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "model/file_meta.h"
#include "model/table_options.h"
#include "model/table_schema.h"
#include "store/object_store.h"

namespace arrow {
class RecordBatch;
}  // namespace arrow

namespace varve {

inline constexpr int64_t kDataPageRows =
    8'192;  // so that one series is read without its neighbours

struct SstWriterOptions {
  Uuid id;
  std::string path;
  TimestampUs segment_start;
  Compression compression = Compression::kZstd;
  uint64_t row_group_rows = 122'880;
};

// One thread. Holds the columns of up to one row group until it is written, without copying them:
// about row_group_rows * row width of memory. Destroyed without Finish, it leaves nothing that a
// reader can see.
class SstWriter {
 public:
  virtual ~SstWriter() = default;

  // The store and the schema must outlive the writer.
  static Result<std::unique_ptr<SstWriter>> Open(ObjectStore& store, const TableSchema& schema,
                                                 SstWriterOptions options);

  // The columns are the schema's, in its order, with their ArrowType; string columns may be
  // dictionary<int32, utf8> instead (tags always are). Rows are sorted by the primary key, also
  // across calls, and lie in one segment. Errors: those of the store; kInvalidArgument when a batch
  // does not fit the schema; kInternal when its rows are out of order or before the segment. After
  // an error every call returns that error: drop the writer.
  virtual Status Write(const arrow::RecordBatch& batch) = 0;

  // The file is durable when this returns; it exists for readers once a version names it.
  // `sequence_max` goes into the FileMeta. At least one row must have been written, else
  // kInvalidArgument. Errors: those of the store. To be called once, and nothing after it.
  virtual Result<FileMeta> Finish(Sequence sequence_max) = 0;
};

}  // namespace varve
