#include "sst/sst_footer_internal.h"

#include <arrow/util/key_value_metadata.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "model/table_schema.h"
#include "sst/object_stream_internal.h"

namespace varve {
namespace {

parquet::Type::type PhysicalType(ColumnType type) {
  switch (type) {
    case ColumnType::kDouble:
      return parquet::Type::DOUBLE;
    case ColumnType::kFloat:
      return parquet::Type::FLOAT;
    case ColumnType::kString:
    case ColumnType::kVarbinary:
      return parquet::Type::BYTE_ARRAY;
    case ColumnType::kBoolean:
      return parquet::Type::BOOLEAN;
    case ColumnType::kInt32:
    case ColumnType::kInt16:
    case ColumnType::kInt8:
    case ColumnType::kUInt16:
    case ColumnType::kUInt8:
    case ColumnType::kDate:
      return parquet::Type::INT32;
    case ColumnType::kTimestamp:
    case ColumnType::kInt64:
    case ColumnType::kUInt64:
    case ColumnType::kUInt32:
    case ColumnType::kTime:
      return parquet::Type::INT64;
  }
  return parquet::Type::UNDEFINED;
}

Status AddColumns(const parquet::SchemaDescriptor& schema, SstFooter& footer) {
  std::set<uint32_t> ids;
  for (int i = 0; i < schema.num_columns(); ++i) {
    const parquet::ColumnDescriptor& stored = *schema.Column(i);
    SstColumn column;
    column.id = static_cast<uint32_t>(stored.schema_node()->field_id());
    column.position = static_cast<size_t>(i);
    column.name = stored.name();
    column.optional = stored.max_definition_level() == 1;
    const auto type = footer.header.columns.find(column.id);
    if (type == footer.header.columns.end() || !ids.insert(column.id).second) {
      return Corruption("its notes and its schema disagree about column {} ('{}')", column.id,
                        column.name);
    }
    column.type = type->second;
    if (stored.physical_type() != PhysicalType(column.type) || stored.max_definition_level() > 1 ||
        stored.max_repetition_level() > 0) {
      return Corruption("column {} ('{}') is stored as {}, which is no {}", column.id, column.name,
                        parquet::TypeToString(stored.physical_type()), ColumnTypeName(column.type));
    }
    column.descriptor = std::make_shared<parquet::ColumnDescriptor>(
        stored.schema_node(), stored.max_definition_level(), stored.max_repetition_level());
    footer.columns.push_back(std::move(column));
  }
  if (ids.size() != footer.header.columns.size()) {
    return Corruption("it has {} columns, its notes say {}", ids.size(),
                      footer.header.columns.size());
  }
  return {};
}

Result<SstChunk> ToChunk(const parquet::ColumnChunkMetaData& stored, uint64_t file_size) {
  SstChunk chunk;
  chunk.data = static_cast<uint64_t>(stored.data_page_offset());
  chunk.begin = chunk.data;
  if (stored.has_dictionary_page() && stored.dictionary_page_offset() > 0) {
    chunk.begin = std::min(chunk.begin, static_cast<uint64_t>(stored.dictionary_page_offset()));
  }
  chunk.end = chunk.begin + static_cast<uint64_t>(stored.total_compressed_size());
  if (chunk.begin >= file_size || chunk.end > file_size || chunk.data >= chunk.end) {
    return Corruption("a column chunk lies at {} to {} of {} bytes", chunk.begin, chunk.end,
                      file_size);
  }
  if (const auto index = stored.GetOffsetIndexLocation()) {
    chunk.index = static_cast<uint64_t>(index->offset);
    chunk.index_size = static_cast<uint32_t>(index->length);
    if (index->length <= 0 || chunk.index >= file_size ||
        chunk.index_size > file_size - chunk.index) {
      return Corruption("a page index lies at {} of {} bytes", chunk.index, file_size);
    }
  }
  chunk.codec = stored.compression();
  for (const parquet::Encoding::type encoding : stored.encodings()) {
    chunk.encodings |= SstChunk::Bit(encoding);
  }
  return chunk;
}

Status AddRowGroups(const parquet::FileMetaData& metadata, const FileMeta& meta,
                    SstFooter& footer) {
  uint64_t rows = 0;
  for (int i = 0; i < metadata.num_row_groups(); ++i) {
    const auto row_group = metadata.RowGroup(i);
    if (row_group->num_rows() <= 0 || row_group->num_columns() != metadata.num_columns()) {
      return Corruption("row group {} has {} rows and {} columns", i, row_group->num_rows(),
                        row_group->num_columns());
    }
    footer.row_groups.push_back(rows);
    rows += static_cast<uint64_t>(row_group->num_rows());
    for (int j = 0; j < row_group->num_columns(); ++j) {
      VARVE_ASSIGN(const SstChunk chunk, ToChunk(*row_group->ColumnChunk(j), meta.size_bytes));
      footer.chunks.push_back(chunk);
    }
  }
  footer.row_groups.push_back(rows);
  if (rows != meta.rows) {
    return Corruption("its row groups have {} rows, its manifest says {}", rows, meta.rows);
  }
  return {};
}

// Keys stand first, in key order, and are what the file is sorted by.
bool HasDefaultKey(const parquet::FileMetaData& metadata, const SstFooter& footer) {
  if (footer.columns.size() < 2 || metadata.num_row_groups() == 0) {
    return false;
  }
  const auto sorting = metadata.RowGroup(0)->sorting_columns();
  return sorting.size() == 2 && sorting[0].column_idx == 0 && sorting[1].column_idx == 1 &&
         footer.columns[0].name == kTsidColumn && footer.columns[0].type == ColumnType::kUInt64 &&
         footer.columns[1].type == ColumnType::kTimestamp;
}

}  // namespace

const SstColumn* SstFooter::Find(uint32_t id) const {
  const auto found = std::ranges::find(columns, id, &SstColumn::id);
  return found == columns.end() ? nullptr : &*found;
}

Result<SstHeader> CheckedHeader(const parquet::FileMetaData& metadata, const FileMeta& meta) {
  std::map<std::string, std::string> pairs;
  if (const auto& stored = metadata.key_value_metadata()) {
    for (int64_t i = 0; i < stored->size(); ++i) {
      pairs[stored->key(i)] = stored->value(i);
    }
  }
  VARVE_ASSIGN(SstHeader header, DecodeSstHeader(pairs));
  if (header.file_id != meta.id) {
    return Corruption("it holds the file {}, its manifest says {}", header.file_id.ToString(),
                      meta.id.ToString());
  }
  if (static_cast<uint64_t>(metadata.num_rows()) != meta.rows) {
    return Corruption("it has {} rows, its manifest says {}", metadata.num_rows(), meta.rows);
  }
  return header;
}

Result<SstFooter> ReadSstFooter(std::shared_ptr<const ObjectReader> object, const FileMeta& meta) {
  if (object->size_bytes() != meta.size_bytes) {
    return Corruption("it has {} bytes, its manifest says {}", object->size_bytes(),
                      meta.size_bytes);
  }
  if (meta.rows > std::numeric_limits<uint32_t>::max()) {
    return NotSupported("it has {} rows, more than 32 bits count", meta.rows);
  }
  const auto source = std::make_shared<ObjectSource>(std::move(object));
  SstFooter footer;
  Status ours;
  const arrow::Status status = Caught([&] {
    const auto metadata = parquet::ParquetFileReader::Open(source)->metadata();
    ours = [&]() -> Status {
      VARVE_ASSIGN(footer.header, CheckedHeader(*metadata, meta));
      footer.root = metadata->schema()->schema_root();
      VARVE_TRY(AddColumns(*metadata->schema(), footer));
      VARVE_TRY(AddRowGroups(*metadata, meta, footer));
      footer.default_key = HasDefaultKey(*metadata, footer);
      return {};
    }();
    return arrow::Status::OK();
  });
  if (!status.ok()) {
    return std::unexpected(FromArrow(status, source->error(), ErrorKind::kCorruption));
  }
  VARVE_TRY(ours);
  return footer;
}

}  // namespace varve
