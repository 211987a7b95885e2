#include "query/literals.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/type.h>

#include <charconv>
#include <cmath>
#include <duckdb.hpp>
#include <duckdb/common/types/date.hpp>
#include <duckdb/common/types/time.hpp>
#include <duckdb/common/types/timestamp.hpp>
#include <limits>
#include <type_traits>

#include "engine/arrow_status.h"
#include "query/duckdb_bridge.h"

namespace varve {
namespace {

constexpr int64_t kUsPerMs = 1000;

std::string_view KindName(const InsertValue& value) {
  constexpr std::array<std::string_view, 6> kNames = {"null",   "number",  "string",
                                                      "binary", "boolean", "expression"};
  return kNames[value.index()];
}

std::unexpected<Error> WrongKind(const ColumnSchema& column, const InsertValue& value) {
  return InvalidArgument(
      "Insert Failed to convert value, err:Invalid insert value, kind:{}, expected:{}, column:{}",
      KindName(value), ColumnTypeName(column.type), column.name);
}

std::unexpected<Error> BadText(const ColumnSchema& column, std::string_view text) {
  return InvalidArgument(
      "Insert Failed to convert value, err:Invalid insert value, '{}' is no {}, column:{}", text,
      ColumnTypeName(column.type), column.name);
}

std::string_view WithoutPlus(std::string_view text) {
  return text.starts_with('+') ? text.substr(1) : text;
}

template <class T>
Result<T> ParseInteger(const ColumnSchema& column, std::string_view written) {
  const std::string_view text = WithoutPlus(written);
  if (std::is_unsigned_v<T> && text.starts_with('-')) {
    return InvalidArgument(
        "Insert Failed to convert value, err:no valid negative value, {} in column:{}", written,
        column.name);
  }
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) {
    return InvalidArgument(
        "Insert Failed to convert value, err:{} is out of the range of {}, column:{}", written,
        ColumnTypeName(column.type), column.name);
  }
  if (error != std::errc() || end != text.data() + text.size()) {
    return BadText(column, written);
  }
  return value;
}

template <class T>
Result<T> ParseReal(const ColumnSchema& column, std::string_view written) {
  const std::string_view text = WithoutPlus(written);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return BadText(column, written);
  }
  return value;
}

// One conversion per C++ type of a column's values. Each has the literals that fit; all others are
// of the wrong kind.
template <class T>
Result<T> Numeric(const ColumnSchema& column, const InsertValue& value) {
  const auto* number = std::get_if<NumberLiteral>(&value);
  if (number == nullptr) {
    return WrongKind(column, value);
  }
  if constexpr (std::is_floating_point_v<T>) {
    return ParseReal<T>(column, number->text);
  } else {
    return ParseInteger<T>(column, number->text);
  }
}

Result<int64_t> Timestamp(const ColumnSchema& column, const InsertValue& value) {
  if (const auto* text = std::get_if<StringLiteral>(&value)) {
    auto time = ParseTimestampText(text->value);
    if (!time) {
      return BadText(column, text->value);
    }
    return time;
  }
  VARVE_ASSIGN(const int64_t ms, Numeric<int64_t>(column, value));
  if (std::abs(ms) > std::numeric_limits<int64_t>::max() / kUsPerMs) {
    return InvalidArgument(
        "Insert Failed to convert value, err:{} is out of the range of timestamp, column:{}", ms,
        column.name);
  }
  return ms * kUsPerMs;
}

Result<std::string_view> Text(const ColumnSchema& column, const InsertValue& value) {
  if (const auto* text = std::get_if<StringLiteral>(&value)) {
    return text->value;
  }
  if (const auto* bytes = std::get_if<BytesLiteral>(&value);
      bytes != nullptr && column.type == ColumnType::kVarbinary) {
    return bytes->value;
  }
  return WrongKind(column, value);
}

Result<bool> Boolean(const ColumnSchema& column, const InsertValue& value) {
  const auto* boolean = std::get_if<BooleanLiteral>(&value);
  if (boolean == nullptr) {
    return WrongKind(column, value);
  }
  return boolean->value;
}

Result<int32_t> Date(const ColumnSchema& column, const InsertValue& value) {
  const auto* text = std::get_if<StringLiteral>(&value);
  if (text == nullptr) {
    return WrongKind(column, value);
  }
  duckdb::date_t date;
  duckdb::idx_t position = 0;
  bool special = false;
  const auto result = duckdb::Date::TryConvertDate(text->value.data(), text->value.size(), position,
                                                   date, special, true);
  if (result != duckdb::DateCastResult::SUCCESS || !duckdb::Date::IsFinite(date)) {
    return BadText(column, text->value);
  }
  return date.days;
}

