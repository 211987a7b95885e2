// Buckets of all periods, checked against the calendar, and that what is remembered from one time
// to the next never changes an answer.
#include "query/time_period.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <random>

#include "base/matchers.h"

namespace varve {
namespace {

using testing::HasSubstr;

constexpr int64_t kHour = 3600 * kMicrosPerSecond;
const TimeZone kEight = TimeZone::Fixed(8 * kHour);
const TimeZone kUtc = TimeZone::Fixed(0);

int64_t Us(std::chrono::sys_seconds time) {
  return time.time_since_epoch().count() * kMicrosPerSecond;
}
int64_t Us(int year, unsigned month, unsigned day) {
  return Us(std::chrono::sys_days(std::chrono::year(year) / std::chrono::month(month) /
                                  std::chrono::day(day)));
}

int64_t StartOf(std::string_view period, const TimeZone& zone, int64_t us) {
  return TimeBuckets(TimePeriod::Parse(period).value(), zone).StartOf(us);
}

TEST(TimePeriod, SaysWhatIsWrong) {
  const auto message = [](std::string_view text) {
    const auto period = TimePeriod::Parse(text);
    return period ? std::string() : period.error().message;
  };
  EXPECT_EQ(message("P2W"), "Period of week only support P1W.");
  EXPECT_EQ(message("P2M"), "Period of month only support P1M.");
  EXPECT_EQ(message("P2Y"), "Period of year only support P1Y.");
  for (const char* const text :
       {"", "P", "PT", "P1", "bad", "PT0S", "P0D", "P1S", "PT1D", "P1d", "pt1m", "1D", "P1H"}) {
    EXPECT_THAT(message(text), HasSubstr("Invalid period")) << text;
  }
  for (const char* const text : {"PTxS", "PT-1S", "PT65536S", "PT1.5H", "PT 1S", "PTS", "PD1"}) {
    EXPECT_THAT(message(text), HasSubstr("Invalid period")) << text;
  }
  EXPECT_THAT(TimePeriod::Parse("PT65535H"), IsOk());
}

// What CeresDB's documentation shows.
TEST(TimePeriod, AnswersAsDocumented) {
  constexpr int64_t kTime = 1'659'577'423'000'000;
  EXPECT_EQ(StartOf("P1D", kEight, kTime), 1'659'542'400'000'000);
  EXPECT_EQ(StartOf("P1Y", kEight, kTime), 1'640'966'400'000'000);
  EXPECT_EQ(StartOf("P1M", kEight, kTime), 1'659'283'200'000'000);
  // Monday, August 1, in +08:00.
  EXPECT_EQ(StartOf("P1W", kEight, kTime), 1'659'283'200'000'000);
  EXPECT_EQ(StartOf("PT1S", kEight, kTime + 999'999), kTime);
  EXPECT_EQ(StartOf("PT1M", kEight, kTime), 1'659'577'380'000'000);
  EXPECT_EQ(StartOf("PT5M", kEight, kTime), 1'659'577'200'000'000);
  EXPECT_EQ(StartOf("PT3H", kEight, kTime), 1'659'571'200'000'000);
}

TEST(TimePeriod, RoundsDownBeforeTheEpoch) {
  EXPECT_EQ(StartOf("PT1M", kUtc, -1), -60 * kMicrosPerSecond);
  EXPECT_EQ(StartOf("PT1M", kUtc, -60 * kMicrosPerSecond), -60 * kMicrosPerSecond);
  EXPECT_EQ(StartOf("P1D", kUtc, -1), -kMicrosPerDay);
  EXPECT_EQ(StartOf("P1W", kUtc, Us(1969, 12, 31)), Us(1969, 12, 29));
}

TEST(TimePeriod, CountsDaysOfTheMonth) {
  EXPECT_EQ(StartOf("P7D", kUtc, Us(2024, 3, 1)), Us(2024, 3, 1));
  EXPECT_EQ(StartOf("P7D", kUtc, Us(2024, 3, 6)), Us(2024, 3, 1));
  EXPECT_EQ(StartOf("P7D", kUtc, Us(2024, 3, 7)), Us(2024, 3, 7));
  EXPECT_EQ(StartOf("P7D", kUtc, Us(2024, 3, 31)), Us(2024, 3, 28));
  EXPECT_EQ(StartOf("P40D", kUtc, Us(2024, 3, 31)), Us(2024, 3, 1));
}

// Clocks that go back at 00:01, to 23:01 of the day before: both midnights are of one day.
TEST(TimePeriod, KeepsDaysApartWhereClocksGoBackAtMidnight) {
  const int64_t midnight = 10 * kMicrosPerDay;  // of UTC, as before the change
  const TimeZone zone(0, {{midnight + 60 * kMicrosPerSecond, -kHour}});
  const TimePeriod day{TimePeriod::Unit::kDays, 1};
  TimeBuckets buckets(day, zone);
  EXPECT_EQ(buckets.StartOf(midnight), midnight);
  EXPECT_EQ(buckets.StartOf(midnight + 61 * kMicrosPerSecond), midnight - kMicrosPerDay);
  EXPECT_EQ(buckets.StartOf(midnight + kHour), midnight);
  EXPECT_EQ(buckets.StartOf(midnight + 59 * kMicrosPerSecond), midnight);
}

class AnyZone : public testing::TestWithParam<uint64_t> {};

TEST_P(AnyZone, NeverStartsLaterAndRemembersNothingWrong) {
  std::mt19937_64 random(GetParam());
  std::vector<TimeZone::Change> changes;
  for (int64_t at = 0; at < 1000 * kMicrosPerDay;) {
    at += static_cast<int64_t>(random() % (60 * kMicrosPerDay)) + 7 * kMicrosPerDay;
    changes.push_back({at, static_cast<int64_t>(random() % 28 - 14) * kHour / 2});
  }
  const TimeZone zone(kHour, std::move(changes));
  for (const char* const text : {"PT7S", "PT1H", "P1D", "P3D", "P1W", "P1M", "P1Y"}) {
    const TimePeriod period = TimePeriod::Parse(text).value();
    TimeBuckets remembering(period, zone);
    int64_t us = 0;
    for (int i = 0; i < 5000; ++i) {
      us += static_cast<int64_t>(random() % (2 * kMicrosPerDay)) - kMicrosPerDay / 2;
      const int64_t start = remembering.StartOf(us);
      ASSERT_LE(start, us) << text;
      ASSERT_EQ(start, TimeBuckets(period, zone).StartOf(us)) << text << " at " << us;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, AnyZone, testing::Values(1, 2, 3));

}  // namespace
}  // namespace varve
