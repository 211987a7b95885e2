#include "query/arrow_vectors.h"

#include <arrow/array.h>

#include <duckdb/common/types/validity_mask.hpp>

namespace varve {
namespace {

constexpr int64_t kBitsPerWord = 64;

void ShowValidity(const arrow::Array& array, const RowSlice& slice, duckdb::Vector& vector) {
  if (array.null_count() == 0 || array.null_bitmap_data() == nullptr) {
    return;
  }
  duckdb::ValidityMask& mask = duckdb::FlatVector::Validity(vector);
  mask.Initialize(std::max<duckdb::idx_t>(slice.count, STANDARD_VECTOR_SIZE));
  const int64_t bit = array.offset() + slice.first;
  if (bit % 8 == 0) {
    std::memcpy(mask.GetData(), array.null_bitmap_data() + bit / 8,
                static_cast<size_t>((slice.count + 7) / 8));
    return;
  }
  for (duckdb::idx_t i = 0; i < slice.count; ++i) {
    mask.Set(i, array.IsValid(slice.first + static_cast<int64_t>(i)));
  }
}

void ShowFixedWidth(const arrow::Array& array, const RowSlice& slice, duckdb::Vector& vector) {
  const auto width = static_cast<int64_t>(duckdb::GetTypeIdSize(vector.GetType().InternalType()));
  const uint8_t* values = array.data()->buffers[1]->data() + (array.offset() + slice.first) * width;
  duckdb::FlatVector::SetData(vector, const_cast<uint8_t*>(values));
}

void ShowBooleans(const arrow::BooleanArray& array, const RowSlice& slice, duckdb::Vector& vector) {
  bool* values = duckdb::FlatVector::GetData<bool>(vector);
  for (duckdb::idx_t i = 0; i < slice.count; ++i) {
    values[i] = array.Value(slice.first + static_cast<int64_t>(i));
  }
}

void ShowStrings(const arrow::BinaryArray& array, const RowSlice& slice, duckdb::Vector& vector) {
  duckdb::string_t* values = duckdb::FlatVector::GetData<duckdb::string_t>(vector);
  const auto show = [&](duckdb::idx_t i) {
    const std::string_view text = array.GetView(slice.first + static_cast<int64_t>(i));
    values[i] = duckdb::string_t(text.data(), static_cast<uint32_t>(text.size()));
  };
  if (slice.only != nullptr) {
    for (duckdb::idx_t i = 0; i < slice.only_count; ++i) {
      show(slice.only->get_index(i));
    }
    return;
  }
  for (duckdb::idx_t i = 0; i < slice.count; ++i) {
    show(i);
  }
}

}  // namespace

void ShowArrow(const arrow::Array& array, const RowSlice& slice, duckdb::Vector& vector) {
  vector.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  duckdb::FlatVector::Validity(vector).Reset();
  if (array.type_id() == arrow::Type::NA) {
    vector.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
    duckdb::ConstantVector::SetNull(vector, true);
    return;
  }
  ShowValidity(array, slice, vector);
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      ShowBooleans(static_cast<const arrow::BooleanArray&>(array), slice, vector);
      break;
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      ShowStrings(static_cast<const arrow::BinaryArray&>(array), slice, vector);
      break;
    default:
      ShowFixedWidth(array, slice, vector);
  }
}

}  // namespace varve
