// The unit of the timestamps of a write request.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace varve {

enum class LinePrecision { kNanoseconds, kMicroseconds, kMilliseconds, kSeconds, kMinutes, kHours };

// "n", "ns", "u", "us", "µ", "µs", "ms", "s", "m", "h". nullopt: none of these.
std::optional<LinePrecision> ParseLinePrecision(std::string_view text);

// Rounded down to whole milliseconds, as Varve stores them. nullopt: does not fit 64 bits of
// microseconds.
std::optional<int64_t> MicrosecondsOf(int64_t time, LinePrecision precision);

}  // namespace varve
