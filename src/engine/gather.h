// Gathering: picking values out of the arrays of several chunks, in a given order.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/flush_rows.h"

namespace varve {

// arrays[ref.chunk][ref.row] for each ref, as one array of ArrowType(type); a null array stands for
// NULLs.
Result<std::shared_ptr<arrow::Array>> GatherValues(
    ColumnType type, const std::vector<std::shared_ptr<arrow::Array>>& arrays,
    std::span<const RowRef> refs);

// The same for strings, as dictionary<int32, utf8> with the values that occur, in the order of
// their first occurrence.
Result<std::shared_ptr<arrow::Array>> GatherDictionary(
    const std::vector<std::shared_ptr<arrow::Array>>& arrays, std::span<const RowRef> refs);

}  // namespace varve
