// TextOut: a growing text that is written through a bare pointer, because a check of the capacity
// for every character is what an encoder spends its time on.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "server/http/json_write.h"

namespace varve {

// One thread.
class TextOut {
 public:
  explicit TextOut(size_t bytes_first = 1024) : bytes_first_(bytes_first) {}

  // Where to write; after Ensure(n), n bytes may be written, and `at` moved behind them.
  char* at = nullptr;

  void Ensure(size_t bytes) {
    if (static_cast<size_t>(end_ - at) < bytes) [[unlikely]] {
      Grow(bytes);
    }
  }
  void Write(std::string_view text) {
    if (!text.empty()) {  // memcpy takes no null pointer, not even for nothing
      Ensure(text.size());
      at = WriteText(at, text);
    }
  }
  void Write(char c) {
    Ensure(1);
    *at++ = c;
  }
  size_t size() const { return at == nullptr ? 0 : static_cast<size_t>(at - text_.data()); }
  std::string_view text() const { return {text_.data(), size()}; }
  // Forgets what stands behind the first `bytes`.
  void Cut(size_t bytes) { at = text_.data() + bytes; }
  // The text so far; then it is empty.
  std::string Take() {
    text_.resize(size());
    std::string taken = std::exchange(text_, std::string());
    at = end_ = nullptr;
    return taken;
  }

 private:
  void Grow(size_t bytes) {
    const size_t used = size();
    const size_t wanted = std::max({used + bytes, 2 * text_.size(), bytes_first_});
    text_.resize_and_overwrite(wanted, [](char*, size_t size) { return size; });
    at = text_.data() + used;
    end_ = text_.data() + text_.size();
  }

  size_t bytes_first_;  // what is allocated at least
  std::string text_;    // its size is what may be written to
  char* end_ = nullptr;
};

}  // namespace varve
