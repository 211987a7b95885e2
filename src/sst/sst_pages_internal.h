// From the bytes of Parquet pages to Arrow arrays, without Parquet's own column readers: those
// begin with the dictionary page at every column chunk. Private to this folder.
#pragma once

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "sst/sst_footer_internal.h"

namespace varve {

// A data page's place in its column chunk.
struct SstPage {
  uint64_t offset = 0;     // in the file
  uint32_t size = 0;       // with its header
  uint32_t first_row = 0;  // in the row group
};

// Parquet throws from here: call these under Caught.

// The pages that the bytes of an offset index name; it must agree with the chunk.
arrow::Result<std::vector<SstPage>> ParseOffsetIndex(const SstChunk& chunk, uint64_t rows,
                                                     const arrow::Buffer& bytes);

// The values of a dictionary page: an array of the column's ArrowType. No value is NULL.
arrow::Result<std::shared_ptr<arrow::Array>> DecodeDictionary(const SstColumn& column,
                                                              const SstChunk& chunk,
                                                              std::shared_ptr<arrow::Buffer> page);

struct SstPages {
  std::shared_ptr<arrow::Buffer> bytes;      // of consecutive data pages
  uint64_t rows = 0;                         // that they hold together
  std::shared_ptr<arrow::Array> dictionary;  // of the chunk; nullptr: it has none
};

// The values of data pages, with the column's ArrowType.
arrow::Result<std::shared_ptr<arrow::Array>> DecodePages(const SstColumn& column,
                                                         const SstChunk& chunk,
                                                         const SstPages& pages);
// The same of strings, as dictionary<int32, utf8>.
arrow::Result<std::shared_ptr<arrow::Array>> DecodeToDictionary(const SstColumn& column,
                                                                const SstChunk& chunk,
                                                                const SstPages& pages);

}  // namespace varve
