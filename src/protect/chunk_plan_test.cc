// Chunks cover their range without gaps and overlap, whatever its ends and the window.
#include "protect/chunk_plan.h"

#include <gmock/gmock.h>

#include <limits>
#include <random>

#include "base/matchers.h"

namespace varve {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;

TimeRange Us(int64_t start, int64_t end) { return {TimestampUs(start), TimestampUs(end)}; }

TEST(ChunkPlanTest, TheLastChunkIsClipped) {
  EXPECT_EQ(*PlanChunks(Us(0, 2500), milliseconds(1)),
            (std::vector<TimeRange>{Us(0, 1000), Us(1000, 2000), Us(2000, 2500)}));
  EXPECT_EQ(*PlanChunks(Us(-500, 500), milliseconds(1)), (std::vector<TimeRange>{Us(-500, 500)}));
  EXPECT_TRUE(PlanChunks(Us(7, 7), days(1))->empty());
}

TEST(ChunkPlanTest, AnyRangeIsCoveredOnce) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 500; ++round) {
    const int64_t start = static_cast<int64_t>(random() % 2'000'000'000) - 1'000'000'000;
    const TimeRange range = Us(start, start + static_cast<int64_t>(random() % 1'000'000'000));
    const auto chunks = PlanChunks(range, milliseconds(1 + random() % 100'000));
    if (!chunks) {
      continue;
    }
    TimestampUs at = range.start;
    for (const TimeRange& chunk : *chunks) {
      ASSERT_EQ(chunk.start, at);
      ASSERT_LT(chunk.start, chunk.end);
      at = chunk.end;
    }
    ASSERT_EQ(at, range.end);
  }
}

TEST(ChunkPlanTest, WhatCannotBePlannedIsRefused) {
  EXPECT_THAT(PlanChunks(Us(0, 1), milliseconds(0)), IsError(ErrorKind::kInvalidArgument));
  EXPECT_THAT(PlanChunks(Us(1, 0), days(1)), IsError(ErrorKind::kInvalidArgument));
  EXPECT_THAT(PlanChunks(Us(0, 1'000'000'000'000), milliseconds(1)),
              IsError(ErrorKind::kInvalidArgument));
  EXPECT_THAT(
      PlanChunks(Us(std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()),
                 days(1)),
      IsError(ErrorKind::kInvalidArgument));
}

TEST(ChunkPlanTest, AStartThatNobodyGaveIsAMultipleOfTheWindow) {
  const int64_t hour = std::chrono::microseconds(hours(1)).count();
  EXPECT_EQ(AlignedStart(TimestampUs(hour + 1), hours(1)), TimestampUs(hour));
  EXPECT_EQ(AlignedStart(TimestampUs(-1), hours(1)), TimestampUs(-hour));
  EXPECT_EQ(AlignedStart(TimestampUs(hour), hours(1)), TimestampUs(hour));
}

}  // namespace
}  // namespace varve
