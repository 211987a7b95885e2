// ScanUnits: what a scan reads, piece by piece: data files, and runs of memtable chunks, as far as
// the view's and the query's times need them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/time_range.h"
#include "query/table_source.h"

namespace varve {

// Rows that one thread reads at a time: as many as a row group has in files. Scans of fewer are not
// worth a second thread.
inline constexpr uint64_t kScanTaskRows = 122'880;

struct ScanUnit {
  const FileMeta* file = nullptr;  // of the source's version; nullptr: rows in memory
  size_t memtable = 0;             // index into ReadView::memtables
  size_t chunk_begin = 0;
  size_t chunk_end = 0;
  uint64_t first_row = 0;  // of the first chunk, counted from the first row of the memtable
  uint64_t rows = 0;       // as a scan without filters gives, unless some have expired
  TimestampUs time_min;    // of all rows, deleted ones too
  TimestampUs time_max;
  bool all_rows = false;      // none of its rows is deleted, replaced or left out
  bool some_expired = false;  // there may be rows before ReadView::visible_from
};

// All units of the source with rows that may be shown, in its order. Throws what reading deletion
// vectors answers.
std::vector<ScanUnit> AllScanUnits(const TableSource& source);

// Those that may hold rows in the range.
std::vector<ScanUnit> NarrowUnits(const std::vector<ScanUnit>& units, const TimeRange& range);

uint64_t CountRows(const std::vector<ScanUnit>& units);

}  // namespace varve
