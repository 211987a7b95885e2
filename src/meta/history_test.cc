// Proves that what is read of all versions of a log is the same with histories as without, whatever
// is missing, damaged, expired or held; that a history is written when it is due, by one of
// several; and that what the edits no longer say is never passed over.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <thread>

#include "base/checksum.h"
#include "base/matchers.h"
#include "meta/history_format.h"
#include "meta/table_log.h"
#include "meta/test_log_world.h"

namespace varve {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr RetentionRule kAll = {.num_retained_min = 1'000'000};
constexpr uint64_t kSmall = 16;  // versions per history

std::string LogFile(const std::string& name) {
  return TableLog::Folder(TestId(1)) + "/log/" + name;
}
std::string EditFile(uint64_t id) { return LogFile(fmt::format("{:020}.json", id)); }
std::string HistoryFileOf(uint64_t first, uint64_t last) {
  return LogFile(fmt::format("history-{:020}-{:020}.bin", first, last));
}

struct World : LogWorld {
  std::vector<std::string> Histories() {
    std::vector<std::string> names;
    const auto objects = memory->List("").value();
    for (const ObjectInfo& object : objects) {
      if (object.path.contains("/history-")) {
        names.push_back(object.path);
      }
    }
    return names;
  }
  void Damage(const std::string& path) {
    std::string bytes = memory->Get(path).value();
    bytes[bytes.size() / 2] ^= 0x01;
    ASSERT_THAT(memory->Put(path, bytes), IsOk());
  }
  void CopyFrom(MemoryObjectStore& other) {
    const auto objects = other.List("").value();
    for (const ObjectInfo& object : objects) {
      ASSERT_THAT(memory->Put(object.path, other.Get(object.path).value()), IsOk());
    }
  }
};

Status WriteHistories(TableLog& log, uint64_t versions_per_history = kSmall) {
  const auto expiry = log.Expire(kAll, {}, ExpiryMode::kExpire, versions_per_history);
  return expiry ? Status() : std::unexpected(expiry.error());
}

// All versions, one by one.
std::vector<std::shared_ptr<const Version>> Load(const TableLog& log) {
  std::vector<std::shared_ptr<const Version>> out;
  std::unique_ptr<VersionWalk> walk;
  const auto ids = log.Versions().value();
  for (const VersionId id : ids) {
    const bool follows = !out.empty() && out.back()->id.value() + 1 == id.value();
    if (!follows) {
      walk = log.Walk(id).value();
    }
    out.push_back(follows ? walk->Next().value() : log.Load(id).value());
  }
  return out;
}

// What is read of all versions is what each of them says by itself.
void ExpectTrue(const TableLog& log, const std::set<VersionId>& held = {}) {
  const auto versions = Load(log);
  std::set<std::string> references;
  std::map<Uuid, std::vector<VersionId>> users;
  std::map<Uuid, uint64_t> sizes;
  for (const auto& version : versions) {
    for (const auto& [id, file] : version->files) {
      references.insert(file.path);
      if (file.deletion_vector) {
        references.insert(file.deletion_vector->path);
      }
      users[id].push_back(version->id);
      sizes[id] = file.size_bytes;
    }
  }
  std::map<VersionId, uint64_t> own_bytes;
  for (const auto& [file, ids] : users) {
    if (ids.size() == 1) {
      own_bytes[ids.front()] += sizes[file];
    }
  }
  EXPECT_EQ(log.References(held).value(), references);
  EXPECT_EQ(log.OwnBytes().value(), own_bytes);
  const auto summaries = log.Summaries().value();
  ASSERT_EQ(summaries.size(), versions.size());
  for (size_t i = 0; i < versions.size(); ++i) {
    const VersionSummary expected = VersionSummary::Of(*versions[i]);
    EXPECT_EQ(summaries[i].id, expected.id);
    EXPECT_EQ(summaries[i].committed_at, expected.committed_at);
    EXPECT_EQ(summaries[i].kind, expected.kind);
    EXPECT_EQ(summaries[i].schema_id, expected.schema_id);
    EXPECT_EQ(summaries[i].rows, expected.rows);
    EXPECT_EQ(summaries[i].files, expected.files);
    EXPECT_EQ(summaries[i].bytes, expected.bytes);
  }
}

TEST(History, OneIsWrittenForEachRangeThatIsComplete) {
  World world;
  const auto log = world.CreateVersions(47);
  ASSERT_THAT(WriteHistories(*log), IsOk());
  EXPECT_THAT(world.Histories(), ElementsAre(HistoryFileOf(2, 16), HistoryFileOf(17, 32)));
  world.Grow(*log, 48);
  const uint64_t before = world.store.operations();
  ASSERT_THAT(WriteHistories(*log), IsOk());
  EXPECT_GT(world.store.operations(), before + 1);
  EXPECT_EQ(world.Histories().size(), 3u);
  const uint64_t settled = world.store.operations();
  ASSERT_THAT(WriteHistories(*log), IsOk());
  EXPECT_EQ(world.store.operations(), settled + 1);  // a look at the names
  ExpectTrue(*world.Open());
}

TEST(History, APlanWritesNone) {
  World world;
  const auto log = world.CreateVersions(40);
  ASSERT_THAT(log->Expire(kAll, {}, ExpiryMode::kPlan, kSmall), IsOk());
  EXPECT_THAT(world.Histories(), IsEmpty());
}

TEST(History, ALogWithoutAnyIsMadeUpForAFewAtATime) {
  World world;
  const auto log = world.CreateVersions(20 * 4);
  ASSERT_THAT(WriteHistories(*log, 4), IsOk());
  EXPECT_EQ(world.Histories().size(), 16u);
  ExpectTrue(*world.Open());
  ASSERT_THAT(WriteHistories(*log, 4), IsOk());
  EXPECT_EQ(world.Histories().size(), 20u);
  ExpectTrue(*world.Open());
}

TEST(History, WhatItHasIsNotReadFromEdits) {
  World world;
  {
    const auto log = world.CreateVersions(kSmall * 10);
    ASSERT_THAT(WriteHistories(*log), IsOk());
  }
  for (const int what : {0, 1, 2}) {
    const auto log = world.Open();
    const uint64_t before = world.store.operations();
    if (what == 0) {
      EXPECT_EQ(log->References({}).value().size(), kSmall * 10 - 1);
    } else if (what == 1) {
      EXPECT_EQ(log->Summaries().value().size(), kSmall * 10);
    } else {
      EXPECT_EQ(log->OwnBytes().value().size(), 1u);
    }
    EXPECT_EQ(world.store.operations() - before, 1u + 1u + 10u) << what;  // list, base, histories
  }
}

TEST(History, TheEditsAfterTheNewestOneAreRead) {
  World world;
  {
    const auto log = world.CreateVersions(kSmall + 5);
    ASSERT_THAT(WriteHistories(*log), IsOk());
  }
  ExpectTrue(*world.Open());
  const std::string good = world.memory->Get(EditFile(kSmall + 2)).value();
  const auto log = world.Open();
  world.Damage(EditFile(kSmall + 2));
  EXPECT_THAT(log->References({}),
              IsError(ErrorKind::kCorruption, HasSubstr(EditFile(kSmall + 2))));
  ASSERT_THAT(world.memory->Put(EditFile(kSmall + 2), good), IsOk());
  EXPECT_THAT(log->References({}), IsOk());
}

// The references are known without the bytes of the edit: none is missed.
TEST(History, AFlippedByteInAnEditThatItHasLosesNoReference) {
  World world;
  const auto log = world.CreateVersions(80);
  ASSERT_THAT(WriteHistories(*log), IsOk());
  const auto before = log->References({}).value();
  world.Damage(EditFile(20));
  EXPECT_EQ(log->References({}).value(), before);
  // Who needs what only the edit says is told.
  EXPECT_THAT(log->Load(VersionId(20)), IsError(ErrorKind::kCorruption, HasSubstr(EditFile(20))));
}

TEST(History, AnEditThatIsMissingOrHasAnotherSizeIsNamed) {
  World world;
  const auto log = world.CreateVersions(80);
  ASSERT_THAT(WriteHistories(*log), IsOk());
  const std::string good = world.memory->Get(EditFile(20)).value();
  ASSERT_THAT(world.memory->Put(EditFile(20), good + " "), IsOk());
  const auto other_size =
      IsError(ErrorKind::kCorruption, AllOf(HasSubstr(EditFile(20)), HasSubstr("bytes")));
  EXPECT_THAT(log->References({}), other_size);
  EXPECT_THAT(log->OwnBytes(), other_size);
  EXPECT_THAT(world.Open()->Summaries(), other_size);
  ASSERT_THAT(world.memory->Delete(EditFile(20)), IsOk());
  const auto missing =
      IsError(ErrorKind::kCorruption, AllOf(HasSubstr(EditFile(20)), HasSubstr("missing")));
  EXPECT_THAT(log->References({}), missing);
  EXPECT_THAT(log->OwnBytes(), missing);
  ASSERT_THAT(world.memory->Put(EditFile(20), good), IsOk());
  ExpectTrue(*log);
}

TEST(History, ADamagedOrMissingOneIsMadeUpForByTheEdits) {
  World world;
  {
    const auto log = world.CreateVersions(60);
    ASSERT_THAT(WriteHistories(*log), IsOk());
  }
  const auto histories = world.Histories();
  ASSERT_EQ(histories.size(), 3u);
  for (const std::string& history : histories) {
    const std::string good = world.memory->Get(history).value();
    for (size_t size = 0; size < good.size(); size += good.size() / 5 + 1) {
      ASSERT_THAT(world.memory->Put(history, good.substr(0, size)), IsOk());
      ExpectTrue(*world.Open());
    }
    ASSERT_THAT(world.memory->Put(history, good), IsOk());
    world.Damage(history);
    ExpectTrue(*world.Open());
    ASSERT_THAT(world.memory->Delete(history), IsOk());
    ExpectTrue(*world.Open());
  }
  ASSERT_THAT(WriteHistories(*world.Open()), IsOk());
  EXPECT_EQ(world.Histories(), histories);
}

TEST(History, OneOfAnotherLogIsNotUsed) {
  World world;
  {
    const auto log = world.CreateVersions(40);
    ASSERT_THAT(WriteHistories(*log), IsOk());
  }
  World other;
  other.clock.Advance(std::chrono::seconds(1));
  auto log = TableLog::Create(other.store, other.clock, TestId(1), TestSchema(), {}).value();
  for (uint64_t i = 2; i <= 40; ++i) {
    ASSERT_THAT(log->Commit(AddFile(1000 + i)), IsOk());
  }
  ASSERT_THAT(WriteHistories(*log), IsOk());
  for (const std::string& history : world.Histories()) {
    const std::string good = world.memory->Get(history).value();
    ASSERT_THAT(world.memory->Put(history, other.memory->Get(history).value()), IsOk());
    ExpectTrue(*world.Open());
    ASSERT_THAT(world.memory->Put(history, good), IsOk());
  }
  // Under another one's name.
  ASSERT_THAT(
      world.memory->Put(world.Histories()[0], world.memory->Get(world.Histories()[1]).value()),
      IsOk());
  ExpectTrue(*world.Open());
}

// Its bytes hold, what it says contradicts the log: nothing is taken from it in silence.
TEST(History, OneThatContradictsTheLogIsAnError) {
  World world;
  {
    const auto log = world.CreateVersions(40);
    ASSERT_THAT(WriteHistories(*log), IsOk());
  }
  const std::string path = HistoryFileOf(17, 32);
  const VersionHistory good = DecodeHistory(world.memory->Get(path).value()).value();
  VersionHistory bad = good;
  bad.steps[3].removed = {TestId(4711)};
  ASSERT_THAT(world.memory->Put(path, EncodeHistory(bad)), IsOk());
  EXPECT_THAT(world.Open()->References({}), IsError(ErrorKind::kCorruption));
  bad = good;
  bad.steps[3].added = good.steps[2].added;
  ASSERT_THAT(world.memory->Put(path, EncodeHistory(bad)), IsOk());
  EXPECT_THAT(world.Open()->References({}), IsError(ErrorKind::kCorruption));
  bad = good;
  bad.steps.back().edit_sha256 = std::string(64, 'f');
  ASSERT_THAT(world.memory->Put(path, EncodeHistory(bad)), IsOk());
  EXPECT_THAT(world.Open()->References({}), IsError(ErrorKind::kCorruption, HasSubstr(path)));
}

TEST(History, ANewerOneIsRefused) {
  World world;
  {
    const auto log = world.CreateVersions(40);
    ASSERT_THAT(WriteHistories(*log), IsOk());
  }
  const std::string path = HistoryFileOf(17, 32);
  std::string bytes = world.memory->Get(path).value();
  bytes[8] = static_cast<char>(kHistoryFormatMajor + 1);
  bytes.resize(bytes.size() - 32);
  const std::string sha256 = Sha256Hex(bytes);
  for (size_t i = 0; i < sha256.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(sha256.substr(i, 2), nullptr, 16)));
  }
  ASSERT_THAT(world.memory->Put(path, bytes), IsOk());
  EXPECT_THAT(world.Open()->References({}),
              IsError(ErrorKind::kNotSupported, AllOf(HasSubstr(path), HasSubstr("major 2"))));
}

