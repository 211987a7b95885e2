#include "query/direct_constants.h"

#include <algorithm>
#include <array>
#include <duckdb/parser/expression/list.hpp>
#include <utility>

#include "query/duckdb_types.h"
#include "query/literals.h"
#include "query/parameters.h"

namespace varve {
namespace {

using duckdb::ExpressionClass;
using duckdb::ParsedExpression;
using duckdb::Value;

constexpr int64_t kMicrosecondsPerMs = 1000;
constexpr int64_t kMicrosecondsPerDay = int64_t{86'400} * 1'000'000;

constexpr std::array<std::pair<std::string_view, int64_t>, 5> kIntervalUnits = {{
    {"to_seconds", 1'000'000},
    {"to_minutes", 60'000'000},
    {"to_hours", 3'600'000'000},
    {"to_days", kMicrosecondsPerDay},
    {"to_weeks", 7 * kMicrosecondsPerDay},
}};

std::optional<Value> TimeOfMs(const Value& ms) {
  const std::optional<Value> number = CastConstant(ms, duckdb::LogicalType::BIGINT);
  int64_t us = 0;
  if (!number || __builtin_mul_overflow(number->GetValue<int64_t>(), kMicrosecondsPerMs, &us)) {
    return std::nullopt;
  }
  return Value::TIMESTAMP(duckdb::timestamp_t(us));
}

std::optional<Value> TimeOfText(const Value& text) {
  const auto us = ParseTimestampText(duckdb::StringValue::Get(text));
  return us ? std::optional(Value::TIMESTAMP(duckdb::timestamp_t(*us))) : std::nullopt;
}

// TIMESTAMP '2022-10-11 00:00:00', INTERVAL '5 minutes'
std::optional<Value> ConstantOfCast(const duckdb::CastExpression& cast) {
  if (cast.try_cast || cast.child->GetExpressionClass() != ExpressionClass::CONSTANT) {
    return std::nullopt;
  }
  const Value& value = cast.child->Cast<duckdb::ConstantExpression>().value;
  if (value.IsNull() || value.type().id() != duckdb::LogicalTypeId::VARCHAR) {
    return std::nullopt;
  }
  const auto type = duckdb::UnboundType::TryDefaultBind(cast.cast_type);
  switch (type.id()) {
    case duckdb::LogicalTypeId::TIMESTAMP:
      return TimeOfText(value);
    case duckdb::LogicalTypeId::INTERVAL:
      return CastConstant(value, type);
    default:
      return std::nullopt;
  }
}

// INTERVAL 5 MINUTE, which the parser makes to_minutes(CAST(trunc(CAST(5 AS DOUBLE)) AS BIGINT)).
std::optional<Value> ConstantOfInterval(const duckdb::FunctionExpression& function) {
  const auto* const unit =
      std::ranges::find(kIntervalUnits, std::string_view(function.function_name),
                        [](const auto& entry) { return entry.first; });
  if (unit == kIntervalUnits.end() || function.children.size() != 1) {
    return std::nullopt;
  }
  const ParsedExpression* count = function.children[0].get();
  while (count->GetExpressionClass() == ExpressionClass::CAST) {
    count = count->Cast<duckdb::CastExpression>().child.get();
    if (count->GetExpressionClass() == ExpressionClass::FUNCTION) {
      const auto& trunc = count->Cast<duckdb::FunctionExpression>();
      if (trunc.function_name != "trunc" || trunc.children.size() != 1) {
        return std::nullopt;
      }
      count = trunc.children[0].get();
    }
  }
  if (count->GetExpressionClass() != ExpressionClass::CONSTANT) {
    return std::nullopt;
  }
  const Value& value = count->Cast<duckdb::ConstantExpression>().value;
  const auto number =
      value.type().IsIntegral() ? CastConstant(value, duckdb::LogicalType::BIGINT) : std::nullopt;
  int64_t us = 0;
  if (!number || __builtin_mul_overflow(number->GetValue<int64_t>(), unit->second, &us)) {
    return std::nullopt;
  }
  return Value::INTERVAL(duckdb::Interval::FromMicro(us));
}

}  // namespace

std::optional<Value> CastConstant(const Value& value, const duckdb::LogicalType& type) {
  Value result;
  std::string error;
  if (value.IsNull() || !value.DefaultTryCastAs(type, result, &error) || result.IsNull()) {
    return std::nullopt;
  }
  return result;
}

std::optional<Value> ConstantIn(const ParsedExpression& expression,
                                std::span<const Parameter> parameters) {
  switch (expression.GetExpressionClass()) {
    case ExpressionClass::CONSTANT:
      return expression.Cast<duckdb::ConstantExpression>().value;
    case ExpressionClass::PARAMETER:
      return ConstantOf(parameters, expression.Cast<duckdb::ParameterExpression>().identifier);
    case ExpressionClass::CAST:
      return ConstantOfCast(expression.Cast<duckdb::CastExpression>());
    case ExpressionClass::FUNCTION:
      return ConstantOfInterval(expression.Cast<duckdb::FunctionExpression>());
    default:
      return std::nullopt;
  }
}

std::optional<Value> ConstantForColumn(const ParsedExpression& expression,
                                       std::span<const Parameter> parameters, ColumnType column) {
  const std::optional<Value> value = ConstantIn(expression, parameters);
  if (!value || value->IsNull()) {
    return std::nullopt;
  }
  const duckdb::LogicalType type = DuckDbType(column);
  const duckdb::LogicalTypeId given = value->type().id();
  switch (type.id()) {
    case duckdb::LogicalTypeId::TIMESTAMP:
      if (given == duckdb::LogicalTypeId::VARCHAR) {
        return TimeOfText(*value);
      }
      return value->type().IsIntegral() ? TimeOfMs(*value)
             : given == type.id()       ? value
                                        : std::nullopt;
    case duckdb::LogicalTypeId::VARCHAR:
      return given == type.id() ? value : std::nullopt;
    case duckdb::LogicalTypeId::DOUBLE:
      return value->type().IsNumeric() ? CastConstant(*value, type) : std::nullopt;
    default:
      return type.IsIntegral() && value->type().IsIntegral() ? CastConstant(*value, type)
                                                             : std::nullopt;
  }
}

}  // namespace varve
