// time_bucket, date_bin, to_timestamp… and from_unixtime. A timestamp of Varve is microseconds
// without a zone.
#include <chrono>
#include <duckdb/common/types/interval.hpp>
#include <duckdb/common/vector_operations/unary_executor.hpp>
#include <duckdb/planner/expression/bound_cast_expression.hpp>
#include <duckdb/planner/expression/bound_function_expression.hpp>
#include <optional>

#include "query/bucket_zone.h"
#include "query/duckdb_bridge.h"
#include "query/functions.h"
#include "query/time_period.h"

namespace varve {
namespace {

using duckdb::LogicalType;
using duckdb::timestamp_t;
using Arguments = duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>;

constexpr int64_t kYear1Us = -62'135'596'800 * kMicrosPerSecond;
constexpr int64_t kYear10000Us = 253'402'300'800 * kMicrosPerSecond;

// Strides of date_bin that are longer than all of the years 1 to 9999 mean nothing.
constexpr int32_t kStrideMonthsMax = 120'000;
constexpr int32_t kStrideDaysMax = 3'660'000;
constexpr int64_t kStrideMicrosMax = kStrideDaysMax * kMicrosPerDay;

void CheckYears(timestamp_t time, std::string_view function) {
  if (time.value < kYear1Us || time.value >= kYear10000Us) {
    Throw(Error{ErrorKind::kInvalidArgument,
                fmt::format("{}: the time is not in the years 1 to 9999", function)});
  }
}

// --- time_bucket(time, period) ---

struct BucketData final : public duckdb::FunctionData {
  std::optional<TimePeriod> period;  // nullopt: NULL
  std::shared_ptr<const TimeZone> zone;

  duckdb::unique_ptr<FunctionData> Copy() const override {
    auto copy = duckdb::make_uniq<BucketData>();
    copy->period = period;
    copy->zone = zone;
    return copy;
  }
  bool Equals(const FunctionData& other) const override {
    const auto& data = other.Cast<BucketData>();
    return period == data.period && *zone == *data.zone;
  }
};

duckdb::unique_ptr<duckdb::FunctionData> BindBucket(duckdb::ClientContext& context,
                                                    duckdb::ScalarFunction&, Arguments& arguments) {
  auto data = duckdb::make_uniq<BucketData>();
  data->zone = BucketZoneOf(context);
  const duckdb::Value period = ConstantArgument(context, *arguments[1], "time_bucket: the period");
  if (!period.IsNull()) {
    data->period = OrThrow(TimePeriod::Parse(period.ToString()));
  }
  return data;
}

void Bucket(duckdb::DataChunk& arguments, duckdb::ExpressionState& state, duckdb::Vector& result) {
  const auto& data =
      state.expr.Cast<duckdb::BoundFunctionExpression>().bind_info->Cast<BucketData>();
  if (!data.period) {
    result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
    duckdb::ConstantVector::SetNull(result, true);
    return;
  }
  TimeBuckets buckets(*data.period, *data.zone);
  duckdb::UnaryExecutor::Execute<timestamp_t, timestamp_t>(
      arguments.data[0], result, arguments.size(), [&](timestamp_t time) {
        if (!duckdb::Timestamp::IsFinite(time)) {
          return time;
        }
        CheckYears(time, "time_bucket");
        return timestamp_t(buckets.StartOf(time.value));
      });
}

void AddTimeBucket(FunctionCatalog& catalog) {
  duckdb::vector<LogicalType> types = {LogicalType::TIMESTAMP, LogicalType::VARCHAR};
  // CeresDB takes a format, a time zone and another format, too, and leaves them alone.
  constexpr int kIgnoredArguments = 3;
  for (int i = 0; i <= kIgnoredArguments; ++i) {
    catalog.Add(
        duckdb::ScalarFunction("time_bucket", types, LogicalType::TIMESTAMP, Bucket, BindBucket));
    types.push_back(LogicalType::VARCHAR);
  }
}

// --- date_bin(stride, time [, origin]) ---

struct BinData final : public duckdb::FunctionData {
  duckdb::interval_t stride{};
  timestamp_t origin{0};
  bool is_null = false;

