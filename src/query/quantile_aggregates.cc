// approx_percentile_cont(x, p [, centroids]), approx_percentile_cont_with_weight(x, w, p) and
// approx_median(x): of the type of x, whole numbers without their fraction.
#include <cmath>
#include <new>

#include "query/arena_memory.h"
#include "query/duckdb_bridge.h"
#include "query/functions.h"
#include "query/quantile_sketch.h"

namespace varve {
namespace {

using duckdb::LogicalType;
using duckdb::Vector;
using Arguments = duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>;

struct Share final : public duckdb::FunctionData {
  explicit Share(double wanted) : value(wanted) {}
  duckdb::unique_ptr<FunctionData> Copy() const override { return duckdb::make_uniq<Share>(value); }
  bool Equals(const FunctionData& other) const override {
    return value == other.Cast<Share>().value;
  }
  const double value;
};

// Takes the constant arguments from `first` on away; the one at `first` is the share.
duckdb::unique_ptr<duckdb::FunctionData> BindShare(duckdb::ClientContext& context,
                                                   duckdb::AggregateFunction& function,
                                                   Arguments& arguments, size_t first) {
  const duckdb::Value value =
      ConstantArgument(context, *arguments[first], function.name + ": the percentile");
  const double share = value.IsNull() ? -1 : value.GetValue<double>();
  if (!(share >= 0 && share <= 1)) {
    Throw(Error{ErrorKind::kInvalidArgument,
                fmt::format("Percentile value must be between 0.0 and 1.0 inclusive, {} is invalid",
                            value.ToString())});
  }
  while (arguments.size() > first) {
    duckdb::Function::EraseArgument(function, arguments, arguments.size() - 1);
  }
  return duckdb::make_uniq<Share>(share);
}

duckdb::unique_ptr<duckdb::FunctionData> BindPercentile(duckdb::ClientContext& context,
                                                        duckdb::AggregateFunction& function,
                                                        Arguments& arguments) {
  return BindShare(context, function, arguments, 1);
}

duckdb::unique_ptr<duckdb::FunctionData> BindWeighted(duckdb::ClientContext& context,
                                                      duckdb::AggregateFunction& function,
                                                      Arguments& arguments) {
  return BindShare(context, function, arguments, 2);
}

duckdb::unique_ptr<duckdb::FunctionData> BindMedian(duckdb::ClientContext&,
                                                    duckdb::AggregateFunction&, Arguments&) {
  return duckdb::make_uniq<Share>(0.5);
}

void Initialize(const duckdb::AggregateFunction&, duckdb::data_ptr_t state) {
  new (state) QuantileSketch();
}

template <class T>
class Column {
 public:
  Column(Vector& vector, duckdb::idx_t count) {
    vector.ToUnifiedFormat(count, format_);
    values_ = duckdb::UnifiedVectorFormat::GetData<T>(format_);
  }
  bool IsNull(duckdb::idx_t row) const {
    return !format_.validity.RowIsValid(format_.sel->get_index(row));
  }
  T At(duckdb::idx_t row) const { return values_[format_.sel->get_index(row)]; }

