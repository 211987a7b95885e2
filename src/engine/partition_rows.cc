#include "engine/partition_rows.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "engine/gather.h"

namespace varve {
namespace {

constexpr uint32_t kNotAdded = UINT32_MAX;

Result<std::vector<uint32_t>> PartitionsOfSeries(const SeriesSet& series,
                                                 const Partitioning& partitioning) {
  std::vector<uint32_t> partitions;
  partitions.reserve(series.size());
  std::vector<std::optional<TagValue>> tags(partitioning.columns.size());
  for (size_t i = 0; i < series.size(); ++i) {
    VARVE_ASSIGN(const auto values, DecodeSeriesKey(series.key(i)));
    std::ranges::fill(tags, std::nullopt);
    for (const TagValue& value : values) {
      const auto found = std::ranges::find(partitioning.columns, value.column_id);
      if (found != partitioning.columns.end()) {
        tags[static_cast<size_t>(found - partitioning.columns.begin())] = value;
      }
    }
    partitions.push_back(PartitionOf(partitioning, tags));
  }
  return partitions;
}

Result<RowBatch> PickRows(const RowBatch& batch, const std::vector<RowRef>& refs,
                          const TableSchema& schema, std::vector<uint32_t>& numbers) {
  RowBatch picked;
  picked.column_ids = batch.column_ids;
  picked.row_series.reserve(refs.size());
  for (const RowRef& ref : refs) {
    const uint32_t series = batch.row_series[ref.row];
    if (numbers[series] == kNotAdded) {
      numbers[series] = picked.series.Add(batch.series.key(series), batch.series.tsid(series));
    }
    picked.row_series.push_back(numbers[series]);
  }
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (int i = 0; i < batch.rows->num_columns(); ++i) {
    const ColumnSchema* const column = schema.FindById(batch.column_ids[static_cast<size_t>(i)]);
    if (column == nullptr) {
      return InvalidArgument("a column of the rows has been dropped meanwhile: write them again");
    }
    VARVE_ASSIGN(auto values, GatherValues(column->type, {batch.rows->column(i)}, refs));
    columns.push_back(std::move(values));
  }
  picked.rows = arrow::RecordBatch::Make(batch.rows->schema(), static_cast<int64_t>(refs.size()),
                                         std::move(columns));
  return picked;
}

std::vector<PartitionRows> Whole(RowBatch batch, uint32_t partition) {
  std::vector<PartitionRows> out;
  out.push_back({partition, std::move(batch)});
  return out;
}

}  // namespace

Result<std::vector<PartitionRows>> SplitRows(RowBatch batch, const Partitioning& partitioning,
                                             const TableSchema& schema, uint64_t turn) {
  if (batch.row_series.empty()) {
    return std::vector<PartitionRows>();
  }
  if (partitioning.method == PartitionMethod::kRandom) {
    return Whole(std::move(batch), static_cast<uint32_t>(turn % partitioning.count));
  }
  VARVE_ASSIGN(const auto of_series, PartitionsOfSeries(batch.series, partitioning));
  std::map<uint32_t, std::vector<RowRef>> rows;
  for (uint32_t row = 0; row < batch.row_series.size(); ++row) {
    rows[of_series[batch.row_series[row]]].push_back({.chunk = 0, .row = row});
  }
  if (rows.size() == 1) {
    return Whole(std::move(batch), rows.begin()->first);
  }
  std::vector<PartitionRows> out;
  // A series is in one partition: its number there never meets another.
  std::vector<uint32_t> numbers(batch.series.size(), kNotAdded);
  for (const auto& [partition, refs] : rows) {
    VARVE_ASSIGN(RowBatch picked, PickRows(batch, refs, schema, numbers));
    out.push_back({partition, std::move(picked)});
  }
  return out;
}

}  // namespace varve
