#include "sql/error_text.h"

#include <algorithm>
#include <cstring>

#include "sql/parser.h"

namespace varve {
namespace {

// Characters of the line before and after the caret: what a terminal shows without wrapping.
constexpr size_t kShownBefore = 50;
constexpr size_t kShownAfter = 25;
constexpr size_t kExcerptBytes = 40;

bool Continues(char c) { return (static_cast<uint8_t>(c) & 0xc0) == 0x80; }

// The size of the UTF-8 sequence that the text begins with; 0 when there is none (RFC 3629).
size_t SequenceSize(std::string_view text) {
  const auto first = static_cast<uint8_t>(text[0]);
  if (first < 0x80) {
    return 1;
  }
  const size_t size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (size == 0 || text.size() < size) {
    return 0;
  }
  if (!std::ranges::all_of(text.substr(1, size - 1), Continues)) {
    return 0;
  }
  const auto second = static_cast<uint8_t>(text[1]);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool outside = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
  return overlong || outside ? 0 : size;
}

// One character of the text as it may be shown, and its size there.
struct Shown {
  std::string_view text;
  size_t size;
};
Shown ShownAt(std::string_view text) {
  const size_t size = SequenceSize(text);
  if (size == 0) {
    return {"?", 1};
  }
  const auto first = static_cast<uint8_t>(text[0]);
  if (first < 0x20 || first == 0x7f) {
    return {" ", 1};
  }
  // C1 control characters: terminals may obey them.
  if (first == 0xc2 && static_cast<uint8_t>(text[1]) < 0xa0) {
    return {" ", 2};
  }
  return {text.substr(0, size), size};
}

// The place of the first byte that is NUL or not UTF-8; npos = none. Eight ASCII bytes are looked
// at in one step.
size_t FindBadByte(std::string_view text) {
  constexpr uint64_t kHigh = 0x8080808080808080;
  constexpr uint64_t kLow = 0x0101010101010101;
  size_t at = 0;
  while (at < text.size()) {
    if (at + 8 <= text.size()) {
      uint64_t eight;
      std::memcpy(&eight, text.data() + at, 8);
      if ((eight & kHigh) == 0 && ((eight - kLow) & kHigh) == 0) {
        at += 8;
        continue;
      }
    }
    const size_t size = text[at] == '\0' ? 0 : SequenceSize(text.substr(at));
    if (size == 0) {
      return at;
    }
    at += size;
  }
  return std::string_view::npos;
}

}  // namespace

std::unexpected<Error> ErrorAt(ErrorKind kind, std::string_view text, size_t offset,
                               std::string_view what) {
  const std::string_view before = text.substr(0, offset);
  const size_t line = 1 + static_cast<size_t>(std::ranges::count(before, '\n'));
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 = 0

  size_t column = 1;
  for (size_t at = line_start; at < offset; ++column) {
    at += std::max<size_t>(1, SequenceSize(text.substr(at)));
  }
  std::string shown = "  ";
  std::string caret = "  ";
  size_t at = line_start;
  for (size_t here = 1; at < text.size() && text[at] != '\n' && here <= column + kShownAfter;
       ++here) {
    const Shown character = ShownAt(text.substr(at));
    at += character.size;
    if (here + kShownBefore < column) {
      continue;
    }
    shown += character.text;
    caret += here < column ? " " : "";
  }
  while (shown.ends_with(' ')) {
    shown.pop_back();
  }
  return std::unexpected(Error{
      kind, fmt::format("{}\nline {}, column {}:\n{}\n{}^", what, line, column, shown, caret)});
}

std::string Excerpt(std::string_view piece) {
  std::string out;
  for (size_t at = 0; at < piece.size();) {
    if (out.size() >= kExcerptBytes) {
      return out + "…";
    }
    const Shown character = ShownAt(piece.substr(at));
    out += character.text;
    at += character.size;
  }
  return out;
}

Status CheckText(std::string_view text) {
  if (text.size() > kStatementBytesMax) {
    return InvalidArgument("The SQL text has {} bytes, {} are allowed: send it in several requests",
                           text.size(), kStatementBytesMax);
  }
  const size_t bad = FindBadByte(text);
  if (bad == std::string_view::npos) {
    return {};
  }
  return ErrorAt(ErrorKind::kInvalidArgument, text, bad,
                 text[bad] == '\0' ? "The SQL text holds a NUL byte (bytes are written x'00')"
                                   : "The SQL text is not UTF-8 (bytes are written x'ff')");
}

}  // namespace varve
