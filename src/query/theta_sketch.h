// ThetaSketch: how many different values there are, from their hashes. It keeps all hashes while
// they are few, so that the count is exact; then only those below a threshold (theta), which tells
// how many there must be above it. Sketches can be merged, in any order, without losing accuracy.
#pragma once

#include <cstdint>
#include <limits>
#include <memory_resource>
#include <span>

namespace varve {

// A plain value: it owns nothing, its memory lives as long as the resource. At most
// kThetaSlots * 8 bytes, and less than the same again in what growing left behind.
class ThetaSketch {
 public:
  // So many hashes are kept at least, once counts are estimates: a relative standard error of
  // 1 / sqrt(n) = 0.8 %. Up to here counts are exact.
  static constexpr uint32_t kHashesKept = 16384;

  // A hash of 64 well mixed bits. Hashes that are equal count once.
  void Add(uint64_t hash, std::pmr::memory_resource& memory);
  void Merge(const ThetaSketch& other, std::pmr::memory_resource& memory);
  uint64_t Estimate() const;

 private:
  static constexpr uint64_t kAll = std::numeric_limits<uint64_t>::max();
  static constexpr uint32_t kSlotsFirst = 8;
  static constexpr uint32_t kSlotsMax = 2 * kHashesKept;

  std::span<uint64_t> slots() const { return {slots_, capacity_}; }
  bool IsFull() const { return count_ >= capacity_ - capacity_ / 4; }
  void MakeRoom(std::pmr::memory_resource& memory);
  void Grow(std::pmr::memory_resource& memory);
  void Shrink();
  void Insert(uint64_t hash);

  uint64_t* slots_ = nullptr;  // open addressing; 0 = empty
  uint32_t capacity_ = 0;      // a power of two
  uint32_t count_ = 0;
  uint64_t theta_ = kAll;  // only hashes below are kept
};

}  // namespace varve
