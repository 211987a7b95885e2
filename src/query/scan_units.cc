#include "query/scan_units.h"

#include <algorithm>

#include "query/duckdb_bridge.h"

namespace varve {
namespace {

// Both vectors together: a row may be in both.
uint64_t DeletedRows(const ReadView& view, const FileMeta& file) {
  if (!view.replaced.contains(file.id)) {
    return file.deletion_vector ? file.deletion_vector->rows : 0;
  }
  return OrThrow(view.Deleted(file))->size();
}

void AddFile(const TableSource& source, const FileMeta& file, std::vector<ScanUnit>& units) {
  ScanUnit unit{.file = &file, .time_min = file.time_min, .time_max = file.time_max};
  const uint64_t deleted = DeletedRows(source.view, file);
  unit.rows = file.rows - deleted;
  unit.all_rows = deleted == 0 && source.only_rows == nullptr;
  if (source.only_rows != nullptr) {
    const auto selected = source.only_rows->files.find(file.id);
    unit.rows = selected == source.only_rows->files.end() ? 0 : selected->second.size();
  }
  units.push_back(unit);
}

uint64_t SelectedRows(const std::vector<uint64_t>& rows, uint64_t begin, uint64_t end) {
  return static_cast<uint64_t>(std::ranges::lower_bound(rows, end) -
                               std::ranges::lower_bound(rows, begin));
}

// Rows of the unit that are shown.
uint64_t ShownRows(const TableSource& source, const ScanUnit& unit) {
  const uint64_t end = unit.first_row + unit.rows;
  if (source.only_rows != nullptr) {
    return SelectedRows(source.only_rows->memtables[unit.memtable], unit.first_row, end);
  }
  const auto& replaced = source.view.memtables[unit.memtable].replaced;
  return replaced == nullptr
             ? unit.rows
             : replaced->Remaining(unit.first_row, static_cast<uint32_t>(unit.rows)).size();
}

void AddMemtable(const TableSource& source, size_t memtable, std::vector<ScanUnit>& units) {
  ScanUnit unit{.memtable = memtable};
  const auto& chunks = source.view.memtables[memtable].rows->chunks();
  for (size_t i = 0; i < chunks.size(); ++i) {
    if (unit.rows == 0) {
      unit.time_min = chunks[i]->time_min;
      unit.time_max = chunks[i]->time_max;
    }
    unit.time_min = std::min(unit.time_min, chunks[i]->time_min);
    unit.time_max = std::max(unit.time_max, chunks[i]->time_max);
    unit.rows += chunks[i]->series.size();
    unit.chunk_end = i + 1;
    if (unit.rows >= kScanTaskRows || i + 1 == chunks.size()) {
      const uint64_t end = unit.first_row + unit.rows;
      const uint64_t shown = ShownRows(source, unit);
      unit.all_rows = shown == unit.rows && source.only_rows == nullptr;
      unit.rows = shown;
      units.push_back(unit);
      unit = ScanUnit{.memtable = memtable, .chunk_begin = i + 1, .first_row = end};
    }
  }
}

}  // namespace

std::vector<ScanUnit> AllScanUnits(const TableSource& source) {
  const ReadView& view = source.view;
  std::vector<ScanUnit> units;
  units.reserve(view.version->files.size() + view.memtables.size());
  for (const auto& [id, file] : view.version->files) {
    AddFile(source, file, units);
  }
  // Files are kept by id; readers expect older rows first.
  std::ranges::stable_sort(units, {}, &ScanUnit::time_min);
  for (size_t i = 0; i < view.memtables.size(); ++i) {
    AddMemtable(source, i, units);
  }
  if (source.order == TableSource::Order::kNewestFirst) {
    std::ranges::stable_sort(units, std::ranges::greater(), &ScanUnit::time_max);
  }
  std::erase_if(units, [&](const ScanUnit& unit) {
    return unit.rows == 0 || unit.time_max < view.visible_from;
  });
  for (ScanUnit& unit : units) {
    unit.some_expired = unit.time_min < view.visible_from;
  }
  return units;
}

std::vector<ScanUnit> NarrowUnits(const std::vector<ScanUnit>& units, const TimeRange& range) {
  std::vector<ScanUnit> kept;
  std::ranges::copy_if(units, std::back_inserter(kept), [&](const ScanUnit& unit) {
    return range.Overlaps(unit.time_min, unit.time_max);
  });
  return kept;
}

uint64_t CountRows(const std::vector<ScanUnit>& units) {
  uint64_t rows = 0;
  for (const ScanUnit& unit : units) {
    rows += unit.rows;
  }
  return rows;
}

}  // namespace varve
