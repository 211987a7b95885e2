#include "query/scan_statistics.h"

#include <algorithm>
#include <duckdb/storage/statistics/base_statistics.hpp>
#include <duckdb/storage/statistics/numeric_stats.hpp>
#include <optional>

namespace varve {
namespace {

duckdb::unique_ptr<duckdb::BaseStatistics> TimeStatistics(TimestampUs min, TimestampUs max) {
  auto statistics = duckdb::NumericStats::CreateUnknown(duckdb::LogicalType::TIMESTAMP);
  duckdb::NumericStats::SetMin(statistics,
                               duckdb::Value::TIMESTAMP(duckdb::timestamp_t(min.value())));
  duckdb::NumericStats::SetMax(statistics,
                               duckdb::Value::TIMESTAMP(duckdb::timestamp_t(max.value())));
  statistics.SetHasNoNull();
  return statistics.ToUnique();
}

class UnitStatistics final : public duckdb::PartitionRowGroup {
 public:
  UnitStatistics(const ScanUnit& unit, duckdb::idx_t time_index)
      : min_(unit.time_min),
        max_(unit.time_max),
        exact_(unit.all_rows && !unit.some_expired),
        time_index_(time_index) {}

  duckdb::unique_ptr<duckdb::BaseStatistics> GetColumnStatistics(
      const duckdb::StorageIndex& column) override {
    return column.GetPrimaryIndex() == time_index_ ? TimeStatistics(min_, max_) : nullptr;
  }

  bool MinMaxIsExact(const duckdb::BaseStatistics&, const duckdb::StorageIndex&) override {
    return exact_;
  }

 private:
  const TimestampUs min_;
  const TimestampUs max_;
  const bool exact_;
  const duckdb::idx_t time_index_;
};

duckdb::unique_ptr<duckdb::BaseStatistics> TimeStatistics(const TableSource& source) {
  std::optional<TimeRange> bounds;  // the end inclusive here
  const auto add = [&](TimestampUs min, TimestampUs max) {
    bounds = bounds ? TimeRange{std::min(bounds->start, min), std::max(bounds->end, max)}
                    : TimeRange{min, max};
  };
  for (const auto& [id, file] : source.view.version->files) {
    add(file.time_min, file.time_max);
  }
  for (const auto& memtable : source.view.memtables) {
    add(memtable.rows->time_min(), memtable.rows->time_max());
  }
  return bounds ? TimeStatistics(bounds->start, bounds->end) : nullptr;
}

}  // namespace

duckdb::unique_ptr<duckdb::BaseStatistics> ColumnStatistics(const TableSource& source,
                                                            duckdb::idx_t column) {
  if (column == source.time_index()) {
    return TimeStatistics(source);
  }
  if (source.schema().columns()[column].nullable) {
    return nullptr;
  }
  auto statistics = duckdb::BaseStatistics::CreateUnknown(source.column_types[column]);
  statistics.SetHasNoNull();
  return statistics.ToUnique();
}

duckdb::vector<duckdb::PartitionStatistics> UnitsStatistics(const TableSource& source,
                                                            const std::vector<ScanUnit>& units) {
  duckdb::vector<duckdb::PartitionStatistics> all;
  for (const ScanUnit& unit : units) {
    duckdb::PartitionStatistics statistics;
    statistics.count = unit.rows;
    // A selection may name rows that are not shown.
    statistics.count_type = unit.some_expired || source.only_rows != nullptr
                                ? duckdb::CountType::COUNT_APPROXIMATE
                                : duckdb::CountType::COUNT_EXACT;
    statistics.partition_row_group =
        duckdb::make_shared_ptr<UnitStatistics>(unit, source.time_index());
    all.push_back(std::move(statistics));
  }
  return all;
}

}  // namespace varve
