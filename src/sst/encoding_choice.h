// Which Parquet encoding a column of a file gets, decided by what its first row group holds.
//
//   integers, times   DELTA_BINARY_PACKED or dictionary, whichever is smaller by an estimate from
//                     runs of consecutive values: both are read equally fast
//   doubles, floats   dictionary or BYTE_STREAM_SPLIT, by trying both on two pages; a dictionary is
//                     read faster, so it may be up to kDictionaryPreference times larger
//   strings, bytes    dictionary where values repeat, else plain (and compressed)
#pragma once

#include <cstdint>

namespace arrow {
class ChunkedArray;
}  // namespace arrow

namespace varve {

inline constexpr double kDictionaryPreference = 1.2;

enum class ColumnEncoding : uint8_t { kPlain, kDictionary, kDelta, kByteStreamSplit };

// `values` are those of one row group, of one of the types of StoredType or dictionary<int32,
// utf8>.
ColumnEncoding ChooseEncoding(const arrow::ChunkedArray& values);

}  // namespace varve
