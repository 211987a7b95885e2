#include "engine/memtable_series.h"

#include <arrow/array/array_base.h>
#include <arrow/array/builder_base.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/builder_time.h>

#include "engine/arrow_status.h"

namespace varve {
namespace {

constexpr uint64_t kBytesPerSeries =
    64;  // of the hash table and the vectors, beside the key itself

template <class Builder, class Value>
Status AppendTo(arrow::ArrayBuilder& builder, Value value) {
  return FromArrow(static_cast<Builder&>(builder).Append(value));
}

Status AppendInteger(arrow::ArrayBuilder& builder, ColumnType type, uint64_t bits) {
  const auto number = static_cast<int64_t>(bits);
  switch (type) {
    case ColumnType::kTimestamp:
      return AppendTo<arrow::TimestampBuilder>(builder, number * 1000);
    case ColumnType::kInt64:
      return AppendTo<arrow::Int64Builder>(builder, number);
    case ColumnType::kInt32:
      return AppendTo<arrow::Int32Builder>(builder, static_cast<int32_t>(number));
    case ColumnType::kInt16:
      return AppendTo<arrow::Int16Builder>(builder, static_cast<int16_t>(number));
    case ColumnType::kInt8:
      return AppendTo<arrow::Int8Builder>(builder, static_cast<int8_t>(number));
    case ColumnType::kUInt64:
      return AppendTo<arrow::UInt64Builder>(builder, bits);
    case ColumnType::kUInt32:
      return AppendTo<arrow::UInt32Builder>(builder, static_cast<uint32_t>(bits));
    case ColumnType::kUInt16:
      return AppendTo<arrow::UInt16Builder>(builder, static_cast<uint16_t>(bits));
    case ColumnType::kUInt8:
      return AppendTo<arrow::UInt8Builder>(builder, static_cast<uint8_t>(bits));
    case ColumnType::kBoolean:
      return AppendTo<arrow::BooleanBuilder>(builder, bits != 0);
    case ColumnType::kDate:
      return AppendTo<arrow::Date32Builder>(builder, static_cast<int32_t>(number));
    case ColumnType::kTime:
      return AppendTo<arrow::Time64Builder>(builder, number);
    default:
      return Corruption("a series key holds a number for a tag of type {}", ColumnTypeName(type));
  }
}

Status AppendTagValue(arrow::ArrayBuilder& builder, ColumnType type, const TagValue& tag) {
  if (const auto* text = std::get_if<std::string_view>(&tag.value)) {
    if (type == ColumnType::kString) {
      return AppendTo<arrow::StringBuilder>(builder, *text);
    }
    if (type == ColumnType::kVarbinary) {
      return AppendTo<arrow::BinaryBuilder>(builder, *text);
    }
    return Corruption("a series key holds text for a tag of type {}", ColumnTypeName(type));
  }
  if (const auto* number = std::get_if<int64_t>(&tag.value)) {
    return AppendInteger(builder, type, static_cast<uint64_t>(*number));
  }
  return AppendInteger(builder, type, std::get<uint64_t>(tag.value));
}

Status AppendTagOf(arrow::ArrayBuilder& builder, const ColumnSchema& column, std::string_view key) {
  VARVE_ASSIGN(const auto tags, DecodeSeriesKey(key));
  for (const auto& tag : tags) {
    if (tag.column_id == column.id) {
      return AppendTagValue(builder, column.type, tag);
    }
  }
  return FromArrow(builder.AppendNull());
}

}  // namespace

std::vector<uint32_t> MemtableSeries::Number(const SeriesSet& series) {
  std::lock_guard lock(mutex_);
  std::vector<uint32_t> numbers(series.size());
  for (size_t i = 0; i < series.size(); ++i) {
    numbers[i] = NumberOne(series.key(i), series.tsid(i));
  }
  return numbers;
}

uint32_t MemtableSeries::NumberOne(std::string_view key, uint64_t tsid) {
  const auto [found, is_new] = by_tsid_.try_emplace(tsid, static_cast<uint32_t>(set_.size()));
  if (is_new) {
    return set_.Add(key, tsid);
  }
  if (set_.key(found->second) == key) {
    return found->second;
  }
  const auto colliding = colliding_.find(key);
  if (colliding != colliding_.end()) {
    return colliding->second;
  }
  return colliding_.emplace(key, set_.Add(key, tsid)).first->second;
}

std::shared_ptr<const std::vector<uint64_t>> MemtableSeries::Tsids() const {
  std::lock_guard lock(mutex_);
  if (!tsids_ || tsids_->size() != set_.size()) {
    tsids_ = std::make_shared<const std::vector<uint64_t>>(set_.tsids());
  }
  return tsids_;
}

Result<std::shared_ptr<arrow::Array>> MemtableSeries::TagValues(const ColumnSchema& column,
                                                                size_t count) const {
  std::lock_guard lock(mutex_);
  auto& cached = tag_values_[column.id];
  if (cached && cached->length() >= static_cast<int64_t>(count)) {
    return cached->Slice(0, static_cast<int64_t>(count));
  }
  VARVE_ASSIGN(const auto builder, FromArrow(arrow::MakeBuilder(ArrowType(column.type))));
  for (size_t i = 0; i < set_.size(); ++i) {
    VARVE_TRY(AppendTagOf(*builder, column, set_.key(i)));
  }
  VARVE_ASSIGN(cached, FromArrow(builder->Finish()));
  return cached->Slice(0, static_cast<int64_t>(count));
}

uint64_t MemtableSeries::size_bytes() const {
  std::lock_guard lock(mutex_);
  return set_.key_bytes() + set_.size() * kBytesPerSeries;
}

}  // namespace varve
