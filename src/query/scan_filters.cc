#include "query/scan_filters.h"

#include <arrow/array.h>

#include <algorithm>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/planner/expression/bound_reference_expression.hpp>
#include <duckdb/planner/filter/conjunction_filter.hpp>
#include <duckdb/planner/filter/constant_filter.hpp>
#include <duckdb/planner/filter/in_filter.hpp>
#include <duckdb/planner/filter/optional_filter.hpp>
#include <duckdb/planner/table_filter_state.hpp>
#include <duckdb/storage/table/column_segment.hpp>

#include "query/arrow_vectors.h"
#include "query/time_filter.h"

namespace varve {
namespace {

using duckdb::idx_t;
using duckdb::TableFilterType;

// Whether rows pass exactly when their time is in TimeRangeOf(filter).
bool IsInterval(const duckdb::TableFilter& filter) {
  switch (filter.filter_type) {
    case TableFilterType::CONSTANT_COMPARISON: {
      const auto type = filter.Cast<duckdb::ConstantFilter>().comparison_type;
      return type != duckdb::ExpressionType::COMPARE_NOTEQUAL && TimeRangeOf(filter) != TimeRange();
    }
    case TableFilterType::IS_NOT_NULL:
      return true;  // the timestamp key is
    case TableFilterType::CONJUNCTION_AND:
      return std::ranges::all_of(filter.Cast<duckdb::ConjunctionAndFilter>().child_filters,
                                 [](const auto& child) { return IsInterval(*child); });
    default:
      return false;
  }
}

// Shows the values of some series.
class SeriesValues {
 public:
  SeriesValues(const ScanPiece& piece, const ColumnSchema& column) : piece_(piece) {
    if (column.tag) {
      tags_ = piece.TagValues(column);
    } else {
      tsids_.resize(STANDARD_VECTOR_SIZE);
    }
  }

  void Show(idx_t first, idx_t count, duckdb::Vector& vector) {
    if (tags_ != nullptr) {
      ShowArrow(*tags_, {.first = static_cast<int64_t>(first), .count = count}, vector);
      return;
    }
    for (idx_t i = 0; i < count; ++i) {
      tsids_[i] = piece_.tsid(first + i);
    }
    duckdb::FlatVector::SetData(vector, reinterpret_cast<duckdb::data_ptr_t>(tsids_.data()));
  }

 private:
  const ScanPiece& piece_;
  std::shared_ptr<arrow::Array> tags_;
  std::vector<uint64_t> tsids_;
};

// Whether it is made of comparisons with constants only.
bool IsPlain(const duckdb::TableFilter& filter) {
  switch (filter.filter_type) {
    case TableFilterType::CONSTANT_COMPARISON:
    case TableFilterType::IN_FILTER:
    case TableFilterType::IS_NULL:
    case TableFilterType::IS_NOT_NULL:
      return true;
    case TableFilterType::CONJUNCTION_AND:
      return std::ranges::all_of(filter.Cast<duckdb::ConjunctionAndFilter>().child_filters,
                                 [](const auto& child) { return IsPlain(*child); });
    case TableFilterType::CONJUNCTION_OR:
      return std::ranges::all_of(filter.Cast<duckdb::ConjunctionOrFilter>().child_filters,
                                 [](const auto& child) { return IsPlain(*child); });
    default:
      return false;
  }
}

// One filter over vectors of values.
class VectorFilter {
 public:
  VectorFilter(duckdb::ClientContext& context, const duckdb::TableFilter& filter,
               const duckdb::LogicalType& type)
      : filter_(filter) {
    if (filter.filter_type != TableFilterType::OPTIONAL_FILTER) {
      state_ = duckdb::TableFilterState::Initialize(context, filter);
      return;
    }
    // DuckDB's own evaluation of optional filters lets everything pass; an IN with some values is
    // one, for which a join does the work above. By series it saves reading nearly all rows.
    const auto& child = filter.Cast<duckdb::OptionalFilter>().child_filter;
    if (child && IsPlain(*child)) {
      expression_ = child->ToExpression(duckdb::BoundReferenceExpression(type, 0u));
      executor_ = duckdb::make_uniq<duckdb::ExpressionExecutor>(context, *expression_);
      input_.InitializeEmpty({type});
    }
  }

