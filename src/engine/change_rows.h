// ChangeRows: some rows of one data file, batch by batch, as a schema of the table sees them: what
// a commit has added or taken away.
#pragma once

#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/file_meta.h"
#include "model/table_schema.h"
#include "sst/deletion_vector.h"
#include "sst/sst_cache.h"
#include "store/object_store.h"

namespace arrow {
class Array;
}  // namespace arrow

namespace varve {

// Arrays of equal length, one per column of the schema, of ArrowType(column.type).
struct ChangeColumns {
  int64_t rows = 0;
  std::vector<std::shared_ptr<arrow::Array>> values;
};

// Where rows are read from and as what. All outlive the reader.
struct ChangeInput {
  ObjectStore* store = nullptr;
  SstCache* files = nullptr;
  const TableSchema* schema = nullptr;
  TimestampUs visible_from;  // rows before it are left out
};

// Memory: a batch of SstReader. One thread.
class ChangeRows {
 public:
  virtual ~ChangeRows() = default;

  // The rows that the vector has not. Reads the file from end to end. Errors of all functions:
  // those of SstReader and SstFile.
  static Result<std::unique_ptr<ChangeRows>> AllBut(const ChangeInput& input, const FileMeta& file,
                                                    const DeletionVector& rows);
  // The rows that the vector has. Reads the blocks that they are in, or the file from end to end
  // when they are many.
  static Result<std::unique_ptr<ChangeRows>> Only(const ChangeInput& input, const FileMeta& file,
                                                  const DeletionVector& rows);

  // The next rows, at least one; none after the last.
  virtual Result<ChangeColumns> Next() = 0;
};

}  // namespace varve
