// PiecePlan: which rows of one ScanUnit a scan must look at, and which of its filters are done with
// that.
#pragma once

#include <duckdb.hpp>
#include <memory>
#include <vector>

#include "query/scan_filters.h"
#include "query/scan_piece.h"
#include "query/scan_units.h"
#include "query/table_source.h"
#include "sst/deletion_vector.h"

namespace varve {

// Immutable.
struct PiecePlan {
  ScanUnit unit;
  std::shared_ptr<const ScanPiece> piece;
  std::shared_ptr<const DeletionVector> hidden;  // rows that are not there; nullptr: none
  std::vector<RowRange> ranges;                  // rising
  uint64_t rows = 0;                             // in the ranges
  TimeRange time_range;                          // what the filters said when it was made
  // Each range is of one series that passes the filters on series, and within the exact intervals
  // of time and what has not expired.
  bool narrowed = false;
  // By series: whether rows pass the filters on series; nullptr: the ranges hold no others.
  ScanFilters::Passes passes;
};

// Opens the unit. The source outlives the plan. Throws what reading answers.
std::shared_ptr<const PiecePlan> PlanPiece(duckdb::ClientContext& context,
                                           const TableSource& source, const ScanFilters& filters,
                                           const ScanUnit& unit, ScanPiece::SeriesUse use);

}  // namespace varve
