// From ordinary columns, one array each, to the RowBatch that the engine takes: distinct series
// with their tsid, rows that refer to them, timestamps in whole milliseconds.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/row_batch.h"
#include "model/table_schema.h"

namespace arrow {
class Array;
}  // namespace arrow

namespace varve {

// Columns by their place in the schema; nullptr: the column is not given, and is NULL in every row.
// tsid is never given.
using ColumnArrays = std::vector<std::shared_ptr<arrow::Array>>;

// The arrays have the ArrowType of their columns and the same length. Timestamps are rounded down
// to milliseconds. Errors: kInvalidArgument "Column is not null, table:T, column:C" for a NULL
// where none may be.
Result<RowBatch> BuildRowBatch(const TableSchema& schema, std::string_view table,
                               const ColumnArrays& columns);

}  // namespace varve
