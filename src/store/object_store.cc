#include "store/object_store.h"

#include <algorithm>

namespace varve {
namespace {

// Control characters must not reach a terminal through an error message.
std::string Printable(std::string_view text) {
  constexpr size_t kShownBytesMax = 200;
  std::string out(text.substr(0, kShownBytesMax));
  std::ranges::replace_if(
      out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return out;
}

Status CheckSegment(std::string_view path, std::string_view segment) {
  if (segment.empty()) {
    return InvalidArgument("the object path '{}' has an empty segment", Printable(path));
  }
  if (segment == "." || segment == "..") {
    return InvalidArgument("the object path '{}' has the segment '{}'", Printable(path), segment);
  }
  if (segment.size() > kSegmentBytesMax) {
    return InvalidArgument("the object path '{}' has a segment of {} bytes, at most {} are allowed",
                           Printable(path), segment.size(), kSegmentBytesMax);
  }
  return {};
}

}  // namespace

Status CheckObjectPath(std::string_view path) {
  if (path.size() > kPathBytesMax) {
    return InvalidArgument("the object path '{}…' has {} bytes, at most {} are allowed",
                           Printable(path), path.size(), kPathBytesMax);
  }
  if (std::ranges::any_of(
          path, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
    return InvalidArgument("the object path '{}' holds a control character", Printable(path));
  }
  const std::string_view first = path.substr(0, path.find('/'));
  if (std::ranges::find(kReservedNames, first) != kReservedNames.end()) {
    return InvalidArgument(
        "the object path '{}' begins with '{}', which the store keeps for itself", Printable(path),
        first);
  }
  size_t begin = 0;
  while (true) {
    const size_t end = path.find('/', begin);
    VARVE_TRY(CheckSegment(path, path.substr(begin, end - begin)));
    if (end == std::string_view::npos) {
      return {};
    }
    begin = end + 1;
  }
}

}  // namespace varve
