#include "query/time_zone.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace varve {
namespace {

constexpr int64_t kOffsetSecondsMax = 18 * 3600;  // as in ISO 8601 libraries; real ones end at 14 h

// Times of the cycles after the first are looked up in the first.
int64_t CyclesAfterFirst(int64_t us) {
  return us < kZoneCycleStartUs ? 0 : (us - kZoneCycleStartUs) / kZoneCycleUs;
}

std::optional<int64_t> Number(std::string_view digits) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || digits[0] == '-' || error != std::errc() ||
      end != digits.data() + digits.size()) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

std::optional<TimeZone> TimeZone::OfOffset(std::string_view text) {
  if (text == "UTC" || text == "utc" || text == "Z" || text == "z") {
    return Fixed(0);
  }
  if (text.size() < 2 || (text[0] != '+' && text[0] != '-')) {
    return std::nullopt;
  }
  const std::string_view digits = text.substr(1);
  const bool colon = digits.size() == 5 && digits[2] == ':';
  if (!colon && digits.size() != 1 && digits.size() != 2 && digits.size() != 4) {
    return std::nullopt;
  }
  const auto hours = Number(digits.substr(0, 2));
  const auto minutes =
      digits.size() <= 2 ? std::optional<int64_t>(0) : Number(digits.substr(colon ? 3 : 2));
  if (!hours || !minutes || *minutes > 59) {
    return std::nullopt;
  }
  const int64_t seconds = *hours * 3600 + *minutes * 60;
  if (seconds > kOffsetSecondsMax) {
    return std::nullopt;
  }
  return Fixed((text[0] == '-' ? -seconds : seconds) * kMicrosPerSecond);
}

TimeZone::Span TimeZone::SpanAt(int64_t utc_us) const {
  const int64_t shift = CyclesAfterFirst(utc_us) * kZoneCycleUs;
  const int64_t us = utc_us - shift;
  const auto next = std::ranges::upper_bound(changes_, us, {}, &Change::at_us);
  Span span{.offset_us = first_offset_us_,
            .from_us = std::numeric_limits<int64_t>::min(),
            .to_us = std::numeric_limits<int64_t>::max()};
  if (changes_.empty()) {
    return span;
  }
  if (next != changes_.begin()) {
    span.offset_us = std::prev(next)->offset_us;
    span.from_us = std::prev(next)->at_us + shift;
  }
  const int64_t cycle_end = kZoneCycleStartUs + kZoneCycleUs;
  span.to_us = std::min(next == changes_.end() ? cycle_end : next->at_us, cycle_end) + shift;
  if (shift > 0) {
    span.from_us = std::max(span.from_us, kZoneCycleStartUs + shift);
  }
  return span;
}

int64_t TimeZone::FirstUtcOf(int64_t local_us) const {
  const int64_t before = OffsetAt(local_us - kMicrosPerDay);
  const int64_t after = OffsetAt(local_us + kMicrosPerDay);
  // A larger offset shows the same time earlier.
  const auto [smaller, larger] = std::minmax(before, after);
  for (const int64_t offset : {larger, smaller}) {
    if (OffsetAt(local_us - offset) == offset) {
      return local_us - offset;
    }
  }
  return SpanAt(local_us - before).from_us;
}

}  // namespace varve
