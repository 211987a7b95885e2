#include "base/ids.h"

#include <charconv>

namespace varve {
namespace {

constexpr uint64_t kVersion4Mask = 0xf000;
constexpr uint64_t kVersion4 = 0x4000;

Uuid MakeVersion4(uint64_t high, uint64_t low) {
  return {(high & ~kVersion4Mask) | kVersion4, (low & ~(uint64_t{3} << 62)) | (uint64_t{2} << 62)};
}

}  // namespace

Result<Uuid> Uuid::Parse(std::string_view text) {
  const auto bad = [&] { return InvalidArgument("'{}' is not a UUID", text); };
  if (text.size() != 36) {
    return bad();
  }
  uint64_t words[2] = {0, 0};
  int digits = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (c != '-') {
        return bad();
      }
      continue;
    }
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_digit && (c < 'a' || c > 'f')) {
      return bad();
    }
    uint64_t& word = words[digits++ / 16];
    word = word << 4 | static_cast<uint64_t>(is_digit ? c - '0' : c - 'a' + 10);
  }
  return Uuid(words[0], words[1]);
}

std::string Uuid::ToString() const {
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high_ >> 32, (high_ >> 16) & 0xffff,
                     high_ & 0xffff, low_ >> 48, low_ & 0xffffffffffff);
}

Uuid RandomIdSource::NewUuid() {
  std::lock_guard lock(mutex_);
  const auto word = [this] { return uint64_t{device_()} << 32 | device_(); };
  return MakeVersion4(word(), word());
}

Uuid SeededIdSource::NewUuid() {
  std::lock_guard lock(mutex_);
  const uint64_t high = generator_();
  return MakeVersion4(high, generator_());
}

}  // namespace varve
