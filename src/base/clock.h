// Where time comes from. Everything but `base` takes a Clock, so that tests decide what time it is.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/strong.h"

namespace varve {

// Microseconds since 1970-01-01T00:00:00Z. The unit of every timestamp inside Varve; what users see
// (milliseconds) is converted where it comes in and where it goes out.
using TimestampUs = Strong<struct TimestampUsTag, int64_t>;

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Wall-clock time: may step back when the machine's clock is set.
  virtual TimestampUs Now() const = 0;
  // Never goes back; for durations and deadlines only.
  virtual std::chrono::steady_clock::time_point Steady() const = 0;
};

class SystemClock final : public Clock {
 public:
  TimestampUs Now() const override;
  std::chrono::steady_clock::time_point Steady() const override;
};

// Stands still until told otherwise. For tests.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(TimestampUs now) : now_us_(now.value()) {}
  TimestampUs Now() const override { return TimestampUs(now_us_.load()); }
  std::chrono::steady_clock::time_point Steady() const override;
  void Set(TimestampUs now) { now_us_ = now.value(); }
  void Advance(std::chrono::microseconds by) { now_us_ += by.count(); }

 private:
  std::atomic<int64_t> now_us_;
};

}  // namespace varve
