#include "engine/batch_check.h"

#include <arrow/array/array_base.h>
#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <set>

namespace varve {
namespace {

// What DuckDB, Arrow and Parquet readers take as a timestamp in microseconds without surprises: the
// years 1 to 9999.
constexpr int64_t kTimeMinUs = -62'135'596'800'000'000;
constexpr int64_t kTimeMaxUs = 253'402'300'799'999'000;

Status CheckTimes(const arrow::Array& array, std::string_view column) {
  const auto& times = static_cast<const arrow::TimestampArray&>(array);
  const int64_t* values = times.raw_values();
  const auto bad = std::find_if(values, values + times.length(), [](int64_t us) {
    return us < kTimeMinUs || us > kTimeMaxUs || us % 1000 != 0;
  });
  if (bad != values + times.length()) {
    return InvalidArgument(
        "Timestamp out of range, column:{}, value:{} ms (the years 0001 to 9999 are allowed)",
        column, *bad / 1000);
  }
  return {};
}

Status CheckColumn(const ColumnSchema& column, const arrow::Array& array) {
  if (column.tag || column.name == kTsidColumn) {
    return InvalidArgument("Column({}) is a tag rather than a field", column.name);
  }
  if (!array.type()->Equals(*ArrowType(column.type))) {
    return InvalidArgument("Column type does not match, column:{}, expected {}, found {}",
                           column.name, ColumnTypeName(column.type), array.type()->ToString());
  }
  if (!column.nullable && array.null_count() > 0) {
    return InvalidArgument("Column is not null, column:{}", column.name);
  }
  return {};
}

Status CheckNoneMissing(const TableSchema& schema, const std::set<uint32_t>& given) {
  for (const auto& column : schema.columns()) {
    if (!column.nullable && !column.tag && column.name != kTsidColumn &&
        !given.contains(column.id)) {
      return InvalidArgument("Column is not null, column:{}, and has no value", column.name);
    }
  }
  return {};
}

// A NOT NULL tag has to be in every key.
Status CheckTags(const TableSchema& schema, const SeriesSet& series) {
  std::set<uint32_t> required;
  for (const size_t index : schema.tags()) {
    if (!schema.columns()[index].nullable) {
      required.insert(schema.columns()[index].id);
    }
  }
  if (required.empty()) {
    return {};
  }
  for (size_t i = 0; i < series.size(); ++i) {
    VARVE_ASSIGN(const auto tags, DecodeSeriesKey(series.key(i)));
    auto missing = required;
    for (const auto& tag : tags) {
      missing.erase(tag.column_id);
    }
    if (!missing.empty()) {
      return InvalidArgument("Column is not null, column:{}",
                             schema.FindById(*missing.begin())->name);
    }
  }
  return {};
}

}  // namespace

Status CheckBatch(const RowBatch& batch, const TableSchema& schema) {
  const int64_t rows = batch.rows->num_rows();
  if (rows > kBatchRowsMax) {
    return InvalidArgument("Too many rows to write: {}, at most {} in one request", rows,
                           kBatchRowsMax);
  }
  if (batch.row_series.size() != static_cast<size_t>(rows) ||
      batch.column_ids.size() != static_cast<size_t>(batch.rows->num_columns()) ||
      std::ranges::any_of(batch.row_series, [&](uint32_t s) { return s >= batch.series.size(); })) {
    return Internal("a batch does not fit together");
  }
  std::set<uint32_t> given;
  for (size_t i = 0; i < batch.column_ids.size(); ++i) {
    const ColumnSchema* column = schema.FindById(batch.column_ids[i]);
    if (column == nullptr || !given.insert(column->id).second) {
      return InvalidArgument("Unknown or doubled column in a batch, id:{}", batch.column_ids[i]);
    }
    const arrow::Array& array = *batch.rows->column(static_cast<int>(i));
    VARVE_TRY(CheckColumn(*column, array));
    if (column->id == schema.timestamp().id) {
      VARVE_TRY(CheckTimes(array, column->name));
    }
  }
  VARVE_TRY(CheckNoneMissing(schema, given));
  return CheckTags(schema, batch.series);
}

Status RemoveDroppedColumns(RowBatch& batch, const TableSchema& schema) {
  for (size_t i = batch.column_ids.size(); i-- > 0;) {
    const uint32_t id = batch.column_ids[i];
    if (id <= schema.last_column_id() && schema.FindById(id) == nullptr) {
      auto rest = batch.rows->RemoveColumn(static_cast<int>(i));
      if (!rest.ok()) {
        return Internal("a batch of the log does not fit together: {}", rest.status().ToString());
      }
      batch.rows = *std::move(rest);
      batch.column_ids.erase(batch.column_ids.begin() + static_cast<ptrdiff_t>(i));
    }
  }
  return {};
}

}  // namespace varve
