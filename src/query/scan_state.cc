#include "query/scan_state.h"

#include <algorithm>

namespace varve {
namespace {

using duckdb::idx_t;

// So many units are opened before the scan begins, to know how little filters on series leave: most
// such queries are then done by one thread, in less time than another one needs to start. With more
// units, threads open the others as they come to them.
constexpr size_t kUnitsPlannedMax = 64;

ScanPiece::SeriesUse UseOfSeries(const TableSchema& schema,
                                 const duckdb::vector<duckdb::column_t>& columns) {
  const bool needed = std::ranges::any_of(columns, [&](duckdb::column_t index) {
    return index < schema.columns().size() &&
           (schema.columns()[index].tag || schema.tsid_index() == index);
  });
  return needed ? ScanPiece::SeriesUse::kNeeded : ScanPiece::SeriesUse::kNotNeeded;
}

}  // namespace

ScanState::ScanState(duckdb::ClientContext& context, const TableSource& source,
                     const std::vector<ScanUnit>& units, duckdb::vector<duckdb::column_t> columns,
                     duckdb::optional_ptr<duckdb::TableFilterSet> filters)
    : source_(source),
      units_(units),
      columns_(std::move(columns)),
      filters_(source, columns_, filters),
      series_use_(UseOfSeries(source.schema(), columns_)) {
  const TimeRange range = filters_.CurrentTimeRange();
  for (size_t i = 0; i < units_.size(); ++i) {
    if (!range.Overlaps(units_[i].time_min, units_[i].time_max)) {
      continue;
    }
    if (filters_.has_series_filters() && planned_.size() < kUnitsPlannedMax) {
      rows_total_ += (planned_[i] = Plan(context, i))->rows;
    } else {
      rows_total_ += units_[i].rows;
    }
  }
  threads_ = 1 + rows_total_ / kScanTaskRows;
}

std::shared_ptr<const PiecePlan> ScanState::Plan(duckdb::ClientContext& context,
                                                 size_t unit) const {
  return PlanPiece(context, source_, filters_, units_[unit], series_use_);
}

// Makes the next unit with rows that may pass now the one that tasks are cut from.
bool ScanState::OpenNextUnit(duckdb::ClientContext& context) {
  const TimeRange range = filters_.CurrentTimeRange();
  while (next_unit_ < units_.size()) {
    const size_t unit = next_unit_++;
    if (!range.Overlaps(units_[unit].time_min, units_[unit].time_max)) {
      continue;
    }
    const auto known = planned_.find(unit);
    plan_ = known == planned_.end() ? Plan(context, unit) : std::move(known->second);
    if (!plan_->ranges.empty()) {
      CountFile();
      range_ = 0;
      row_ = plan_->ranges.front().begin;
      return true;
    }
  }
  plan_ = nullptr;
  return false;
}

// Row groups without a row in the plan's ranges are not read.
void ScanState::CountFile() {
  if (plan_->unit.file == nullptr) {
    return;
  }
  ++files_read_;
  const std::vector<uint64_t>& groups = plan_->piece->row_groups();
  auto range = plan_->ranges.begin();
  for (size_t group = 0; group + 1 < groups.size(); ++group) {
    range = std::find_if(range, plan_->ranges.end(),
                         [&](const RowRange& rows) { return rows.end > groups[group]; });
    const bool read = range != plan_->ranges.end() && range->begin < groups[group + 1];
    ++(read ? row_groups_read_ : row_groups_pruned_);
  }
}

ScanState::Task ScanState::CutTask() {
  Task task{.plan = plan_, .ranges = {}, .number = tasks_++};
  for (uint64_t left = kScanTaskRows; left > 0 && range_ < plan_->ranges.size();) {
    const RowRange& range = plan_->ranges[range_];
    const uint64_t count = std::min(left, range.end - row_);
    task.ranges.push_back({row_, row_ + count});
    rows_handed_out_ += count;
    left -= count;
    row_ += count;
    if (row_ == range.end && ++range_ < plan_->ranges.size()) {
      row_ = plan_->ranges[range_].begin;
    }
  }
  return task;
}

std::optional<ScanState::Task> ScanState::NextTask(duckdb::ClientContext& context) {
  const std::lock_guard lock(mutex_);
  if ((plan_ == nullptr || range_ >= plan_->ranges.size()) && !OpenNextUnit(context)) {
    return std::nullopt;
  }
  return CutTask();
}

void ScanState::Count(const ScanCounts& counts) {
  blocks_read_ += counts.blocks_read;
  blocks_from_cache_ += counts.blocks_from_cache;
  rows_read_ += counts.rows;
}

duckdb::InsertionOrderPreservingMap<std::string> ScanState::Describe() const {
  duckdb::InsertionOrderPreservingMap<std::string> text;
  text["Files read"] = std::to_string(files_read_);
  text["Files pruned"] = std::to_string(source_.view.version->files.size() - files_read_);
  text["Row groups read"] = std::to_string(row_groups_read_);
  text["Row groups pruned"] = std::to_string(row_groups_pruned_);
  text["Blocks decoded"] = std::to_string(blocks_read_);
  text["Blocks from memory"] = std::to_string(blocks_from_cache_);
  text["Rows read"] = std::to_string(rows_read_);
  return text;
}

double ScanState::progress_percent() const {
  return rows_total_ == 0
             ? 100.0
             : 100.0 * static_cast<double>(rows_handed_out_) / static_cast<double>(rows_total_);
}

}  // namespace varve
