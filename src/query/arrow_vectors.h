// From Arrow arrays to DuckDB vectors, without copying where the layouts agree.
#pragma once

#include <cstdint>
#include <duckdb.hpp>
#include <memory>

namespace arrow {
class Array;
}  // namespace arrow

namespace varve {

// Makes `vector` the rows [first, first + count) of the array, whose type is the ArrowType of the
// vector's. Numbers and long strings are not copied: the array must outlive the vector. `count` <=
// the vector's capacity, or any count when it has been made with that capacity. With `only`, rows
// that are not among the selected may hold anything.
struct RowSlice {
  int64_t first = 0;
  duckdb::idx_t count = 0;
  const duckdb::SelectionVector* only = nullptr;
  duckdb::idx_t only_count = 0;
};
void ShowArrow(const arrow::Array& array, const RowSlice& slice, duckdb::Vector& vector);

}  // namespace varve
