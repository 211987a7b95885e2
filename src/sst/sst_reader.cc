#include "sst/sst_reader.h"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/compute/cast.h>
#include <arrow/record_batch.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>
#include <parquet/schema.h>

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/checksum.h"
#include "sst/object_stream_internal.h"
#include "sst/sst_footer_internal.h"
#include "sst/sst_format.h"

namespace varve {
namespace {

constexpr size_t kVerifyReadBytes = 1 << 20;  // of a file at a time: as fast as larger reads

// Row groups of wide texts may be as large as memory. Smaller ones are read a column at once, which
// is one request each where objects are far away.
constexpr int64_t kWholeRowGroupBytesMax = int64_t{8} << 20;
constexpr int64_t kColumnBufferBytes = int64_t{64} << 10;

// Of a batch, as the file holds its values: wide rows come a few at a time.
constexpr int64_t kBatchBytesMax = int64_t{2} << 20;

int64_t BatchRows(const parquet::FileMetaData& metadata) {
  int64_t bytes = 0;
  for (int i = 0; i < metadata.num_row_groups(); ++i) {
    bytes += metadata.RowGroup(i)->total_byte_size();
  }
  const int64_t row_bytes = bytes / std::max<int64_t>(1, metadata.num_rows()) + 1;
  return std::clamp<int64_t>(kBatchBytesMax / row_bytes, 1, kSstReaderBatchRows);
}

int64_t LargestRowGroup(const parquet::FileMetaData& metadata) {
  int64_t largest = 0;
  for (int i = 0; i < metadata.num_row_groups(); ++i) {
    largest = std::max(largest, metadata.RowGroup(i)->total_compressed_size());
  }
  return largest;
}

std::shared_ptr<arrow::DataType> BatchType(const ColumnSchema& column) {
  if (column.type == ColumnType::kString && (column.tag || column.dictionary)) {
    return arrow::dictionary(arrow::int32(), arrow::utf8());
  }
  return ArrowType(column.type);
}

std::shared_ptr<arrow::Schema> BatchSchema(const TableSchema& schema) {
  arrow::FieldVector fields;
  for (const auto& column : schema.columns()) {
    fields.push_back(arrow::field(column.name, BatchType(column), column.nullable));
  }
  return arrow::schema(std::move(fields));
}

class ParquetSstReader final : public SstReader {
 public:
  ParquetSstReader(const FileMeta& meta, const TableSchema& schema,
                   std::shared_ptr<ObjectSource> source)
      : meta_(meta),
        schema_(schema),
        batch_schema_(BatchSchema(schema)),
        source_(std::move(source)) {}

  // `meta` and all else is there; finds out what the file holds.
  Status Prepare() {
    VARVE_ASSIGN(const int64_t size, source_size());
    if (static_cast<uint64_t>(size) != meta_.size_bytes) {
      return Corruption("it has {} bytes, its manifest says {}", size, meta_.size_bytes);
    }
    std::unique_ptr<parquet::ParquetFileReader> file;
    VARVE_TRY(Guarded([&] {
      parquet::ReaderProperties properties;
      properties.set_page_checksum_verification(true);
      file = parquet::ParquetFileReader::Open(source_, properties);
      if (LargestRowGroup(*file->metadata()) > kWholeRowGroupBytesMax) {
        properties.enable_buffered_stream();
        properties.set_buffer_size(kColumnBufferBytes);
        file = parquet::ParquetFileReader::Open(source_, properties, file->metadata());
      }
      return arrow::Status::OK();
    }));
    VARVE_TRY(CheckMetadata(*file->metadata()));
    return Guarded([&] { return OpenBatches(std::move(file)); });
  }

  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    auto batch = NextBatch();
    if (!batch) {
      return std::unexpected(InFile(std::move(batch).error()));
    }
    return batch;
  }

  Error InFile(const Error& error) const {
    return error.WithContext(fmt::format("data file '{}'", meta_.path));
  }

 private:
  Result<int64_t> source_size() {
    const auto size = source_->GetSize();
    if (!size.ok()) {
      return std::unexpected(FromArrow(size.status(), source_->error(), ErrorKind::kCorruption));
    }
    return *size;
  }

  Status CheckMetadata(const parquet::FileMetaData& metadata) {
    VARVE_ASSIGN(const SstHeader header, CheckedHeader(metadata, meta_));
    std::map<uint32_t, int> positions;  // in the file, by column id
    for (int i = 0; i < metadata.num_columns(); ++i) {
      positions[static_cast<uint32_t>(metadata.schema()->Column(i)->schema_node()->field_id())] = i;
    }
    for (size_t i = 0; i < schema_.columns().size(); ++i) {
      VARVE_ASSIGN(const auto position, FindColumn(schema_.columns()[i], header, positions));
      if (position) {
        file_columns_.push_back(*position);
        batch_columns_.push_back(i);
      }
    }
    return {};
  }

  // Where the column is in the file; nullopt: it was added later.
  static Result<std::optional<int>> FindColumn(const ColumnSchema& column, const SstHeader& header,
                                               const std::map<uint32_t, int>& positions) {
    const auto position = positions.find(column.id);
    const auto type = header.columns.find(column.id);
    if ((position == positions.end()) != (type == header.columns.end())) {
      return Corruption("its notes and its schema disagree about column {}", column.id);
    }
    if (position == positions.end()) {
      if (!column.nullable) {
        return Corruption("it has no column {} ('{}'), which is NOT NULL", column.id, column.name);
      }
      return std::nullopt;
    }
    if (type->second != column.type) {
      return Corruption("column {} ('{}') is {} in it and {} in the table", column.id, column.name,
                        ColumnTypeName(type->second), ColumnTypeName(column.type));
    }
    return position->second;
  }

