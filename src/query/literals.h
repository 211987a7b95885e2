// Literals of an INSERT as values of a column: CeresDB's rules. A number is for numeric columns and
// timestamps (ms), a quoted text for strings, dates, times and (beyond CeresDB) ISO timestamps,
// true/false for booleans, x'..' for varbinary.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/table_schema.h"
#include "sql/statement.h"

namespace arrow {
class Array;
}  // namespace arrow

namespace varve {

// The values of one column, from the literals at `position` of each row. For rows whose value is an
// ExpressionText, the next value of `evaluated` (of the column's ArrowType) is taken. Errors:
// kInvalidArgument for a literal of the wrong kind or out of range.
Result<std::shared_ptr<arrow::Array>> LiteralColumn(
    const ColumnSchema& column, const std::vector<std::vector<InsertValue>>& rows, size_t position,
    const std::shared_ptr<arrow::Array>& evaluated);

// An ISO 8601 date and time, UTC when it names no zone, in microseconds since the epoch. Errors:
// kInvalidArgument.
Result<int64_t> ParseTimestampText(std::string_view text);

}  // namespace varve
