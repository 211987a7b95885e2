#include "model/column_type.h"

#include <arrow/type.h>

#include <algorithm>
#include <string>

namespace varve {
namespace {

struct Spelling {
  std::string_view name;
  ColumnType type;
};

// The first spelling of a type is the printed one.
constexpr std::array kSpellings = {Spelling{"timestamp", ColumnType::kTimestamp},
                                   Spelling{"double", ColumnType::kDouble},
                                   Spelling{"float", ColumnType::kFloat},
                                   Spelling{"real", ColumnType::kFloat},
                                   Spelling{"string", ColumnType::kString},
                                   Spelling{"varbinary", ColumnType::kVarbinary},
                                   Spelling{"bigint", ColumnType::kInt64},
                                   Spelling{"int64", ColumnType::kInt64},
                                   Spelling{"int", ColumnType::kInt32},
                                   Spelling{"int32", ColumnType::kInt32},
                                   Spelling{"smallint", ColumnType::kInt16},
                                   Spelling{"int16", ColumnType::kInt16},
                                   Spelling{"tinyint", ColumnType::kInt8},
                                   Spelling{"int8", ColumnType::kInt8},
                                   Spelling{"uint64", ColumnType::kUInt64},
                                   Spelling{"uint32", ColumnType::kUInt32},
                                   Spelling{"uint16", ColumnType::kUInt16},
                                   Spelling{"uint8", ColumnType::kUInt8},
                                   Spelling{"boolean", ColumnType::kBoolean},
                                   Spelling{"date", ColumnType::kDate},
                                   Spelling{"time", ColumnType::kTime}};

}  // namespace

std::string_view ColumnTypeName(ColumnType type) {
  return std::ranges::find(kSpellings, type, &Spelling::type)->name;
}

std::optional<ColumnType> ParseColumnType(std::string_view name) {
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const auto* found = std::ranges::find(kSpellings, std::string_view(lower), &Spelling::name);
  if (found == kSpellings.end()) {
    return std::nullopt;
  }
  return found->type;
}

std::shared_ptr<arrow::DataType> ArrowType(ColumnType type) {
  switch (type) {
    case ColumnType::kTimestamp:
      return arrow::timestamp(arrow::TimeUnit::MICRO);
    case ColumnType::kDouble:
      return arrow::float64();
    case ColumnType::kFloat:
      return arrow::float32();
    case ColumnType::kString:
      return arrow::utf8();
    case ColumnType::kVarbinary:
      return arrow::binary();
    case ColumnType::kInt64:
      return arrow::int64();
    case ColumnType::kInt32:
      return arrow::int32();
    case ColumnType::kInt16:
      return arrow::int16();
    case ColumnType::kInt8:
      return arrow::int8();
    case ColumnType::kUInt64:
      return arrow::uint64();
    case ColumnType::kUInt32:
      return arrow::uint32();
    case ColumnType::kUInt16:
      return arrow::uint16();
    case ColumnType::kUInt8:
      return arrow::uint8();
    case ColumnType::kBoolean:
      return arrow::boolean();
    case ColumnType::kDate:
      return arrow::date32();
    case ColumnType::kTime:
      return arrow::time64(arrow::TimeUnit::MICRO);
  }
  return arrow::null();
}

bool CanBeKey(ColumnType type) { return type != ColumnType::kDouble && type != ColumnType::kFloat; }

bool IsNumeric(ColumnType type) {
  switch (type) {
    case ColumnType::kTimestamp:
    case ColumnType::kString:
    case ColumnType::kVarbinary:
    case ColumnType::kBoolean:
    case ColumnType::kDate:
    case ColumnType::kTime:
      return false;
    default:
      return true;
  }
}

}  // namespace varve