TEST(History, ItGoesWithTheLastVersionThatNeedsIt) {
  World world;
  const auto log = world.CreateVersions(200);
  ASSERT_THAT(WriteHistories(*log), IsOk());
  EXPECT_EQ(world.Histories().size(), 12u);
  const RetentionRule some = {.num_retained_min = 60, .num_retained_max = 60};
  const std::set<VersionId> held = {VersionId(5), VersionId(7), VersionId(50)};
  ASSERT_THAT(log->Expire(some, held, ExpiryMode::kExpire, kSmall), IsOk());
  EXPECT_THAT(world.Histories(), ElementsAre(HistoryFileOf(2, 16), HistoryFileOf(49, 64),
                                             HistoryFileOf(129, 144), HistoryFileOf(145, 160),
                                             HistoryFileOf(161, 176), HistoryFileOf(177, 192)));
  ExpectTrue(*world.Open(), held);
  ASSERT_THAT(log->Expire(some, {VersionId(50)}, ExpiryMode::kExpire, kSmall), IsOk());
  EXPECT_EQ(world.Histories().front(), HistoryFileOf(49, 64));
  ExpectTrue(*world.Open(), {VersionId(50)});
  ASSERT_THAT(log->Expire(some, {}, ExpiryMode::kExpire, kSmall), IsOk());
  EXPECT_EQ(world.Histories().front(), HistoryFileOf(129, 144));
  ExpectTrue(*world.Open());
}

