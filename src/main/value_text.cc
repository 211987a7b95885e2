#include "main/value_text.h"

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/units.h"

namespace varve {
namespace {

constexpr int64_t kUsPerSecond = 1'000'000;

int64_t ToMicros(int64_t value, arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return value * kUsPerSecond;
    case arrow::TimeUnit::MILLI:
      return value * 1'000;
    case arrow::TimeUnit::MICRO:
      return value;
    case arrow::TimeUnit::NANO:
      return value / 1'000;
  }
  return value;
}

template <class ArrayType>
auto At(const arrow::Array& array, int64_t row) {
  return static_cast<const ArrayType&>(array).GetView(row);
}

std::string BytesText(std::string_view bytes, TextStyle style) {
  std::string text = style == TextStyle::kJson ? "[" : "\\x";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (style == TextStyle::kJson) {
      text += fmt::format("{}{}", text.size() > 1 ? "," : "", byte);
    } else {
      text += fmt::format("{:02x}", byte);
    }
  }
  return style == TextStyle::kJson ? text + "]" : text;
}

template <class Float>
std::string FloatText(Float value, TextStyle style) {
  if (style == TextStyle::kJson && !std::isfinite(value)) {
    return "null";
  }
  return fmt::format("{}", value);
}

std::string DateText(int64_t days) {
  constexpr int64_t kUsPerDay = 86'400 * kUsPerSecond;
  return FormatTimestamp(days * kUsPerDay).substr(0, 10);
}

std::string TimeText(int64_t us) {
  const std::string iso = FormatTimestamp(us);  // 1970-01-01T06:00:00.5Z
  return iso.substr(11, iso.size() - 12);
}

std::string OtherText(const arrow::Array& array, int64_t row) {
  const auto scalar = array.GetScalar(row);
  return scalar.ok() ? (*scalar)->ToString() : scalar.status().message();
}

// Types whose JSON form needs no quotes, and whose plain form is the same. Empty: none of these.
std::string BareText(const arrow::Array& array, int64_t row, TextStyle style) {
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      return At<arrow::BooleanArray>(array, row) ? "true" : "false";
    case arrow::Type::INT8:
      return fmt::format("{}", At<arrow::Int8Array>(array, row));
    case arrow::Type::INT16:
      return fmt::format("{}", At<arrow::Int16Array>(array, row));
    case arrow::Type::INT32:
      return fmt::format("{}", At<arrow::Int32Array>(array, row));
    case arrow::Type::INT64:
      return fmt::format("{}", At<arrow::Int64Array>(array, row));
    case arrow::Type::UINT8:
      return fmt::format("{}", At<arrow::UInt8Array>(array, row));
    case arrow::Type::UINT16:
      return fmt::format("{}", At<arrow::UInt16Array>(array, row));
    case arrow::Type::UINT32:
      return fmt::format("{}", At<arrow::UInt32Array>(array, row));
    case arrow::Type::UINT64:
      return fmt::format("{}", At<arrow::UInt64Array>(array, row));
    case arrow::Type::FLOAT:
      return FloatText(At<arrow::FloatArray>(array, row), style);
    case arrow::Type::DOUBLE:
      return FloatText(At<arrow::DoubleArray>(array, row), style);
    case arrow::Type::DECIMAL128:
      return static_cast<const arrow::Decimal128Array&>(array).FormatValue(row);
    case arrow::Type::BINARY:
      return BytesText(At<arrow::BinaryArray>(array, row), style);
    default:
      return "";
  }
}

std::string QuotableText(const arrow::Array& array, int64_t row) {
  switch (array.type_id()) {
    case arrow::Type::STRING:
      return std::string(At<arrow::StringArray>(array, row));
    case arrow::Type::LARGE_STRING:
      return std::string(At<arrow::LargeStringArray>(array, row));
    case arrow::Type::STRING_VIEW:
      return std::string(At<arrow::StringViewArray>(array, row));
    case arrow::Type::DATE32:
      return DateText(At<arrow::Date32Array>(array, row));
    case arrow::Type::TIME64:
      return TimeText(ToMicros(At<arrow::Time64Array>(array, row),
                               static_cast<const arrow::Time64Type&>(*array.type()).unit()));
    default:
      return OtherText(array, row);
  }
}

}  // namespace

std::string ValueText(const arrow::Array& array, int64_t row, TextStyle style) {
  if (array.IsNull(row)) {
    return style == TextStyle::kJson ? "null" : "NULL";
  }
  if (array.type_id() == arrow::Type::DICTIONARY) {
    const auto& dictionary = static_cast<const arrow::DictionaryArray&>(array);
    return ValueText(*dictionary.dictionary(), dictionary.GetValueIndex(row), style);
  }
  if (array.type_id() == arrow::Type::TIMESTAMP) {
    const int64_t us = ToMicros(At<arrow::TimestampArray>(array, row),
                                static_cast<const arrow::TimestampType&>(*array.type()).unit());
    // Rounded down, also before 1970.
    const int64_t ms = us / 1'000 - (us % 1'000 < 0 ? 1 : 0);
    return style == TextStyle::kJson ? fmt::format("{}", ms) : FormatTimestamp(us);
  }
  if (std::string bare = BareText(array, row, style); !bare.empty()) {
    return bare;
  }
  const std::string text = QuotableText(array, row);
  return style == TextStyle::kJson ? JsonString(text) : text;
}

bool IsNumberType(const arrow::DataType& type) {
  return arrow::is_integer(type.id()) || arrow::is_floating(type.id()) ||
         arrow::is_decimal(type.id());
}

std::string JsonString(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', /*ensure_ascii=*/false,
                                   nlohmann::json::error_handler_t::replace);
}

}  // namespace varve
