#include "server/http/result_type_name.h"

#include <arrow/type.h>
#include <fmt/format.h>

#include "model/column_type.h"

namespace varve {

std::string ResultTypeName(const arrow::DataType& type) {
  for (const ColumnType column_type : kAllColumnTypes) {
    if (ArrowType(column_type)->Equals(type)) {
      return std::string(ColumnTypeName(column_type));
    }
  }
  switch (type.id()) {
    case arrow::Type::TIMESTAMP:
      return std::string(ColumnTypeName(ColumnType::kTimestamp));
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
      return std::string(ColumnTypeName(ColumnType::kString));
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
    case arrow::Type::FIXED_SIZE_BINARY:
      return std::string(ColumnTypeName(ColumnType::kVarbinary));
    case arrow::Type::TIME32:
    case arrow::Type::TIME64:
      return std::string(ColumnTypeName(ColumnType::kTime));
    case arrow::Type::INTERVAL_MONTH_DAY_NANO:
      return "interval";
    case arrow::Type::DICTIONARY:
      return ResultTypeName(*static_cast<const arrow::DictionaryType&>(type).value_type());
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::Decimal128Type&>(type);
      return fmt::format("decimal({},{})", decimal.precision(), decimal.scale());
    }
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST:
      return ResultTypeName(*type.field(0)->type()) + "[]";
    default:
      return type.name();
  }
}

}  // namespace varve