  duckdb::unique_ptr<FunctionData> Copy() const override {
    auto copy = duckdb::make_uniq<BinData>();
    *copy = *this;
    return copy;
  }
  bool Equals(const FunctionData& other) const override {
    const auto& data = other.Cast<BinData>();
    return stride == data.stride && origin == data.origin && is_null == data.is_null;
  }
};

duckdb::unique_ptr<duckdb::FunctionData> BindBin(duckdb::ClientContext& context,
                                                 duckdb::ScalarFunction&, Arguments& arguments) {
  auto data = duckdb::make_uniq<BinData>();
  const duckdb::Value stride = ConstantArgument(context, *arguments[0], "date_bin: the stride");
  const duckdb::Value origin =
      arguments.size() > 2 ? ConstantArgument(context, *arguments[2], "date_bin: the origin")
                           : duckdb::Value::TIMESTAMP(timestamp_t(0));
  if (stride.IsNull() || origin.IsNull()) {
    data->is_null = true;
    return data;
  }
  data->stride = stride.GetValue<duckdb::interval_t>();
  data->origin = origin.GetValue<timestamp_t>();
  CheckYears(data->origin, "date_bin");
  const auto& [months, days, micros] = data->stride;
  if (months < 0 || days < 0 || micros < 0 || (months == 0) == (days == 0 && micros == 0) ||
      months > kStrideMonthsMax || days > kStrideDaysMax || micros > kStrideMicrosMax) {
    Throw(Error{ErrorKind::kInvalidArgument,
                fmt::format("date_bin: the stride must be above zero and below 10000 years, and of "
                            "months or of days and times, not of both: {}",
                            stride.ToString())});
  }
  return data;
}

std::chrono::year_month_day DateOf(int64_t us) {
  return std::chrono::sys_days(std::chrono::days(FloorTo(us, kMicrosPerDay) / kMicrosPerDay));
}

// The origin some months later; days that a month does not have become its last.
int64_t AddMonths(int64_t origin_us, int64_t months) {
  const std::chrono::year_month_day from = DateOf(origin_us);
  const std::chrono::year_month month =
      from.year() / from.month() + std::chrono::months(static_cast<int>(months));
  const auto last = (month / std::chrono::last).day();
  const std::chrono::sys_days date = month / std::min(from.day(), last);
  const int64_t of_day = origin_us - FloorTo(origin_us, kMicrosPerDay);
  return date.time_since_epoch().count() * kMicrosPerDay + of_day;
}

int64_t MonthBin(const BinData& data, int64_t us) {
  const auto from = DateOf(data.origin.value);
  const auto to = DateOf(us);
  const int64_t apart = (to.year() / to.month() - from.year() / from.month()).count();
  const int64_t months = FloorTo(apart, data.stride.months);
  const int64_t start = AddMonths(data.origin.value, months);
  return start <= us ? start : AddMonths(data.origin.value, months - data.stride.months);
}

void Bin(duckdb::DataChunk& arguments, duckdb::ExpressionState& state, duckdb::Vector& result) {
  const auto& data = state.expr.Cast<duckdb::BoundFunctionExpression>().bind_info->Cast<BinData>();
  if (data.is_null) {
    result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
    duckdb::ConstantVector::SetNull(result, true);
    return;
  }
  const int64_t width = data.stride.days * kMicrosPerDay + data.stride.micros;
  duckdb::UnaryExecutor::Execute<timestamp_t, timestamp_t>(
      arguments.data[1], result, arguments.size(), [&](timestamp_t time) {
        if (!duckdb::Timestamp::IsFinite(time)) {
          return time;
        }
        CheckYears(time, "date_bin");
        const int64_t origin = data.origin.value;
        return timestamp_t(data.stride.months > 0 ? MonthBin(data, time.value)
                                                  : origin + FloorTo(time.value - origin, width));
      });
}

void AddDateBin(FunctionCatalog& catalog) {
  duckdb::vector<LogicalType> types = {LogicalType::INTERVAL, LogicalType::TIMESTAMP};
  for (int overload = 0; overload < 2; ++overload) {
    catalog.Add(duckdb::ScalarFunction("date_bin", types, LogicalType::TIMESTAMP, Bin, BindBin));
    types.push_back(LogicalType::TIMESTAMP);
  }
}

// --- to_timestamp and its kin: a count since the epoch, a text or a time ---

// kPerMicro units are a microsecond, or kMicros microseconds a unit.
template <int64_t kPerMicro, int64_t kMicros>
void FromCount(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::UnaryExecutor::Execute<int64_t, timestamp_t>(
      arguments.data[0], result, arguments.size(), [](int64_t count) {
        int64_t micros = 0;
        if (__builtin_mul_overflow(FloorTo(count, kPerMicro) / kPerMicro, kMicros, &micros) ||
            !duckdb::Timestamp::IsFinite(timestamp_t(micros))) {
          Throw(Error{ErrorKind::kInvalidArgument,
                      fmt::format("{} is beyond the range of timestamp", count)});
        }
        return timestamp_t(micros);
      });
}

duckdb::unique_ptr<duckdb::Expression> CastToTime(duckdb::FunctionBindExpressionInput& input) {
  return duckdb::BoundCastExpression::AddCastToType(input.context, std::move(input.children[0]),
                                                    LogicalType::TIMESTAMP);
}

void NeverRun(duckdb::DataChunk&, duckdb::ExpressionState&, duckdb::Vector&) {
  Throw(Error{ErrorKind::kInternal, "to_timestamp of a time is replaced when bound"});
}

duckdb::ScalarFunctionSet ToTimestamp(const std::string& name,
                                      duckdb::scalar_function_t from_count) {
  duckdb::ScalarFunctionSet functions(name);
  functions.AddFunction(duckdb::ScalarFunction(name, {LogicalType::BIGINT}, LogicalType::TIMESTAMP,
                                               std::move(from_count)));
  for (const auto type : {LogicalType::VARCHAR, LogicalType::TIMESTAMP}) {
    duckdb::ScalarFunction cast(name, {type}, LogicalType::TIMESTAMP, NeverRun);
    cast.SetBindExpressionCallback(CastToTime);
    functions.AddFunction(std::move(cast));
  }
  return functions;
}

}  // namespace

void AddTimeFunctions(FunctionCatalog& catalog) {
  AddTimeBucket(catalog);
  AddDateBin(catalog);
  // DuckDB's takes seconds and answers with a zone.
  catalog.Replace(ToTimestamp("to_timestamp", FromCount<1000, 1>));
  catalog.Add(ToTimestamp("to_timestamp_micros", FromCount<1, 1>));
  catalog.Add(ToTimestamp("to_timestamp_millis", FromCount<1, 1000>));
  catalog.Add(ToTimestamp("to_timestamp_seconds", FromCount<1, kMicrosPerSecond>));
  catalog.Add(duckdb::ScalarFunction("from_unixtime", {LogicalType::BIGINT}, LogicalType::TIMESTAMP,
                                     FromCount<1, kMicrosPerSecond>));
}

}  // namespace varve
