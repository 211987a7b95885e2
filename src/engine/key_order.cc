#include "engine/key_order.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_primitive.h>

#include <vector>

namespace varve {
namespace {

using CompareValues = int (*)(const arrow::Array&, int64_t, const arrow::Array&, int64_t);

template <class Array>
int CompareAs(const arrow::Array& a, int64_t i, const arrow::Array& b, int64_t j) {
  const auto left = static_cast<const Array&>(a).GetView(i);
  const auto right = static_cast<const Array&>(b).GetView(j);
  return left < right ? -1 : (right < left ? 1 : 0);
}

CompareValues ComparatorOf(ColumnType type) {
  switch (type) {
    case ColumnType::kString:
    case ColumnType::kVarbinary:
      return CompareAs<arrow::BinaryArray>;
    case ColumnType::kTimestamp:
      return CompareAs<arrow::TimestampArray>;
    case ColumnType::kTime:
      return CompareAs<arrow::Time64Array>;
    case ColumnType::kInt64:
      return CompareAs<arrow::Int64Array>;
    case ColumnType::kDate:
      return CompareAs<arrow::Date32Array>;
    case ColumnType::kInt32:
      return CompareAs<arrow::Int32Array>;
    case ColumnType::kInt16:
      return CompareAs<arrow::Int16Array>;
    case ColumnType::kInt8:
      return CompareAs<arrow::Int8Array>;
    case ColumnType::kUInt64:
      return CompareAs<arrow::UInt64Array>;
    case ColumnType::kUInt32:
      return CompareAs<arrow::UInt32Array>;
    case ColumnType::kUInt16:
      return CompareAs<arrow::UInt16Array>;
    case ColumnType::kUInt8:
      return CompareAs<arrow::UInt8Array>;
    case ColumnType::kBoolean:
      return CompareAs<arrow::BooleanArray>;
    case ColumnType::kFloat:
      return CompareAs<arrow::FloatArray>;
    case ColumnType::kDouble:
      return CompareAs<arrow::DoubleArray>;
  }
  return CompareAs<arrow::Int64Array>;
}

}  // namespace

std::function<int(RowRef, RowRef)> MakeKeyOrder(std::span<const ColumnSource> key,
                                                std::function<uint32_t(RowRef)> series_of) {
  std::vector<CompareValues> comparators;
  for (const ColumnSource& source : key) {
    comparators.push_back(ComparatorOf(source.column->type));
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
