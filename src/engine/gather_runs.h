// Gathering runs: one record batch out of stretches of rows of several, column by column. The
// counterpart of gather.h for rows that come in long stretches.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"

namespace arrow {
class RecordBatch;
}  // namespace arrow

namespace varve {

// The rows [first, first + count) of a batch.
struct RowRun {
  uint32_t batch = 0;
  uint32_t first = 0;
  uint32_t count = 0;
};

// The rows of the runs, one after the other. The batches have one schema, whose columns are of the
// types of SstReader's batches; columns of dictionaries get one dictionary, with just the values
// that occur in the order of their first occurrence. Errors: kResourceExhausted (memory).
Result<std::shared_ptr<arrow::RecordBatch>> GatherRuns(
    const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches, std::span<const RowRun> runs);

}  // namespace varve
