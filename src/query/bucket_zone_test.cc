// Named zones, as ICU knows them: when clocks of some well-known ones change, to the second.
#include "query/bucket_zone.h"

#include <gmock/gmock.h>

#include <chrono>

#include "base/matchers.h"

namespace varve {
namespace {

using testing::HasSubstr;

class BucketZoneTest : public testing::Test {
 protected:
  std::shared_ptr<const TimeZone> Zone(std::string_view name) {
    EXPECT_THAT(UseBucketZone(connection_, name), IsOk());
    return BucketZoneOf(*connection_.context);
  }

  duckdb::DuckDB duckdb_{nullptr};
  duckdb::Connection connection_{duckdb_};
};

// Midnight in UTC.
int64_t Us(int year, unsigned month, unsigned day) {
  const std::chrono::sys_days date(std::chrono::year(year) / std::chrono::month(month) /
                                   std::chrono::day(day));
  return date.time_since_epoch().count() * kMicrosPerDay;
}

constexpr int64_t kHour = 3600 * kMicrosPerSecond;

TEST_F(BucketZoneTest, IsCeresDbsWhenNothingIsSaid) {
  EXPECT_EQ(*BucketZoneOf(*connection_.context), TimeZone::Fixed(8 * kHour));
  EXPECT_EQ(*Zone("UTC"), TimeZone::Fixed(0));
  EXPECT_EQ(*Zone(""), TimeZone::Fixed(8 * kHour));
}

TEST_F(BucketZoneTest, KnowsWhenClocksChange) {
  const auto berlin = Zone("Europe/Berlin");
  const int64_t spring = Us(2024, 3, 31) + kHour;
  EXPECT_EQ(berlin->OffsetAt(spring - 1), kHour);
  EXPECT_EQ(berlin->OffsetAt(spring), 2 * kHour);
  const int64_t far = Us(2999, 7, 1);
  EXPECT_EQ(berlin->OffsetAt(far), 2 * kHour);
  EXPECT_EQ(berlin->OffsetAt(Us(2999, 1, 1)), kHour);

  const auto samoa = Zone("Pacific/Apia");  // without a December 30, 2011
  const int64_t skip = Us(2011, 12, 30) + 10 * kHour;
  EXPECT_EQ(samoa->OffsetAt(skip - 1), -10 * kHour);
  EXPECT_EQ(samoa->OffsetAt(skip), 14 * kHour);
}

TEST_F(BucketZoneTest, TakesNamesInAnyCaseAndSharesZones) {
  const auto zone = Zone("Asia/Tokyo");
  EXPECT_EQ(Zone("asia/tokyo"), zone);
  duckdb::Connection other(duckdb_);
  EXPECT_THAT(UseBucketZone(other, "Asia/Tokyo"), IsOk());
  EXPECT_EQ(BucketZoneOf(*other.context), zone);
}

TEST_F(BucketZoneTest, RejectsWhatIsNoZone) {
  const auto zone = Zone("+01:00");
  for (const char* const name : {"Europe/Atlantis", "'; DROP TABLE x", "+25:00"}) {
    const Status status = UseBucketZone(connection_, name);
    ASSERT_THAT(status, IsError(ErrorKind::kInvalidArgument)) << name;
    EXPECT_THAT(status.error().message, HasSubstr("there is no time zone"));
  }
  EXPECT_EQ(BucketZoneOf(*connection_.context), zone);
}

}  // namespace
}  // namespace varve
