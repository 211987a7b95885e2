#include "query/row_batch_builder.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <string>
#include <unordered_map>

#include "base/check.h"
#include "base/checksum.h"
#include "engine/arrow_status.h"

namespace varve {
namespace {

constexpr int64_t kUsPerMs = 1000;

int64_t FloorToMs(int64_t us) {
  const int64_t rest = us % kUsPerMs;
  return us - (rest < 0 ? rest + kUsPerMs : rest);
}

Result<std::shared_ptr<arrow::Array>> InWholeMs(const std::shared_ptr<arrow::Array>& array) {
  const auto& times = static_cast<const arrow::TimestampArray&>(*array);
  bool whole = true;
  for (int64_t i = 0; i < times.length() && whole; ++i) {
    whole = times.IsNull(i) || times.Value(i) % kUsPerMs == 0;
  }
  if (whole) {
    return array;
  }
  arrow::TimestampBuilder builder(array->type(), arrow::default_memory_pool());
  VARVE_TRY(FromArrow(builder.Reserve(times.length())));
  for (int64_t i = 0; i < times.length(); ++i) {
    if (times.IsNull(i)) {
      builder.UnsafeAppendNull();
    } else {
      builder.UnsafeAppend(FloorToMs(times.Value(i)));
    }
  }
  return FromArrow(builder.Finish());
}

template <class Array>
auto ValueAt(const arrow::Array& array, int64_t row) {
  return static_cast<const Array&>(array).Value(row);
}

void AppendTagOf(std::string& key, const ColumnSchema& column, const arrow::Array& array,
                 int64_t row) {
  const auto integer = [&](auto value) { AppendTag(key, column.id, static_cast<int64_t>(value)); };
  const auto natural = [&](auto value) { AppendTag(key, column.id, static_cast<uint64_t>(value)); };
  switch (column.type) {
    case ColumnType::kString:
    case ColumnType::kVarbinary:
      return AppendTag(key, column.id, static_cast<const arrow::BinaryArray&>(array).GetView(row));
    case ColumnType::kTimestamp:
      return integer(FloorToMs(ValueAt<arrow::TimestampArray>(array, row)) / kUsPerMs);
    case ColumnType::kInt64:
      return integer(ValueAt<arrow::Int64Array>(array, row));
    case ColumnType::kInt32:
      return integer(ValueAt<arrow::Int32Array>(array, row));
    case ColumnType::kInt16:
      return integer(ValueAt<arrow::Int16Array>(array, row));
    case ColumnType::kInt8:
      return integer(ValueAt<arrow::Int8Array>(array, row));
    case ColumnType::kDate:
      return integer(ValueAt<arrow::Date32Array>(array, row));
    case ColumnType::kTime:
      return integer(ValueAt<arrow::Time64Array>(array, row));
    case ColumnType::kUInt64:
      return natural(ValueAt<arrow::UInt64Array>(array, row));
    case ColumnType::kUInt32:
      return natural(ValueAt<arrow::UInt32Array>(array, row));
    case ColumnType::kUInt16:
      return natural(ValueAt<arrow::UInt16Array>(array, row));
    case ColumnType::kUInt8:
      return natural(ValueAt<arrow::UInt8Array>(array, row));
    case ColumnType::kBoolean:
      return natural(ValueAt<arrow::BooleanArray>(array, row));
    case ColumnType::kDouble:
    case ColumnType::kFloat:
      break;
  }
  VARVE_CHECK(false, "{} is no tag's type", ColumnTypeName(column.type));
}

// Distinct keys -> numbers. Rows of a series mostly follow each other, so the last one is tried
// first.
class SeriesNumbers {
 public:
  explicit SeriesNumbers(SeriesSet* series) : series_(series) {}

  uint32_t Number(const std::string& key) {
    if (series_->size() > 0 && key == series_->key(last_)) {
      return last_;
    }
    const auto [found, added] = numbers_.try_emplace(key, static_cast<uint32_t>(series_->size()));
    if (added) {
      series_->Add(key, Tsid(key));
    }
    last_ = found->second;
    return last_;
  }

 private:
  struct Hash {
    size_t operator()(const std::string& key) const { return Xxh3(key); }
  };
  SeriesSet* const series_;
  std::unordered_map<std::string, uint32_t, Hash> numbers_;
  uint32_t last_ = 0;
};

void AddSeries(const TableSchema& schema, const ColumnArrays& columns, int64_t rows,
               RowBatch& batch) {
  SeriesNumbers numbers(&batch.series);
  batch.row_series.reserve(static_cast<size_t>(rows));
  std::string key;
  for (int64_t row = 0; row < rows; ++row) {
    key.clear();
    for (const size_t tag : schema.tags()) {
      if (columns[tag] && columns[tag]->IsValid(row)) {
        AppendTagOf(key, schema.columns()[tag], *columns[tag], row);
      }
    }
    batch.row_series.push_back(numbers.Number(key));
  }
}

}  // namespace

Result<RowBatch> BuildRowBatch(const TableSchema& schema, std::string_view table,
                               const ColumnArrays& columns) {
  int64_t rows = 0;
  RowBatch batch;
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (size_t i = 0; i < columns.size(); ++i) {
    const ColumnSchema& column = schema.columns()[i];
    if (i == schema.tsid_index()) {
      continue;
    }
    if (!column.nullable && (!columns[i] || columns[i]->null_count() > 0)) {
      return InvalidArgument("Column is not null, table:{}, column:{}", table, column.name);
    }
    if (!columns[i]) {
      continue;
    }
    rows = columns[i]->length();
    if (column.tag) {
      continue;
    }
    std::shared_ptr<arrow::Array> array = columns[i];
    if (column.type == ColumnType::kTimestamp) {
      VARVE_ASSIGN(array, InWholeMs(array));
    }
    fields.push_back(arrow::field(column.name, array->type(), column.nullable));
    arrays.push_back(std::move(array));
    batch.column_ids.push_back(column.id);
  }
  AddSeries(schema, columns, rows, batch);
  batch.rows = arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows, std::move(arrays));
  return batch;
}

}  // namespace varve
