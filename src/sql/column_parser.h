// A column as CREATE TABLE and ALTER TABLE ADD COLUMN declare it.
#pragma once

#include <cstddef>
#include <optional>

#include "base/result.h"
#include "model/table_schema.h"
#include "sql/cursor.h"

namespace varve {

struct ColumnDeclaration {
  ColumnSchema column;
  // Where TIMESTAMP KEY and PRIMARY KEY stand among its options.
  std::optional<size_t> timestamp_key_offset;
  std::optional<size_t> primary_key_offset;
};

// name type [option ...], options in any order, up to the comma, closing parenthesis or end of the
// statement behind it. Errors: kInvalidArgument with the place: an unknown type (with all types),
// an option that is unknown, given twice or does not fit the type.
Result<ColumnDeclaration> ParseColumn(Cursor& cursor);

}  // namespace varve
