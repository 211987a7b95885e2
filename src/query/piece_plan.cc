#include "query/piece_plan.h"

#include <algorithm>

#include "query/duckdb_bridge.h"

namespace varve {
namespace {

std::shared_ptr<const DeletionVector> HiddenRows(const TableSource& source, const ScanUnit& unit) {
  if (unit.file == nullptr) {
    return source.view.memtables[unit.memtable].replaced;
  }
  return OrThrow(source.view.Deleted(*unit.file));
}

// The rows as ranges of neighbours.
std::vector<RowRange> Ranges(std::span<const uint64_t> rows) {
  std::vector<RowRange> ranges;
  for (const uint64_t row : rows) {
    if (ranges.empty() || ranges.back().end != row) {
      ranges.push_back({row, row});
    }
    ranges.back().end = row + 1;
  }
  return ranges;
}

// The rows that the source is restricted to.
std::vector<RowRange> OnlyRows(const TableSource& source, const ScanUnit& unit, RowRange all) {
  if (unit.file != nullptr) {
    const auto found = source.only_rows->files.find(unit.file->id);
    return found == source.only_rows->files.end() ? std::vector<RowRange>() : Ranges(found->second);
  }
  const std::vector<uint64_t>& rows = source.only_rows->memtables[unit.memtable];
  const auto begin = std::ranges::lower_bound(rows, all.begin);
  return Ranges({begin, std::ranges::lower_bound(rows, all.end)});
}

std::vector<RowRange> RangesOfSeries(const ScanPiece& piece, const std::vector<uint8_t>& passes,
                                     const TimeRange& range) {
  std::vector<RowRange> ranges;
  for (size_t series = 0; series < passes.size(); ++series) {
    if (passes[series] == 0) {
      continue;
    }
    const RowRange rows = piece.RowsOf(series, range);
    if (rows.begin < rows.end) {
      ranges.push_back(rows);
    }
  }
  return ranges;
}

}  // namespace

std::shared_ptr<const PiecePlan> PlanPiece(duckdb::ClientContext& context,
                                           const TableSource& source, const ScanFilters& filters,
                                           const ScanUnit& unit, ScanPiece::SeriesUse use) {
  auto plan = std::make_shared<PiecePlan>();
  plan->unit = unit;
  plan->piece = ScanPiece::Open(source, unit, use);
  plan->hidden = HiddenRows(source, unit);
  plan->time_range = filters.CurrentTimeRange();
  const ScanPiece& piece = *plan->piece;
  const RowRange all{piece.blocks().front().begin, piece.blocks().back().end};
  const bool by_series = filters.has_series_filters() && piece.HasSeries();
  if (by_series) {
    plan->passes = filters.PassingSeries(context, piece, unit);
  }
  if (source.only_rows != nullptr) {
    plan->ranges = OnlyRows(source, unit, all);
  } else if (by_series && piece.IsSorted()) {
    plan->ranges = RangesOfSeries(piece, *plan->passes, plan->time_range);
    plan->passes.reset();
    plan->narrowed = true;
  } else {
    plan->ranges = {all};
  }
  for (const RowRange& rows : plan->ranges) {
    plan->rows += rows.end - rows.begin;
  }
  return plan;
}

}  // namespace varve
