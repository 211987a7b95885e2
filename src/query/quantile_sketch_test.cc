// Quantiles are exact while there are few numbers, and near their rank beyond.
#include "query/quantile_sketch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace varve {
namespace {

constexpr double kRankErrorMax = 0.005;

class QuantileSketchTest : public testing::TestWithParam<uint64_t> {
 protected:
  QuantileSketch Of(const std::vector<double>& numbers) {
    QuantileSketch sketch;
    for (const double number : numbers) {
      sketch.Add(number, 1, memory_);
    }
    return sketch;
  }

  std::pmr::monotonic_buffer_resource memory_;
};

TEST_P(QuantileSketchTest, InterpolatesBetweenFew) {
  QuantileSketch four = Of({4, 1, 3, 2});
  EXPECT_EQ(four.Quantile(0), 1);
  EXPECT_EQ(four.Quantile(0.5), 2.5);
  EXPECT_EQ(four.Quantile(1), 4);
  EXPECT_EQ(Of({3, 1, 2}).Quantile(0.5), 2);
  EXPECT_EQ(Of({7}).Quantile(0.3), 7);
}

TEST_P(QuantileSketchTest, AWeightIsAsManyNumbers) {
  QuantileSketch weighted;
  weighted.Add(1, 1, memory_);
  weighted.Add(2, 2, memory_);
  weighted.Add(5, 4, memory_);
  QuantileSketch repeated = Of({1, 2, 2, 5, 5, 5, 5});
  for (const double share : {0.0, 0.1, 0.25, 0.4, 0.5, 0.6, 0.9, 1.0}) {
    EXPECT_DOUBLE_EQ(weighted.Quantile(share), repeated.Quantile(share)) << share;
  }
  weighted.Add(100, 0, memory_);
  weighted.Add(100, -1, memory_);
  weighted.Add(std::nan(""), 1, memory_);
  EXPECT_EQ(weighted.Quantile(1), 5);
}

TEST_P(QuantileSketchTest, IsNearTheRankWithMany) {
  std::mt19937_64 random(GetParam());
  std::lognormal_distribution<double> draw;
  std::vector<double> numbers(200'000);
  std::ranges::generate(numbers, [&] { return draw(random); });
  QuantileSketch whole = Of(numbers);
  QuantileSketch merged;
  for (size_t first = 0; first < numbers.size(); first += 10'000) {
    merged.Merge(Of({numbers.begin() + first, numbers.begin() + first + 10'000}), memory_);
  }
  std::ranges::sort(numbers);
  for (const double share : {0.001, 0.01, 0.25, 0.5, 0.75, 0.99, 0.999}) {
    for (QuantileSketch* const sketch : {&whole, &merged}) {
      const auto found = std::ranges::lower_bound(numbers, sketch->Quantile(share));
      const double rank =
          static_cast<double>(found - numbers.begin()) / static_cast<double>(numbers.size());
      EXPECT_NEAR(rank, share, kRankErrorMax) << "seed " << GetParam();
    }
  }
  EXPECT_EQ(whole.Quantile(0), numbers.front());
  EXPECT_EQ(merged.Quantile(1), numbers.back());
}

TEST_P(QuantileSketchTest, SurvivesInfiniteNumbers) {
  std::mt19937_64 random(GetParam());
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  QuantileSketch sketch;
  for (int i = 0; i < 50'000; ++i) {
    const auto kind = random() % 10;
    sketch.Add(kind == 0   ? kInfinity
               : kind == 1 ? -kInfinity
                           : 1.0 * static_cast<double>(kind),
               1, memory_);
  }
  EXPECT_EQ(sketch.Quantile(0), -kInfinity);
  EXPECT_EQ(sketch.Quantile(1), kInfinity);
}

INSTANTIATE_TEST_SUITE_P(Seeds, QuantileSketchTest, testing::Values(1, 2, 3));

}  // namespace
}  // namespace varve
