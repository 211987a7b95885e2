#include "query/parameters.h"

#include "query/duckdb_bridge.h"
#include "sql/parameters.h"

namespace varve {
namespace {

template <class... Kinds>
struct Overloaded : Kinds... {
  using Kinds::operator()...;
};

}  // namespace

Status CheckParameters(std::string_view statement, std::span<const Parameter> parameters) {
  VARVE_ASSIGN(const size_t needed, CountParameters(statement));
  if (needed != parameters.size()) {
    return InvalidArgument("the statement has {} parameter{}, {} value{} given", needed,
                           needed == 1 ? "" : "s", parameters.size(),
                           parameters.size() == 1 ? " is" : "s are");
  }
  return {};
}

InsertValue LiteralOf(const Parameter& parameter) {
  return std::visit(
      Overloaded{
          [](std::monostate) -> InsertValue { return NullLiteral{}; },
          [](bool value) -> InsertValue { return BooleanLiteral{value}; },
          [](const std::string& value) -> InsertValue { return StringLiteral{value}; },
          [](auto number) -> InsertValue { return NumberLiteral{fmt::format("{}", number)}; }},
      parameter);
}

duckdb::Value ConstantOf(std::span<const Parameter> parameters, std::string_view number) {
  const auto place = ParameterNumber(fmt::format("${}", number));
  if (!place || *place > parameters.size()) {
    Throw({ErrorKind::kInvalidArgument,
           fmt::format("the statement has a parameter ${}, for which no value is given", number)});
  }
  return std::visit(Overloaded{[](std::monostate) { return duckdb::Value(); },
                               [](bool value) { return duckdb::Value::BOOLEAN(value); },
                               [](int64_t value) {
                                 // As DuckDB reads a literal: the smallest of the two that holds
                                 // it.
                                 const bool small = value >= std::numeric_limits<int32_t>::min() &&
                                                    value <= std::numeric_limits<int32_t>::max();
                                 return small ? duckdb::Value::INTEGER(static_cast<int32_t>(value))
                                              : duckdb::Value::BIGINT(value);
                               },
                               [](uint64_t value) { return duckdb::Value::UBIGINT(value); },
                               [](double value) { return duckdb::Value::DOUBLE(value); },
                               [](const std::string& value) { return duckdb::Value(value); }},
                    parameters[*place - 1]);
}

}  // namespace varve