// Thousands of savepoints are not as many checkpoints to read.
TEST(History, VersionsThatAreHeldAreKnownWithoutTheirCheckpoints) {
  World world;
  std::set<VersionId> held;
  {
    const auto log = world.CreateVersions(20 * kSmall);
    ASSERT_THAT(WriteHistories(*log), IsOk());
    for (uint64_t id = 10; id <= 200; id += 10) {
      held.insert(VersionId(id));
    }
    const RetentionRule newest = {.num_retained_min = 1, .num_retained_max = 1};
    ASSERT_THAT(log->Expire(newest, held, ExpiryMode::kExpire, kSmall), IsOk());
  }
  const auto log = world.Open();
  ASSERT_EQ(log->Versions().value().size(), held.size() + 1);
  const uint64_t before = world.store.operations();
  ASSERT_THAT(log->References(held), IsOk());
  EXPECT_LE(world.store.operations() - before, 1u + 2u + 20u);  // list, two bases, histories
  ExpectTrue(*log, held);
}

TEST(History, ARangeOfWhichAPartHasExpiredIsWrittenFromThere) {
  World world;
  const auto log = world.CreateVersions(30);
  const RetentionRule some = {.num_retained_min = 5, .num_retained_max = 5};
  ASSERT_THAT(log->Expire(some, {}, ExpiryMode::kExpire, kSmall), IsOk());
  EXPECT_THAT(world.Histories(), IsEmpty());
  world.Grow(*log, 34);
  ASSERT_THAT(WriteHistories(*log), IsOk());
  EXPECT_THAT(world.Histories(), ElementsAre(HistoryFileOf(27, 32)));
  ExpectTrue(*world.Open());
}

