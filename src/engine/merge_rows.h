// MergeRows: the rows of several sorted files in one order, as runs: stretches of rows of one file
// between two of another. Files of one segment that follow each other in time interleave by series,
// so a run is all that a file has of a series, and is found by galloping, not row by row.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "model/table_schema.h"

namespace arrow {
class RecordBatch;
}  // namespace arrow

namespace varve {

// Some rows of one input, in its order. Immutable once filled.
struct MergeBatch {
  virtual ~MergeBatch() = default;

  uint32_t input = 0;
  uint64_t first_row = 0;  // of the batch in its file, deleted rows counted
  std::shared_ptr<arrow::RecordBatch> rows;
  // The rows of it that are to be merged: offsets, rising. Empty: all of them.
  std::vector<uint32_t> live;

  size_t live_count() const;
  uint32_t offset(size_t i) const { return live.empty() ? static_cast<uint32_t>(i) : live[i]; }
};

// An input. One thread.
class MergeInput {
 public:
  virtual ~MergeInput() = default;
  // Fills rows, first_row and live of the next batch with at least one live row; false: there is
  // none.
  virtual Result<bool> Next(MergeBatch& batch) = 0;
};

// Rows of one batch, counted in its live rows.
struct MergedRun {
  std::shared_ptr<const MergeBatch> batch;
  size_t first = 0;
  size_t count = 0;
};

// One thread.
class MergeRows {
 public:
  virtual ~MergeRows() = default;

  // The inputs are sorted by the schema's primary key, NULL before all values; of equal keys those
  // of an earlier input come first. Inputs and schema outlive it.
  static std::unique_ptr<MergeRows> Make(const TableSchema& schema,
                                         std::vector<MergeInput*> inputs);

  // The next rows; nullopt after the last. Errors: those of the inputs.
  virtual Result<std::optional<MergedRun>> Next() = 0;

  // Whether two rows, each the i-th live one of a batch that Next gave, have the same key.
  virtual bool SameKey(const MergeBatch& a, size_t i, const MergeBatch& b, size_t j) const = 0;
};

}  // namespace varve
