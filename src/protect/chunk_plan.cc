#include "protect/chunk_plan.h"

#include <algorithm>

#include "base/units.h"

namespace varve {

Result<std::vector<TimeRange>> PlanChunks(const TimeRange& range,
                                          std::chrono::milliseconds window) {
  if (window <= std::chrono::milliseconds(0)) {
    return InvalidArgument("the window of a chunk is longer than nothing, as in 1d or 6h");
  }
  if (range.end < range.start) {
    return InvalidArgument("the time range ends at {}, before it starts at {}",
                           FormatTimestamp(range.end.value()),
                           FormatTimestamp(range.start.value()));
  }
  const int64_t step = std::chrono::microseconds(window).count();
  // Unsigned: the distance of two signed times always fits.
  const uint64_t length =
      static_cast<uint64_t>(range.end.value()) - static_cast<uint64_t>(range.start.value());
  const uint64_t count =
      length / static_cast<uint64_t>(step) + (length % static_cast<uint64_t>(step) == 0 ? 0 : 1);
  if (count > kChunksMax) {
    return InvalidArgument(
        "{} to {} are {} chunks of {}, more than {}: take a longer window, or name a start time "
        "(rows with wrong times far in the past make a range this long)",
        FormatTimestamp(range.start.value()), FormatTimestamp(range.end.value()), count,
        FormatDuration(window), kChunksMax);
  }
  std::vector<TimeRange> chunks;
  chunks.reserve(count);
  for (TimestampUs start = range.start; start < range.end; start = chunks.back().end) {
    const bool last = chunks.size() + 1 == count;
    chunks.push_back({start, last ? range.end : TimestampUs(start.value() + step)});
  }
  return chunks;
}

TimestampUs AlignedStart(TimestampUs earliest, std::chrono::milliseconds window) {
  return SegmentStart(earliest, std::chrono::microseconds(window).count());
}

}  // namespace varve
