#include "protect/retries.h"

#include <algorithm>

namespace varve {

bool IsPassing(ErrorKind kind) {
  return kind == ErrorKind::kIo || kind == ErrorKind::kUnavailable ||
         kind == ErrorKind::kResourceExhausted || kind == ErrorKind::kUnknownOutcome;
}

bool WaitFor(std::chrono::nanoseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

Status Retry(const RetryLimits& limits, const std::stop_token& stop,
             const std::function<Status()>& attempt,
             const std::function<void(int tries, const Error& error)>& failed) {
  std::chrono::milliseconds wait = limits.first_wait;
  for (int tries = 1;; ++tries) {
    Status status = attempt();
    if (status || !IsPassing(status.error().kind) || tries >= limits.tries_max) {
      return status;
    }
    failed(tries, status.error());
    if (!WaitFor(wait, stop)) {
      return Cancelled("stopped while waiting to try again: {}", status.error().message);
    }
    wait = std::min(wait * 2, limits.wait_max);
  }
}

}  // namespace varve
