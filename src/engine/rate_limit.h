// RateLimit: how many bytes a second a kind of background work may move, over all its threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>

namespace varve {

// Thread-safe.
class RateLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // 0: no limit.
  explicit RateLimit(uint64_t bytes_per_second) : bytes_per_second_(bytes_per_second) {}

  // Takes the bytes and says how long the caller is to wait before he goes on. What is not used is
  // saved up for at most a second.
  std::chrono::nanoseconds Take(uint64_t bytes, Time now);

 private:
  const uint64_t bytes_per_second_;
  std::mutex mutex_;
  Time paid_until_;  // when all that has been taken will have been earned
};

}  // namespace varve
