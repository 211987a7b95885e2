#include "engine/row_keys.h"

#include <arrow/array/array_base.h>
#include <arrow/array/array_binary.h>
#include <arrow/array/array_dict.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

#include "base/bytes.h"
#include "engine/arrow_status.h"

namespace varve {
namespace {

constexpr char kNullMark = 0;
constexpr char kValueMark = 1;

void AppendValue(std::string& key, const arrow::Array& array, int64_t row) {
  switch (array.type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY: {
      const std::string_view text = static_cast<const arrow::BinaryArray&>(array).GetView(row);
      AppendFixed(key, static_cast<uint32_t>(text.size()));
      key += text;
      return;
    }
    case arrow::Type::BOOL:
      key += static_cast<const arrow::BooleanArray&>(array).Value(row) ? '\1' : '\0';
      return;
    default: {
      const auto width = static_cast<size_t>(array.type()->byte_width());
      const char* values = array.data()->GetValues<char>(1, 0);
      key.append(values + static_cast<size_t>(array.offset() + row) * width, width);
    }
  }
}

std::shared_ptr<arrow::Array> FieldOf(const MemChunk& chunk, uint32_t column_id) {
  const auto found = std::ranges::find(chunk.column_ids, column_id);
  return found == chunk.column_ids.end()
             ? nullptr
             : chunk.rows->column(static_cast<int>(found - chunk.column_ids.begin()));
}

Result<std::shared_ptr<arrow::Array>> TsidsOf(const MemtableView& view) {
  arrow::UInt64Builder builder;
  for (uint32_t i = 0; i < view.series_count(); ++i) {
    VARVE_TRY(FromArrow(builder.Append(view.tsid(i))));
  }
  return FromArrow(builder.Finish());
}

}  // namespace

RowKeys::RowKeys(std::shared_ptr<arrow::Array> times)
    : times_(std::move(times)),
      time_values_(static_cast<const arrow::TimestampArray&>(*times_).raw_values()) {}

int64_t RowKeys::row_count() const { return times_->length(); }

void RowKeys::AddColumn(std::shared_ptr<arrow::Array> values, const uint32_t* series) {
  Column column;
  column.series = series;
  if (values && values->type_id() == arrow::Type::DICTIONARY) {
    column.dictionary = static_cast<const arrow::DictionaryArray&>(*values).dictionary();
  }
  if (values && values->type_id() != arrow::Type::NA) {
    column.values = std::move(values);
  }
  columns_.push_back(std::move(column));
}

Result<RowKeys> RowKeys::Of(const TableSchema& schema, const MemtableView& view,
                            const MemChunk& chunk) {
  RowKeys keys(FieldOf(chunk, schema.timestamp().id));
  for (size_t i = 0; i < schema.key_size(); ++i) {
    const ColumnSchema& column = schema.columns()[i];
    if (schema.tsid_index() == i) {
      VARVE_ASSIGN(auto tsids, TsidsOf(view));
      keys.AddColumn(std::move(tsids), chunk.series.data());
    } else if (column.tag) {
      VARVE_ASSIGN(auto values, view.TagValues(column));
      keys.AddColumn(std::move(values), chunk.series.data());
    } else {
      keys.AddColumn(FieldOf(chunk, column.id), nullptr);
    }
  }
  return keys;
}

Result<RowKeys> RowKeys::Of(const TableSchema& schema, const SstFile& file, size_t block) {
  VARVE_ASSIGN(auto times, file.Values(schema.timestamp(), block));
  RowKeys keys(std::move(times));
  for (size_t i = 0; i < schema.key_size(); ++i) {
    VARVE_ASSIGN(auto values, file.Values(schema.columns()[i], block));
    keys.AddColumn(std::move(values), nullptr);
  }
  return keys;
}

RowKeys RowKeys::Of(const TableSchema& schema,
                    std::span<const std::shared_ptr<arrow::Array>> columns) {
  RowKeys keys(columns[schema.timestamp_index()]);
  for (size_t i = 0; i < schema.key_size(); ++i) {
    keys.AddColumn(columns[i], nullptr);
  }
  return keys;
}

std::string_view RowKeys::Key(int64_t row) {
  key_.clear();
  for (const Column& column : columns_) {
    const int64_t at = column.series == nullptr ? row : column.series[row];
    if (!column.values || column.values->IsNull(at)) {
      key_ += kNullMark;
      continue;
    }
    key_ += kValueMark;
    if (column.dictionary) {
      const auto& codes = static_cast<const arrow::DictionaryArray&>(*column.values);
      AppendValue(key_, *column.dictionary, codes.GetValueIndex(at));
    } else {
      AppendValue(key_, *column.values, at);
    }
  }
  return key_;
}

}  // namespace varve
