#include "engine/rate_limit.h"

#include <algorithm>

namespace varve {

std::chrono::nanoseconds RateLimit::Take(uint64_t bytes, Time now) {
  if (bytes_per_second_ == 0) {
    return {};
  }
  const std::chrono::duration<double> cost(static_cast<double>(bytes) /
                                           static_cast<double>(bytes_per_second_));
  const std::lock_guard lock(mutex_);
  paid_until_ = std::max(paid_until_, now - std::chrono::seconds(1));
  paid_until_ += std::chrono::duration_cast<std::chrono::nanoseconds>(cost);
  return std::max(std::chrono::nanoseconds(0), std::chrono::nanoseconds(paid_until_ - now));
}

}  // namespace varve
