// How the time of an export is cut into chunks: half-open intervals in order, without gaps or
// overlap, that cover the range; the last one ends where the range does.
#pragma once

#include <chrono>
#include <vector>

#include "base/result.h"
#include "model/time_range.h"

namespace varve {

// Keeps manifests small: a hundred years in days are 36,525.
inline constexpr size_t kChunksMax = 100'000;

// Chunks begin at range.start and every `window` after it; an empty range has none. Errors:
// kInvalidArgument for a window that is not positive, a range that ends before it starts, or more
// than kChunksMax chunks (which says what window would do).
Result<std::vector<TimeRange>> PlanChunks(const TimeRange& range, std::chrono::milliseconds window);

// Where a range begins whose start nobody has given: the latest multiple of the window (counted
// from 1970) that is not after the earliest row, so that chunks hold whole files.
TimestampUs AlignedStart(TimestampUs earliest, std::chrono::milliseconds window);

}  // namespace varve
