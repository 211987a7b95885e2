#include "query/coercions.h"

#include <duckdb/common/operator/cast_operators.hpp>
#include <duckdb/common/vector_operations/unary_executor.hpp>
#include <duckdb/function/cast/cast_function_set.hpp>
#include <duckdb/function/cast/default_casts.hpp>
#include <duckdb/function/scalar_function.hpp>
#include <duckdb/main/extension/extension_loader.hpp>
#include <duckdb/planner/expression/bound_cast_expression.hpp>

#include "query/duckdb_bridge.h"

namespace varve {
namespace {

using duckdb::LogicalType;

constexpr int64_t kMicrosecondsPerMs = 1000;
// What DuckDB's timestamps hold, in ms: beyond are its infinities.
constexpr int64_t kTimestampMsMax = 9'223'372'022'400'000;

template <class Source>
bool CastToTimestamp(duckdb::Vector& source, duckdb::Vector& result, duckdb::idx_t count,
                     duckdb::CastParameters& parameters) {
  bool all_fit = true;
  duckdb::UnaryExecutor::ExecuteWithNulls<Source, duckdb::timestamp_t>(
      source, result, count, [&](Source value, duckdb::ValidityMask& mask, duckdb::idx_t row) {
        if (std::cmp_greater(value, kTimestampMsMax) || std::cmp_less(value, -kTimestampMsMax)) {
          duckdb::HandleCastError::AssignError(
              fmt::format("{} milliseconds are beyond the range of timestamp", value), parameters);
          mask.SetInvalid(row);
          all_fit = false;
          return duckdb::timestamp_t(0);
        }
        return duckdb::timestamp_t(static_cast<int64_t>(value) * kMicrosecondsPerMs);
      });
  return all_fit;
}

bool CastToMilliseconds(duckdb::Vector& source, duckdb::Vector& result, duckdb::idx_t count,
                        duckdb::CastParameters&) {
  duckdb::UnaryExecutor::Execute<duckdb::timestamp_t, int64_t>(
      source, result, count, [](duckdb::timestamp_t time) {
        const int64_t rest = time.value % kMicrosecondsPerMs;
        return (time.value - (rest < 0 ? rest + kMicrosecondsPerMs : rest)) / kMicrosecondsPerMs;
      });
  return true;
}

// "2013-01-01T07:00:00+01:00": DuckDB would leave out where the offset is from UTC.
bool CastTextToTimestamp(duckdb::Vector& source, duckdb::Vector& result, duckdb::idx_t count,
                         duckdb::CastParameters& parameters) {
  bool all_fit = true;
  duckdb::UnaryExecutor::ExecuteWithNulls<duckdb::string_t, duckdb::timestamp_t>(
      source, result, count,
      [&](duckdb::string_t text, duckdb::ValidityMask& mask, duckdb::idx_t row) {
        duckdb::timestamp_t time;
        bool has_offset = false;
        duckdb::string_t zone(nullptr, 0);
        const auto done = duckdb::Timestamp::TryConvertTimestampTZ(text.GetData(), text.GetSize(),
                                                                   time, true, has_offset, zone);
        if (done == duckdb::TimestampCastResult::SUCCESS &&
            (zone.GetSize() == 0 || zone.GetString() == "UTC")) {
          return time;
        }
        duckdb::HandleCastError::AssignError(
            fmt::format("'{}' is no time: expected is YYYY-MM-DD, with hh:mm:ss[.fraction] and an "
                        "offset like Z or +01:00 if need be",
                        text.GetString()),
            parameters);
        mask.SetInvalid(row);
        all_fit = false;
        return duckdb::timestamp_t(0);
      });
  return all_fit;
}

bool IsWhole(const LogicalType& type) {
  return type.id() != duckdb::LogicalTypeId::DECIMAL && !type.IsFloating();
}

LogicalType AlignedType(const LogicalType& other, const LogicalType& literal) {
  switch (other.id()) {
    case duckdb::LogicalTypeId::TIMESTAMP:
      return IsWhole(literal) ? other : literal;
    case duckdb::LogicalTypeId::VARCHAR:
      return other;
    default:
      return literal;
  }
}

duckdb::unique_ptr<duckdb::Expression> BindAlign(duckdb::FunctionBindExpressionInput& input) {
  duckdb::unique_ptr<duckdb::Expression>& literal = input.children[1];
  const LogicalType type = AlignedType(input.children[0]->return_type, literal->return_type);
  return duckdb::BoundCastExpression::AddCastToType(input.context, std::move(literal), type);
}

void NeverRun(duckdb::DataChunk&, duckdb::ExpressionState&, duckdb::Vector&) {
  Throw(Error{ErrorKind::kInternal, fmt::format("{} is replaced when bound", kAlignFunction)});
}

}  // namespace

Status RegisterCoercions(duckdb::Connection& connection) {
  return Caught([&] {
    duckdb::DatabaseInstance& instance = *connection.context->db;
    auto& casts = duckdb::DBConfig::GetConfig(instance).GetCastFunctions();
    const LogicalType time = LogicalType::TIMESTAMP;
    casts.RegisterCastFunction(LogicalType::TINYINT, time, CastToTimestamp<int8_t>);
    casts.RegisterCastFunction(LogicalType::SMALLINT, time, CastToTimestamp<int16_t>);
    casts.RegisterCastFunction(LogicalType::INTEGER, time, CastToTimestamp<int32_t>);
    casts.RegisterCastFunction(LogicalType::BIGINT, time, CastToTimestamp<int64_t>);
    casts.RegisterCastFunction(LogicalType::UTINYINT, time, CastToTimestamp<uint8_t>);
    casts.RegisterCastFunction(LogicalType::USMALLINT, time, CastToTimestamp<uint16_t>);
    casts.RegisterCastFunction(LogicalType::UINTEGER, time, CastToTimestamp<uint32_t>);
    casts.RegisterCastFunction(LogicalType::UBIGINT, time, CastToTimestamp<uint64_t>);
    casts.RegisterCastFunction(time, LogicalType::BIGINT, CastToMilliseconds);
    // At the price of DuckDB's own cast, so that texts still become times by themselves.
    casts.RegisterCastFunction(
        LogicalType::VARCHAR, time, CastTextToTimestamp,
        casts.ImplicitCastCost(*connection.context, LogicalType::VARCHAR, time));

    duckdb::ScalarFunction align(std::string(kAlignFunction), {LogicalType::ANY, LogicalType::ANY},
                                 LogicalType::ANY, NeverRun);
    align.SetBindExpressionCallback(BindAlign);
    align.SetNullHandling(duckdb::FunctionNullHandling::SPECIAL_HANDLING);
    duckdb::ExtensionLoader loader(instance, "varve");
    loader.RegisterFunction(std::move(align));
  });
}

}  // namespace varve
