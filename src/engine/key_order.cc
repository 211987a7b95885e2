#include "engine/key_order.h"

#include <arrow/type.h>

#include <vector>

#include "engine/compare_values_internal.h"

namespace varve {
std::function<int(RowRef, RowRef)> MakeKeyOrder(std::span<const ColumnSource> key,
                                                std::function<uint32_t(RowRef)> series_of) {
  std::vector<CompareValues> comparators;
  for (const ColumnSource& source : key) {
    comparators.push_back(ValueOrderOf(ArrowType(source.column->type)->id()));
  }
  return [key, series_of = std::move(series_of), comparators](RowRef a, RowRef b) {
    for (size_t k = 0; k < key.size(); ++k) {
      const ColumnSource& source = key[k];
      const bool of_series = source.index == ColumnSource::Index::kSeries;
      const int64_t i = of_series ? series_of(a) : a.row;
      const int64_t j = of_series ? series_of(b) : b.row;
      const arrow::Array* left = source.arrays[a.chunk].get();
      const arrow::Array* right = source.arrays[b.chunk].get();
      const bool left_null = left == nullptr || left->IsNull(i);
      const bool right_null = right == nullptr || right->IsNull(j);
      if (left_null || right_null) {
        if (left_null != right_null) {
          return left_null ? -1 : 1;
        }
        continue;
      }
      if (const int order = comparators[k](*left, i, *right, j); order != 0) {
        return order;
      }
    }
    return 0;
  };
}

}  // namespace varve
