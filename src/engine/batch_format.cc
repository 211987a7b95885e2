#include "engine/batch_format.h"

#include <arrow/array/array_base.h>
#include <arrow/array/concatenate.h>
#include <arrow/array/data.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "engine/arrow_status.h"

namespace varve {
namespace {

constexpr uint8_t kFormatVersion = 1;

size_t BitmapBytes(uint64_t rows) { return (rows + 7) / 8; }

Result<ColumnType> TypeOf(const arrow::DataType& type) {
  for (const ColumnType candidate : kAllColumnTypes) {
    if (ArrowType(candidate)->Equals(type)) {
      return candidate;
    }
  }
  return Internal("a batch has a column of type {}", type.ToString());
}

bool IsVariable(ColumnType type) {
  return type == ColumnType::kString || type == ColumnType::kVarbinary;
}

size_t WidthOf(ColumnType type) {
  return static_cast<size_t>(
             static_cast<const arrow::FixedWidthType&>(*ArrowType(type)).bit_width()) /
         8;
}

std::string_view BufferBytes(const arrow::Buffer& buffer, size_t size) {
  return {reinterpret_cast<const char*>(buffer.data()), size};
}

// Arrays that begin inside their buffers are copied, so that everything after sees offset 0.
Result<std::shared_ptr<arrow::ArrayData>> WithoutOffset(
    const std::shared_ptr<arrow::Array>& array) {
  if (array->offset() == 0) {
    return array->data();
  }
  VARVE_ASSIGN(const auto copy, FromArrow(arrow::Concatenate({array})));
  return copy->data();
}

void AppendVariable(std::string& out, const arrow::ArrayData& data) {
  const auto rows = static_cast<size_t>(data.length);
  if (rows == 0) {
    AppendFixed<uint32_t>(out, 0);
    return;
  }
  const auto* offsets = data.GetValues<int32_t>(1);
  const int32_t first = offsets[0];
  if (first == 0) {
    out.append(BufferBytes(*data.buffers[1], (rows + 1) * sizeof(int32_t)));
  } else {
    for (size_t i = 0; i <= rows; ++i) {
      AppendFixed<int32_t>(out, offsets[i] - first);
    }
  }
  if (offsets[rows] > first) {
    out.append(reinterpret_cast<const char*>(data.buffers[2]->data()) + first,
               static_cast<size_t>(offsets[rows] - first));
  }
}

Status AppendColumn(std::string& out, uint32_t id, const std::shared_ptr<arrow::Array>& array) {
  VARVE_ASSIGN(const ColumnType type, TypeOf(*array->type()));
  VARVE_ASSIGN(const auto data, WithoutOffset(array));
  const auto rows = static_cast<size_t>(data->length);
  const bool has_nulls = data->GetNullCount() > 0;
  AppendVarint(out, id);
  AppendFixed(out, static_cast<uint8_t>(type));
  AppendFixed(out, static_cast<uint8_t>(has_nulls));
  if (has_nulls) {
    out.append(BufferBytes(*data->buffers[0], BitmapBytes(rows)));
  }
  if (IsVariable(type)) {
    AppendVariable(out, *data);
  } else {
    const size_t bytes = type == ColumnType::kBoolean ? BitmapBytes(rows) : rows * WidthOf(type);
    if (bytes > 0) {
      out.append(BufferBytes(*data->buffers[1], bytes));
    }
  }
  return {};
}

uint64_t SizeHint(const RowBatch& batch) {
  uint64_t bytes =
      batch.series.key_bytes() + batch.series.size() * 4 + batch.row_series.size() * 4 + 64;
  for (const auto& column : batch.rows->column_data()) {
    for (const auto& buffer : column->buffers) {
      bytes += buffer ? static_cast<uint64_t>(buffer->size()) : 0;
    }
  }
  return bytes;
}

Result<std::shared_ptr<arrow::Buffer>> CopyBuffer(std::string_view bytes) {
  VARVE_ASSIGN(std::shared_ptr<arrow::Buffer> buffer,
               FromArrow(arrow::AllocateBuffer(static_cast<int64_t>(bytes.size()))));
  std::ranges::copy(bytes, buffer->mutable_data());
  return buffer;
}

// Offsets must rise from 0, or a reader of the array would leave its buffer.
Result<uint32_t> CheckOffsets(std::string_view bytes) {
  uint32_t before = 0;
  for (size_t at = 0; at < bytes.size(); at += sizeof(uint32_t)) {
    uint32_t offset;
    std::memcpy(&offset, bytes.data() + at, sizeof(offset));
    if (offset < before || (at == 0 && offset != 0) || offset > INT32_MAX) {
      return Corruption("a text column of a logged batch has an offset that goes back");
    }
    before = offset;
  }
  return before;
}

struct DecodedColumn {
  uint32_t id = 0;
  std::shared_ptr<arrow::Field> field;
  std::shared_ptr<arrow::ArrayData> data;
};

Result<ColumnType> ReadType(ByteReader& reader) {
  VARVE_ASSIGN(const uint8_t number, reader.Fixed<uint8_t>());
  const auto type = static_cast<ColumnType>(number);
  if (std::ranges::find(kAllColumnTypes, type) == kAllColumnTypes.end()) {
    return Corruption("a logged batch has a column of the unknown type {}", number);
  }
  return type;
}

Result<std::vector<std::shared_ptr<arrow::Buffer>>> ReadValues(ByteReader& reader, ColumnType type,
                                                               uint64_t rows) {
  std::vector<std::shared_ptr<arrow::Buffer>> buffers;
  if (!IsVariable(type)) {
    const size_t bytes = type == ColumnType::kBoolean ? BitmapBytes(rows) : rows * WidthOf(type);
    VARVE_ASSIGN(const auto values, reader.Bytes(bytes));
    VARVE_ASSIGN(auto buffer, CopyBuffer(values));
    buffers.push_back(std::move(buffer));
    return buffers;
  }
  VARVE_ASSIGN(const auto offsets, reader.Bytes((rows + 1) * sizeof(uint32_t)));
  VARVE_ASSIGN(const uint32_t size, CheckOffsets(offsets));
  VARVE_ASSIGN(const auto text, reader.Bytes(size));
  VARVE_ASSIGN(auto offset_buffer, CopyBuffer(offsets));
  VARVE_ASSIGN(auto text_buffer, CopyBuffer(text));
  buffers.push_back(std::move(offset_buffer));
  buffers.push_back(std::move(text_buffer));
  return buffers;
}

Result<DecodedColumn> ReadColumn(ByteReader& reader, uint64_t rows) {
  DecodedColumn column;
  VARVE_ASSIGN(const uint64_t id, reader.Varint());
  column.id = static_cast<uint32_t>(id);
  VARVE_ASSIGN(const ColumnType type, ReadType(reader));
  VARVE_ASSIGN(const uint8_t has_nulls, reader.Fixed<uint8_t>());
  std::vector<std::shared_ptr<arrow::Buffer>> buffers(1);
  if (has_nulls != 0) {
    VARVE_ASSIGN(const auto bitmap, reader.Bytes(BitmapBytes(rows)));
    VARVE_ASSIGN(buffers[0], CopyBuffer(bitmap));
  }
  VARVE_ASSIGN(auto values, ReadValues(reader, type, rows));
  buffers.insert(buffers.end(), values.begin(), values.end());
  column.field = arrow::field(fmt::format("{}", id), ArrowType(type));
  column.data =
      arrow::ArrayData::Make(ArrowType(type), static_cast<int64_t>(rows), std::move(buffers),
                             has_nulls != 0 ? arrow::kUnknownNullCount : 0);
  return column;
}

Status ReadSeries(ByteReader& reader, RowBatch& batch) {
  VARVE_ASSIGN(const uint64_t count, reader.Varint());
  for (uint64_t i = 0; i < count; ++i) {
    VARVE_ASSIGN(const auto key, reader.LengthPrefixed());
    batch.series.Add(key, Tsid(key));
  }
  return {};
}

Status ReadRowSeries(ByteReader& reader, uint64_t rows, RowBatch& batch) {
  if (rows > static_cast<uint64_t>(kBatchRowsMax)) {
    return Corruption("a logged batch says that it has {} rows", rows);
  }
  VARVE_ASSIGN(const auto bytes, reader.Bytes(rows * sizeof(uint32_t)));
  batch.row_series.resize(rows);
  std::ranges::copy(bytes, reinterpret_cast<char*>(batch.row_series.data()));
  const auto out_of_range = [&](uint32_t series) { return series >= batch.series.size(); };
  if (std::ranges::any_of(batch.row_series, out_of_range)) {
    return Corruption("a row of a logged batch names a series that is not there");
  }
  return {};
}

}  // namespace

Result<std::string> EncodeBatch(const RowBatch& batch) {
  std::string out;
  out.reserve(SizeHint(batch));
  AppendFixed(out, kFormatVersion);
  AppendVarint(out, batch.series.size());
  for (size_t i = 0; i < batch.series.size(); ++i) {
    AppendLengthPrefixed(out, batch.series.key(i));
  }
  AppendVarint(out, batch.row_series.size());
  out.append(reinterpret_cast<const char*>(batch.row_series.data()),
             batch.row_series.size() * sizeof(uint32_t));
  AppendVarint(out, batch.column_ids.size());
  for (size_t i = 0; i < batch.column_ids.size(); ++i) {
    VARVE_TRY(AppendColumn(out, batch.column_ids[i], batch.rows->column(static_cast<int>(i))));
  }
  return out;
}

Result<RowBatch> DecodeBatch(std::string_view payload) {
  ByteReader reader(payload);
  VARVE_ASSIGN(const uint8_t version, reader.Fixed<uint8_t>());
  if (version != kFormatVersion) {
    return NotSupported(
        "a logged batch has format {}, this Varve reads up to {}: use a newer Varve", version,
        kFormatVersion);
  }
  RowBatch batch;
  VARVE_TRY(ReadSeries(reader, batch));
  VARVE_ASSIGN(const uint64_t rows, reader.Varint());
  VARVE_TRY(ReadRowSeries(reader, rows, batch));
  VARVE_ASSIGN(const uint64_t columns, reader.Varint());
  std::vector<std::shared_ptr<arrow::Field>> fields;
  std::vector<std::shared_ptr<arrow::ArrayData>> data;
  for (uint64_t i = 0; i < columns; ++i) {
    VARVE_ASSIGN(DecodedColumn column, ReadColumn(reader, rows));
    batch.column_ids.push_back(column.id);
    fields.push_back(std::move(column.field));
    data.push_back(std::move(column.data));
  }
  if (reader.remaining() != 0) {
    return Corruption("{} bytes follow the end of a logged batch", reader.remaining());
  }
  batch.rows = arrow::RecordBatch::Make(arrow::schema(std::move(fields)),
                                        static_cast<int64_t>(rows), std::move(data));
  return batch;
}

}  // namespace varve
