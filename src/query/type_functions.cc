// arrow_typeof(x): how results name the type of an expression. make_array: a list.
#include <duckdb/common/types.hpp>
#include <duckdb/planner/expression/bound_constant_expression.hpp>

#include "query/duckdb_bridge.h"
#include "query/functions.h"

namespace varve {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;

std::string ArrowTypeText(const LogicalType& type);

std::string FieldTexts(const LogicalType& type) {
  std::string text;
  for (const auto& [name, field] : duckdb::StructType::GetChildTypes(type)) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", name, ArrowTypeText(field));
  }
  return text;
}

// Of types that hold others.
std::string NestedTypeText(const LogicalType& type) {
  switch (type.id()) {
    case LogicalTypeId::DECIMAL:
      return fmt::format("Decimal128({}, {})", duckdb::DecimalType::GetWidth(type),
                         duckdb::DecimalType::GetScale(type));
    case LogicalTypeId::LIST:
      return fmt::format("List({})", ArrowTypeText(duckdb::ListType::GetChildType(type)));
    case LogicalTypeId::ARRAY:
      return fmt::format("FixedSizeList({}, {})",
                         ArrowTypeText(duckdb::ArrayType::GetChildType(type)),
                         duckdb::ArrayType::GetSize(type));
    case LogicalTypeId::STRUCT:
      return fmt::format("Struct({})", FieldTexts(type));
    case LogicalTypeId::MAP:
      return fmt::format("Map({}, {})", ArrowTypeText(duckdb::MapType::KeyType(type)),
                         ArrowTypeText(duckdb::MapType::ValueType(type)));
    default:
      return type.ToString();
  }
}

std::string ArrowTypeText(const LogicalType& type) {
  switch (type.id()) {
    case LogicalTypeId::SQLNULL:
      return "Null";
    case LogicalTypeId::BOOLEAN:
      return "Boolean";
    case LogicalTypeId::TINYINT:
      return "Int8";
    case LogicalTypeId::SMALLINT:
      return "Int16";
    case LogicalTypeId::INTEGER:
      return "Int32";
    case LogicalTypeId::BIGINT:
      return "Int64";
    case LogicalTypeId::UTINYINT:
      return "UInt8";
    case LogicalTypeId::USMALLINT:
      return "UInt16";
    case LogicalTypeId::UINTEGER:
      return "UInt32";
    case LogicalTypeId::UBIGINT:
      return "UInt64";
    case LogicalTypeId::HUGEINT:
      return "Decimal128(38, 0)";
    case LogicalTypeId::FLOAT:
      return "Float32";
    case LogicalTypeId::DOUBLE:
      return "Float64";
    case LogicalTypeId::VARCHAR:
      return "Utf8";
    case LogicalTypeId::BLOB:
      return "Binary";
    case LogicalTypeId::DATE:
      return "Date32";
    case LogicalTypeId::TIME:
      return "Time64(Microsecond)";
    case LogicalTypeId::TIMESTAMP:
      return "Timestamp(Microsecond, None)";
    case LogicalTypeId::TIMESTAMP_TZ:
      return "Timestamp(Microsecond, Some(\"UTC\"))";
    case LogicalTypeId::INTERVAL:
      return "Interval(MonthDayNano)";
    default:
      return NestedTypeText(type);
  }
}

duckdb::unique_ptr<duckdb::Expression> BindTypeOf(duckdb::FunctionBindExpressionInput& input) {
  const LogicalType type = duckdb::LogicalType::NormalizeType(input.children[0]->return_type);
  return duckdb::make_uniq<duckdb::BoundConstantExpression>(duckdb::Value(ArrowTypeText(type)));
}

void NeverRun(duckdb::DataChunk&, duckdb::ExpressionState&, duckdb::Vector&) {
  Throw(Error{ErrorKind::kInternal, "arrow_typeof is replaced when bound"});
}

}  // namespace

void AddTypeFunctions(FunctionCatalog& catalog) {
  duckdb::ScalarFunction type_of("arrow_typeof", {LogicalType::ANY}, LogicalType::VARCHAR,
                                 NeverRun);
  type_of.SetBindExpressionCallback(BindTypeOf);
  type_of.SetNullHandling(duckdb::FunctionNullHandling::SPECIAL_HANDLING);
  catalog.Add(std::move(type_of));
  catalog.AddScalarAlias("make_array", "list_value");
}

}  // namespace varve
