// TimeRange: a half-open interval of time, [start, end), in microseconds.
#pragma once

#include <limits>

#include "base/clock.h"

namespace varve {

struct TimeRange {
  TimestampUs start = TimestampUs(std::numeric_limits<int64_t>::min());
  TimestampUs end = TimestampUs(std::numeric_limits<int64_t>::max());

  bool Contains(TimestampUs time) const { return start <= time && time < end; }
  // Whether it shares an instant with the closed interval [min, max].
  bool Overlaps(TimestampUs min, TimestampUs max) const { return min < end && start <= max; }
  bool operator==(const TimeRange&) const = default;
};

// The start of the segment of that length that holds the time; also for times before 1970.
// `duration_us` > 0.
inline TimestampUs SegmentStart(TimestampUs time, int64_t duration_us) {
  const int64_t rest = time.value() % duration_us;
  return TimestampUs(time.value() - (rest < 0 ? rest + duration_us : rest));
}

}  // namespace varve
