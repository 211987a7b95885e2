// Trying again what may work later: with waits that double up to five minutes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string_view>

#include "base/result.h"

namespace varve {

struct RetryLimits {
  std::chrono::milliseconds first_wait = std::chrono::seconds(1);
  std::chrono::milliseconds wait_max = std::chrono::minutes(5);
  // A little over half an hour with the waits above.
  int tries_max = 15;
};

// Whether a second try may have another outcome: storage and connections, not requests and bytes.
bool IsPassing(ErrorKind kind);

// Runs `attempt` until it is ok, fails for good, or the tries are used up; then its last result.
// `failed` is told each failure that is followed by another try. Errors: also kCancelled, when
// `stop` is asked while it waits.
Status Retry(const RetryLimits& limits, const std::stop_token& stop,
             const std::function<Status()>& attempt,
             const std::function<void(int tries, const Error& error)>& failed);

// Waits that long; false: `stop` was asked for.
bool WaitFor(std::chrono::nanoseconds time, const std::stop_token& stop);

}  // namespace varve
