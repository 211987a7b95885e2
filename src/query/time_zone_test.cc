// Clocks that go forward, back and skip a day, found from both sides.
#include "query/time_zone.h"

#include <gtest/gtest.h>

namespace varve {
namespace {

constexpr int64_t kHour = 3600 * kMicrosPerSecond;

// 24 h after the epoch clocks go from +1 to +2 h, 48 h later back to +1 h.
const TimeZone kSummer(kHour, {{24 * kHour, 2 * kHour}, {72 * kHour, kHour}});

TEST(TimeZone, ReadsOffsets) {
  EXPECT_EQ(TimeZone::OfOffset("UTC"), TimeZone::Fixed(0));
  EXPECT_EQ(TimeZone::OfOffset("Z"), TimeZone::Fixed(0));
  EXPECT_EQ(TimeZone::OfOffset("+08:00"), TimeZone::Fixed(8 * kHour));
  EXPECT_EQ(TimeZone::OfOffset("-0330"), TimeZone::Fixed(-7 * kHour / 2));
  EXPECT_EQ(TimeZone::OfOffset("+8"), TimeZone::Fixed(8 * kHour));
  EXPECT_EQ(TimeZone::OfOffset("+18:00"), TimeZone::Fixed(18 * kHour));
  for (const char* const text : {"", "+", "8", "+19", "+18:01", "+08:60", "+8:00", "+08:0", "+-8",
                                 "+ab", "+08:-1", "Europe/Berlin", "+080000"}) {
    EXPECT_EQ(TimeZone::OfOffset(text), std::nullopt) << text;
  }
}

TEST(TimeZone, ChangesAtTheMoment) {
  EXPECT_EQ(kSummer.OffsetAt(24 * kHour - 1), kHour);
  EXPECT_EQ(kSummer.OffsetAt(24 * kHour), 2 * kHour);
  EXPECT_EQ(kSummer.OffsetAt(72 * kHour - 1), 2 * kHour);
  EXPECT_EQ(kSummer.OffsetAt(72 * kHour), kHour);
  const TimeZone::Span span = kSummer.SpanAt(30 * kHour);
  EXPECT_EQ(span.from_us, 24 * kHour);
  EXPECT_EQ(span.to_us, 72 * kHour);
}

TEST(TimeZone, FindsTheFirstMomentOfALocalTime) {
  EXPECT_EQ(TimeZone::Fixed(8 * kHour).FirstUtcOf(8 * kHour), 0);
  EXPECT_EQ(kSummer.FirstUtcOf(10 * kHour), 9 * kHour);
  EXPECT_EQ(kSummer.FirstUtcOf(40 * kHour), 38 * kHour);
  // Skipped: from 25:00 to 26:00 local time.
  EXPECT_EQ(kSummer.FirstUtcOf(25 * kHour), 24 * kHour);
  EXPECT_EQ(kSummer.FirstUtcOf(25 * kHour + kHour / 2), 24 * kHour);
  EXPECT_EQ(kSummer.FirstUtcOf(26 * kHour), 24 * kHour);
  // Shown twice: from 73:00 to 74:00 local time.
  EXPECT_EQ(kSummer.FirstUtcOf(73 * kHour), 71 * kHour);
  EXPECT_EQ(kSummer.FirstUtcOf(74 * kHour), 73 * kHour);
}

TEST(TimeZone, RepeatsItsLastCycleForEver) {
  const int64_t start = kZoneCycleStartUs;
  const TimeZone zone(0,
                      {{0, kHour}, {start + 10 * kHour, 2 * kHour}, {start + 20 * kHour, kHour}});
  for (const int64_t cycle : {int64_t{0}, kZoneCycleUs, 5 * kZoneCycleUs}) {
    EXPECT_EQ(zone.OffsetAt(start + cycle + 9 * kHour), kHour);
    EXPECT_EQ(zone.OffsetAt(start + cycle + 10 * kHour), 2 * kHour);
    const TimeZone::Span span = zone.SpanAt(start + cycle + 15 * kHour);
    EXPECT_EQ(span.from_us, start + cycle + 10 * kHour);
    EXPECT_EQ(span.to_us, start + cycle + 20 * kHour);
    EXPECT_LE(zone.SpanAt(start + cycle + 30 * kHour).to_us, start + cycle + kZoneCycleUs);
  }
}

}  // namespace
}  // namespace varve
