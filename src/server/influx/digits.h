// Decimal digits, eight at a time: the numbers of metrics have one to three, in no order a branch
// predictor could learn.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace varve {

struct Digits {
  uint64_t value = 0;
  const char* end = nullptr;  // the first byte that is no digit
  bool overflow = false;      // does not fit 64 bits
};

// The value of the first `count` (0..8) digits in `bytes`, which are the text as loaded, minus '0'
// each.
inline uint64_t ValueOfDigits(uint64_t bytes, unsigned count) {
  if (count == 0) {
    return 0;
  }
  bytes <<= 8 * (8 - count);  // leading zeros
  bytes = bytes * 10 + (bytes >> 8);
  constexpr uint64_t kPairs = 0x000000FF000000FF;
  constexpr uint64_t kFirst = 100 + (uint64_t{1'000'000} << 32);
  constexpr uint64_t kSecond = 1 + (uint64_t{10'000} << 32);
  return ((bytes & kPairs) * kFirst + ((bytes >> 16) & kPairs) * kSecond) >> 32;
}

// All digits at `at`; none when end == at. Reads nothing at or beyond `limit`.
inline Digits ReadDigits(const char* at, const char* limit) {
  constexpr uint64_t kZeros = 0x3030303030303030;
  constexpr uint64_t kSixes = 0x0606060606060606;
  constexpr uint64_t kHighHalves = 0xF0F0F0F0F0F0F0F0;
  constexpr uint64_t kPowers[] = {1,       10,        100,        1000,       10'000,
                                  100'000, 1'000'000, 10'000'000, 100'000'000};
  Digits digits;
  while (limit - at >= 8) {
    uint64_t bytes;
    std::memcpy(&bytes, at, 8);
    bytes ^= kZeros;
    const uint64_t others = ((bytes + kSixes) | bytes) & kHighHalves;
    const auto count = static_cast<unsigned>(std::countr_zero(others)) / 8;
    uint64_t shifted = 0;
    digits.overflow |= __builtin_mul_overflow(digits.value, kPowers[count], &shifted);
    digits.overflow |= __builtin_add_overflow(shifted, ValueOfDigits(bytes, count), &digits.value);
    at += count;
    if (count < 8) {
      digits.end = at;
      return digits;
    }
  }
  for (; at != limit && *at >= '0' && *at <= '9'; ++at) {
    uint64_t shifted = 0;
    digits.overflow |= __builtin_mul_overflow(digits.value, 10, &shifted);
    digits.overflow |=
        __builtin_add_overflow(shifted, static_cast<uint64_t>(*at - '0'), &digits.value);
  }
  digits.end = at;
  return digits;
}

}  // namespace varve
