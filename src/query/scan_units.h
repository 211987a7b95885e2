// ScanUnits: what a scan reads, piece by piece: data files, and runs of memtable chunks. DuckDB
// sees each as a file.
#pragma once

#include <duckdb.hpp>
#include <duckdb/common/multi_file/multi_file_list.hpp>
#include <memory>
#include <vector>

#include "model/time_range.h"
#include "query/table_source.h"

namespace varve {

// Rows in memory that one thread scans at a time: as many as a row group has in files.
inline constexpr uint64_t kMemoryUnitRows = 122'880;

struct ScanUnit {
  const FileMeta* file = nullptr;  // of the source's version; nullptr: rows in memory
  size_t memtable = 0;             // index into ReadView::memtables
  size_t chunk_begin = 0;
  size_t chunk_end = 0;
  uint64_t rows = 0;  // as a scan without filters gives
  TimestampUs time_min;
  TimestampUs time_max;
};

// Immutable but for Narrow-made copies; thread-safe.
class ScanUnitList final : public duckdb::MultiFileList {
 public:
  // All units of the source.
  explicit ScanUnitList(duckdb::shared_ptr<TableSource> source);
  ScanUnitList(duckdb::shared_ptr<TableSource> source, std::vector<ScanUnit> units)
      : source_(std::move(source)), units_(std::move(units)) {}

  TableSource& source() const { return *source_; }
  const std::vector<ScanUnit>& units() const { return units_; }
  // The list without the units that hold no row in the range; nullptr when that is all of them.
  duckdb::unique_ptr<duckdb::MultiFileList> Narrow(const TimeRange& range) const;

  duckdb::vector<duckdb::OpenFileInfo> GetAllFiles() const override;
  duckdb::FileExpandResult GetExpandResult() const override;
  duckdb::idx_t GetTotalFileCount() const override { return units_.size(); }
  // Users see no file names.
  duckdb::vector<duckdb::OpenFileInfo> GetDisplayFileList(duckdb::optional_idx) const override {
    return {};
  }
  duckdb::unique_ptr<duckdb::NodeStatistics> GetCardinality(duckdb::ClientContext&) const override;
  duckdb::unique_ptr<duckdb::MultiFileList> Copy() const override;

 protected:
  duckdb::OpenFileInfo GetFile(duckdb::idx_t index) const override;

 private:
  duckdb::OpenFileInfo DescribeFile(const FileMeta& file) const;

  duckdb::shared_ptr<TableSource> source_;
  std::vector<ScanUnit> units_;
};

// The unit of a file that the list described as rows in memory; nullptr for data files.
struct MemoryUnit {
  size_t memtable = 0;
  size_t chunk_begin = 0;
  size_t chunk_end = 0;
};
std::optional<MemoryUnit> MemoryUnitOf(const duckdb::OpenFileInfo& file);

}  // namespace varve
