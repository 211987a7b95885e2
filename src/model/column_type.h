// The types a column may have, and their names. CeresDB's set: shared by SQL, the wire protocols
// and the files.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace arrow {
class DataType;
}  // namespace arrow

namespace varve {

// The numbers are part of the durable formats: do not change them, only add.
enum class ColumnType : uint8_t {
  kTimestamp = 1,  // an instant, milliseconds for users, microseconds inside
  kDouble = 2,
  kFloat = 3,
  kString = 4,  // UTF-8
  kVarbinary = 5,
  kInt64 = 6,
  kInt32 = 7,
  kInt16 = 8,
  kInt8 = 9,
  kUInt64 = 10,
  kUInt32 = 11,
  kUInt16 = 12,
  kUInt8 = 13,
  kBoolean = 14,
  kDate = 15,  // days since 1970-01-01
  kTime = 16,  // microseconds since midnight
};

inline constexpr std::array kAllColumnTypes = {
    ColumnType::kTimestamp, ColumnType::kDouble,  ColumnType::kFloat,  ColumnType::kString,
    ColumnType::kVarbinary, ColumnType::kInt64,   ColumnType::kInt32,  ColumnType::kInt16,
    ColumnType::kInt8,      ColumnType::kUInt64,  ColumnType::kUInt32, ColumnType::kUInt16,
    ColumnType::kUInt8,     ColumnType::kBoolean, ColumnType::kDate,   ColumnType::kTime};

// As DESCRIBE and SHOW CREATE TABLE print it: "timestamp", "bigint", "uint64", ...
std::string_view ColumnTypeName(ColumnType type);

// The type of that name; also takes the other spellings (int64, real, ...), all-lower or all-upper.
// nullopt: none.
std::optional<ColumnType> ParseColumnType(std::string_view name);

// The Arrow type that holds such a column in memory: timestamp[us], utf8, binary, date32,
// time64[us], bool, ...
std::shared_ptr<arrow::DataType> ArrowType(ColumnType type);

// Whether the type may be a tag or part of a key (all but double and float).
bool CanBeKey(ColumnType type);
bool IsNumeric(ColumnType type);

}  // namespace varve
