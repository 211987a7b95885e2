#include "query/scan_units.h"

#include <algorithm>
#include <duckdb/storage/statistics/node_statistics.hpp>

namespace varve {
namespace {

constexpr const char* kMemtableOption = "varve_memtable";
constexpr const char* kChunkBeginOption = "varve_chunk_begin";
constexpr const char* kChunkEndOption = "varve_chunk_end";

uint64_t LiveRows(const FileMeta& file) {
  return file.rows - (file.deletion_vector ? file.deletion_vector->rows : 0);
}

void AddMemtable(const MemtableView& view, size_t memtable, std::vector<ScanUnit>& units) {
  ScanUnit unit{.memtable = memtable};
  const auto& chunks = view.chunks();
  for (size_t i = 0; i < chunks.size(); ++i) {
    if (unit.rows == 0) {
      unit.time_min = chunks[i]->time_min;
      unit.time_max = chunks[i]->time_max;
    }
    unit.time_min = std::min(unit.time_min, chunks[i]->time_min);
    unit.time_max = std::max(unit.time_max, chunks[i]->time_max);
    unit.rows += chunks[i]->series.size();
    unit.chunk_end = i + 1;
    if (unit.rows >= kMemoryUnitRows || i + 1 == chunks.size()) {
      units.push_back(unit);
      unit = ScanUnit{.memtable = memtable, .chunk_begin = i + 1};
    }
  }
}

}  // namespace

ScanUnitList::ScanUnitList(duckdb::shared_ptr<TableSource> source) : source_(std::move(source)) {
  const ReadView& view = source_->view;
  units_.reserve(view.version->files.size() + view.memtables.size());
  for (const auto& [id, file] : view.version->files) {
    units_.push_back(ScanUnit{.file = &file,
                              .rows = LiveRows(file),
                              .time_min = file.time_min,
                              .time_max = file.time_max});
  }
  // Files are kept by id; readers expect older rows first.
  std::ranges::stable_sort(units_, {}, &ScanUnit::time_min);
  for (size_t i = 0; i < view.memtables.size(); ++i) {
    AddMemtable(*view.memtables[i].rows, i, units_);
  }
}

duckdb::unique_ptr<duckdb::MultiFileList> ScanUnitList::Narrow(const TimeRange& range) const {
  std::vector<ScanUnit> kept;
  for (const ScanUnit& unit : units_) {
    if (range.Overlaps(unit.time_min, unit.time_max)) {
      kept.push_back(unit);
    }
  }
  if (kept.size() == units_.size()) {
    return nullptr;
  }
  return duckdb::make_uniq<ScanUnitList>(source_, std::move(kept));
}

duckdb::vector<duckdb::OpenFileInfo> ScanUnitList::GetAllFiles() const {
  duckdb::vector<duckdb::OpenFileInfo> files;
  for (duckdb::idx_t i = 0; i < units_.size(); ++i) {
    files.push_back(GetFile(i));
  }
  return files;
}

// "A single file" makes DuckDB scan with one thread, which is quicker when there is little to read.
duckdb::FileExpandResult ScanUnitList::GetExpandResult() const {
  if (units_.empty()) {
    return duckdb::FileExpandResult::NO_FILES;
  }
  if (units_.size() == 1 && units_.front().rows <= kMemoryUnitRows) {
    return duckdb::FileExpandResult::SINGLE_FILE;
  }
  return duckdb::FileExpandResult::MULTIPLE_FILES;
}

duckdb::unique_ptr<duckdb::NodeStatistics> ScanUnitList::GetCardinality(
    duckdb::ClientContext&) const {
  uint64_t rows = 0;
  for (const ScanUnit& unit : units_) {
    rows += unit.rows;
  }
  return duckdb::make_uniq<duckdb::NodeStatistics>(rows, rows);
}

duckdb::unique_ptr<duckdb::MultiFileList> ScanUnitList::Copy() const {
  return duckdb::make_uniq<ScanUnitList>(source_, units_);
}

duckdb::OpenFileInfo ScanUnitList::GetFile(duckdb::idx_t index) const {
  if (index >= units_.size()) {
    return duckdb::OpenFileInfo("");
  }
  const ScanUnit& unit = units_[index];
  if (unit.file != nullptr) {
    return DescribeFile(*unit.file);
  }
  duckdb::OpenFileInfo file(fmt::format("memory/{}/{}", unit.memtable, unit.chunk_begin));
  file.extended_info = duckdb::make_shared_ptr<duckdb::ExtendedOpenFileInfo>();
  auto& options = file.extended_info->options;
  options[kMemtableOption] = duckdb::Value::UBIGINT(unit.memtable);
  options[kChunkBeginOption] = duckdb::Value::UBIGINT(unit.chunk_begin);
  options[kChunkEndOption] = duckdb::Value::UBIGINT(unit.chunk_end);
  return file;
}

// With these DuckDB asks the file system nothing about a file whose bytes it has in its cache.
duckdb::OpenFileInfo ScanUnitList::DescribeFile(const FileMeta& meta) const {
  duckdb::OpenFileInfo file(source_->resources.file_prefix + meta.path);
  file.extended_info = duckdb::make_shared_ptr<duckdb::ExtendedOpenFileInfo>();
  auto& options = file.extended_info->options;
  options["file_size"] = duckdb::Value::UBIGINT(meta.size_bytes);
  options["last_modified"] = duckdb::Value::TIMESTAMP(duckdb::timestamp_t(1));
  options["validate_external_file_cache"] = duckdb::Value::BOOLEAN(false);
  return file;
}

std::optional<MemoryUnit> MemoryUnitOf(const duckdb::OpenFileInfo& file) {
  if (!file.extended_info) {
    return std::nullopt;
  }
  const auto& options = file.extended_info->options;
  const auto memtable = options.find(kMemtableOption);
  if (memtable == options.end()) {
    return std::nullopt;
  }
  return MemoryUnit{memtable->second.GetValue<uint64_t>(),
                    options.at(kChunkBeginOption).GetValue<uint64_t>(),
                    options.at(kChunkEndOption).GetValue<uint64_t>()};
}

}  // namespace varve
