// Savepoints: what their files say, and the savepoints of a table over restarts and failures.
#include <gmock/gmock.h>

#include "base/matchers.h"
#include "meta/savepoint_format.h"
#include "meta/savepoints.h"
#include "meta/test_values.h"
#include "store/memory_store.h"

namespace varve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Savepoint Example() {
  Savepoint out;
  out.id = SavepointId(7);
  out.name = "before";
  out.saved_snapshot_id = VersionId(42);
  out.snapshot_time = kTestNow;
  out.schema_id = 3;
  out.record_count = 1'000'000;
  out.held_bytes = 123'456;
  out.save_time = TimestampUs(kTestNow.value() + 1);
  out.origin = SavepointOrigin::kAutomatic;
  out.retain_until = TimestampUs(kTestNow.value() + 2);
  out.lock_until = TimestampUs(kTestNow.value() + 3);
  out.group = {TestId(9), 4};
  return out;
}

Savepoint Named(std::string name) {
  Savepoint out = Example();
  out.name = std::move(name);
  return out;
}

std::vector<uint64_t> Ids(Savepoints& savepoints) {
  std::vector<uint64_t> out;
  const auto list = savepoints.List().value();
  for (const Savepoint& savepoint : list) {
    out.push_back(savepoint.id.value());
  }
  return out;
}

// The file, but for its writer and its checksum.
TEST(SavepointFormat, Golden) {
  const std::string bytes = EncodeSavepoint(Example()).value();
  const std::string start = R"({"format":"varve-savepoint","major":1,"writer":")";
  ASSERT_TRUE(bytes.starts_with(start));
  const std::string body = bytes.substr(bytes.find('"', start.size()) + 1);
  EXPECT_EQ(body.substr(0, body.find(R"(,"body_sha256")")),
            R"(,"id":7,"name":"before","savedSnapshotId":42,"snapshotTime":1700000000000000,)"
            R"("schemaId":3,"fullManifestList":"log/checkpoint-00000000000000000042.json",)"
            R"("recordCount":1000000,"heldBytes":123456,"saveTime":1700000000000001,)"
            R"("origin":"automatic","retainUntil":1700000000000002,)"
            R"("lockUntil":1700000000000003,)"
            R"("group":{"id":"00000000-0000-4000-8000-000000000009","tables":4})");
}

TEST(SavepointFormat, RoundTrips) {
  Savepoint plain = Example();
  plain.name = "";
  plain.origin = SavepointOrigin::kManual;
  plain.retain_until.reset();
  plain.lock_until.reset();
  for (const Savepoint& savepoint : {Example(), plain}) {
    const auto decoded = DecodeSavepoint(EncodeSavepoint(savepoint).value());
    ASSERT_THAT(decoded, IsOk());
    EXPECT_EQ(decoded->savepoint, savepoint);
  }
  const auto dropped = DecodeSavepoint(EncodeDroppedSavepoint(SavepointId(7)).value());
  ASSERT_THAT(dropped, IsOk());
  EXPECT_EQ(dropped->id, SavepointId(7));
  EXPECT_FALSE(dropped->savepoint);
}

TEST(SavepointFormat, EveryDamagedByteIsFound) {
  const std::string bytes = EncodeSavepoint(Example()).value();
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_FALSE(DecodeSavepoint(damaged)) << i;
    EXPECT_FALSE(DecodeSavepoint(bytes.substr(0, i))) << i;
  }
}

TEST(SavepointNames, WhatVersionAsOfWouldTakeForSomethingElseIsRefused) {
  EXPECT_THAT(CheckSavepointName("before"), IsOk());
  EXPECT_THAT(CheckSavepointName("2024_01"), IsOk());
  EXPECT_THAT(CheckSavepointName("123"),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("is a number")));
  EXPECT_THAT(CheckSavepointName("a.b"), IsError(ErrorKind::kInvalidArgument, HasSubstr("dot")));
  EXPECT_THAT(CheckSavepointName(""), IsError(ErrorKind::kInvalidArgument));
  EXPECT_THAT(CheckSavepointName("a\nb"), IsError(ErrorKind::kInvalidArgument));
}

class SavepointsTest : public testing::Test {
 protected:
  ManualClock clock_{kTestNow};
  MemoryObjectStore store_{&clock_};
};