TEST(History, TwoWriteTheSameOne) {
  World world;
  const auto one = world.CreateVersions(40);
  const auto two = world.Open();
  std::thread other([&] { EXPECT_THAT(WriteHistories(*one), IsOk()); });
  EXPECT_THAT(WriteHistories(*two), IsOk());
  other.join();
  std::map<std::string, std::string> written;
  for (const std::string& path : world.Histories()) {
    written[path] = world.memory->Get(path).value();
    ASSERT_THAT(world.memory->Delete(path), IsOk());
  }
  EXPECT_EQ(written.size(), 2u);
  ExpectTrue(*world.Open());
  // Who wins makes no difference.
  ASSERT_THAT(WriteHistories(*two), IsOk());
  for (const auto& [path, bytes] : written) {
    EXPECT_EQ(world.memory->Get(path).value(), bytes);
  }
}

// Every I/O of an expiry that writes histories fails once, in each way: nothing is lost, and the
// next expiry makes up for it.
TEST(History, EachOperationFailsOnce) {
  World made;
  {
    const auto log = made.CreateVersions(26);
    ASSERT_THAT(WriteHistories(*log, 4), IsOk());
  }
  for (const uint64_t first : {17, 21}) {
    ASSERT_THAT(made.memory->Delete(HistoryFileOf(first, first + 3)), IsOk());
  }
  const RetentionRule rule = {.num_retained_min = 12, .num_retained_max = 12};
  const std::set<VersionId> held = {VersionId(2), VersionId(11), VersionId(12)};
  for (const FaultKind kind : {FaultKind::kError, FaultKind::kCrashAfterEffect}) {
    for (uint64_t n = 1;; ++n) {
      SCOPED_TRACE(testing::Message() << "operation " << n << ", fault " << static_cast<int>(kind));
      World world;
      world.CopyFrom(*made.memory);
      const auto log = world.Open();
      world.store.faults().FailAt(n, kind);
      const auto expiry = log->Expire(rule, held, ExpiryMode::kExpire, 4);
      const bool failed = world.store.faults().failures() > 0;
      world.store.Restart();
      ExpectTrue(*world.Open(), held);
      const auto again = world.Open();
      ASSERT_THAT(again->Expire(rule, held, ExpiryMode::kExpire, 4), IsOk());
      EXPECT_TRUE(world.memory->Get(HistoryFileOf(21, 24)).has_value());
      ASSERT_FALSE(testing::Test::HasFailure());
      if (!failed) {
        EXPECT_THAT(expiry, IsOk());
        EXPECT_GT(n, 30u);
        break;
      }
    }
  }
}