Result<int64_t> TimeOfDay(const ColumnSchema& column, const InsertValue& value) {
  const auto* text = std::get_if<StringLiteral>(&value);
  if (text == nullptr) {
    return WrongKind(column, value);
  }
  duckdb::dtime_t time;
  duckdb::idx_t position = 0;
  if (!duckdb::Time::TryConvertTime(text->value.data(), text->value.size(), position, time, true)) {
    return BadText(column, text->value);
  }
  return time.micros;
}

struct Literals {
  const ColumnSchema& column;
  const std::vector<std::vector<InsertValue>>& rows;
  size_t position;
  const std::shared_ptr<arrow::Array>& evaluated;
};

template <class Builder, class Convert>
Result<std::shared_ptr<arrow::Array>> Build(const Literals& literals, Builder builder,
                                            Convert convert) {
  VARVE_TRY(FromArrow(builder.Reserve(static_cast<int64_t>(literals.rows.size()))));
  int64_t expressions = 0;
  for (const std::vector<InsertValue>& row : literals.rows) {
    const InsertValue& value = row[literals.position];
    if (std::holds_alternative<NullLiteral>(value)) {
      VARVE_TRY(FromArrow(builder.AppendNull()));
    } else if (std::holds_alternative<ExpressionText>(value)) {
      VARVE_TRY(FromArrow(builder.AppendArraySlice(*literals.evaluated->data(), expressions++, 1)));
    } else {
      VARVE_ASSIGN(const auto converted, convert(literals.column, value));
      VARVE_TRY(FromArrow(builder.Append(converted)));
    }
  }
  return FromArrow(builder.Finish());
}

}  // namespace

Result<int64_t> ParseTimestampText(std::string_view text) {
  duckdb::timestamp_t time;
  bool has_offset = false;
  duckdb::string_t zone(nullptr, 0);
  const auto result = duckdb::Timestamp::TryConvertTimestampTZ(text.data(), text.size(), time, true,
                                                               has_offset, zone);
  if (result != duckdb::TimestampCastResult::SUCCESS || zone.GetSize() > 0 ||
      !duckdb::Timestamp::IsFinite(time)) {
    return InvalidArgument("'{}' is no ISO 8601 time", text);
  }
  return time.value;
}

Result<std::shared_ptr<arrow::Array>> LiteralColumn(
    const ColumnSchema& column, const std::vector<std::vector<InsertValue>>& rows, size_t position,
    const std::shared_ptr<arrow::Array>& evaluated) {
  const Literals literals{column, rows, position, evaluated};
  arrow::MemoryPool* const pool = arrow::default_memory_pool();
  switch (column.type) {
    case ColumnType::kTimestamp:
      return Build(literals, arrow::TimestampBuilder(ArrowType(column.type), pool), Timestamp);
    case ColumnType::kDouble:
      return Build(literals, arrow::DoubleBuilder(), Numeric<double>);
    case ColumnType::kFloat:
      return Build(literals, arrow::FloatBuilder(), Numeric<float>);
    case ColumnType::kString:
      return Build(literals, arrow::StringBuilder(), Text);
    case ColumnType::kVarbinary:
      return Build(literals, arrow::BinaryBuilder(), Text);
    case ColumnType::kInt64:
      return Build(literals, arrow::Int64Builder(), Numeric<int64_t>);
    case ColumnType::kInt32:
      return Build(literals, arrow::Int32Builder(), Numeric<int32_t>);
    case ColumnType::kInt16:
      return Build(literals, arrow::Int16Builder(), Numeric<int16_t>);
    case ColumnType::kInt8:
      return Build(literals, arrow::Int8Builder(), Numeric<int8_t>);
    case ColumnType::kUInt64:
      return Build(literals, arrow::UInt64Builder(), Numeric<uint64_t>);
    case ColumnType::kUInt32:
      return Build(literals, arrow::UInt32Builder(), Numeric<uint32_t>);
    case ColumnType::kUInt16:
      return Build(literals, arrow::UInt16Builder(), Numeric<uint16_t>);
    case ColumnType::kUInt8:
      return Build(literals, arrow::UInt8Builder(), Numeric<uint8_t>);
    case ColumnType::kBoolean:
      return Build(literals, arrow::BooleanBuilder(), Boolean);
    case ColumnType::kDate:
      return Build(literals, arrow::Date32Builder(), Date);
    case ColumnType::kTime:
      return Build(literals, arrow::Time64Builder(ArrowType(column.type), pool), TimeOfDay);
  }
  return Internal("column {} has no type", column.name);
}

}  // namespace varve
