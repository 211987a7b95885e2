#include "query/duckdb_types.h"

namespace varve {

duckdb::LogicalType DuckDbType(ColumnType type) {
  using duckdb::LogicalType;
  switch (type) {
    case ColumnType::kTimestamp:
      return LogicalType::TIMESTAMP;
    case ColumnType::kDouble:
      return LogicalType::DOUBLE;
    case ColumnType::kFloat:
      return LogicalType::FLOAT;
    case ColumnType::kString:
      return LogicalType::VARCHAR;
    case ColumnType::kVarbinary:
      return LogicalType::BLOB;
    case ColumnType::kInt64:
      return LogicalType::BIGINT;
    case ColumnType::kInt32:
      return LogicalType::INTEGER;
    case ColumnType::kInt16:
      return LogicalType::SMALLINT;
    case ColumnType::kInt8:
      return LogicalType::TINYINT;
    case ColumnType::kUInt64:
      return LogicalType::UBIGINT;
    case ColumnType::kUInt32:
      return LogicalType::UINTEGER;
    case ColumnType::kUInt16:
      return LogicalType::USMALLINT;
    case ColumnType::kUInt8:
      return LogicalType::UTINYINT;
    case ColumnType::kBoolean:
      return LogicalType::BOOLEAN;
    case ColumnType::kDate:
      return LogicalType::DATE;
    case ColumnType::kTime:
      return LogicalType::TIME;
  }
  return LogicalType::INVALID;
}

bool IsWidenedInFiles(ColumnType type) {
  return type == ColumnType::kUInt8 || type == ColumnType::kUInt16 || type == ColumnType::kUInt32;
}

}  // namespace varve
