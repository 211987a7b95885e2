// How small a column of doubles or floats becomes in the two encodings that Parquet has for them,
// found by trying. Private to this folder.
#pragma once

namespace arrow {
class ChunkedArray;
}  // namespace arrow

namespace varve {

// Bits per value after compression.
struct FloatSizes {
  double dictionary = 0;  // infinite where values do not repeat
  double byte_stream_split = 0;
};

// Of a few pages' worth of the values, which are doubles or floats with at least one that is not
// NULL. Estimates from counts of bytes are no good here: what makes measured numbers small is that
// neighbours repeat, which only a compressor sees. About 1 ms.
FloatSizes TryFloatEncodings(const arrow::ChunkedArray& values);

}  // namespace varve
