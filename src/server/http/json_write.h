// Text of values, written into memory that the caller has made large enough: the inner loops of the
// result encoder. Every function returns the end of what it wrote.
#pragma once

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace varve {

// Enough for any number, boolean, null, date, time or timestamp below.
inline constexpr size_t kScalarBytesMax = 48;

inline constexpr auto kDigitPairs = [] {
  std::array<char, 200> pairs{};
  for (size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

inline char* WriteText(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

inline char* WriteTwoDigits(char* out, uint32_t value) {
  std::memcpy(out, &kDigitPairs[2 * value], 2);
  return out + 2;
}

inline char* WriteUnsigned(char* out, uint64_t value) {
  if (value < 10) {
    *out = static_cast<char>('0' + value);
    return out + 1;
  }
  if (value < 100) {
    return WriteTwoDigits(out, static_cast<uint32_t>(value));
  }
  return std::to_chars(out, out + kScalarBytesMax, value).ptr;
}

inline char* WriteSigned(char* out, int64_t value) {
  if (value >= 0) {
    return WriteUnsigned(out, static_cast<uint64_t>(value));
  }
  *out = '-';
  return WriteUnsigned(out + 1, ~static_cast<uint64_t>(value) + 1);
}

// The shortest text that reads back as the same number: 100.0, 0.001, 1e16, 1.5e-7; null where JSON
// has no number.
char* WriteShortest(char* out, double value);
char* WriteShortest(char* out, float value);

inline char* WriteDouble(char* out, double value) {
  // What most measurements are: whole numbers, and such with at most two decimals. The quotient of
  // two exact numbers is correctly rounded, so n / 100.0 == value means that n with two decimals is
  // a text of the value; with at most 15 digits there is no shorter one but for a trailing zero.
  constexpr double kExact = 1e13;
  if (std::fabs(value) < kExact) {
    const auto hundredths = static_cast<int64_t>(std::nearbyint(value * 100.0));
    if (static_cast<double>(hundredths) / 100.0 == value &&
        (hundredths != 0 || !std::signbit(value))) {
      if (hundredths < 0) {
        *out++ = '-';
      }
      const auto magnitude = static_cast<uint64_t>(hundredths < 0 ? -hundredths : hundredths);
      out = WriteUnsigned(out, magnitude / 100);
      *out++ = '.';
      const auto decimals = static_cast<uint32_t>(magnitude % 100);
      WriteTwoDigits(out, decimals);
      return out + (decimals % 10 == 0 ? 1 : 2);
    }
  }
  return WriteShortest(out, value);
}

inline char* WriteBoolean(char* out, bool value) {
  return WriteText(out, value ? "true" : "false");
}

char* WriteDate(char* out, int64_t days_since_epoch);   // 2024-02-29
char* WriteTime(char* out, int64_t us_since_midnight);  // 01:02:03, 01:02:03.000004

// True when the 8 bytes hold one that a JSON string must escape: below 0x20, '"' or '\'.
inline bool NeedsEscape(uint64_t bytes) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kHighs = 0x8080808080808080;
  const uint64_t below_space = (bytes - kOnes * 0x20) & ~bytes;
  const uint64_t quote = bytes ^ (kOnes * '"');
  const uint64_t backslash = bytes ^ (kOnes * '\\');
  return ((below_space | ((quote - kOnes) & ~quote) | ((backslash - kOnes) & ~backslash)) &
          kHighs) != 0;
}

// With room for the copies of 8 bytes that run over the end.
constexpr size_t JsonStringBytesMax(size_t size) { return 6 * size + 2 + 8; }

char* WriteEscaped(char* out, std::string_view text);  // with the quotes

inline char* WriteJsonString(char* out, std::string_view text) {
  char* const start = out;
  const char* in = text.data();
  size_t left = text.size();
  *out++ = '"';
  for (; left >= 8; left -= 8, in += 8, out += 8) {
    uint64_t bytes;
    std::memcpy(&bytes, in, 8);
    std::memcpy(out, &bytes, 8);
    if (NeedsEscape(bytes)) [[unlikely]] {
      return WriteEscaped(start, text);
    }
  }
  for (; left > 0; --left) {
    const char c = *in++;
    if (static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\') [[unlikely]] {
      return WriteEscaped(start, text);
    }
    *out++ = c;
  }
  *out++ = '"';
  return out;
}

}  // namespace varve
