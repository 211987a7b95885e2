// Whether a batch fits a table: checked once, before anything is logged.
#pragma once

#include "base/result.h"
#include "model/row_batch.h"
#include "model/table_schema.h"

namespace varve {

// Errors: kInvalidArgument that names the column and the reason: an unknown or doubled column,
// another type than the table's, NULL in a NOT NULL column, a missing timestamp, too many rows.
Status CheckBatch(const RowBatch& batch, const TableSchema& schema);

// Takes the columns out of a batch of the log that the table does not have any more: it was written
// before they were dropped. Errors: kInternal when the batch does not fit together.
Status RemoveDroppedColumns(RowBatch& batch, const TableSchema& schema);

}  // namespace varve
