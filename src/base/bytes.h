// Little-endian integers and LEB128 varints in byte strings: the vocabulary of Varve's binary
// formats.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/result.h"

namespace varve {

static_assert(std::endian::native == std::endian::little,
              "the binary formats are written by memcpy");

template <std::integral T>
void AppendFixed(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

// LEB128, at most 10 bytes.
inline void AppendVarint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

inline uint64_t ZigZag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
inline int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

// A varint length, then the bytes.
inline void AppendLengthPrefixed(std::string& out, std::string_view bytes) {
  AppendVarint(out, bytes.size());
  out.append(bytes);
}

// Reads what the functions above wrote. Every read checks the bounds; an error is kCorruption and
// names the offset.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  size_t offset() const { return offset_; }
  size_t remaining() const { return bytes_.size() - offset_; }

  template <std::integral T>
  Result<T> Fixed() {
    VARVE_ASSIGN(const std::string_view raw, Bytes(sizeof(T)));
    T value;
    std::memcpy(&value, raw.data(), sizeof(T));
    return value;
  }

  Result<uint64_t> Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      VARVE_ASSIGN(const uint8_t byte, Fixed<uint8_t>());
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) {
        return value;
      }
    }
    return Corruption("a varint of more than 10 bytes ends at offset {}", offset_);
  }

  Result<std::string_view> Bytes(size_t size) {
    if (size > remaining()) {
      return Corruption("{} bytes expected at offset {}, {} are left", size, offset_, remaining());
    }
    const std::string_view out = bytes_.substr(offset_, size);
    offset_ += size;
    return out;
  }

  Result<std::string_view> LengthPrefixed() {
    VARVE_ASSIGN(const uint64_t size, Varint());
    return Bytes(size);
  }

 private:
  std::string_view bytes_;
  size_t offset_ = 0;
};

}  // namespace varve
