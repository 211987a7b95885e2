// Splitting: which rows of a batch for a partitioned table go to which of its partitions.
#pragma once

#include <vector>

#include "base/result.h"
#include "model/partitioning.h"
#include "model/row_batch.h"
#include "model/table_schema.h"

namespace varve {

struct PartitionRows {
  uint32_t partition = 0;
  RowBatch batch;  // at least one row; rows stay in their order
};

// By partition, each at most once, in their order. The batch has passed CheckBatch. `turn` picks
// the partition of all rows of the batch where any will do (kRandom). Errors: kInvalidArgument for
// a column that the schema does not have any more; kCorruption for a series key that is none;
// kResourceExhausted for lack of memory.
Result<std::vector<PartitionRows>> SplitRows(RowBatch batch, const Partitioning& partitioning,
                                             const TableSchema& schema, uint64_t turn);

}  // namespace varve
