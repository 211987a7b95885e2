// Dictionaries cut down to what one row group uses. Private to this folder.
#pragma once

#include <arrow/chunked_array.h>
#include <arrow/result.h>

#include <memory>

namespace varve {

// The dictionary<int32, utf8> chunks with one common dictionary of exactly the values they use, in
// order of first use. A table's dictionary may hold a million series' tags; a row group holds a few
// hundred of them, and a Parquet dictionary page that does not fit its limit is given up for plain
// strings.
arrow::Result<std::shared_ptr<arrow::ChunkedArray>> CompactDictionary(
    const arrow::ChunkedArray& values);

}  // namespace varve
