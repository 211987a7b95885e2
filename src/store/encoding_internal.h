// What requests to object services are spelled with: percent and base64 encoding, HMAC, times.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace varve {

enum class Slash { kKeep, kEncode };
// RFC 3986: all but letters, digits, "-_.~" (and '/' when kept) becomes %XX.
std::string PercentEncode(std::string_view text, Slash slash);
// Nothing when a '%' is not followed by two hexadecimal digits.
std::optional<std::string> PercentDecode(std::string_view text);

std::string Base64(std::string_view bytes);
// RFC 4648 section 5, without padding, as JSON web tokens have it.
std::string Base64Url(std::string_view bytes);
// Nothing when it is not base64.
std::optional<std::string> Base64Decode(std::string_view text);
std::string HexLower(std::string_view bytes);

// Raw digests.
std::string HmacSha256(std::string_view key, std::string_view text);
std::string Md5(std::string_view bytes);

// "20261121T232831Z", "Sat, 21 Nov 2026 23:28:31 GMT".
std::string BasicIsoTime(TimestampUs time);
std::string HttpTime(TimestampUs time);
// "2026-11-21T23:28:31.123Z" and "Sat, 21 Nov 2026 23:28:31 GMT"; nothing when it is neither.
std::optional<TimestampUs> ParseServiceTime(std::string_view text);

// A decimal number and nothing else.
std::optional<uint64_t> ParseByteCount(std::string_view text);
std::string LowerCase(std::string_view text);
std::string_view Trimmed(std::string_view text);

// A message from outside, fit to be shown: one line, without control characters, cut.
std::string OneLine(std::string_view text);

}  // namespace varve