// A store that fails is no damage: no smaller set of references is the answer.
TEST(History, EachReadFailsOnce) {
  World world;
  std::set<std::string> all;
  {
    const auto log = world.CreateVersions(70);
    ASSERT_THAT(WriteHistories(*log), IsOk());
    all = log->References({}).value();
  }
  const auto log = world.Open();
  for (uint64_t n = 1;; ++n) {
    const uint64_t failures = world.store.faults().failures();
    world.store.faults().FailAt(n, FaultKind::kError);
    const auto references = log->References({});
    if (world.store.faults().failures() == failures) {
      EXPECT_EQ(references.value(), all);
      EXPECT_GT(n, 6u);
      return;
    }
    EXPECT_THAT(references, IsError(ErrorKind::kIo)) << n;
  }
}

// Random edits, expiries, holds and damage of histories.
TEST(History, AsWithoutItWhateverHappens) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    World world;
    auto log = world.CreateVersions(1);
    std::set<VersionId> held;
    std::map<Uuid, FileMeta> gone;
    uint64_t next = 2;
    for (int step = 0; step < 120; ++step) {
      const auto current = log->current();
      VersionEdit edit = AddFile(next++);
      const auto any = [&](const auto& files) {
        return std::next(files.begin(), static_cast<ptrdiff_t>(random() % files.size()));
      };
      if (!current->files.empty() && random() % 2 == 0) {
        const auto victim = any(current->files);
        gone[victim->first] = victim->second;
        edit.removed_files = {victim->first};
      } else if (!current->files.empty() && random() % 3 == 0) {
        const auto masked = any(current->files);
        const uint64_t rows = masked->second.deletion_vector
                                  ? masked->second.deletion_vector->rows + 1
                                  : 1 + random() % 5;
        edit.deletion_vectors[masked->first] = TestVector(rows);
        edit.deletion_vectors[masked->first].path += std::to_string(next);
      } else if (!gone.empty() && random() % 2 == 0) {
        const auto back = any(gone);
        if (!current->files.contains(back->first)) {
          edit.kind = EditKind::kRestore;
          edit.added_files.push_back(back->second);
        }
      }
      world.clock.Advance(std::chrono::seconds(1));
      ASSERT_THAT(log->Commit(edit), IsOk());
      if (random() % 8 == 0) {
        held.insert(log->current()->id);
      }
      if (random() % 16 == 0 && !held.empty()) {
        held.erase(any(held));
      }
      if (random() % 10 == 0) {
        const uint64_t kept = 1 + random() % 40;
        const RetentionRule rule = {.num_retained_min = kept, .num_retained_max = kept};
        ASSERT_THAT(log->Expire(rule, held, ExpiryMode::kExpire, 1 + random() % 6), IsOk());
      }
      const auto histories = world.Histories();
      if (!histories.empty() && random() % 20 == 0) {
        world.Damage(histories[random() % histories.size()]);
      }
      if (random() % 6 == 0) {
        log = world.Open();
        ExpectTrue(*log, held);
      }
      ASSERT_FALSE(testing::Test::HasFailure()) << "step " << step;
    }
  }
}

}  // namespace
}  // namespace varve
