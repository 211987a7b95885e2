#include "server/influx/line_time.h"

#include <array>

namespace varve {
namespace {

constexpr int64_t kUsPerMs = 1000;

struct PrecisionName {
  std::string_view name;
  LinePrecision precision;
};
constexpr std::array kNames = {PrecisionName{"n", LinePrecision::kNanoseconds},
                               PrecisionName{"ns", LinePrecision::kNanoseconds},
                               PrecisionName{"u", LinePrecision::kMicroseconds},
                               PrecisionName{"us", LinePrecision::kMicroseconds},
                               PrecisionName{"\u00b5", LinePrecision::kMicroseconds},
                               PrecisionName{"\u00b5s", LinePrecision::kMicroseconds},
                               PrecisionName{"ms", LinePrecision::kMilliseconds},
                               PrecisionName{"s", LinePrecision::kSeconds},
                               PrecisionName{"m", LinePrecision::kMinutes},
                               PrecisionName{"h", LinePrecision::kHours}};

int64_t FloorDivide(int64_t value, int64_t divisor) {
  return value / divisor - (value % divisor < 0 ? 1 : 0);
}

std::optional<int64_t> Times(int64_t value, int64_t factor) {
  int64_t product = 0;
  if (__builtin_mul_overflow(value, factor, &product)) {
    return std::nullopt;
  }
  return product;
}

}  // namespace

std::optional<LinePrecision> ParseLinePrecision(std::string_view text) {
  for (const PrecisionName& known : kNames) {
    if (known.name == text) {
      return known.precision;
    }
  }
  return std::nullopt;
}

std::optional<int64_t> MicrosecondsOf(int64_t time, LinePrecision precision) {
  switch (precision) {
    case LinePrecision::kNanoseconds:
      return FloorDivide(time, 1'000'000) * kUsPerMs;
    case LinePrecision::kMicroseconds:
      return Times(FloorDivide(time, kUsPerMs), kUsPerMs);
    case LinePrecision::kMilliseconds:
      return Times(time, kUsPerMs);
    case LinePrecision::kSeconds:
      return Times(time, 1'000'000);
    case LinePrecision::kMinutes:
      return Times(time, 60'000'000);
    case LinePrecision::kHours:
      return Times(time, 3'600'000'000);
  }
  return std::nullopt;
}

}  // namespace varve
