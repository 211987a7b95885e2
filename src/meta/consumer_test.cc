// Consumers: what their files say, and the consumers of a table over restarts and failures.
#include <gmock/gmock.h>

#include "base/matchers.h"
#include "meta/consumer_format.h"
#include "meta/consumers.h"
#include "meta/test_values.h"
#include "store/memory_store.h"

namespace varve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Consumer Named(std::string name) {
  return {.name = std::move(name),
          .next_snapshot_id = VersionId(42),
          .create_time = kTestNow,
          .update_time = TimestampUs(kTestNow.value() + 1)};
}

// The file, but for its writer and its checksum.
TEST(ConsumerFormat, Golden) {
  const std::string bytes = EncodeConsumer(Named("billing")).value();
  const std::string start = R"({"format":"varve-consumer","major":1,"writer":")";
  ASSERT_TRUE(bytes.starts_with(start));
  const std::string body = bytes.substr(bytes.find('"', start.size()) + 1);
  EXPECT_EQ(body.substr(0, body.find(R"(,"body_sha256")")),
            R"(,"name":"billing","nextSnapshotId":42,"createTime":1700000000000000,)"
            R"("updateTime":1700000000000001)");
  EXPECT_EQ(DecodeConsumer(bytes), Named("billing"));
}

TEST(ConsumerFormat, EveryDamagedByteIsFound) {
  const std::string bytes = EncodeConsumer(Named("billing")).value();
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_FALSE(DecodeConsumer(damaged)) << i;
    EXPECT_FALSE(DecodeConsumer(bytes.substr(0, i))) << i;
  }
}

TEST(ConsumerNames, WhatCannotBeAFileOrIsANumberIsRefused) {
  EXPECT_THAT(CheckConsumerName("billing-2"), IsOk());
  EXPECT_THAT(CheckConsumerName(std::string(kConsumerNameBytesMax, 'x')), IsOk());
  for (const std::string& name :
       {std::string(), std::string("12"), std::string("a.b"), std::string("a/b"), std::string(".."),
        std::string("a\nb"), std::string(kConsumerNameBytesMax + 1, 'x')}) {
    EXPECT_THAT(CheckConsumerName(name), IsError(ErrorKind::kInvalidArgument)) << name;
  }
}

class ConsumersTest : public testing::Test {
 protected:
  ManualClock clock_{kTestNow};
  MemoryObjectStore store_{&clock_};
};

TEST_F(ConsumersTest, TheyStayOverARestart) {
  {
    Consumers consumers(store_, TestId(1));
    EXPECT_THAT(*consumers.List(), IsEmpty());
    ASSERT_THAT(consumers.Create(Named("b")), IsOk());
    ASSERT_THAT(consumers.Create(Named("a")), IsOk());
    ASSERT_THAT(consumers.Create(Named("c")), IsOk());
    EXPECT_THAT(consumers.Create(Named("a")), IsError(ErrorKind::kAlreadyExists));
    EXPECT_THAT(consumers.Create(Named("a.b")), IsError(ErrorKind::kInvalidArgument));
    Consumer moved = Named("b");
    moved.next_snapshot_id = VersionId(50);
    ASSERT_THAT(consumers.Replace(moved), IsOk());
    EXPECT_THAT(consumers.Replace(Named("d")), IsError(ErrorKind::kNotFound));
    ASSERT_THAT(consumers.Drop("c"), IsOk());
    EXPECT_THAT(consumers.Drop("c"), IsError(ErrorKind::kNotFound));
  }
  Consumers consumers(store_, TestId(1));
  Consumer moved = Named("b");
  moved.next_snapshot_id = VersionId(50);
  EXPECT_THAT(*consumers.List(), ElementsAre(Named("a"), moved));
  EXPECT_EQ(*consumers.Find("b"), moved);
  EXPECT_EQ(*consumers.Find("c"), std::nullopt);
}

TEST_F(ConsumersTest, ADamagedFileIsNamedAndNothingIsTakenAsMissing) {
  {
    Consumers consumers(store_, TestId(1));
    ASSERT_THAT(consumers.Create(Named("a")), IsOk());
    ASSERT_THAT(consumers.Create(Named("b")), IsOk());
  }
  const std::string path = Consumers::Path(TestId(1), "a");
  const std::string bytes = store_.Get(path).value();
  ASSERT_THAT(store_.Put(path, bytes.substr(1)), IsOk());
  Consumers damaged(store_, TestId(1));
  EXPECT_THAT(damaged.List(), IsError(ErrorKind::kCorruption, HasSubstr("consumer-a.json")));
  EXPECT_THAT(damaged.Create(Named("c")), IsError(ErrorKind::kCorruption));
  ASSERT_THAT(store_.Put(path, store_.Get(Consumers::Path(TestId(1), "b")).value()), IsOk());
  EXPECT_THAT(damaged.List(), IsError(ErrorKind::kCorruption, HasSubstr("holds consumer 'b'")));
  ASSERT_THAT(store_.Put(path, bytes), IsOk());
  EXPECT_EQ(damaged.List()->size(), 2U);
}

}  // namespace
}  // namespace varve
