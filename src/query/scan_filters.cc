#include "query/scan_filters.h"

#include <arrow/array.h>

#include <algorithm>
#include <duckdb/planner/filter/conjunction_filter.hpp>
#include <duckdb/planner/filter/constant_filter.hpp>
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
    const auto state = duckdb::TableFilterState::Initialize(context, *filter.filter);
    const auto& types = source_.column_types;
    const auto index = static_cast<size_t>(filter.schema - source_.schema().columns().data());
    SeriesValues values(piece, *filter.schema);
    std::vector<uint8_t> passes_this(series, 0);
    for (idx_t first = 0; first < series; first += STANDARD_VECTOR_SIZE) {
      const idx_t count = std::min<idx_t>(STANDARD_VECTOR_SIZE, series - first);
      duckdb::Vector vector(types[index]);
      values.Show(first, count, vector);
      duckdb::UnifiedVectorFormat format;
      vector.ToUnifiedFormat(count, format);
      duckdb::SelectionVector selected;
      idx_t approved = count;
      duckdb::ColumnSegment::FilterSelection(selected, vector, format, *filter.filter, *state,
                                             count, approved);
      for (idx_t i = 0; i < approved; ++i) {
        passes_this[first + selected.get_index(i)] = 1;
      }
    }
    std::ranges::transform(passes, passes_this, passes.begin(), std::bit_and<uint8_t>());
  }
  return result;
}

}  // namespace varve
