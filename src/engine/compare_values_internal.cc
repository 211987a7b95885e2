#include "engine/compare_values_internal.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_dict.h>
#include <arrow/array/array_primitive.h>

namespace varve {
namespace {

template <class Array>
int CompareAs(const arrow::Array& a, int64_t i, const arrow::Array& b, int64_t j) {
  const auto left = static_cast<const Array&>(a).GetView(i);
  const auto right = static_cast<const Array&>(b).GetView(j);
  return left < right ? -1 : (right < left ? 1 : 0);
}

int CompareDictionaries(const arrow::Array& a, int64_t i, const arrow::Array& b, int64_t j) {
  const auto& left = static_cast<const arrow::DictionaryArray&>(a);
  const auto& right = static_cast<const arrow::DictionaryArray&>(b);
  return CompareAs<arrow::StringArray>(*left.dictionary(), left.GetValueIndex(i),
                                       *right.dictionary(), right.GetValueIndex(j));
}

}  // namespace

CompareValues ValueOrderOf(arrow::Type::type type) {
  switch (type) {
    case arrow::Type::DICTIONARY:
      return CompareDictionaries;
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return CompareAs<arrow::BinaryArray>;
    case arrow::Type::INT32:
      return CompareAs<arrow::Int32Array>;
    case arrow::Type::INT16:
      return CompareAs<arrow::Int16Array>;
    case arrow::Type::INT8:
      return CompareAs<arrow::Int8Array>;
    case arrow::Type::UINT64:
      return CompareAs<arrow::UInt64Array>;
    case arrow::Type::UINT32:
      return CompareAs<arrow::UInt32Array>;
    case arrow::Type::UINT16:
      return CompareAs<arrow::UInt16Array>;
    case arrow::Type::UINT8:
      return CompareAs<arrow::UInt8Array>;
    case arrow::Type::BOOL:
      return CompareAs<arrow::BooleanArray>;
    case arrow::Type::DATE32:
      return CompareAs<arrow::Date32Array>;
    case arrow::Type::TIME64:
      return CompareAs<arrow::Time64Array>;
    case arrow::Type::TIMESTAMP:
      return CompareAs<arrow::TimestampArray>;
    case arrow::Type::FLOAT:
      return CompareAs<arrow::FloatArray>;
    case arrow::Type::DOUBLE:
      return CompareAs<arrow::DoubleArray>;
    default:
      return CompareAs<arrow::Int64Array>;
  }
}

}  // namespace varve
