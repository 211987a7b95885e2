// Counts are exact while they are small, and close enough beyond, whatever is merged with what.
#include "query/theta_sketch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace varve {
namespace {

// What is promised; nearly four standard errors.
constexpr double kErrorMax = 0.03;

class ThetaSketchTest : public testing::TestWithParam<uint64_t> {
 protected:
  ThetaSketch Of(int values, std::mt19937_64& random) {
    ThetaSketch sketch;
    for (int i = 0; i < values; ++i) {
      sketch.Add(random(), memory_);
    }
    return sketch;
  }
  static double ErrorOf(const ThetaSketch& sketch, double real) {
    return std::abs(static_cast<double>(sketch.Estimate()) / real - 1);
  }

  std::pmr::monotonic_buffer_resource memory_;
};

TEST_P(ThetaSketchTest, IsExactWhileThereAreFew) {
  for (const uint64_t values : {0, 1, 3, 148, 4096, 16384}) {
    std::mt19937_64 random(GetParam());
    ThetaSketch sketch = Of(static_cast<int>(values), random);
    random.seed(GetParam());
    for (uint64_t i = 0; i < values; ++i) {
      sketch.Add(random(), memory_);
    }
    EXPECT_EQ(sketch.Estimate(), values);
  }
}

TEST_P(ThetaSketchTest, IsCloseWithAMillion) {
  std::mt19937_64 random(GetParam());
  EXPECT_LE(ErrorOf(Of(1'000'000, random), 1e6), kErrorMax);
}

TEST_P(ThetaSketchTest, MergesSmallAndLarge) {
  std::mt19937_64 random(GetParam());
  ThetaSketch empty;
  ThetaSketch few = Of(100, random);
  few.Merge(empty, memory_);
  EXPECT_EQ(few.Estimate(), 100);
  empty.Merge(few, memory_);
  EXPECT_EQ(empty.Estimate(), 100);

  const ThetaSketch one = Of(300'000, random);
  ThetaSketch other = Of(500'000, random);
  other.Merge(one, memory_);
  EXPECT_LE(ErrorOf(other, 800'000), kErrorMax);
  other.Merge(one, memory_);
  EXPECT_LE(ErrorOf(other, 800'000), kErrorMax);
  few.Merge(other, memory_);
  EXPECT_LE(ErrorOf(few, 800'100), kErrorMax);
}

TEST_P(ThetaSketchTest, TakesHashesAtTheEnds) {
  ThetaSketch sketch;
  sketch.Add(0, memory_);
  sketch.Add(0, memory_);
  sketch.Add(std::numeric_limits<uint64_t>::max() - 1, memory_);
  EXPECT_EQ(sketch.Estimate(), 2);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ThetaSketchTest, testing::Values(1, 2, 3));

}  // namespace
}  // namespace varve
