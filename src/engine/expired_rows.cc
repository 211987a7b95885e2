#include "engine/expired_rows.h"

#include <arrow/array/array_primitive.h>
#include <arrow/array/concatenate.h>
#include <arrow/record_batch.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/units.h"
#include "engine/arrow_status.h"

namespace varve {
namespace {

std::span<const int64_t> TimesOf(const RowBatch& batch, uint32_t time_column) {
  const auto found = std::ranges::find(batch.column_ids, time_column);
  VARVE_CHECK(found != batch.column_ids.end(), "a batch without its timestamp key");
  const auto& times = static_cast<const arrow::TimestampArray&>(
      *batch.rows->column(static_cast<int>(found - batch.column_ids.begin())));
  return {times.raw_values(), static_cast<size_t>(times.length())};
}

struct Run {
  int64_t begin = 0;
  int64_t end = 0;
};

// The rows that are kept, as few runs as there are.
std::vector<Run> KeptRuns(std::span<const int64_t> times, int64_t oldest) {
  std::vector<Run> runs;
  const auto count = static_cast<int64_t>(times.size());
  for (int64_t row = 0; row < count;) {
    if (times[static_cast<size_t>(row)] < oldest) {
      ++row;
      continue;
    }
    const int64_t begin = row;
    while (row < count && times[static_cast<size_t>(row)] >= oldest) {
      ++row;
    }
    runs.push_back({begin, row});
  }
  return runs;
}

Result<std::shared_ptr<arrow::RecordBatch>> Pick(const arrow::RecordBatch& rows,
                                                 const std::vector<Run>& runs, int64_t count) {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (const auto& column : rows.columns()) {
    arrow::ArrayVector pieces;
    for (const Run& run : runs) {
      pieces.push_back(column->Slice(run.begin, run.end - run.begin));
    }
    if (pieces.empty()) {
      columns.push_back(column->Slice(0, 0));
      continue;
    }
    VARVE_ASSIGN(auto picked, FromArrow(arrow::Concatenate(pieces)));
    columns.push_back(std::move(picked));
  }
  return arrow::RecordBatch::Make(rows.schema(), count, std::move(columns));
}

}  // namespace

void WriteReport::Add(const WriteReport& other) {
  for (const ExpiredRows& more : other.expired) {
    const auto same = std::ranges::find(expired, more.table, &ExpiredRows::table);
    if (same == expired.end()) {
      expired.push_back(more);
    } else {
      same->rows += more.rows;
      same->ttl = more.ttl;
    }
  }
}

std::vector<std::string> WriteReport::Warnings() const {
  std::vector<std::string> warnings;
  for (const ExpiredRows& rows : expired) {
    warnings.push_back(
        fmt::format("{} row{} of table {} {} older than its ttl ({}) and {} not kept", rows.rows,
                    rows.rows == 1 ? "" : "s", rows.table, rows.rows == 1 ? "is" : "are",
                    FormatDuration(rows.ttl), rows.rows == 1 ? "was" : "were"));
  }
  return warnings;
}

Result<RowBatch> WithoutRowsBefore(RowBatch batch, uint32_t time_column, TimestampUs oldest) {
  const std::span<const int64_t> times = TimesOf(batch, time_column);
  if (times.empty() || *std::ranges::min_element(times) >= oldest.value()) {
    return batch;
  }
  const std::vector<Run> runs = KeptRuns(times, oldest.value());
  RowBatch kept;
  kept.column_ids = batch.column_ids;
  std::vector<std::optional<uint32_t>> numbers(batch.series.size());  // in `kept`
  for (const Run& run : runs) {
    for (int64_t row = run.begin; row < run.end; ++row) {
      const uint32_t series = batch.row_series[static_cast<size_t>(row)];
      if (!numbers[series]) {
        numbers[series] = kept.series.Add(batch.series.key(series), batch.series.tsid(series));
      }
      kept.row_series.push_back(*numbers[series]);
    }
  }
  VARVE_ASSIGN(kept.rows, Pick(*batch.rows, runs, static_cast<int64_t>(kept.row_series.size())));
  return kept;
}

}  // namespace varve
