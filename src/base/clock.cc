#include "base/clock.h"

namespace varve {

TimestampUs SystemClock::Now() const {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return TimestampUs(std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count());
}

std::chrono::steady_clock::time_point SystemClock::Steady() const {
  return std::chrono::steady_clock::now();
}

std::chrono::steady_clock::time_point ManualClock::Steady() const {
  return std::chrono::steady_clock::time_point(std::chrono::microseconds(now_us_.load()));
}

}  // namespace varve
