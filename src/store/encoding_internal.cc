#include "store/encoding_internal.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>

#include "base/check.h"

namespace varve {
namespace {

constexpr int64_t kUsPerSecond = 1'000'000;

bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '~';
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

tm UtcOf(TimestampUs time) {
  const time_t seconds = static_cast<time_t>(time.value() / kUsPerSecond);
  tm out{};
  ::gmtime_r(&seconds, &out);
  return out;
}

// Microseconds of ".123"; nothing when it is no fraction.
std::optional<int64_t> FractionUs(std::string_view text) {
  if (text.size() < 2 || text.front() != '.') {
    return std::nullopt;
  }
  int64_t value = 0;
  int64_t scale = kUsPerSecond;
  for (const char c : text.substr(1)) {
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    scale /= 10;
    value += (c - '0') * scale;
  }
  return value;
}

}  // namespace

std::string PercentEncode(std::string_view text, Slash slash) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (IsUnreserved(c) || (c == '/' && slash == Slash::kKeep)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', kDigits[byte >> 4], kDigits[byte & 0xf]};
    }
  }
  return out;
}

std::optional<std::string> PercentDecode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {  // how services write a blank in a form-encoded key
      out += ' ';
      continue;
    }
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size() || HexValue(text[i + 1]) < 0 || HexValue(text[i + 2]) < 0) {
      return std::nullopt;
    }
    out += static_cast<char>(HexValue(text[i + 1]) * 16 + HexValue(text[i + 2]));
    i += 2;
  }
  return out;
}

std::string Base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4, '\0');
  const int size = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  VARVE_CHECK(size == static_cast<int>(out.size()), "base64 of {} bytes gave {}", bytes.size(),
              size);
  return out;
}

std::string Base64Url(std::string_view bytes) {
  std::string out = Base64(bytes);
  std::ranges::replace(out, '+', '-');
  std::ranges::replace(out, '/', '_');
  out.erase(std::ranges::find(out, '='), out.end());
  return out;
}

std::optional<std::string> Base64Decode(std::string_view text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() % 4 != 0) {
    return std::nullopt;
  }
  while (text.ends_with('=')) {
    text.remove_suffix(1);
  }
  std::string out;
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) {
      return std::nullopt;
    }
    bits = (bits << 6) | static_cast<uint32_t>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>((bits >> held) & 0xff);
    }
  }
  return out;
}

std::string HexLower(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += {kDigits[byte >> 4], kDigits[byte & 0xf]};
  }
  return out;
}

std::string HmacSha256(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  const unsigned char* made = ::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     text.size(), digest.data(), &size);
  VARVE_CHECK(made != nullptr, "HMAC-SHA256 of {} bytes failed", text.size());
  return {reinterpret_cast<const char*>(digest.data()), size};
}

std::string Md5(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  const int made =
      ::EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, ::EVP_md5(), nullptr);
  VARVE_CHECK(made == 1, "MD5 of {} bytes failed", bytes.size());
  return {reinterpret_cast<const char*>(digest.data()), size};
}

std::string BasicIsoTime(TimestampUs time) {
  const tm utc = UtcOf(time);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

// Not by strftime: the names must not follow the locale.
std::string HttpTime(TimestampUs time) {
  constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const tm utc = UtcOf(time);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[utc.tm_wday], utc.tm_mday,
                     kMonths[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

std::optional<TimestampUs> ParseServiceTime(std::string_view text) {
  const std::string copy(text);
  tm utc{};
  const char* end = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &utc);
  int64_t fraction_us = 0;
  if (end != nullptr) {
    const std::string_view rest(end);
    if (!rest.ends_with('Z')) {
      return std::nullopt;
    }
    const std::string_view fraction = rest.substr(0, rest.size() - 1);
    const std::optional<int64_t> us = fraction.empty() ? 0 : FractionUs(fraction);
    if (!us) {
      return std::nullopt;
    }
    fraction_us = *us;
  } else {
    utc = {};
    end = ::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    if (end == nullptr || *end != '\0') {
      return std::nullopt;
    }
  }
  return TimestampUs(static_cast<int64_t>(::timegm(&utc)) * kUsPerSecond + fraction_us);
}

std::optional<uint64_t> ParseByteCount(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && !text.empty() && end == text.data() + text.size()
             ? std::optional(value)
             : std::nullopt;
}

std::string LowerCase(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  });
  return out;
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

std::string OneLine(std::string_view text) {
  constexpr size_t kShownBytesMax = 300;
  std::string out(Trimmed(text).substr(0, kShownBytesMax));
  std::ranges::replace_if(
      out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return out;
}

}  // namespace varve
