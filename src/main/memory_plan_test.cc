#include "main/memory_plan.h"

#include <gmock/gmock.h>

#include "base/matchers.h"

namespace varve {
namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;

TEST(MemoryPlan, DividesTheLimit) {
  const MemoryPlan plan = PlanMemory({.memory_bytes_max = 8 * kGiB}, 64 * kGiB);
  EXPECT_NEAR(static_cast<double>(plan.write_bytes), 1.6 * kGiB, 1e6);
  EXPECT_NEAR(static_cast<double>(plan.file_cache_bytes), 2.0 * kGiB, 1e6);
  EXPECT_NEAR(static_cast<double>(plan.query_bytes), 3.2 * kGiB, 1e6);
  EXPECT_EQ(plan.wal_buffer_bytes, kGiB / 4);
}

TEST(MemoryPlan, TheLimitIsAShareOfTheMachineWhenNotGiven) {
  EXPECT_EQ(PlanMemory({}, 10 * kGiB),
            PlanMemory({.memory_bytes_max = 10 * kGiB / 100 * 60}, 64 * kGiB));
}

TEST(MemoryPlan, AllPartsFitIntoTheLimit) {
  for (const uint64_t limit : {kGiB / 8, kGiB / 2, kGiB, 100 * kGiB}) {
    const MemoryPlan plan = PlanMemory({.memory_bytes_max = limit}, 0);
    EXPECT_LE(
        plan.write_bytes + 3 * plan.wal_buffer_bytes + plan.file_cache_bytes + plan.query_bytes,
        limit * 105 / 100);
  }
}

TEST(MemoryPlan, APartThatIsSetIsTakenAsItIs) {
  const ServerConfig config{.memory_bytes_max = 8 * kGiB, .query_memory_bytes_max = kGiB};
  const MemoryPlan plan = PlanMemory(config, 64 * kGiB);
  EXPECT_EQ(plan.query_bytes, kGiB);
  EXPECT_EQ(plan.write_bytes, PlanMemory({.memory_bytes_max = 8 * kGiB}, 0).write_bytes);
}

TEST(MemoryPlan, WhatIsInForceCanBeShown) {
  const MemoryPlan plan = PlanMemory({.memory_bytes_max = 8 * kGiB}, 0);
  const auto shown =
      WithSetting(WithMemory({.memory_bytes_max = 8 * kGiB}, plan), "memory_limit", "4GiB");
  ASSERT_THAT(shown, IsOk());
  EXPECT_EQ(shown->memory_bytes_max, 4 * kGiB);
  EXPECT_EQ(shown->query_memory_bytes_max, plan.query_bytes);
}

TEST(MemoryPlan, TheLimitIsASizeOrAPercentage) {
  EXPECT_THAT(WithSetting({}, "memory_limit", "50%"), IsOk());
  for (const char* const wrong : {"0%", "101%", "x%", "1K", "much"}) {
    EXPECT_THAT(WithSetting({}, "memory_limit", wrong), IsError(ErrorKind::kInvalidArgument));
  }
}

}  // namespace
}  // namespace varve
