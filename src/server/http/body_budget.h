// BodyBudget: how many bytes of request bodies the server holds at a time, over all connections.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace varve {

// Thread-safe.
class BodyBudget {
 public:
  explicit BodyBudget(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  [[nodiscard]] bool Take(uint64_t bytes) {
    if (taken_.fetch_add(bytes) + bytes <= bytes_max_) {
      return true;
    }
    taken_.fetch_sub(bytes);
    return false;
  }
  void Give(uint64_t bytes) { taken_.fetch_sub(bytes); }
  uint64_t taken() const { return taken_.load(); }

 private:
  const uint64_t bytes_max_;
  std::atomic<uint64_t> taken_ = 0;
};

// What one request holds of the budget; given back at the end of its life. One thread at a time.
class BodyShare {
 public:
  explicit BodyShare(BodyBudget& budget) : budget_(&budget) {}
  ~BodyShare() { Release(); }
  BodyShare(const BodyShare&) = delete;
  BodyShare& operator=(const BodyShare&) = delete;

  // Holds at least `bytes` in all when it returns true.
  [[nodiscard]] bool GrowTo(uint64_t bytes) {
    if (bytes > bytes_) {
      if (!budget_->Take(bytes - bytes_)) {
        return false;
      }
      bytes_ = bytes;
    }
    return true;
  }
  void Release() { budget_->Give(std::exchange(bytes_, 0)); }

 private:
  BodyBudget* budget_;
  uint64_t bytes_ = 0;
};

}  // namespace varve
