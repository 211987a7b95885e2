#include "sst/sst_statistics_internal.h"

#include <arrow/array.h>
#include <arrow/type.h>

#include <algorithm>

namespace varve {
namespace {

const int64_t* Times(const arrow::RecordBatch& batch, size_t column) {
  return static_cast<const arrow::TimestampArray&>(*batch.column(static_cast<int>(column)))
      .raw_values();
}

const uint64_t* Tsids(const arrow::RecordBatch& batch, size_t column) {
  return static_cast<const arrow::UInt64Array&>(*batch.column(static_cast<int>(column)))
      .raw_values();
}

bool Fits(const arrow::DataType& type, const ColumnSchema& column) {
  static const auto kDictionary = arrow::dictionary(arrow::int32(), arrow::utf8());
  return type.Equals(*ArrowType(column.type)) ||
         (column.type == ColumnType::kString && type.Equals(*kDictionary));
}

}  // namespace

Status SstStatistics::CheckColumns(const arrow::RecordBatch& batch) const {
  const auto& columns = schema_.columns();
  if (static_cast<size_t>(batch.num_columns()) != columns.size()) {
    return InvalidArgument("a batch of {} columns does not fit a table of {}", batch.num_columns(),
                           columns.size());
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto& array = *batch.column(static_cast<int>(i));
    if (!Fits(*array.type(), columns[i])) {
      return InvalidArgument("column '{}' is {}, but the batch holds {}", columns[i].name,
                             ColumnTypeName(columns[i].type), array.type()->ToString());
    }
    if (!columns[i].nullable && array.null_count() > 0) {
      return InvalidArgument("column '{}' is NOT NULL, but the batch holds {} NULLs",
                             columns[i].name, array.null_count());
    }
  }
  return {};
}

Status SstStatistics::AddTimes(const arrow::RecordBatch& batch) {
  const int64_t* times = Times(batch, schema_.timestamp_index());
  const auto [min, max] = std::minmax_element(times, times + batch.num_rows());
  if (*min < segment_start_.value()) {
    return Internal("a row at {} us stands before its segment, which starts at {} us", *min,
                    segment_start_);
  }
  time_min_ = rows_ == 0 ? *min : std::min(time_min_, *min);
  time_max_ = rows_ == 0 ? *max : std::max(time_max_, *max);
  return {};
}

void SstStatistics::AddTsids(const arrow::RecordBatch& batch) {
  const uint64_t* tsids = Tsids(batch, *schema_.tsid_index());
  const auto [min, max] = std::minmax_element(tsids, tsids + batch.num_rows());
  tsid_min_ = rows_ == 0 ? *min : std::min(tsid_min_, *min);
  tsid_max_ = rows_ == 0 ? *max : std::max(tsid_max_, *max);
}

Status SstStatistics::CheckOrder(const arrow::RecordBatch& batch) {
  const int64_t* times = Times(batch, schema_.timestamp_index());
  const uint64_t* tsids = Tsids(batch, *schema_.tsid_index());
  std::pair<uint64_t, int64_t> last = rows_ == 0 ? std::pair(tsids[0], times[0]) : last_key_;
  for (int64_t i = 0; i < batch.num_rows(); ++i) {
    const std::pair key(tsids[i], times[i]);
    if (key < last) [[unlikely]] {
      return Internal("row {} is out of order: (tsid {}, {} us) after ({}, {} us)",
                      rows_ + static_cast<uint64_t>(i), key.first, key.second, last.first,
                      last.second);
    }
    last = key;
  }
  last_key_ = last;
  return {};
}

Status SstStatistics::Add(const arrow::RecordBatch& batch) {
  VARVE_TRY(CheckColumns(batch));
  if (batch.num_rows() == 0) {
    return {};
  }
  VARVE_TRY(AddTimes(batch));
  if (schema_.HasDefaultKey()) {
    VARVE_TRY(CheckOrder(batch));
  }
  if (schema_.tsid_index()) {
    AddTsids(batch);
  }
  for (size_t i = 0; i < schema_.columns().size(); ++i) {
    null_counts_[schema_.columns()[i].id] +=
        static_cast<uint64_t>(batch.column(static_cast<int>(i))->null_count());
  }
  rows_ += static_cast<uint64_t>(batch.num_rows());
  return {};
}

void SstStatistics::Fill(FileMeta& meta) const {
  meta.rows = rows_;
  meta.time_min = TimestampUs(time_min_);
  meta.time_max = TimestampUs(time_max_);
  meta.tsid_min = tsid_min_;
  meta.tsid_max = tsid_max_;
  meta.null_counts = null_counts_;
}

}  // namespace varve