TEST_F(SavepointsTest, IdsCountFromOneAndAreNotGivenAgain) {
  {
    Savepoints savepoints(store_, TestId(1));
    EXPECT_THAT(Ids(savepoints), IsEmpty());
    EXPECT_EQ(*savepoints.Earliest(), std::nullopt);
    EXPECT_EQ(*savepoints.Latest(), std::nullopt);
    EXPECT_EQ(savepoints.Create(Named("a"))->id, SavepointId(1));
    EXPECT_EQ(savepoints.Create(Named("b"))->id, SavepointId(2));
    EXPECT_EQ(savepoints.Create(Named(""))->id, SavepointId(3));
    EXPECT_EQ(savepoints.Create(Named(""))->id, SavepointId(4));
    EXPECT_THAT(savepoints.Drop(SavepointId(4)), IsOk());
    EXPECT_THAT(savepoints.Drop(SavepointId(2)), IsOk());
    EXPECT_THAT(savepoints.Drop(SavepointId(2)), IsError(ErrorKind::kNotFound));
  }
  Savepoints savepoints(store_, TestId(1));
  EXPECT_THAT(Ids(savepoints), ElementsAre(1, 3));
  EXPECT_EQ(*savepoints.Earliest(), SavepointId(1));
  EXPECT_EQ(*savepoints.Latest(), SavepointId(3));
  EXPECT_TRUE(*savepoints.Exists(SavepointId(3)));
  EXPECT_FALSE(*savepoints.Exists(SavepointId(4)));
  EXPECT_EQ(savepoints.Create(Named("b"))->id, SavepointId(5));
  EXPECT_EQ((*savepoints.Find("b"))->id, SavepointId(5));
  EXPECT_EQ(*savepoints.Find("c"), std::nullopt);
  // What said that 4 was dropped is not needed any more.
  EXPECT_EQ(store_.List(Savepoints::Folder(TestId(1)))->size(), 3U);
}

TEST_F(SavepointsTest, ANameIsTakenOnce) {
  Savepoints savepoints(store_, TestId(1));
  ASSERT_THAT(savepoints.Create(Named("a")), IsOk());
  EXPECT_THAT(savepoints.Create(Named("a")),
              IsError(ErrorKind::kAlreadyExists, HasSubstr("'a' already, number 1")));
  EXPECT_THAT(savepoints.Create(Named("12")), IsError(ErrorKind::kInvalidArgument));
}

TEST_F(SavepointsTest, WhatIsReplacedStays) {
  Savepoints savepoints(store_, TestId(1));
  Savepoint made = savepoints.Create(Named("a")).value();
  made.lock_until.reset();
  ASSERT_THAT(savepoints.Replace(made), IsOk());
  Savepoints again(store_, TestId(1));
  EXPECT_EQ(*again.Find("a"), made);
  made.id = SavepointId(2);
  EXPECT_THAT(savepoints.Replace(made), IsError(ErrorKind::kNotFound));
}

TEST_F(SavepointsTest, ADamagedFileIsNamedAndNothingIsTakenAsMissing) {
  {
    Savepoints savepoints(store_, TestId(1));
    ASSERT_THAT(savepoints.Create(Named("a")), IsOk());
    ASSERT_THAT(savepoints.Create(Named("b")), IsOk());
  }
  const std::string path = Savepoints::Path(TestId(1), SavepointId(1));
  const std::string bytes = store_.Get(path).value();
  ASSERT_THAT(store_.Put(path, bytes.substr(1)), IsOk());
  Savepoints damaged(store_, TestId(1));
  EXPECT_THAT(damaged.List(), IsError(ErrorKind::kCorruption, HasSubstr("savepoint-1.json")));
  EXPECT_THAT(damaged.Create(Named("c")), IsError(ErrorKind::kCorruption));
  ASSERT_THAT(store_.Put(path, store_.Get(Savepoints::Path(TestId(1), SavepointId(2))).value()),
              IsOk());
  EXPECT_THAT(damaged.List(), IsError(ErrorKind::kCorruption, HasSubstr("holds savepoint 2")));
  ASSERT_THAT(store_.Put(path, bytes), IsOk());
  EXPECT_THAT(Ids(damaged), ElementsAre(1, 2));
}

}  // namespace
}  // namespace varve
