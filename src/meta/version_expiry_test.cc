// Proves that old versions leave by the rule and no others do; that whatever stays can be read at
// every moment of an expiry, and after any I/O of it has failed; and that a process which is behind
// still finds its place.
#include "meta/version_expiry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "meta/test_log_world.h"

namespace varve {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kMinuteUs = 60'000'000;
constexpr RetentionRule kNewestOnly = {.num_retained_min = 1, .num_retained_max = 1};

// Version i was committed i minutes after the beginning.
std::vector<CommittedVersion> Minutes(uint64_t count) {
  std::vector<CommittedVersion> versions;
  for (uint64_t i = 1; i <= count; ++i) {
    versions.push_back({VersionId(i), TimestampUs(static_cast<int64_t>(i) * kMinuteUs)});
  }
  return versions;
}

std::vector<uint64_t> Expired(uint64_t count, const RetentionRule& rule, int64_t now_minutes,
                              const std::set<VersionId>& held = {}) {
  std::vector<uint64_t> ids;
  for (const VersionId id :
       VersionsToExpire(Minutes(count), rule, TimestampUs(now_minutes * kMinuteUs), held)) {
    ids.push_back(id.value());
  }
  return ids;
}

TEST(RetentionRule, TheNewestStayWhateverTheirAge) {
  const RetentionRule rule = {.num_retained_min = 3, .time_retained = std::chrono::minutes(2)};
  EXPECT_THAT(Expired(5, rule, 1000), ElementsAre(1, 2));
  EXPECT_THAT(Expired(3, rule, 1000), IsEmpty());
  EXPECT_THAT(Expired(0, rule, 1000), IsEmpty());
}

TEST(RetentionRule, WhatWasTheStateWithinTheTimeStays) {
  const RetentionRule rule = {.num_retained_min = 1, .time_retained = std::chrono::minutes(3)};
  // Version 7 was the state until minute 8: three minutes before minute 10 it still was.
  EXPECT_THAT(Expired(10, rule, 10), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(RetentionRule, NeverMoreThanTheMaximum) {
  const RetentionRule rule = {.num_retained_min = 2, .num_retained_max = 4};
  EXPECT_THAT(Expired(6, rule, 6), ElementsAre(1, 2));
  // A maximum below the minimum cannot take the minimum away.
  const RetentionRule odd = {.num_retained_min = 3, .num_retained_max = 1};
  EXPECT_THAT(Expired(4, odd, 4), ElementsAre(1));
}

TEST(RetentionRule, AClockThatStepsBackExpiresLess) {
  const RetentionRule rule = {.num_retained_min = 1, .time_retained = std::chrono::minutes(3)};
  EXPECT_THAT(Expired(10, rule, 2), IsEmpty());
  EXPECT_THAT(Expired(10, rule, std::numeric_limits<int64_t>::min() / kMinuteUs), IsEmpty());
}

TEST(RetentionRule, HeldVersionsStayAndDoNotCount) {
  const RetentionRule rule = {.num_retained_min = 2, .time_retained = {}};
  EXPECT_THAT(Expired(6, rule, 100, {VersionId(2), VersionId(5)}), ElementsAre(1, 3));
  EXPECT_THAT(Expired(2, kNewestOnly, 100, {VersionId(2)}), IsEmpty());
}

struct World : LogWorld {
  size_t files() { return memory->List(TableLog::Folder(TestId(1)) + "/log").value().size(); }
};

std::vector<uint64_t> Ids(const TableLog& log) {
  std::vector<uint64_t> ids;
  const auto versions = log.Versions();
  EXPECT_THAT(versions, IsOk());
  for (const VersionId id : *versions) {
    ids.push_back(id.value());
  }
  return ids;
}

std::vector<uint64_t> From(uint64_t first, uint64_t last) {
  std::vector<uint64_t> ids;
  for (uint64_t id = first; id <= last; ++id) {
    ids.push_back(id);
  }
  return ids;
}

void ExpectLoads(const TableLog& log, uint64_t id) {
  const auto version = log.Load(VersionId(id));
  ASSERT_THAT(version, IsOk()) << id;
  EXPECT_EQ((*version)->files.size(), id - 1);
}

TEST(Expire, WhatStaysIsReadAndWhatIsGoneNamesTheOldest) {
  for (const uint64_t count : {2, 20, 64, 65, 100, 129, 200}) {
    SCOPED_TRACE(count);
    World world;
    const auto log = world.CreateVersions(count);
    const uint64_t kept = std::min<uint64_t>(count, 7);
    const auto expiry =
        log->Expire({.num_retained_min = kept, .time_retained = {}}, {}, ExpiryMode::kExpire);
    ASSERT_THAT(expiry, IsOk());
    EXPECT_EQ(expiry->versions.size(), count - kept);
    const auto reopened = world.Open();
    ExpectSame(*reopened->current(), *log->current());
    EXPECT_EQ(Ids(*reopened), From(count - kept + 1, count));
    for (uint64_t id = count - kept + 1; id <= count; ++id) {
      ExpectLoads(*reopened, id);
    }
    for (uint64_t id = 1; id <= count - kept; ++id) {
      EXPECT_THAT(reopened->Load(VersionId(id)),
                  IsError(ErrorKind::kNotFound,
                          HasSubstr(fmt::format("oldest one there is {},", count - kept + 1))));
    }
    EXPECT_THAT(reopened->Commit(AddFile(1000)), IsOk());
    // The log stays small: a base, what is kept, and the edits for processes that are behind.
    EXPECT_LE(world.files(), kLaggardVersions + kept + 6);
  }
}

TEST(Expire, APlanChangesNothingAndSaysWhatWouldBe) {
  World world;
  const auto log = world.CreateVersions(100);
  const size_t files = world.files();
  const auto plan = log->Expire(kNewestOnly, {}, ExpiryMode::kPlan);
  ASSERT_THAT(plan, IsOk());
  EXPECT_EQ(world.files(), files);
  EXPECT_EQ(Ids(*log), From(1, 100));
  const auto done = log->Expire(kNewestOnly, {}, ExpiryMode::kExpire);
  ASSERT_THAT(done, IsOk());
  EXPECT_EQ(plan->versions.size(), 99u);
  EXPECT_EQ(plan->versions.size(), done->versions.size());
  EXPECT_EQ(plan->removed_bytes, done->removed_bytes);
  EXPECT_GT(done->removed_bytes, 0u);
  EXPECT_EQ(done->versions[4].version.committed_at, TimestampUs(kTestNow.value() + 4'000'000));
}

TEST(Expire, NothingDueTakesOneLookAndNoWrite) {
  World world;
  const auto log = world.CreateVersions(10);
  const uint64_t before = world.store.operations();
  const auto expiry = log->Expire({}, {}, ExpiryMode::kExpire);
  ASSERT_THAT(expiry, IsOk());
  EXPECT_THAT(expiry->versions, IsEmpty());
  EXPECT_EQ(world.store.operations() - before, 1u);
}

TEST(Expire, TheTimesOfAnOpenedLogAreReadOnce) {
  World world;
  {
    const auto log = world.CreateVersions(100);
  }
  const auto log = world.Open();
  ASSERT_THAT(log->Expire({}, {}, ExpiryMode::kPlan), IsOk());
  const uint64_t before = world.store.operations();
  ASSERT_THAT(log->Expire({}, {}, ExpiryMode::kPlan), IsOk());
  EXPECT_EQ(world.store.operations() - before, 1u);
}

TEST(Expire, AHeldVersionStaysReadableFromTheStore) {
  World world;
  const auto log = world.CreateVersions(300);
  ASSERT_THAT(log->Expire(kNewestOnly, {VersionId(1), VersionId(100)}, ExpiryMode::kExpire),
              IsOk());
  const auto reopened = world.Open();
  EXPECT_THAT(Ids(*reopened), ElementsAre(1, 100, 300));
  ExpectLoads(*reopened, 1);
  ExpectLoads(*reopened, 100);
  EXPECT_THAT(reopened->Load(VersionId(101)), IsError(ErrorKind::kNotFound));
  EXPECT_EQ(reopened->References({VersionId(1), VersionId(100)}).value().size(), 299u);
  // Nobody holds version 1 any more.
  ASSERT_THAT(reopened->Expire(kNewestOnly, {VersionId(100)}, ExpiryMode::kExpire), IsOk());
  EXPECT_THAT(Ids(*reopened), ElementsAre(100, 300));
}

TEST(Expire, AHeldVersionAmongTheNewestKeepsThoseAfterItForAWhile) {
  World world;
  const auto log = world.CreateVersions(100);
  ASSERT_THAT(log->Expire(kNewestOnly, {VersionId(90)}, ExpiryMode::kExpire), IsOk());
  EXPECT_EQ(Ids(*log), From(90, 100));
  for (uint64_t i = 101; i <= 200; ++i) {
    ASSERT_THAT(log->Commit(AddFile(i)), IsOk());
  }
  ASSERT_THAT(log->Expire(kNewestOnly, {VersionId(90)}, ExpiryMode::kExpire), IsOk());
  EXPECT_THAT(Ids(*log), ElementsAre(90, 200));
}

TEST(Expire, AVersionInTheHandsOfAReaderCanStillBeLoadedHere) {
  World world;
  const auto log = world.CreateVersions(20);
  const auto held = log->Load(VersionId(5)).value();
  ASSERT_THAT(log->Expire(kNewestOnly, {}, ExpiryMode::kExpire), IsOk());
  EXPECT_EQ(log->Load(VersionId(5)).value(), held);
  EXPECT_THAT(world.Open()->Load(VersionId(5)), IsError(ErrorKind::kNotFound));
}

TEST(Expire, AProcessThatIsBehindStillCommits) {
  World world;
  const auto ahead = world.CreateVersions(10);
  const auto behind = world.Open();
  for (uint64_t i = 11; i < 10 + kLaggardVersions; ++i) {
    ASSERT_THAT(ahead->Commit(AddFile(i)), IsOk());
  }
  ASSERT_THAT(ahead->Expire(kNewestOnly, {}, ExpiryMode::kExpire), IsOk());
  const auto committed = behind->Commit(AddFile(1000));
  ASSERT_THAT(committed, IsOk());
  EXPECT_EQ((*committed)->id, VersionId(10 + kLaggardVersions));
  EXPECT_EQ(world.Open()->current()->id, VersionId(10 + kLaggardVersions));
}

TEST(Expire, ReferencesAreThoseOfAllVersionsThatStay) {
  World world;
  const auto log = world.CreateVersions(80);
  VersionEdit edit;
  edit.kind = EditKind::kCompact;
  edit.removed_files = {TestId(2), TestId(3)};
  edit.deletion_vectors[TestId(5)] = TestVector(7);
  ASSERT_THAT(log->Commit(edit), IsOk());
  VersionEdit more;
  more.deletion_vectors[TestId(5)] = TestVector(9);
  ASSERT_THAT(log->Commit(more), IsOk());
  EXPECT_EQ(log->References({}).value().size(), 79u + 2u);
  ASSERT_THAT(log->Expire({.num_retained_min = 2, .num_retained_max = 2}, {}, ExpiryMode::kExpire),
              IsOk());
  const auto two = log->References({}).value();
  EXPECT_EQ(two.size(), 77u + 2u);
  EXPECT_FALSE(two.contains(TestFile(2).path));
  ASSERT_THAT(log->Expire(kNewestOnly, {}, ExpiryMode::kExpire), IsOk());
  const auto one = log->References({}).value();
  EXPECT_EQ(one.size(), 77u + 1u);
  EXPECT_TRUE(one.contains(TestVector(9).path));
}

std::string LogFile(const std::string& name) {
  return TableLog::Folder(TestId(1)) + "/log/" + name + ".json";
}

TEST(Expire, DamageStopsItWithNothingRemoved) {
  World world;
  {
    const auto log = world.CreateVersions(100);
  }
  const std::string edit = LogFile(fmt::format("{:020}", 97));
  const std::string good = world.memory->Get(edit).value();
  std::string bad = good;
  bad[bad.size() / 2] ^= 0x01;
  ASSERT_THAT(world.memory->Put(edit, bad), IsOk());
  const auto log = TableLog::Open(world.store, world.clock, TestId(1));
  EXPECT_THAT(log, IsError(ErrorKind::kCorruption, HasSubstr(edit)));
  ASSERT_THAT(world.memory->Put(edit, good), IsOk());
  const auto healthy = world.Open();
  ASSERT_THAT(world.memory->Put(edit, bad), IsOk());
  const size_t files = world.files();
  EXPECT_THAT(
      healthy->Expire({.num_retained_min = 5, .time_retained = {}}, {}, ExpiryMode::kExpire),
      IsError(ErrorKind::kCorruption, AllOf(HasSubstr(edit), HasSubstr("damaged"))));
  EXPECT_GE(world.files(), files);  // a new base at most
  EXPECT_THAT(healthy->References({}), IsError(ErrorKind::kCorruption, HasSubstr(edit)));
  ASSERT_THAT(world.memory->Delete(edit), IsOk());
  EXPECT_THAT(healthy->References({}), IsError(ErrorKind::kCorruption, HasSubstr(edit)));
  EXPECT_THAT(healthy->Versions(), IsError(ErrorKind::kCorruption, HasSubstr(edit)));
}

TEST(Expire, ADamagedBaseIsNotReliedOn) {
  World world;
  const auto log = world.CreateVersions(70);
  const std::string checkpoint = LogFile(fmt::format("checkpoint-{:020}", 64));
  std::string bytes = world.memory->Get(checkpoint).value();
  bytes[bytes.size() / 2] ^= 0x01;
  ASSERT_THAT(world.memory->Put(checkpoint, bytes), IsOk());
  EXPECT_THAT(log->Expire({.num_retained_min = 7, .time_retained = {}}, {}, ExpiryMode::kExpire),
              IsError(ErrorKind::kCorruption, HasSubstr(checkpoint)));
  ExpectSame(*world.Open()->current(), *log->current());
}

TEST(Expire, AGapThatNobodyHoldsIsDamage) {
  World world;
  const auto log = world.CreateVersions(70);
  ASSERT_THAT(world.memory->Delete(LogFile(fmt::format("{:020}", 2))), IsOk());
  EXPECT_THAT(log->References({}),
              IsError(ErrorKind::kCorruption, HasSubstr("00000000000000000002.json")));
  EXPECT_THAT(log->References({VersionId(1)}), IsOk());
}

// Every I/O of an expiry fails once, in each way: all that should stay can be read at once and
// after a restart, commits go on, and the next expiry ends the work.
TEST(Expire, EachOperationFailsOnce) {
  World made;
  {
    const auto log = made.CreateVersions(70);
  }
  const std::vector<ObjectInfo> objects = made.memory->List("").value();
  for (const FaultKind kind : {FaultKind::kError, FaultKind::kErrorAfterEffect, FaultKind::kCrash,
                               FaultKind::kCrashAfterEffect}) {
    for (uint64_t n = 1;; ++n) {
      SCOPED_TRACE(testing::Message() << "operation " << n << ", fault " << static_cast<int>(kind));
      World world;
      for (const ObjectInfo& object : objects) {
        ASSERT_THAT(world.memory->Put(object.path, made.memory->Get(object.path).value()), IsOk());
      }
      const auto log = world.Open();
      ASSERT_THAT(log->Expire(kNewestOnly, {}, ExpiryMode::kPlan), IsOk());  // reads the times
      world.store.faults().FailAt(n, kind);
      const RetentionRule rule = {.num_retained_min = 3, .num_retained_max = 3};
      const auto expiry = log->Expire(rule, {VersionId(2)}, ExpiryMode::kExpire);
      const bool failed = world.store.faults().failures() > 0;
      world.store.Restart();
      const auto reopened = world.Open();
      ExpectSame(*reopened->current(), *log->current());
      for (const uint64_t id : {2, 68, 69, 70}) {
        ExpectLoads(*reopened, id);
      }
      ExpectLoads(*reopened, Ids(*reopened).front());
      ASSERT_THAT(reopened->References({VersionId(2)}), IsOk());
      ASSERT_THAT(reopened->Expire(rule, {VersionId(2)}, ExpiryMode::kExpire), IsOk());
      EXPECT_THAT(Ids(*reopened), ElementsAre(2, 68, 69, 70));
      ASSERT_THAT(reopened->Commit(AddFile(1000)), IsOk());
      ASSERT_FALSE(testing::Test::HasFailure());
      if (!failed) {
        EXPECT_THAT(expiry, IsOk());
        EXPECT_GT(n, 10u);
        break;
      }
    }
  }
}

}  // namespace
}  // namespace varve