 private:
  duckdb::UnifiedVectorFormat format_;
  const T* values_;
};

template <class T>
void Update(Vector inputs[], duckdb::AggregateInputData& data, duckdb::idx_t input_count,
            Vector& states, duckdb::idx_t count) {
  ArenaMemory memory(data.allocator);
  const Column<QuantileSketch*> sketches(states, count);
  const Column<T> numbers(inputs[0], count);
  Vector one(duckdb::Value::DOUBLE(1));
  const Column<double> weights(input_count > 1 ? inputs[1] : one, count);
  for (duckdb::idx_t row = 0; row < count; ++row) {
    if (!numbers.IsNull(row) && !weights.IsNull(row)) {
      sketches.At(row)->Add(static_cast<double>(numbers.At(row)), weights.At(row), memory);
    }
  }
}

void Combine(Vector& sources, Vector& targets, duckdb::AggregateInputData& data,
             duckdb::idx_t count) {
  ArenaMemory memory(data.allocator);
  const Column<QuantileSketch*> from(sources, count);
  auto* const* to = duckdb::FlatVector::GetData<QuantileSketch*>(targets);
  for (duckdb::idx_t i = 0; i < count; ++i) {
    to[i]->Merge(*from.At(i), memory);
  }
}

// A quantile is between two numbers of T; as doubles, they may have been rounded beyond T.
template <class T>
T Whole(double value) {
  if (value >= static_cast<double>(std::numeric_limits<T>::max())) {
    return std::numeric_limits<T>::max();
  }
  if (value <= static_cast<double>(std::numeric_limits<T>::lowest())) {
    return std::numeric_limits<T>::lowest();
  }
  return static_cast<T>(value);
}

template <class T>
void Finalize(Vector& states, duckdb::AggregateInputData& data, Vector& result, duckdb::idx_t count,
              duckdb::idx_t offset) {
  const double share = data.bind_data->Cast<Share>().value;
  const Column<QuantileSketch*> sketches(states, count);
  auto* values = duckdb::FlatVector::GetData<T>(result);
  for (duckdb::idx_t i = 0; i < count; ++i) {
    QuantileSketch& sketch = *sketches.At(i);
    if (sketch.empty()) {
      duckdb::FlatVector::SetNull(result, offset + i, true);
    } else if constexpr (std::is_floating_point_v<T>) {
      values[offset + i] = static_cast<T>(sketch.Quantile(share));
    } else {
      values[offset + i] = Whole<T>(sketch.Quantile(share));
    }
  }
}

template <class T>
duckdb::AggregateFunction Overload(duckdb::vector<LogicalType> arguments,
                                   duckdb::bind_aggregate_function_t bind) {
  const LogicalType type = arguments[0];
  duckdb::AggregateFunction function(
      std::move(arguments), type,
      [](const duckdb::AggregateFunction&) -> duckdb::idx_t { return sizeof(QuantileSketch); },
      Initialize, Update<T>, Combine, Finalize<T>, duckdb::FunctionNullHandling::SPECIAL_HANDLING,
      nullptr, bind);
  function.SetOrderDependent(duckdb::AggregateOrderDependent::NOT_ORDER_DEPENDENT);
  return function;
}

struct Sets {
  duckdb::AggregateFunctionSet percentile{"approx_percentile_cont"};
  duckdb::AggregateFunctionSet weighted{"approx_percentile_cont_with_weight"};
  duckdb::AggregateFunctionSet median{"approx_median"};

  template <class T>
  void Add(const LogicalType& type) {
    const LogicalType share = LogicalType::DOUBLE;
    percentile.AddFunction(Overload<T>({type, share}, BindPercentile));
    percentile.AddFunction(Overload<T>({type, share, LogicalType::BIGINT}, BindPercentile));
    weighted.AddFunction(Overload<T>({type, LogicalType::DOUBLE, share}, BindWeighted));
    median.AddFunction(Overload<T>({type}, BindMedian));
  }
};

}  // namespace

void AddQuantileAggregates(FunctionCatalog& catalog) {
  Sets sets;
  sets.Add<int8_t>(LogicalType::TINYINT);
  sets.Add<int16_t>(LogicalType::SMALLINT);
  sets.Add<int32_t>(LogicalType::INTEGER);
  sets.Add<int64_t>(LogicalType::BIGINT);
  sets.Add<uint8_t>(LogicalType::UTINYINT);
  sets.Add<uint16_t>(LogicalType::USMALLINT);
  sets.Add<uint32_t>(LogicalType::UINTEGER);
  sets.Add<uint64_t>(LogicalType::UBIGINT);
  sets.Add<float>(LogicalType::FLOAT);
  sets.Add<double>(LogicalType::DOUBLE);
  catalog.Add(std::move(sets.percentile));
  catalog.Add(std::move(sets.weighted));
  catalog.Add(std::move(sets.median));
}

}  // namespace varve
