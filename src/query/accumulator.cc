#include "query/accumulator.h"

#include <arrow/array.h>
#include <arrow/builder.h>

#include <cmath>
#include <type_traits>

#include "base/check.h"
#include "query/direct_values.h"

namespace varve {
namespace {

using duckdb::idx_t;

// Calls use(value, group) for each value that is not NULL.
template <class T, class Use>
void ForEachValue(duckdb::Vector& values, idx_t count, std::span<const GroupRun> runs, Use use) {
  duckdb::UnifiedVectorFormat format;
  values.ToUnifiedFormat(count, format);
  const T* const data = duckdb::UnifiedVectorFormat::GetData<T>(format);
  const bool plain = !format.sel->IsSet() && format.validity.AllValid();
  for (const GroupRun& run : runs) {
    if (plain) {
      use(std::span(data + run.begin, run.end - run.begin), run.group);
      continue;
    }
    for (idx_t row = run.begin; row < run.end; ++row) {
      const idx_t place = format.sel->get_index(row);
      if (format.validity.RowIsValid(place)) {
        use(std::span(data + place, 1), run.group);
      }
    }
  }
}

template <class T>
class Extreme final : public Accumulator {
 public:
  Extreme(AggregateKind kind, duckdb::LogicalType type)
      : largest_(kind == AggregateKind::kMax), type_(std::move(type)) {}

  void Resize(size_t groups) override {
    values_.resize(groups);
    found_.resize(groups, 0);
  }

  void Add(duckdb::Vector& values, idx_t count, std::span<const GroupRun> runs) override {
    if (largest_) {
      AddWith(values, count, runs, [](T a, T b) { return CompareValues(a, b) > 0; });
    } else {
      AddWith(values, count, runs, [](T a, T b) { return CompareValues(a, b) < 0; });
    }
  }

  int Compare(uint32_t a, uint32_t b) const override {
    return CompareValues(values_[a], values_[b]);
  }
  bool IsNull(uint32_t group) const override { return found_[group] == 0; }

  std::shared_ptr<arrow::Array> Results(std::span<const uint32_t> groups) const override {
    return BuildArray<T>(type_, groups, [this](uint32_t group) -> std::optional<T> {
      return IsNull(group) ? std::nullopt : std::optional(values_[group]);
    });
  }

 private:
  template <class Better>
  void AddWith(duckdb::Vector& values, idx_t count, std::span<const GroupRun> runs, Better better) {
    ForEachValue<T>(values, count, runs, [&](std::span<const T> some, uint32_t group) {
      T best = found_[group] != 0 ? values_[group] : some.front();
      for (const T value : some) {
        best = better(value, best) ? value : best;
      }
      values_[group] = best;
      found_[group] = 1;
    });
  }

  const bool largest_;
  const duckdb::LogicalType type_;
  std::vector<T> values_;
  std::vector<uint8_t> found_;
};

class Count final : public Accumulator {
 public:
  void Resize(size_t groups) override { counts_.resize(groups, 0); }

  void Add(duckdb::Vector& values, idx_t count, std::span<const GroupRun> runs) override {
    duckdb::UnifiedVectorFormat format;
    values.ToUnifiedFormat(count, format);
    for (const GroupRun& run : runs) {
      if (format.validity.AllValid()) {
        counts_[run.group] += static_cast<int64_t>(run.end - run.begin);
        continue;
      }
      for (idx_t row = run.begin; row < run.end; ++row) {
        counts_[run.group] += format.validity.RowIsValid(format.sel->get_index(row)) ? 1 : 0;
      }
    }
  }

  int Compare(uint32_t a, uint32_t b) const override {
    return CompareValues(counts_[a], counts_[b]);
  }
  bool IsNull(uint32_t) const override { return false; }

  std::shared_ptr<arrow::Array> Results(std::span<const uint32_t> groups) const override {
    return BuildArray<int64_t>(duckdb::LogicalType::BIGINT, groups,
                               [this](uint32_t group) { return std::optional(counts_[group]); });
  }

