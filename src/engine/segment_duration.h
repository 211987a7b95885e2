// How long a segment of a table is when its creator did not say: chosen once, at the first flush,
// from the data.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace varve {

inline constexpr size_t kIntervalSamplesMax = 10'000;

// The shortest of 2h, 1d, 7d, 30d, 180d, 360d, 5 and 10 times 360d that holds about 100 points of a
// series, from the times between neighbouring points of series (microseconds, any order); 2h when
// there are too few to tell.
std::chrono::milliseconds ChooseSegmentDuration(std::vector<int64_t> intervals_us);

}  // namespace varve
