// QuantileSketch: approximate quantiles of weighted numbers, as a t-digest (Dunning): neighbouring
// numbers become one centroid, small ones at both ends and larger ones in the middle. Exact, by
// interpolation between neighbours, while there are few numbers. Sketches can be merged.
#pragma once

#include <cstdint>
#include <limits>
#include <memory_resource>
#include <span>

namespace varve {

// A plain value: it owns nothing, its memory lives as long as the resource. At most kNumbersMax *
// 24 bytes, and less than the same again in what growing left behind.
class QuantileSketch {
 public:
  // So many numbers or centroids are kept before they are merged. While no more were added,
  // quantiles are exact.
  static constexpr uint32_t kNumbersMax = 2048;

  // NaN, and a weight that is not above zero, count as nothing.
  void Add(double number, double weight, std::pmr::memory_resource& memory);
  void Merge(const QuantileSketch& other, std::pmr::memory_resource& memory);

  bool empty() const { return count_ == 0; }
  // The number that `share` (0 to 1) of the weight is below. Not empty. Sorts what it holds.
  double Quantile(double share);

 private:
  static constexpr uint32_t kNumbersFirst = 8;
  // About so many centroids are left by a merge.
  static constexpr double kCompression = 400;

  struct Centroid {
    double mean;
    double weight;
    bool spread;  // it stands for different numbers; else all its weight is at the mean
  };
  std::span<Centroid> centroids() const { return {centroids_, count_}; }
  void Append(Centroid centroid, std::pmr::memory_resource& memory);
  void Grow(std::pmr::memory_resource& memory);
  void Compress();
  double TotalWeight() const;

  Centroid* centroids_ = nullptr;
  uint32_t capacity_ = 0;
  uint32_t count_ = 0;
  double min_ = std::numeric_limits<double>::infinity();
  double max_ = -std::numeric_limits<double>::infinity();
};

}  // namespace varve
