// TimeZone: how far a zone's clocks are from UTC, and when they change. Independent of what the
// machine knows of zones: see bucket_zone.h for where the changes come from.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace varve {

inline constexpr int64_t kMicrosPerSecond = 1'000'000;
inline constexpr int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;

// From here on the rules of a zone are taken to repeat every 400 years, as the calendar does.
inline constexpr int64_t kZoneCycleStartUs = 4'102'444'800 * kMicrosPerSecond;  // 2100-01-01
inline constexpr int64_t kZoneCycleUs = 146'097 * kMicrosPerDay;                // 400 years

// A value. Times are microseconds since the epoch, in UTC or as the zone's clocks show them.
class TimeZone {
 public:
  // From `at_us` (UTC) on, clocks are `offset_us` ahead of UTC.
  struct Change {
    int64_t at_us = 0;
    int64_t offset_us = 0;
    bool operator==(const Change&) const = default;
  };

  static TimeZone Fixed(int64_t offset_us) { return TimeZone(offset_us, {}); }
  // "UTC", "Z", "+08:00", "-0330", "+8". nullopt: it is no offset, or one beyond 18 hours.
  static std::optional<TimeZone> OfOffset(std::string_view text);
  // `changes` are in the order of time and reach up to the end of the first cycle.
  TimeZone(int64_t first_offset_us, std::vector<Change> changes)
      : first_offset_us_(first_offset_us), changes_(std::move(changes)) {}

  int64_t OffsetAt(int64_t utc_us) const { return SpanAt(utc_us).offset_us; }

  // The time around `utc_us` in which the offset does not change: [from_us, to_us).
  struct Span {
    int64_t offset_us = 0;
    int64_t from_us = 0;
    int64_t to_us = 0;
  };
  Span SpanAt(int64_t utc_us) const;

  // The first moment at which clocks show `local_us`; where they skip it, the moment they jump.
  int64_t FirstUtcOf(int64_t local_us) const;

  bool operator==(const TimeZone&) const = default;

 private:
  int64_t first_offset_us_;
  std::vector<Change> changes_;
};

}  // namespace varve
