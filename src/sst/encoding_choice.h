// Which Parquet encoding a column of a file gets, decided by what its first row group holds.
//
// The choice is by estimated bits per value, from a sample of runs of consecutive values:
//   integers, times   DELTA_BINARY_PACKED or dictionary, whichever is smaller: both are read
//   equally fast doubles, floats   dictionary where values repeat, else BYTE_STREAM_SPLIT; a
//   dictionary is read about 1.4 times
//                     faster, so it may be up to kDictionaryPreference times larger
//   strings, bytes    dictionary where values repeat, else plain (and compressed)
#pragma once

#include <cstdint>

namespace arrow {
class ChunkedArray;
}  // namespace arrow

namespace varve {

inline constexpr double kDictionaryPreference = 1.5;

enum class ColumnEncoding : uint8_t { kPlain, kDictionary, kDelta, kByteStreamSplit };

// `values` are those of one row group, of one of the types of StoredType or dictionary<int32,
// utf8>.
ColumnEncoding ChooseEncoding(const arrow::ChunkedArray& values);

}  // namespace varve
