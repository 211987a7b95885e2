// How two values of a column are compared. Private to this folder.
#pragma once

#include <arrow/array/array_base.h>
#include <arrow/type_fwd.h>

#include <cstdint>

namespace varve {

// The value at a place of one array and that at a place of another: negative, zero or positive. Of
// values that are there: what NULL means is the caller's to say.
using CompareValues = int (*)(const arrow::Array& a, int64_t i, const arrow::Array& b, int64_t j);

// For arrays of the type that columns have, or of dictionaries of texts.
CompareValues ValueOrderOf(arrow::Type::type type);

}  // namespace varve
