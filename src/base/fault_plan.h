// FaultPlan: counts the I/O operations of a faulty test double and says which of them fails. Shared
// by FaultyObjectStore and FaultyWal, so that tests loop over both in one style: fail at the 1st,
// 2nd, … n-th operation until a run meets no failure. For tests only.
#pragma once

#include <cstdint>
#include <mutex>

#include "base/check.h"

namespace varve {

enum class FaultKind {
  kError,             // this one operation fails, nothing was done
  kErrorAfterEffect,  // this one operation is done, but its caller gets an error
  kCrash,             // this operation and all later ones fail, nothing was done
  kCrashAfterEffect,  // this operation is done, but it and all later ones report failure
};

// What the next operation does.
enum class FaultVerdict { kPass, kFail, kFailAfterEffect };

// Thread-safe. The same order of operations gives the same verdicts.
class FaultPlan {
 public:
  // The n-th operation from now on (1 = the next) fails. Replaces an earlier plan that has not come
  // true yet.
  void FailAt(uint64_t n, FaultKind kind) {
    VARVE_CHECK(n > 0, "operations count from 1");
    const std::lock_guard lock(mutex_);
    fail_at_ = operations_ + n;
    kind_ = kind;
  }

  // Ends a crash and forgets a plan that has not come true.
  void Restart() {
    const std::lock_guard lock(mutex_);
    fail_at_ = 0;
    crashed_ = false;
  }

  // Counts one operation.
  FaultVerdict Next() {
    const std::lock_guard lock(mutex_);
    ++operations_;
    if (crashed_) {
      return FaultVerdict::kFail;
    }
    if (operations_ != fail_at_) {
      return FaultVerdict::kPass;
    }
    ++failures_;
    crashed_ = kind_ == FaultKind::kCrash || kind_ == FaultKind::kCrashAfterEffect;
    const bool effect =
        kind_ == FaultKind::kErrorAfterEffect || kind_ == FaultKind::kCrashAfterEffect;
    return effect ? FaultVerdict::kFailAfterEffect : FaultVerdict::kFail;
  }

  uint64_t operations() const {
    const std::lock_guard lock(mutex_);
    return operations_;
  }
  // How many plans came true: 0 after a run means that the run had fewer operations than `n`.
  uint64_t failures() const {
    const std::lock_guard lock(mutex_);
    return failures_;
  }
  bool crashed() const {
    const std::lock_guard lock(mutex_);
    return crashed_;
  }

 private:
  mutable std::mutex mutex_;
  uint64_t operations_ = 0;
  uint64_t failures_ = 0;
  uint64_t fail_at_ = 0;  // 0 = no plan
  FaultKind kind_ = FaultKind::kError;
  bool crashed_ = false;
};

}  // namespace varve
