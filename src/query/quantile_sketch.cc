#include "query/quantile_sketch.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace varve {
namespace {

// Between two neighbours. Infinite ones are not moved away from.
double Between(double low, double high, double share) {
  if (low == high || share <= 0) {
    return low;
  }
  return share >= 1 ? high : low + (high - low) * share;
}

}  // namespace

void QuantileSketch::Add(double number, double weight, std::pmr::memory_resource& memory) {
  if (std::isnan(number) || !(weight > 0)) {
    return;
  }
  min_ = std::min(min_, number);
  max_ = std::max(max_, number);
  Append({number, weight, false}, memory);
}

void QuantileSketch::Merge(const QuantileSketch& other, std::pmr::memory_resource& memory) {
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  for (const Centroid& centroid : other.centroids()) {
    Append(centroid, memory);
  }
}

double QuantileSketch::Quantile(double share) {
  std::ranges::sort(centroids(), {}, &Centroid::mean);
  const double wanted = share * TotalWeight();
  double below = 0;
  double mean = min_;
  double at = 0;  // the weight up to which the number before is `mean`
  for (const Centroid& centroid : centroids()) {
    // A number that was added with a weight of n is as n such numbers.
    const double half = centroid.spread ? centroid.weight / 2 : std::min(0.5, centroid.weight / 2);
    if (wanted < below + half) {
      return Between(mean, centroid.mean, (wanted - at) / (below + half - at));
    }
    below += centroid.weight;
    mean = centroid.mean;
    at = below - half;
    if (wanted <= at) {
      return mean;
    }
  }
  return Between(mean, max_, (wanted - at) / (below - at));
}

void QuantileSketch::Append(Centroid centroid, std::pmr::memory_resource& memory) {
  if (count_ == capacity_) {
    if (capacity_ < kNumbersMax) {
      Grow(memory);
    } else {
      Compress();
    }
  }
  centroids_[count_++] = centroid;
}

void QuantileSketch::Grow(std::pmr::memory_resource& memory) {
  const std::span<Centroid> old = centroids();
  capacity_ = capacity_ == 0 ? kNumbersFirst : capacity_ * 4;
  centroids_ =
      static_cast<Centroid*>(memory.allocate(capacity_ * sizeof(Centroid), alignof(Centroid)));
  std::ranges::copy(old, centroids_);
}

// A centroid may cover one step of the scale asin(2 q - 1): a wide share in the middle, a narrow
// one at the ends.
void QuantileSketch::Compress() {
  std::ranges::sort(centroids(), {}, &Centroid::mean);
  const double total = TotalWeight();
  const auto scale = [total](double below) {
    return kCompression / std::numbers::pi *
           std::asin(std::clamp(2 * below / total - 1, -1.0, 1.0));
  };
  double below = 0;  // the weight before centroids_[last]
  double from = scale(0);
  uint32_t last = 0;
  for (uint32_t i = 1; i < count_; ++i) {
    Centroid& open = centroids_[last];
    const Centroid next = centroids_[i];
    const double weight = open.weight + next.weight;
    if (scale(below + weight) - from <= 1) {
      const double mean = open.mean + (next.mean - open.mean) * (next.weight / weight);
      const bool spread = open.spread || next.spread || open.mean != next.mean;
      open = {std::isfinite(mean) ? mean : next.mean, weight, spread};
      continue;
    }
    below += open.weight;
    from = scale(below);
    centroids_[++last] = next;
  }
  count_ = last + 1;
}

double QuantileSketch::TotalWeight() const {
  double total = 0;
  for (const Centroid& centroid : centroids()) {
    total += centroid.weight;
  }
  return total;
}

}  // namespace varve
