#include "engine/segment_duration.h"

#include <algorithm>
#include <array>

namespace varve {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;

constexpr size_t kIntervalSamplesMin = 2;
constexpr int64_t kPointsPerSeriesAndSegment = 100;
constexpr std::array<milliseconds, 8> kDurations = {
    hours(2), days(1), days(7), days(30), days(180), days(360), days(5 * 360), days(10 * 360)};

}  // namespace

milliseconds ChooseSegmentDuration(std::vector<int64_t> intervals_us) {
  if (intervals_us.size() < kIntervalSamplesMin) {
    return kDurations.front();
  }
  const auto middle = intervals_us.begin() + static_cast<ptrdiff_t>(intervals_us.size() / 2);
  std::ranges::nth_element(intervals_us, middle);
  for (const milliseconds duration : kDurations) {
    if (*middle <= duration.count() * 1000 / kPointsPerSeriesAndSegment) {
      return duration;
    }
  }
  return kDurations.back();
}

}  // namespace varve
