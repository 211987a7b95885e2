#include "server/http/json_write.h"

#include <algorithm>

namespace varve {
namespace {

// Lays out the digits as CeresDB does: plain between 1e-5 and 1e16, with an exponent beyond.
template <class T>
char* WriteShortestOf(char* out, T value) {
  if (!std::isfinite(value)) {
    return WriteText(out, "null");
  }
  if (value == 0) {
    return WriteText(out, std::signbit(value) ? "-0.0" : "0.0");
  }
  constexpr int kPlainDigitsMax = 16;
  constexpr int kLeadingZerosMax = 5;
  char text[kScalarBytesMax];
  char* const end =
      std::to_chars(text, text + sizeof(text), value, std::chars_format::scientific).ptr;
  char* at = text;
  if (*at == '-') {
    *out++ = *at++;
  }
  char* const e = std::find(at, end, 'e');
  int exponent = 0;
  std::from_chars(e[1] == '+' ? e + 2 : e + 1, end, exponent);
  char digits[kScalarBytesMax];
  char* digits_end = std::remove_copy(at, e, digits, '.');
  const int count = static_cast<int>(digits_end - digits);
  const int point = exponent + 1;  // where the decimal point stands in the digits
  if (point > kPlainDigitsMax || point <= -kLeadingZerosMax) {
    *out++ = digits[0];
    if (count > 1) {
      *out++ = '.';
      out = std::copy(digits + 1, digits_end, out);
    }
    *out++ = 'e';
    return WriteSigned(out, exponent);
  }
  if (point <= 0) {
    out = WriteText(out, "0.");
    out = std::fill_n(out, -point, '0');
    return std::copy(digits, digits_end, out);
  }
  out = std::copy(digits, digits + std::min(count, point), out);
  out = std::fill_n(out, std::max(0, point - count), '0');
  *out++ = '.';
  if (count <= point) {
    *out++ = '0';
    return out;
  }
  return std::copy(digits + point, digits_end, out);
}

}  // namespace

char* WriteShortest(char* out, double value) { return WriteShortestOf(out, value); }
char* WriteShortest(char* out, float value) { return WriteShortestOf(out, value); }

// Days to a date in the proleptic Gregorian calendar, counted in eras of 400 years that start on 1
// March.
char* WriteDate(char* out, int64_t days_since_epoch) {
  constexpr int64_t kDaysToMarch0 = 719'468;
  constexpr int64_t kEraDays = 146'097;
  const int64_t days = days_since_epoch + kDaysToMarch0;
  const int64_t era = (days >= 0 ? days : days - kEraDays + 1) / kEraDays;
  const auto day_of_era = static_cast<uint32_t>(days - era * kEraDays);
  const uint32_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const uint32_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const uint32_t shifted_month = (5 * day_of_year + 2) / 153;
  const uint32_t day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const uint32_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  const int64_t year = static_cast<int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0);
  if (year < 0 || year > 9999) {
    out = WriteSigned(out, year);
  } else {
    out = WriteTwoDigits(out, static_cast<uint32_t>(year / 100));
    out = WriteTwoDigits(out, static_cast<uint32_t>(year % 100));
  }
  *out++ = '-';
  out = WriteTwoDigits(out, month);
  *out++ = '-';
  return WriteTwoDigits(out, day);
}

char* WriteTime(char* out, int64_t us_since_midnight) {
  constexpr int64_t kSecond = 1'000'000;
  const int64_t seconds = us_since_midnight / kSecond;
  out = WriteTwoDigits(out, static_cast<uint32_t>(seconds / 3600 % 100));
  *out++ = ':';
  out = WriteTwoDigits(out, static_cast<uint32_t>(seconds / 60 % 60));
  *out++ = ':';
  out = WriteTwoDigits(out, static_cast<uint32_t>(seconds % 60));
  const auto fraction = static_cast<uint32_t>(us_since_midnight % kSecond);
  if (fraction == 0) {
    return out;
  }
  *out++ = '.';
  out = WriteTwoDigits(out, fraction / 10'000);
  out = WriteTwoDigits(out, fraction / 100 % 100);
  return WriteTwoDigits(out, fraction % 100);
}

char* WriteEscaped(char* out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  *out++ = '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '"':
        out = WriteText(out, "\\\"");
        break;
      case '\\':
        out = WriteText(out, "\\\\");
        break;
      case '\n':
        out = WriteText(out, "\\n");
        break;
      case '\r':
        out = WriteText(out, "\\r");
        break;
      case '\t':
        out = WriteText(out, "\\t");
        break;
      case '\b':
        out = WriteText(out, "\\b");
        break;
      case '\f':
        out = WriteText(out, "\\f");
        break;
      default:
        if (byte < 0x20) {
          out = WriteText(out, "\\u00");
          *out++ = kHex[byte >> 4];
          *out++ = kHex[byte & 15];
        } else {
          *out++ = c;
        }
    }
  }
  *out++ = '"';
  return out;
}

}  // namespace varve
