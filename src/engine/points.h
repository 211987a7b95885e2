// PointBatch to RowBatch: columns by name become columns by id of a table.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/point_batch.h"
#include "model/row_batch.h"
#include "model/table_schema.h"

namespace varve {

// The table that a first write of such points makes: tags as nullable string TAG, fields nullable,
// both sorted by name together, and the timestamp key.
TableSpec SpecForPoints(const PointBatch& points, std::string_view timestamp_column);

// The columns of the points that the table does not have, sorted by name. Errors: kInvalidArgument
// when a tag of the points is a field of the table or the other way round, when a field has another
// type
// ("Value type is not same, table:T, column:C, …"), or when a name is reserved.
Result<std::vector<ColumnSchema>> MissingColumns(std::string_view table, const PointBatch& points,
                                                 const TableSchema& schema);

// All columns of the points must be there. Errors: as MissingColumns.
Result<RowBatch> ToRowBatch(std::string_view table, const PointBatch& points,
                            const TableSchema& schema);

}  // namespace varve