  bool lets_all_pass() const { return !state_ && !executor_; }

  // The number of values that pass; they are in `selected`.
  idx_t Select(duckdb::Vector& vector, idx_t count, duckdb::SelectionVector& selected) {
    if (executor_) {
      selected.Initialize(STANDARD_VECTOR_SIZE);
      input_.data[0].Reference(vector);
      input_.SetCardinality(count);
      return executor_->SelectExpression(input_, selected);
    }
    duckdb::UnifiedVectorFormat format;
    vector.ToUnifiedFormat(count, format);
    idx_t approved = count;
    duckdb::ColumnSegment::FilterSelection(selected, vector, format, filter_, *state_, count,
                                           approved);
    return approved;
  }

 private:
  const duckdb::TableFilter& filter_;
  duckdb::unique_ptr<duckdb::TableFilterState> state_;
  duckdb::unique_ptr<duckdb::Expression> expression_;
  duckdb::unique_ptr<duckdb::ExpressionExecutor> executor_;
  duckdb::DataChunk input_;
};

}  // namespace

ScanFilters::ScanFilters(const TableSource& source, const duckdb::vector<duckdb::column_t>& columns,
                         duckdb::optional_ptr<duckdb::TableFilterSet> filters)
    : source_(source) {
  if (!filters) {
    return;
  }
  const TableSchema& schema = source.schema();
  for (const auto& [position, pushed] : filters->filters) {
    const size_t index = columns[position];
    Filter filter{.column = position,
                  .schema = &schema.columns()[index],
                  .filter = pushed.get(),
                  .of_series = schema.columns()[index].tag || schema.tsid_index() == index,
                  .of_time = index == schema.timestamp_index()};
    filter.exact_interval = filter.of_time && IsInterval(*pushed);
    has_series_filters_ |= filter.of_series;
    all_.push_back(filter);
  }
  // What rows are chosen by first should cost the least: the time is there for all of them.
  std::ranges::stable_partition(all_, &Filter::of_time);
}

TimeRange ScanFilters::CurrentTimeRange() const {
  TimeRange range{.start = source_.view.visible_from};
  for (const Filter& filter : all_) {
    if (filter.of_time) {
      range = Intersect(range, TimeRangeOf(*filter.filter));
    }
  }
  return range;
}

ScanFilters::Passes ScanFilters::PassingSeries(duckdb::ClientContext& context,
                                               const ScanPiece& piece, const ScanUnit& unit) const {
  if (unit.file != nullptr) {
    return PassingSeries(context, piece);
  }
  const std::lock_guard lock(mutex_);
  Passes& passes = of_memtables_[unit.memtable];
  if (passes == nullptr) {
    passes = PassingSeries(context, piece);
  }
  return passes;
}

ScanFilters::Passes ScanFilters::PassingSeries(duckdb::ClientContext& context,
                                               const ScanPiece& piece) const {
  const idx_t series = piece.series_count();
  auto result = std::make_shared<std::vector<uint8_t>>(series, 1);
  std::vector<uint8_t>& passes = *result;
  for (const Filter& filter : all_) {
    if (!filter.of_series) {
      continue;
    }
    const auto index = static_cast<size_t>(filter.schema - source_.schema().columns().data());
    const duckdb::LogicalType& type = source_.column_types[index];
    VectorFilter vector_filter(context, *filter.filter, type);
    if (vector_filter.lets_all_pass()) {
      continue;
    }
    SeriesValues values(piece, *filter.schema);
    std::vector<uint8_t> passes_this(series, 0);
    for (idx_t first = 0; first < series; first += STANDARD_VECTOR_SIZE) {
      const idx_t count = std::min<idx_t>(STANDARD_VECTOR_SIZE, series - first);
      duckdb::Vector vector(type);
      values.Show(first, count, vector);
      duckdb::SelectionVector selected;
      const idx_t approved = vector_filter.Select(vector, count, selected);
      for (idx_t i = 0; i < approved; ++i) {
        passes_this[first + selected.get_index(i)] = 1;
      }
    }
    std::ranges::transform(passes, passes_this, passes.begin(), std::bit_and<uint8_t>());
  }
  return result;
}

}  // namespace varve
