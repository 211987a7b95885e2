#include "query/theta_sketch.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace varve {

void ThetaSketch::Add(uint64_t hash, std::pmr::memory_resource& memory) {
  hash = std::max<uint64_t>(hash, 1);  // 0 is an empty slot
  if (hash >= theta_) {
    return;
  }
  if (IsFull()) {
    MakeRoom(memory);
    if (hash >= theta_) {
      return;
    }
  }
  Insert(hash);
}

void ThetaSketch::Merge(const ThetaSketch& other, std::pmr::memory_resource& memory) {
  theta_ = std::min(theta_, other.theta_);
  if (capacity_ > 0) {
    Shrink();
  }
  for (const uint64_t hash : other.slots()) {
    if (hash != 0) {
      Add(hash, memory);
    }
  }
}

uint64_t ThetaSketch::Estimate() const {
  if (theta_ == kAll) {
    return count_;
  }
  const double share = static_cast<double>(theta_) / std::exp2(64);
  return static_cast<uint64_t>(std::llround(count_ / share));
}

void ThetaSketch::MakeRoom(std::pmr::memory_resource& memory) {
  if (capacity_ < kSlotsMax) {
    Grow(memory);
    return;
  }
  std::array<uint64_t, kSlotsMax> kept;
  const auto end = std::copy_if(slots_, slots_ + capacity_, kept.begin(),
                                [](uint64_t hash) { return hash != 0; });
  std::nth_element(kept.begin(), kept.begin() + kHashesKept, end);
  theta_ = kept[kHashesKept];
  Shrink();
}

void ThetaSketch::Grow(std::pmr::memory_resource& memory) {
  const std::span<uint64_t> old = slots();
  capacity_ = capacity_ == 0 ? kSlotsFirst : capacity_ * 4;
  static_assert(std::has_single_bit(kSlotsMax / kSlotsFirst) &&
                std::countr_zero(kSlotsMax / kSlotsFirst) % 2 == 0);
  slots_ = static_cast<uint64_t*>(memory.allocate(capacity_ * sizeof(uint64_t), alignof(uint64_t)));
  std::ranges::fill(slots(), 0);
  count_ = 0;
  for (const uint64_t hash : old) {
    if (hash != 0) {
      Insert(hash);
    }
  }
}

// Takes out what is not below theta.
void ThetaSketch::Shrink() {
  std::array<uint64_t, kSlotsMax> kept;
  const auto end = std::copy_if(slots_, slots_ + capacity_, kept.begin(),
                                [this](uint64_t hash) { return hash != 0 && hash < theta_; });
  std::ranges::fill(slots(), 0);
  count_ = 0;
  std::for_each(kept.begin(), end, [this](uint64_t hash) { Insert(hash); });
}

void ThetaSketch::Insert(uint64_t hash) {
  // The low bits: theta says something about the high ones.
  uint32_t at = static_cast<uint32_t>(hash) & (capacity_ - 1);
  while (slots_[at] != 0) {
    if (slots_[at] == hash) {
      return;
    }
    at = (at + 1) & (capacity_ - 1);
  }
  slots_[at] = hash;
  ++count_;
}

}  // namespace varve
