// What direct aggregates (direct_aggregate.h) do with single values: compare them as DuckDB does,
// and put results into arrays.
#pragma once

#include <arrow/array.h>
#include <arrow/builder.h>

#include <cmath>
#include <cstdint>
#include <duckdb.hpp>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>

#include "base/check.h"

namespace varve {

// Negative, zero or positive. NaN is the largest number and equal to itself.
template <class T>
int CompareValues(const T& a, const T& b) {
  if constexpr (std::is_floating_point_v<T>) {
    const bool a_nan = std::isnan(a);
    const bool b_nan = std::isnan(b);
    if (a_nan || b_nan) {
      return static_cast<int>(a_nan) - static_cast<int>(b_nan);
    }
  }
  return static_cast<int>(b < a) - static_cast<int>(a < b);
}

// One value per group, in order; nullopt is NULL. T is what the type is kept as.
template <class T, class Get>
std::shared_ptr<arrow::Array> BuildArray(const duckdb::LogicalType& type,
                                         std::span<const uint32_t> groups, Get get) {
  const auto build = [&](auto&& builder) {
    VARVE_CHECK(builder.Reserve(static_cast<int64_t>(groups.size())).ok());
    for (const uint32_t group : groups) {
      const auto value = get(group);
      if (value) {
        builder.UnsafeAppend(*value);
      } else {
        builder.UnsafeAppendNull();
      }
    }
    std::shared_ptr<arrow::Array> array;
    VARVE_CHECK(builder.Finish(&array).ok());
    return array;
  };
  if constexpr (std::is_same_v<T, int64_t>) {
    if (type.id() == duckdb::LogicalTypeId::TIMESTAMP) {
      return build(arrow::TimestampBuilder(arrow::timestamp(arrow::TimeUnit::MICRO),
                                           arrow::default_memory_pool()));
    }
  }
  return build(typename arrow::CTypeTraits<T>::BuilderType());
}

}  // namespace varve
