// The part of a line behind the series: fields and time.
#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "server/influx/digits.h"
#include "server/influx/line_parser_internal.h"

namespace varve {
namespace {

// Whole numbers up to here, and their quotients by powers of ten up to 10^22, are exact or
// correctly rounded doubles.
constexpr uint64_t kExactInteger = uint64_t{1} << 53;
constexpr double kPowersOfTen[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                   1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
constexpr uint64_t kIntegerPowersOfTen[] = {
    1, 10, 100, 1000, 10'000, 100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000};

std::string_view InfluxTypeName(ColumnType type) {
  switch (type) {
    case ColumnType::kInt64:
      return "integer";
    case ColumnType::kUInt64:
      return "unsigned";
    case ColumnType::kBoolean:
      return "boolean";
    case ColumnType::kString:
      return "string";
    default:
      return "float";
  }
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

const char* LineParser::ReadFields(LineTable& table, const char* at) {
  while (at != end_ && *at == ' ') {
    ++at;
  }
  if (at == end_ || *at == '\n' || *at == '\r') {
    return Fail("missing fields");
  }
  size_t expected = 0;
  while (true) {
    auto& columns = table.columns();
    if (expected < columns.size() && columns[expected].NameIsAt(at, end_)) [[likely]] {
      FieldColumn& column = columns[expected++];
      const FieldValue value = ReadValue(at + column.raw_name().size() + 1);
      at = value.end != nullptr && SetField(table, column, value) ? value.end : nullptr;
    } else {
      at = ReadUnexpectedField(table, at);
      ++expected;
    }
    if (at == nullptr) {
      return nullptr;
    }
    if (at == end_ || *at != ',') {
      return at;
    }
    ++at;
  }
}

const char* LineParser::ReadUnexpectedField(LineTable& table, const char* at) {
  const char* const equals = EndOfFieldName(at);
  if (equals == nullptr) {
    return nullptr;
  }
  const FieldValue value = ReadValue(equals + 1);
  if (value.end == nullptr) {
    return nullptr;
  }
  const std::string_view raw_name(at, equals);
  FieldColumn* column = table.FindColumn(raw_name);
  if (column == nullptr) {
    auto added = table.AddColumn(raw_name, value.type);
    if (!added) {
      return Fail(added.error().message);
    }
    column = *added;
  }
  return SetField(table, *column, value) ? value.end : nullptr;
}

const char* LineParser::EndOfFieldName(const char* at) {
  const char* const begin = at;
  for (; at != end_ && *at != '\n'; ++at) {
    const bool escaped = at != begin && at[-1] == '\\';
    if (*at == '=' && !escaped) {
      return at == begin ? Fail("missing field key") : at;
    }
    if ((*at == ',' || *at == ' ') && !escaped) {
      break;
    }
  }
  return Fail("invalid field format");
}

bool LineParser::SetField(LineTable& table, FieldColumn& column, const FieldValue& value) {
  if (column.type() != value.type) [[unlikely]] {
    Fail(
        fmt::format("field type conflict: input field \"{}\" on measurement \"{}\" is type {}, "
                    "already exists as type {}",
                    UnescapeName(column.raw_name()), table.name(), InfluxTypeName(value.type),
                    InfluxTypeName(column.type())));
    return false;
  }
  const size_t row = table.rows();
  if (column.size() < row) [[unlikely]] {
    padded_cells_ += row - column.size();
    if (padded_cells_ > kLineCellsMax) {
      too_large_ = "the request has too many fields that are in few of its lines";
      return false;
    }
    column.PadTo(row);
  }
  if (value.type == ColumnType::kString) {
    column.SetString(row, value.text);
  } else {
    column.SetWord(row, value.word);
  }
  return true;
}

bool LineParser::IsValueEnd(const char* at) const {
  return at == end_ || *at == ',' || *at == ' ' || *at == '\n' || *at == '\r';
}

LineParser::FieldValue LineParser::FailValue(std::string_view reason) {
  Fail(reason);
  return {};
}

LineParser::FieldValue LineParser::ReadValue(const char* at) {
  if (IsValueEnd(at)) {
    return FailValue("missing field value");
  }
  if (IsDigit(*at) || *at == '-' || *at == '.' || *at == '+') [[likely]] {
    return ReadNumber(at);
  }
  return *at == '"' ? ReadString(at) : ReadBoolean(at);
}

LineParser::FieldValue LineParser::ReadNumber(const char* at) {
  const bool negative = *at == '-';
  const Digits digits = ReadDigits(at + (negative ? 1 : 0), end_);
  const bool some = digits.end != at + (negative ? 1 : 0);
  const char next = digits.end == end_ ? '\n' : *digits.end;
  if (some && (next == 'i' || next == 'u')) {
    if (!IsValueEnd(digits.end + 1) || (next == 'u' && negative)) {
      return FailValue("invalid number");
    }
    const uint64_t limit = next == 'u' ? UINT64_MAX : uint64_t{INT64_MAX} + (negative ? 1 : 0);
    if (digits.overflow || digits.value > limit) {
      return FailValue("invalid number: value out of range");
    }
    return {digits.end + 1, next == 'u' ? ColumnType::kUInt64 : ColumnType::kInt64,
            negative ? ~digits.value + 1 : digits.value};
  }
  if (some && !digits.overflow && digits.value < kExactInteger) {
    const auto signed_bits = [negative](double value) {
      return std::bit_cast<uint64_t>(negative ? -value : value);
    };
    if (IsValueEnd(digits.end)) {
      return {digits.end, ColumnType::kDouble, signed_bits(static_cast<double>(digits.value))};
    }
    if (next == '.') {
      const Digits fraction = ReadDigits(digits.end + 1, end_);
      const auto count = static_cast<size_t>(fraction.end - digits.end - 1);
      uint64_t all = 0;
      if (count < std::size(kIntegerPowersOfTen) && IsValueEnd(fraction.end) &&
          !__builtin_mul_overflow(digits.value, kIntegerPowersOfTen[count], &all) &&
          all + fraction.value < kExactInteger) {
        return {fraction.end, ColumnType::kDouble,
                signed_bits(static_cast<double>(all + fraction.value) / kPowersOfTen[count])};
      }
    }
  }
  return ReadAnyDouble(at);
}

LineParser::FieldValue LineParser::ReadAnyDouble(const char* at) {
  const char* const first = at + (*at == '+' ? 1 : 0);
  const char* const digit = first + (first != end_ && *first == '-' ? 1 : 0);
  // "inf" and "nan" are numbers for from_chars, but not for InfluxDB.
  if (digit == end_ || !(IsDigit(*digit) || *digit == '.') || (*at == '+' && digit != first)) {
    return FailValue("invalid number");
  }
  double value = 0;
  const auto [end, error] = std::from_chars(first, end_, value);
  if (error == std::errc::result_out_of_range) {
    return FailValue("invalid number: value out of range");
  }
  if (error != std::errc() || !IsValueEnd(end)) {
    return FailValue("invalid number");
  }
  return {end, ColumnType::kDouble, std::bit_cast<uint64_t>(value)};
}

LineParser::FieldValue LineParser::ReadBoolean(const char* at) {
  const char* end = at;
  while (!IsValueEnd(end)) {
    ++end;
  }
  const std::string_view word(at, end);
  for (const std::string_view yes : {"t", "T", "true", "True", "TRUE"}) {
    if (word == yes) {
      return {end, ColumnType::kBoolean, 1};
    }
  }
  for (const std::string_view no : {"f", "F", "false", "False", "FALSE"}) {
    if (word == no) {
      return {end, ColumnType::kBoolean, 0};
    }
  }
  return FailValue("invalid boolean");
}

LineParser::FieldValue LineParser::ReadString(const char* at) {
  const char* const begin = at + 1;
  const auto* const quote =
      static_cast<const char*>(std::memchr(begin, '"', static_cast<size_t>(end_ - begin)));
  if (quote == nullptr) {
    return FailValue("unbalanced quotes");
  }
  if (std::memchr(begin, '\\', static_cast<size_t>(quote - begin)) != nullptr) {
    return ReadEscapedString(begin);
  }
  if (!IsValueEnd(quote + 1)) {
    return FailValue("invalid field format");
  }
  return {quote + 1, ColumnType::kString, 0, {begin, quote}};
}

LineParser::FieldValue LineParser::ReadEscapedString(const char* at) {
  unescaped_.clear();
  for (; at != end_ && *at != '"'; ++at) {
    if (*at == '\\' && at + 1 != end_ && (at[1] == '"' || at[1] == '\\')) {
      ++at;
    }
    unescaped_.push_back(*at);
  }
  if (at == end_) {
    return FailValue("unbalanced quotes");
  }
  if (!IsValueEnd(at + 1)) {
    return FailValue("invalid field format");
  }
  return {at + 1, ColumnType::kString, 0, unescaped_};
}

const char* LineParser::ReadTime(const char* at) {
  while (at != end_ && *at == ' ') {
    ++at;
  }
  time_us_ = now_us_;
  if (at == end_ || *at == '\n' || *at == '\r') {
    return AfterLineBreak(at) == nullptr ? Fail("bad timestamp") : AfterLineBreak(at);
  }
  const bool negative = *at == '-';
  at += negative ? 1 : 0;
  const Digits digits = ReadDigits(at, end_);
  if (digits.end == at) {
    return Fail("bad timestamp");
  }
  const uint64_t limit = uint64_t{INT64_MAX} + (negative ? 1 : 0);
  if (digits.overflow || digits.value > limit) {
    return Fail("time outside range");
  }
  const auto time_us = MicrosecondsOf(
      static_cast<int64_t>(negative ? ~digits.value + 1 : digits.value), options_.precision);
  if (!time_us) {
    return Fail("time outside range");
  }
  time_us_ = *time_us;
  at = digits.end;
  while (at != end_ && *at == ' ') {
    ++at;
  }
  at = AfterLineBreak(at);
  return at == nullptr ? Fail("bad timestamp") : at;
}

// nullptr: there is something else.
const char* LineParser::AfterLineBreak(const char* at) const {
  if (at != end_ && *at == '\r') {
    ++at;
  }
  if (at == end_) {
    return at;
  }
  return *at == '\n' ? at + 1 : nullptr;
}

}  // namespace varve
