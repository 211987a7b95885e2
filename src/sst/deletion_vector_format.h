// The bytes of a deletion vector.
//
// FORMAT, version 1.0 (extended only here; `deletion_vector_test.cc` pins it), all integers
// little-endian
//   OFFSET  SIZE  FIELD
//   0       8     magic "VARVEDV\n"
//   8       2     major version, 1
//   10      2     minor version, 0
//   12      4     zero
//   16      8     count of rows in the bitmap, N
//   24      8     size of the bitmap in bytes, S
//   32      S     the row positions as a 64-bit Roaring bitmap in its portable serialisation: u64
//   count of 32-bit
//                 bitmaps, then of each, in ascending order, u32 high word and the portable 32-bit
//                 bitmap
//   32+S    8     XXH3-64 of all bytes before
// Nothing follows. A newer major version is refused; of a newer minor version the fields above
// hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace varve {

inline constexpr std::string_view kDeletionVectorMagic = "VARVEDV\n";
inline constexpr uint16_t kDeletionVectorMajor = 1;
inline constexpr uint16_t kDeletionVectorMinor = 0;
inline constexpr size_t kDeletionVectorHeaderBytes = 32;
inline constexpr size_t kDeletionVectorChecksumBytes = 8;

}  // namespace varve
