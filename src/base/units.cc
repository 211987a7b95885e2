#include "base/units.h"

#include <array>
#include <charconv>
#include <limits>

namespace varve {
namespace {

struct DurationUnit {
  std::string_view name;
  int64_t ms;
};
constexpr std::array<DurationUnit, 5> kDurationUnits = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Cuts a decimal number off the front of `text`.
Result<uint64_t> TakeNumber(std::string_view& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) {
    return InvalidArgument("a number is expected at '{}'", text);
  }
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

}  // namespace

Result<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return InvalidArgument("'{}' is not a duration: {} (write it like 1d12h, 30m or 250ms)", text,
                           why);
  };
  if (text == "0") {
    return std::chrono::milliseconds(0);
  }
  std::string_view rest = text;
  if (rest.empty()) {
    return bad("it is empty");
  }
  int64_t total_ms = 0;
  size_t next_unit = 0;
  while (!rest.empty()) {
    const auto number = TakeNumber(rest);
    if (!number) {
      return bad("a number is missing");
    }
    size_t length = 0;
    while (length < rest.size() && IsLetter(rest[length])) {
      ++length;
    }
    const std::string_view name = rest.substr(0, length);
    rest.remove_prefix(length);
    while (next_unit < kDurationUnits.size() && kDurationUnits[next_unit].name != name) {
      ++next_unit;
    }
    if (next_unit == kDurationUnits.size()) {
      return bad("the units are d, h, m, s, ms, in that order");
    }
    int64_t ms = 0;
    if (*number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) ||
        __builtin_mul_overflow(static_cast<int64_t>(*number), kDurationUnits[next_unit].ms, &ms) ||
        __builtin_add_overflow(total_ms, ms, &total_ms)) {
      return bad("it is too long");
    }
    ++next_unit;
  }
  return std::chrono::milliseconds(total_ms);
}

std::string FormatDuration(std::chrono::milliseconds duration) {
  int64_t rest = duration.count();
  if (rest <= 0) {
    return "0s";
  }
  std::string out;
  for (const auto& unit : kDurationUnits) {
    if (rest >= unit.ms) {
      out += fmt::format("{}{}", rest / unit.ms, unit.name);
      rest %= unit.ms;
    }
  }
  return out;
}

Result<uint64_t> ParseSize(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return InvalidArgument("'{}' is not a size: {} (write it like 2097152, 300M or 4GiB)", text,
                           why);
  };
  std::string_view rest = text;
  const auto number = TakeNumber(rest);
  if (!number) {
    return bad("it does not begin with a number");
  }
  while (rest.starts_with(' ')) {
    rest.remove_prefix(1);
  }
  std::string unit;
  for (const char c : rest) {
    unit.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  }
  uint64_t factor = 1;
  if (!unit.empty() && unit != "B") {
    constexpr std::string_view kPrefixes = "KMGTP";
    const size_t power = kPrefixes.find(unit[0]);
    const std::string_view suffix = std::string_view(unit).substr(1);
    if (power == std::string_view::npos || (!suffix.empty() && suffix != "B" && suffix != "IB")) {
      return bad("the units are B, K, KB, KiB, M, G, T, P");
    }
    factor = uint64_t{1} << (10 * (power + 1));
  }
  uint64_t bytes = 0;
  if (__builtin_mul_overflow(*number, factor, &bytes) ||
      bytes > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return bad("it is too large");
  }
  return bytes;
}

std::string FormatSize(uint64_t bytes) {
  constexpr std::array<std::string_view, 6> kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string FormatTimestamp(int64_t us_since_epoch) {
  constexpr int64_t kUsPerDay = 86'400'000'000;
  int64_t day = us_since_epoch / kUsPerDay;
  int64_t rest = us_since_epoch % kUsPerDay;
  if (rest < 0) {
    rest += kUsPerDay;
    --day;
  }
  constexpr int64_t kDaysMax = int64_t{32'000} * 365;  // what std::chrono::year can count
  if (day > kDaysMax || day < -kDaysMax) {
    return fmt::format("{} us", us_since_epoch);
  }
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  const std::chrono::hh_mm_ss clock{std::chrono::microseconds(rest)};
  std::string out =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  const int64_t us = clock.subseconds().count();
  if (us % 1000 != 0) {
    out += fmt::format(".{:06}", us);
  } else if (us != 0) {
    out += fmt::format(".{:03}", us / 1000);
  }
  return out + "Z";
}

}  // namespace varve
