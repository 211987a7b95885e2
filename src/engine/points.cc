#include "engine/points.h"

#include <arrow/array/array_base.h>
#include <arrow/array/data.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "engine/arrow_status.h"

namespace varve {
namespace {

ColumnSchema TagColumn(std::string name) {
  ColumnSchema column;
  column.name = std::move(name);
  column.type = ColumnType::kString;
  column.tag = true;
  return column;
}

ColumnSchema FieldColumn(const PointField& field) {
  ColumnSchema column;
  column.name = field.name;
  column.type = field.type;
  return column;
}

Status CheckTag(std::string_view table, const ColumnSchema& column) {
  if (!column.tag) {
    return InvalidArgument("Column({}) is a field rather than a tag, table:{}", column.name, table);
  }
  if (column.type != ColumnType::kString) {
    return InvalidArgument("Value type is not same, table:{}, column:{}, expected {}, found string",
                           table, column.name, ColumnTypeName(column.type));
  }
  return {};
}

Status CheckField(std::string_view table, const ColumnSchema& column, const PointField& field) {
  if (column.tag) {
    return InvalidArgument("Column({}) is a tag rather than a field, table:{}", column.name, table);
  }
  if (column.type != field.type) {
    return InvalidArgument("Value type is not same, table:{}, column:{}, expected {}, found {}",
                           table, column.name, ColumnTypeName(column.type),
                           ColumnTypeName(field.type));
  }
  return {};
}

Result<std::shared_ptr<arrow::Array>> TimeArray(const std::vector<int64_t>& time_us) {
  const size_t bytes = time_us.size() * sizeof(int64_t);
  VARVE_ASSIGN(std::shared_ptr<arrow::Buffer> buffer,
               FromArrow(arrow::AllocateBuffer(static_cast<int64_t>(bytes))));
  if (bytes > 0) {
    std::memcpy(buffer->mutable_data(), time_us.data(), bytes);
  }
  return arrow::MakeArray(arrow::ArrayData::Make(ArrowType(ColumnType::kTimestamp),
                                                 static_cast<int64_t>(time_us.size()),
                                                 {nullptr, std::move(buffer)}, 0));
}

struct TagPlace {
  uint32_t column_id = 0;
  size_t place = 0;  // in tag_names
};

// The key of a series holds its tags in schema order.
Result<std::vector<TagPlace>> TagsInSchemaOrder(std::string_view table, const PointBatch& points,
                                                const TableSchema& schema) {
  std::vector<TagPlace> tags;
  for (const size_t index : schema.tags()) {
    const ColumnSchema& column = schema.columns()[index];
    const auto found = std::ranges::find(points.tag_names, column.name);
    if (found != points.tag_names.end()) {
      VARVE_TRY(CheckTag(table, column));
      tags.push_back({column.id, static_cast<size_t>(found - points.tag_names.begin())});
    }
  }
  if (tags.size() != points.tag_names.size()) {
    return InvalidArgument("A tag of the points is no tag of the table, table:{}", table);
  }
  return tags;
}

void AddSeries(const PointBatch& points, const std::vector<TagPlace>& tags, SeriesSet& series) {
  std::string key;
  for (size_t i = 0; i < points.series_count; ++i) {
    const auto* values = points.series_tags.data() + i * points.tag_names.size();
    key.clear();
    for (const TagPlace& tag : tags) {
      if (values[tag.place]) {
        AppendTag(key, tag.column_id, *values[tag.place]);
      }
    }
    series.Add(key, Tsid(key));
  }
}

}  // namespace

TableSpec SpecForPoints(const PointBatch& points, std::string_view timestamp_column) {
  TableSpec spec;
  for (const auto& tag : points.tag_names) {
    spec.columns.push_back(TagColumn(tag));
  }
  for (const auto& field : points.fields) {
    spec.columns.push_back(FieldColumn(field));
  }
  std::ranges::sort(spec.columns, {}, &ColumnSchema::name);
  ColumnSchema time;
  time.name = timestamp_column;
  time.type = ColumnType::kTimestamp;
  spec.columns.insert(spec.columns.begin(), std::move(time));
  spec.timestamp_key = timestamp_column;
  return spec;
}

Result<std::vector<ColumnSchema>> MissingColumns(std::string_view table, const PointBatch& points,
                                                 const TableSchema& schema) {
  std::vector<ColumnSchema> missing;
  for (const auto& tag : points.tag_names) {
    if (const ColumnSchema* column = schema.Find(tag)) {
      VARVE_TRY(CheckTag(table, *column));
    } else {
      missing.push_back(TagColumn(tag));
    }
  }
  for (const auto& field : points.fields) {
    if (const ColumnSchema* column = schema.Find(field.name)) {
      VARVE_TRY(CheckField(table, *column, field));
    } else {
      missing.push_back(FieldColumn(field));
    }
  }
  std::ranges::sort(missing, {}, &ColumnSchema::name);
  return missing;
}

Result<RowBatch> ToRowBatch(std::string_view table, const PointBatch& points,
                            const TableSchema& schema) {
  RowBatch batch;
  VARVE_ASSIGN(const auto tags, TagsInSchemaOrder(table, points, schema));
  AddSeries(points, tags, batch.series);
  batch.row_series = points.row_series;
  std::vector<std::shared_ptr<arrow::Field>> fields = {
      arrow::field(schema.timestamp().name, ArrowType(ColumnType::kTimestamp))};
  std::vector<std::shared_ptr<arrow::Array>> columns(1);
  VARVE_ASSIGN(columns[0], TimeArray(points.time_us));
  batch.column_ids.push_back(schema.timestamp().id);
  for (const auto& field : points.fields) {
    const ColumnSchema* column = schema.Find(field.name);
    if (column == nullptr) {
      return InvalidArgument("A field of the points is no column of the table, table:{}, column:{}",
                             table, field.name);
    }
    VARVE_TRY(CheckField(table, *column, field));
    batch.column_ids.push_back(column->id);
    fields.push_back(arrow::field(field.name, ArrowType(field.type)));
    columns.push_back(field.values);
  }
  batch.rows =
      arrow::RecordBatch::Make(arrow::schema(std::move(fields)),
                               static_cast<int64_t>(points.time_us.size()), std::move(columns));
  return batch;
}

}  // namespace varve