 private:
  std::vector<int64_t> counts_;
};

// Sums and means of floating-point numbers, which do not overflow.
template <class T>
class Sum final : public Accumulator {
 public:
  explicit Sum(AggregateKind kind) : mean_(kind == AggregateKind::kAvg) {}

  void Resize(size_t groups) override {
    sums_.resize(groups, 0);
    counts_.resize(groups, 0);
  }

  void Add(duckdb::Vector& values, idx_t count, std::span<const GroupRun> runs) override {
    ForEachValue<T>(values, count, runs, [&](std::span<const T> some, uint32_t group) {
      double sum = sums_[group];
      for (const T value : some) {
        sum += static_cast<double>(value);
      }
      sums_[group] = sum;
      counts_[group] += some.size();
    });
  }

  int Compare(uint32_t a, uint32_t b) const override { return CompareValues(Value(a), Value(b)); }
  bool IsNull(uint32_t group) const override { return counts_[group] == 0; }

  std::shared_ptr<arrow::Array> Results(std::span<const uint32_t> groups) const override {
    return BuildArray<double>(duckdb::LogicalType::DOUBLE, groups,
                              [this](uint32_t group) -> std::optional<double> {
                                return IsNull(group) ? std::nullopt : std::optional(Value(group));
                              });
  }

 private:
  double Value(uint32_t group) const {
    return mean_ ? sums_[group] / static_cast<double>(counts_[group]) : sums_[group];
  }

  const bool mean_;
  std::vector<double> sums_;
  std::vector<uint64_t> counts_;
};

std::unique_ptr<Accumulator> MakeExtreme(AggregateKind kind, const duckdb::LogicalType& type) {
  switch (type.id()) {
    case duckdb::LogicalTypeId::DOUBLE:
      return std::make_unique<Extreme<double>>(kind, type);
    case duckdb::LogicalTypeId::FLOAT:
      return std::make_unique<Extreme<float>>(kind, type);
    case duckdb::LogicalTypeId::BIGINT:
    case duckdb::LogicalTypeId::TIMESTAMP:
      return std::make_unique<Extreme<int64_t>>(kind, type);
    case duckdb::LogicalTypeId::INTEGER:
      return std::make_unique<Extreme<int32_t>>(kind, type);
    case duckdb::LogicalTypeId::SMALLINT:
      return std::make_unique<Extreme<int16_t>>(kind, type);
    case duckdb::LogicalTypeId::TINYINT:
      return std::make_unique<Extreme<int8_t>>(kind, type);
    case duckdb::LogicalTypeId::UBIGINT:
      return std::make_unique<Extreme<uint64_t>>(kind, type);
    case duckdb::LogicalTypeId::UINTEGER:
      return std::make_unique<Extreme<uint32_t>>(kind, type);
    case duckdb::LogicalTypeId::USMALLINT:
      return std::make_unique<Extreme<uint16_t>>(kind, type);
    case duckdb::LogicalTypeId::UTINYINT:
      return std::make_unique<Extreme<uint8_t>>(kind, type);
    default:
      return nullptr;
  }
}

}  // namespace

std::unique_ptr<Accumulator> Accumulator::Make(AggregateKind kind,
                                               const duckdb::LogicalType& type) {
  switch (kind) {
    case AggregateKind::kCount:
      return std::make_unique<Count>();
    case AggregateKind::kMin:
    case AggregateKind::kMax:
      return MakeExtreme(kind, type);
    case AggregateKind::kSum:
    case AggregateKind::kAvg:
      if (type.id() == duckdb::LogicalTypeId::DOUBLE) {
        return std::make_unique<Sum<double>>(kind);
      }
      if (type.id() == duckdb::LogicalTypeId::FLOAT) {
        return std::make_unique<Sum<float>>(kind);
      }
      return nullptr;
  }
  return nullptr;
}

}  // namespace varve
