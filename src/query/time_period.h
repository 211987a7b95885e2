// TimePeriod: the ISO 8601 periods of time_bucket, and where the bucket of a moment begins.
//   PTnS PTnM PTnH   n up to 65535: multiples of the period since the epoch, in UTC
//   PnD              days of the month that are multiples of n; those before the n-th belong to the
//                    first. P1D: each day
//   P1W P1M P1Y      weeks from Monday, months, years
// Days and longer begin at midnight in a time zone.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include "base/result.h"
#include "query/time_zone.h"

namespace varve {

// A value.
struct TimePeriod {
  enum class Unit : uint8_t { kMicroseconds, kDays, kWeek, kMonth, kYear };
  Unit unit = Unit::kMicroseconds;
  int64_t count = 1;  // of the unit

  // Errors: kInvalidArgument in CeresDB's words.
  static Result<TimePeriod> Parse(std::string_view text);

  bool operator==(const TimePeriod&) const = default;
};

// Where buckets begin. Times are microseconds since the epoch, of years -9999 to 9999. The start is
// never after the time. One thread: it remembers the last bucket, since times come in order mostly.
class TimeBuckets {
 public:
  // The zone must outlive it.
  TimeBuckets(TimePeriod period, const TimeZone& zone) : period_(period), zone_(zone) {}

  int64_t StartOf(int64_t us) {
    if (us < from_ || us >= to_) {
      Find(us);
    }
    return start_;
  }

 private:
  void Find(int64_t us);

  const TimePeriod period_;
  const TimeZone& zone_;
  // All of [from_, to_) is in the bucket of start_.
  int64_t from_ = std::numeric_limits<int64_t>::max();
  int64_t to_ = std::numeric_limits<int64_t>::min();
  int64_t start_ = 0;
};

// The largest multiple of `step` (> 0) that is not above `value`.
constexpr int64_t FloorTo(int64_t value, int64_t step) {
  const int64_t rest = value % step;
  return value - (rest < 0 ? rest + step : rest);
}

}  // namespace varve
