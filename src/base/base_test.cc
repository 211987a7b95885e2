// What the small vocabulary of `base` promises: round trips, limits, and errors that name the
// input.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/ids.h"
#include "base/matchers.h"
#include "base/units.h"

namespace varve {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

TEST(ResultTest, ContextIsPutBeforeTheMessageAndTheKindStays) {
  const Error error = Error{ErrorKind::kIo, "no space left"}.WithContext("writing a.parquet");
  EXPECT_EQ(error, (Error{ErrorKind::kIo, "writing a.parquet: no space left"}));
}

TEST(UnitsTest, DurationsRoundTrip) {
  for (const auto* text : {"7d", "1d12h", "10s", "250ms", "1d2h3m4s5ms", "0s"}) {
    const auto parsed = ParseDuration(text);
    ASSERT_THAT(parsed, IsOk());
    EXPECT_EQ(FormatDuration(*parsed), text);
  }
  EXPECT_EQ(*ParseDuration("36h"), milliseconds(36 * 3'600'000));
}

TEST(UnitsTest, BadDurationsNameTheText) {
  for (const auto* text : {"", "d", "1x", "1h1d", "1h1h", "10", "99999999999999999999d", "-1d"}) {
    EXPECT_THAT(ParseDuration(text), IsError(ErrorKind::kInvalidArgument, HasSubstr(text))) << text;
  }
}

TEST(UnitsTest, SizesUsePowersOf1024) {
  EXPECT_EQ(*ParseSize("300M"), 314572800u);
  EXPECT_EQ(*ParseSize("4kib"), 4096u);
  EXPECT_EQ(*ParseSize("12"), 12u);
  EXPECT_THAT(ParseSize("9999999999P"), IsError(ErrorKind::kInvalidArgument));
  EXPECT_THAT(ParseSize("12X"), IsError(ErrorKind::kInvalidArgument, HasSubstr("12X")));
}

TEST(UnitsTest, TimestampsBeforeTheEpochFormatToo) {
  EXPECT_EQ(FormatTimestamp(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(FormatTimestamp(-1000), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(FormatTimestamp(INT64_MIN), "-9223372036854775808 us");
  EXPECT_EQ(FormatTimestamp(INT64_MAX), "9223372036854775807 us");
  EXPECT_EQ(FormatTimestamp(1357020000000001), "2013-01-01T06:00:00.000001Z");
}

TEST(BytesTest, VarintsRoundTripAtTheirBounds) {
  for (const uint64_t value : {uint64_t{0}, uint64_t{127}, uint64_t{128}, ~uint64_t{0}}) {
    std::string bytes;
    AppendVarint(bytes, value);
    EXPECT_EQ(ByteReader(bytes).Varint().value(), value);
  }
  for (const int64_t value : {int64_t{0}, int64_t{-1}, INT64_MIN, INT64_MAX}) {
    EXPECT_EQ(UnZigZag(ZigZag(value)), value);
  }
}

TEST(BytesTest, ReadingPastTheEndIsCorruptionWithAnOffset) {
  ByteReader reader("ab");
  EXPECT_THAT(reader.Fixed<uint16_t>(), IsOk());
  EXPECT_THAT(reader.Fixed<uint8_t>(), IsError(ErrorKind::kCorruption, HasSubstr("offset 2")));
  EXPECT_THAT(ByteReader(std::string(11, '\xff')).Varint(), IsError(ErrorKind::kCorruption));
  EXPECT_THAT(ByteReader("\x05"
                         "ab")
                  .LengthPrefixed(),
              IsError(ErrorKind::kCorruption));
}

TEST(ChecksumTest, KnownAnswers) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Xxh3(""), 0x2d06800538d394c2u);
}

TEST(IdsTest, UuidsRoundTripAndAreVersion4) {
  SeededIdSource ids(7);
  const Uuid uuid = ids.NewUuid();
  const std::string text = uuid.ToString();
  EXPECT_EQ(text[14], '4');
  EXPECT_EQ(Uuid::Parse(text).value(), uuid);
  EXPECT_THAT(Uuid::Parse("../../etc/passwd-xxxx-xxxx-xxxxxxxxxx"),
              IsError(ErrorKind::kInvalidArgument));
  EXPECT_EQ(SeededIdSource(7).NewUuid(), uuid);
}

TEST(ExecutorTest, StopRunsWhatIsQueuedAndRefusesMore) {
  std::atomic<int> ran = 0;
  Executor executor({.name = "test", .threads = 2, .queue_jobs_max = 100});
  for (int i = 0; i < 100; ++i) {
    ASSERT_THAT(executor.Submit([&] { ++ran; }), IsOk());
  }
  executor.Stop();
  EXPECT_EQ(ran, 100);
  EXPECT_THAT(executor.Submit([] {}), IsError(ErrorKind::kCancelled));
}

TEST(ExecutorTest, AFullQueueIsAnErrorNotAWait) {
  std::atomic<bool> go = false;
  Executor executor({.name = "test", .threads = 1, .queue_jobs_max = 1});
  ASSERT_THAT(executor.Submit([&] { go.wait(false); }), IsOk());
  while (executor.queued_jobs() != 0) {
    std::this_thread::yield();
  }
  ASSERT_THAT(executor.Submit([] {}), IsOk());
  EXPECT_THAT(executor.Submit([] {}), IsError(ErrorKind::kResourceExhausted, HasSubstr("limit")));
  go = true;
  go.notify_all();
}

}  // namespace
}  // namespace varve
