// Durations and sizes as users write them: "1d12h", "10s", "300M", "2097152".
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace varve {

// Units d, h, m, s, ms, each at most once and in that order: "1d12h", "250ms"; "0s" and "0" are
// zero. Errors: kInvalidArgument that names the text.
Result<std::chrono::milliseconds> ParseDuration(std::string_view text);
// Largest unit first, "0s" for zero. ParseDuration(FormatDuration(d)) == d for d >= 0.
std::string FormatDuration(std::chrono::milliseconds duration);

// A number and one of B, K, KB, KiB, M, MB, MiB, G.., T.., P.. (any case; all are powers of 1024);
// a bare number counts bytes. Errors: kInvalidArgument that names the text, also when the size does
// not fit 63 bits.
Result<uint64_t> ParseSize(std::string_view text);
// For people: "1.5 GiB".
std::string FormatSize(uint64_t bytes);

// A timestamp as ISO 8601 in UTC with as many fraction digits as it needs (0, 3 or 6):
// "2013-01-01T06:00:00Z". Years that no calendar has (beyond 32,000): "<n> us".
std::string FormatTimestamp(int64_t us_since_epoch);

}  // namespace varve
