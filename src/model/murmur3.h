// MurmurHash3_x64_128 with seed 0 (A. Appleby, public domain algorithm): CeresDB's tsid is its low
// half.
#pragma once

#include <cstdint>
#include <string_view>

namespace varve {

uint64_t Murmur3Low64(std::string_view bytes);

}  // namespace varve
