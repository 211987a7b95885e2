#include "store/location.h"

#include <algorithm>
#include <array>
#include <optional>

#include "store/object_store.h"

namespace varve {
namespace {

struct SchemeName {
  std::string_view name;
  LocationScheme scheme;
};
// The first name of a scheme is how it is written.
constexpr std::array kSchemes = {
    SchemeName{"file", LocationScheme::kFile}, SchemeName{"s3", LocationScheme::kS3},
    SchemeName{"oss", LocationScheme::kOss},   SchemeName{"gs", LocationScheme::kGcs},
    SchemeName{"gcs", LocationScheme::kGcs},   SchemeName{"azblob", LocationScheme::kAzure},
};

template <class... Args>
std::unexpected<Error> Invalid(std::string_view reason, fmt::format_string<Args...> format,
                               Args&&... args) {
  return InvalidArgument("INVALID_LOCATION: {}: {}", reason,
                         fmt::format(format, std::forward<Args>(args)...));
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// How many bytes the UTF-8 sequence has that begins with `lead`; 0 = none begins so.
size_t SequenceBytes(unsigned char lead) {
  if (lead < 0x80) {
    return 1;
  }
  if (lead >= 0xc2 && lead <= 0xdf) {
    return 2;
  }
  if (lead >= 0xe0 && lead <= 0xef) {
    return 3;
  }
  return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

// Overlong forms and surrogates are refused as well: services refuse them with unclear messages.
bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const auto lead = static_cast<unsigned char>(text[0]);
    const size_t bytes = SequenceBytes(lead);
    if (bytes == 0 || bytes > text.size()) {
      return false;
    }
    for (size_t i = 1; i < bytes; ++i) {
      if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) {
        return false;
      }
    }
    if (bytes > 2) {
      const auto next = static_cast<unsigned char>(text[1]);
      if ((lead == 0xe0 && next < 0xa0) || (lead == 0xed && next > 0x9f) ||
          (lead == 0xf0 && next < 0x90) || (lead == 0xf4 && next > 0x8f)) {
        return false;
      }
    }
    text.remove_prefix(bytes);
  }
  return true;
}

// What holds for the whole text, before any part of it may be shown in a message.
Status CheckText(std::string_view text) {
  if (std::ranges::any_of(text, IsControl)) {
    return Invalid("control characters", "a location is printable text");
  }
  if (!IsUtf8(text)) {
    return Invalid("not UTF-8", "a location is text in UTF-8");
  }
  if (text.find_first_of("?#") != std::string_view::npos) {
    return Invalid("query or fragment",
                   "a location ends with its path; give endpoint, region and credentials as "
                   "settings, by environment or by profile");
  }
  return {};
}

Result<LocationScheme> ParseScheme(std::string_view name) {
  for (const SchemeName& known : kSchemes) {
    if (known.name == name) {
      return known.scheme;
    }
  }
  return Invalid("unknown scheme",
                 "write s3://bucket/prefix, oss://…, gs://…, azblob://container/prefix or "
                 "file:///absolute/path");
}

Status CheckBucket(std::string_view bucket) {
  if (bucket.empty()) {
    return Invalid("empty bucket", "write the bucket's name after '://'");
  }
  if (bucket.find('@') != std::string_view::npos) {
    return Invalid("credentials",
                   "a location does not hold them; give them as settings, by "
                   "environment or by profile");
  }
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  // A bucket of dots would be a dot segment of the request's path.
  if (bucket.size() > kBucketBytesMax || !std::ranges::all_of(bucket, allowed) ||
      bucket.front() == '.' || bucket.front() == '-' ||
      bucket.find("..") != std::string_view::npos) {
    return Invalid(
        "bad bucket",
        "a bucket's name is made of letters, digits, '-', '_' and '.', at most {} bytes, "
        "and begins with a letter or digit",
        kBucketBytesMax);
  }
  return {};
}

Status CheckSegment(std::string_view segment) {
  if (segment.empty()) {
    return Invalid("empty segment", "two '/' follow each other");
  }
  if (segment == "." || segment == "..") {
    return Invalid("dot segment", "'{}' is not allowed in a location", segment);
  }
  if (segment.size() > kSegmentBytesMax) {
    return Invalid("too long", "a segment has {} bytes, at most {} are allowed", segment.size(),
                   kSegmentBytesMax);
  }
  return {};
}

Status CheckPrefix(std::string_view prefix) {
  if (prefix.size() > kLocationPrefixBytesMax) {
    return Invalid("too long", "the path has {} bytes, at most {} are allowed", prefix.size(),
                   kLocationPrefixBytesMax);
  }
  if (prefix.empty()) {
    return {};
  }
  size_t begin = 0;
  while (true) {
    const size_t end = prefix.find('/', begin);
    VARVE_TRY(CheckSegment(prefix.substr(begin, end - begin)));
    if (end == std::string_view::npos) {
      return {};
    }
    begin = end + 1;
  }
}

std::string_view WithoutLastSlash(std::string_view text) {
  return text.size() > 1 && text.ends_with('/') ? text.substr(0, text.size() - 1) : text;
}

Result<Location> ParseFile(std::string_view rest) {
  if (!rest.starts_with('/')) {
    return Invalid("not absolute",
                   "write three '/' and an absolute path: file:///var/backups; other machines are "
                   "not reached this way");
  }
  const std::string_view path = WithoutLastSlash(rest.substr(1));
  if (path.empty()) {
    return Invalid("empty root", "the root of the file system is not a place for objects");
  }
  VARVE_TRY(CheckPrefix(path));
  return Location{.scheme = LocationScheme::kFile, .bucket = "", .prefix = std::string(path)};
}

}  // namespace

std::string_view LocationSchemeName(LocationScheme scheme) {
  return std::ranges::find(kSchemes, scheme, &SchemeName::scheme)->name;
}

Result<Location> Location::Parse(std::string_view text) {
  VARVE_TRY(CheckText(text));
  const size_t colon = text.find("://");
  if (colon == std::string_view::npos || colon == 0) {
    return Invalid("no scheme",
                   "a bare path would mean another folder on each machine; write file:///absolute/"
                   "path or s3://bucket/prefix");
  }
  VARVE_ASSIGN(const LocationScheme scheme, ParseScheme(text.substr(0, colon)));
  const std::string_view rest = text.substr(colon + 3);
  if (scheme == LocationScheme::kFile) {
    return ParseFile(rest);
  }
  const size_t slash = rest.find('/');
  const std::string_view bucket = rest.substr(0, slash);
  VARVE_TRY(CheckBucket(bucket));
  const std::string_view prefix = slash == std::string_view::npos
                                      ? std::string_view()
                                      : WithoutLastSlash(rest.substr(slash + 1));
  VARVE_TRY(CheckPrefix(prefix));
  return Location{.scheme = scheme, .bucket = std::string(bucket), .prefix = std::string(prefix)};
}

std::string Location::ToString() const {
  std::string out = fmt::format("{}://{}", LocationSchemeName(scheme), bucket);
  if (!prefix.empty() || scheme == LocationScheme::kFile) {
    out += "/" + prefix;
  }
  return out;
}

size_t Location::Depth() const {
  return prefix.empty() ? 0 : 1 + static_cast<size_t>(std::ranges::count(prefix, '/'));
}

Result<Location> Location::Child(std::string_view segments) const {
  VARVE_TRY(CheckText(segments));
  Location out = *this;
  out.prefix += (prefix.empty() ? "" : "/") + std::string(segments);
  VARVE_TRY(CheckPrefix(out.prefix));
  return out;
}

}  // namespace varve
