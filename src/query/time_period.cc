#include "query/time_period.h"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace varve {
namespace {

using std::chrono::day;
using std::chrono::days;
using std::chrono::month;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr int64_t kPeriodMax = 65535;  // CeresDB's

int64_t MicrosOf(sys_days date) { return date.time_since_epoch().count() * kMicrosPerDay; }

sys_days DayOf(int64_t local_us) {
  return sys_days(days(FloorTo(local_us, kMicrosPerDay) / kMicrosPerDay));
}

// The first day of the bucket that holds the day.
sys_days FirstDay(const TimePeriod& period, sys_days date) {
  const year_month_day at(date);
  switch (period.unit) {
    case TimePeriod::Unit::kWeek:
      return date - (std::chrono::weekday(date) - std::chrono::Monday);
    case TimePeriod::Unit::kMonth:
      return at.year() / at.month() / day(1);
    case TimePeriod::Unit::kYear:
      return at.year() / month(1) / day(1);
    default: {
      const auto of_month = static_cast<int64_t>(static_cast<unsigned>(at.day()));
      return date - days(std::min(of_month % period.count, of_month - 1));
    }
  }
}

Result<int64_t> Count(std::string_view digits, std::string_view period) {
  int64_t count = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || count < 0 ||
      count > kPeriodMax) {
    return InvalidArgument("Invalid period number, period:{}, err:it is not from 1 to {}", period,
                           kPeriodMax);
  }
  return count;
}

Result<TimePeriod> OfTime(std::string_view text, char unit, int64_t count) {
  switch (unit) {
    case 'S':
      return TimePeriod{TimePeriod::Unit::kMicroseconds, count * kMicrosPerSecond};
    case 'M':
      return TimePeriod{TimePeriod::Unit::kMicroseconds, count * 60 * kMicrosPerSecond};
    case 'H':
      return TimePeriod{TimePeriod::Unit::kMicroseconds, count * 3600 * kMicrosPerSecond};
    default:
      return InvalidArgument("Invalid period, period:{}", text);
  }
}

Result<TimePeriod> OfDate(std::string_view text, char unit, int64_t count) {
  switch (unit) {
    case 'D':
      return TimePeriod{TimePeriod::Unit::kDays, count};
    case 'W':
      return count == 1 ? Result<TimePeriod>(TimePeriod{TimePeriod::Unit::kWeek})
                        : InvalidArgument("Period of week only support P1W.");
    case 'M':
      return count == 1 ? Result<TimePeriod>(TimePeriod{TimePeriod::Unit::kMonth})
                        : InvalidArgument("Period of month only support P1M.");
    case 'Y':
      return count == 1 ? Result<TimePeriod>(TimePeriod{TimePeriod::Unit::kYear})
                        : InvalidArgument("Period of year only support P1Y.");
    default:
      return InvalidArgument("Invalid period, period:{}", text);
  }
}

}  // namespace

Result<TimePeriod> TimePeriod::Parse(std::string_view text) {
  const bool of_time = text.starts_with("PT");
  const size_t prefix = of_time ? 2 : 1;
  if (text.size() < 3 || !text.starts_with('P') || text.size() <= prefix) {
    return InvalidArgument("Invalid period, period:{}", text);
  }
  const char unit = text.back();
  VARVE_ASSIGN(const int64_t count, Count(text.substr(prefix, text.size() - prefix - 1), text));
  if (count == 0) {
    return InvalidArgument("Invalid period, period:{}", text);
  }
  return of_time ? OfTime(text, unit, count) : OfDate(text, unit, count);
}

void TimeBuckets::Find(int64_t us) {
  if (period_.unit == TimePeriod::Unit::kMicroseconds) {
    start_ = FloorTo(us, period_.count);
    from_ = start_;
    to_ = start_ + period_.count;
    return;
  }
  const TimeZone::Span span = zone_.SpanAt(us);
  const sys_days date = DayOf(us + span.offset_us);
  // Clocks that go back at midnight show the end of a day twice, with a moment of the next day in
  // between: so what is remembered ends where clocks change.
  from_ = std::max(MicrosOf(date) - span.offset_us, span.from_us);
  to_ = std::min(MicrosOf(date + days(1)) - span.offset_us, span.to_us);
  start_ = zone_.FirstUtcOf(MicrosOf(FirstDay(period_, date)));
}

}  // namespace varve
