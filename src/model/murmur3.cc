#include "model/murmur3.h"

#include <bit>
#include <cstring>

namespace varve {
namespace {

constexpr uint64_t kC1 = 0x87c37b91114253d5;
constexpr uint64_t kC2 = 0x4cf5ad432745937f;

uint64_t Mix1(uint64_t k) { return std::rotl(k * kC1, 31) * kC2; }
uint64_t Mix2(uint64_t k) { return std::rotl(k * kC2, 33) * kC1; }

uint64_t Finish(uint64_t h) {
  h ^= h >> 33;
  h *= 0xff51afd7ed558ccd;
  h ^= h >> 33;
  h *= 0xc4ceb9fe1a85ec53;
  return h ^ (h >> 33);
}

// The first `size` (at most 8) bytes as a little-endian number.
uint64_t LoadUpTo8(const char* bytes, size_t size) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, size);
  return word;
}

}  // namespace

uint64_t Murmur3Low64(std::string_view bytes) {
  uint64_t h1 = 0;
  uint64_t h2 = 0;
  const char* data = bytes.data();
  size_t left = bytes.size();
  for (; left >= 16; left -= 16, data += 16) {
    h1 ^= Mix1(LoadUpTo8(data, 8));
    h1 = (std::rotl(h1, 27) + h2) * 5 + 0x52dce729;
    h2 ^= Mix2(LoadUpTo8(data + 8, 8));
    h2 = (std::rotl(h2, 31) + h1) * 5 + 0x38495ab5;
  }
  if (left > 8) {
    h2 ^= Mix2(LoadUpTo8(data + 8, left - 8));
  }
  if (left > 0) {
    h1 ^= Mix1(LoadUpTo8(data, left < 8 ? left : 8));
  }
  h1 ^= bytes.size();
  h2 ^= bytes.size();
  h1 += h2;
  h2 += h1;
  h1 = Finish(h1);
  h2 = Finish(h2);
  return h1 + h2;
}

}  // namespace varve
