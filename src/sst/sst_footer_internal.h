// What the footer of a data file says, checked and cut down to what reading by place needs. Private
// to this folder.
//
// Parquet protects pages by checksums, but not footers, page indexes and page headers. What must
// agree in them is compared, so that one damaged byte never gives wrong values.
#pragma once

#include <parquet/schema.h>
#include <parquet/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/column_type.h"
#include "model/file_meta.h"
#include "sst/sst_format.h"
#include "store/object_store.h"

namespace parquet {
class FileMetaData;
}  // namespace parquet

namespace varve {

// A column chunk: the bytes [begin, end) of the file: a dictionary page if begin < data, then data
// pages.
struct SstChunk {
  uint64_t begin = 0;
  uint64_t data = 0;
  uint64_t end = 0;
  uint64_t index = 0;  // the offset index; index_size 0: there is none
  uint32_t index_size = 0;
  parquet::Compression::type codec = parquet::Compression::UNCOMPRESSED;
  uint32_t encodings = 0;  // a bit for each that its pages may have

  static uint32_t Bit(parquet::Encoding::type encoding) {
    return encoding >= 0 && encoding < 32 ? uint32_t{1} << static_cast<int>(encoding) : 0;
  }
  bool Has(parquet::Encoding::type encoding) const { return (encodings & Bit(encoding)) != 0; }
};

struct SstColumn {
  uint32_t id = 0;
  size_t position = 0;
  ColumnType type = ColumnType::kDouble;
  bool optional = false;
  std::string name;  // when it was written
  std::shared_ptr<const parquet::ColumnDescriptor> descriptor;
};

struct SstFooter {
  SstHeader header;
  bool default_key = false;
  parquet::schema::NodePtr root;  // the descriptors point into it
  std::vector<SstColumn> columns;
  std::vector<uint64_t> row_groups;  // the first row of each, and then the number of rows
  std::vector<SstChunk> chunks;      // of the first row group's columns, of the second's, ...

  const SstColumn* Find(uint32_t id) const;
  const SstChunk& chunk(size_t row_group, const SstColumn& column) const {
    return chunks[row_group * columns.size() + column.position];
  }
};

// Errors: those of the object; kCorruption when it is not the file of the meta; kNotSupported when
// a newer Varve wrote it. They do not name the file.
Result<SstFooter> ReadSstFooter(std::shared_ptr<const ObjectReader> object, const FileMeta& meta);

// Varve's notes, and whether they belong to the meta. Errors: as above.
Result<SstHeader> CheckedHeader(const parquet::FileMetaData& metadata, const FileMeta& meta);

}  // namespace varve
