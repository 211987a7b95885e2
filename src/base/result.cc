#include "base/result.h"

namespace varve {

std::string_view ErrorKindName(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kNotFound:
      return "not_found";
    case ErrorKind::kAlreadyExists:
      return "already_exists";
    case ErrorKind::kInvalidArgument:
      return "invalid_argument";
    case ErrorKind::kConflict:
      return "conflict";
    case ErrorKind::kUnknownOutcome:
      return "unknown_outcome";
    case ErrorKind::kUnavailable:
      return "unavailable";
    case ErrorKind::kResourceExhausted:
      return "resource_exhausted";
    case ErrorKind::kCorruption:
      return "corruption";
    case ErrorKind::kIo:
      return "io";
    case ErrorKind::kCancelled:
      return "cancelled";
    case ErrorKind::kNotSupported:
      return "not_supported";
    case ErrorKind::kInternal:
      return "internal";
  }
  return "internal";
}

Error Error::WithContext(std::string_view context) const {
  return Error{kind, fmt::format("{}: {}", context, message)};
}

}  // namespace varve