  arrow::Status OpenBatches(std::unique_ptr<parquet::ParquetFileReader> file) {
    parquet::ArrowReaderProperties properties(/*use_threads=*/false);
    properties.set_batch_size(BatchRows(*file->metadata()));
    properties.set_pre_buffer(
        false);  // it would read on Arrow's own threads, and whole row groups ahead
    for (size_t i = 0; i < file_columns_.size(); ++i) {
      const auto& column = schema_.columns()[batch_columns_[i]];
      properties.set_read_dictionary(file_columns_[i],
                                     BatchType(column)->id() == arrow::Type::DICTIONARY);
    }
    const int row_groups = file->metadata()->num_row_groups();
    ARROW_ASSIGN_OR_RAISE(file_, parquet::arrow::FileReader::Make(arrow::default_memory_pool(),
                                                                  std::move(file), properties));
    std::vector<int> all(static_cast<size_t>(row_groups));
    std::iota(all.begin(), all.end(), 0);
    // Arrow gives the columns in the file's order, whatever the order asked for.
    ARROW_ASSIGN_OR_RAISE(batches_, file_->GetRecordBatchReader(all, file_columns_));
    for (size_t i = 0; i < file_columns_.size(); ++i) {
      source_columns_.push_back(static_cast<int>(std::ranges::count_if(
          file_columns_, [&](int other) { return other < file_columns_[i]; })));
    }
    return arrow::Status::OK();
  }

  Result<std::shared_ptr<arrow::RecordBatch>> NextBatch() {
    std::shared_ptr<arrow::RecordBatch> raw;
    std::shared_ptr<arrow::RecordBatch> batch;
    VARVE_TRY(Guarded([&]() -> arrow::Status {
      ARROW_RETURN_NOT_OK(batches_->ReadNext(&raw));
      if (raw == nullptr) {
        return arrow::Status::OK();
      }
      ARROW_ASSIGN_OR_RAISE(batch, ToCurrent(*raw));
      return arrow::Status::OK();
    }));
    rows_ += batch == nullptr ? 0 : static_cast<uint64_t>(batch->num_rows());
    if (batch == nullptr && rows_ != meta_.rows) {
      return Corruption("{} of {} rows could be read", rows_, meta_.rows);
    }
    return batch;
  }

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> ToCurrent(
      const arrow::RecordBatch& raw) const {
    arrow::ArrayVector columns(schema_.columns().size());
    for (size_t i = 0; i < batch_columns_.size(); ++i) {
      auto& column = columns[batch_columns_[i]];
      column = raw.column(source_columns_[i]);
      const auto& type = batch_schema_->field(static_cast<int>(batch_columns_[i]))->type();
      if (!column->type()->Equals(*type)) {
        ARROW_ASSIGN_OR_RAISE(column, arrow::compute::Cast(*column, type));
      }
    }
    for (size_t i = 0; i < columns.size(); ++i) {
      if (columns[i] == nullptr) {
        const auto& type = batch_schema_->field(static_cast<int>(i))->type();
        ARROW_ASSIGN_OR_RAISE(columns[i], arrow::MakeArrayOfNull(type, raw.num_rows()));
      }
    }
    return arrow::RecordBatch::Make(batch_schema_, raw.num_rows(), std::move(columns));
  }

  Status Guarded(const std::function<arrow::Status()>& fn) {
    const arrow::Status status = Caught(fn);
    if (!status.ok()) {
      return std::unexpected(FromArrow(status, source_->error(), ErrorKind::kCorruption));
    }
    return {};
  }

  const FileMeta meta_;
  const TableSchema schema_;
  const std::shared_ptr<arrow::Schema> batch_schema_;
  const std::shared_ptr<ObjectSource> source_;
  std::unique_ptr<parquet::arrow::FileReader> file_;
  std::unique_ptr<arrow::RecordBatchReader> batches_;
  std::vector<int> file_columns_;      // positions in the file of the columns that it has
  std::vector<size_t> batch_columns_;  // and where they go in the current schema
  std::vector<int> source_columns_;    // and where they are in Arrow's batches
  uint64_t rows_ = 0;                  // read so far
};

}  // namespace

Result<std::unique_ptr<SstReader>> SstReader::Open(ObjectStore& store, const FileMeta& meta,
                                                   const TableSchema& schema) {
  VARVE_ASSIGN(auto object, store.Open(meta.path));
  auto reader = std::make_unique<ParquetSstReader>(
      meta, schema, std::make_shared<ObjectSource>(std::move(object)));
  if (auto status = reader->Prepare(); !status) {
    return std::unexpected(reader->InFile(status.error()));
  }
  return reader;
}

Status VerifyFile(ObjectStore& store, const FileMeta& meta) {
  VARVE_ASSIGN(const auto object, store.Open(meta.path));
  if (object->size_bytes() != meta.size_bytes) {
    return Corruption("data file '{}' has {} bytes, its manifest says {}", meta.path,
                      object->size_bytes(), meta.size_bytes);
  }
  Sha256 hash;
  std::string buffer(kVerifyReadBytes, '\0');
  for (uint64_t offset = 0; offset < meta.size_bytes;) {
    const size_t size =
        static_cast<size_t>(std::min<uint64_t>(buffer.size(), meta.size_bytes - offset));
    VARVE_TRY(object->ReadAt(offset, size, buffer.data()));
    hash.Update(std::string_view(buffer).substr(0, size));
    offset += size;
  }
  const std::string digest = hash.HexDigest();
  if (digest != meta.sha256) {
    return Corruption("data file '{}' has SHA-256 {}, its manifest says {}: restore it from a copy",
                      meta.path, digest, meta.sha256);
  }
  return {};
}

}  // namespace varve
