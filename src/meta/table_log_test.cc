// Proves that a table's versions are durable, complete and in order: over reopening, checkpoints,
// concurrent committers and damage of every file.
#include "meta/table_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "base/matchers.h"
#include "meta/test_values.h"
#include "store/faulty_store.h"
#include "store/memory_store.h"

namespace varve {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string EditFile(uint64_t version) {
  return fmt::format("{}/log/{:020}.json", TableLog::Folder(TestId(1)), version);
}

std::string CheckpointFile(uint64_t version) {
  return fmt::format("{}/log/checkpoint-{:020}.json", TableLog::Folder(TestId(1)), version);
}

class TableLogTest : public testing::Test {
 protected:
  std::unique_ptr<TableLog> Create() {
    auto log = TableLog::Create(*store_, clock_, TestId(1), TestSchema(), {});
    EXPECT_THAT(log, IsOk());
    return *std::move(log);
  }
  Result<std::unique_ptr<TableLog>> Reopen() { return TableLog::Open(*store_, clock_, TestId(1)); }

  // A log of that many versions, one file each but for the first.
  std::unique_ptr<TableLog> CreateVersions(uint64_t versions) {
    auto log = Create();
    for (uint64_t i = 2; i <= versions; ++i) {
      EXPECT_THAT(log->Commit(AddFile(i)), IsOk());
    }
    return log;
  }

  void Damage(const std::string& path) {
    std::string bytes = memory_->Get(path).value();
    bytes[bytes.size() / 2] ^= 0x01;
    ASSERT_THAT(memory_->Put(path, bytes), IsOk());
  }

  ManualClock clock_{kTestNow};
  std::shared_ptr<MemoryObjectStore> memory_ = std::make_shared<MemoryObjectStore>(&clock_);
  std::shared_ptr<FaultyObjectStore> store_ = std::make_shared<FaultyObjectStore>(memory_);
};

TEST_F(TableLogTest, ANewLogIsVersionOne) {
  const auto log = Create();
  EXPECT_EQ(log->current()->id, VersionId(1));
  EXPECT_EQ(log->current()->committed_at, kTestNow);
  const auto reopened = Reopen();
  ASSERT_THAT(reopened, IsOk());
  ExpectSame(*(*reopened)->current(), *log->current());
}

TEST_F(TableLogTest, ATableIsMadeOnceAndOpenedOnlyIfThere) {
  EXPECT_THAT(Reopen(), IsError(ErrorKind::kNotFound));
  const auto log = Create();
  EXPECT_THAT(TableLog::Create(*store_, clock_, TestId(1), TestSchema(), {}),
              IsError(ErrorKind::kAlreadyExists));
}

TEST_F(TableLogTest, ACommitIsOneWrite) {
  const auto log = Create();
  const uint64_t before = store_->operations();
  ASSERT_THAT(log->Commit(AddFile(1)), IsOk());
  EXPECT_EQ(store_->operations(), before + 1);
}

TEST_F(TableLogTest, EveryKindOfEditComesBack) {
  const auto log = CreateVersions(3);
  VersionEdit edit = AddFile(4);
  edit.kind = EditKind::kCompact;
  edit.base = log->current()->id;
  edit.removed_files = {TestId(2)};
  edit.deletion_vectors[TestId(3)] = TestVector(5);
  edit.schema =
      log->current()->schema->WithColumnsAdded({TestColumn("x", ColumnType::kInt8)}).value();
  edit.options = TableOptions();
  edit.options->enable_ttl = false;
  edit.flushed = Sequence(77);
  edit.operation_id = "op";
  ASSERT_THAT(log->Commit(edit), IsOk());
  ExpectSame(*Reopen().value()->current(), *log->current());
}

TEST_F(TableLogTest, RefusedEditsChangeNothing) {
  const auto log = CreateVersions(2);
  EXPECT_THAT(log->Commit(AddFile(2)), IsError(ErrorKind::kInvalidArgument));
  EXPECT_EQ(log->current()->id, VersionId(2));
  EXPECT_EQ(Reopen().value()->current()->id, VersionId(2));
}

TEST_F(TableLogTest, OpeningReadsACheckpointAndAtMost64Edits) {
  const auto log = CreateVersions(200);
  ASSERT_THAT(memory_->Get(CheckpointFile(64)), IsOk());
  ASSERT_THAT(memory_->Get(CheckpointFile(192)), IsOk());
  const uint64_t before = store_->operations();
  const auto reopened = Reopen();
  ASSERT_THAT(reopened, IsOk());
  EXPECT_LE(store_->operations() - before, 1 + 1 + kVersionsPerCheckpoint);
  EXPECT_EQ(store_->operations() - before, 1u + 1u + (200 - 192));
  ExpectSame(*(*reopened)->current(), *log->current());
}

TEST_F(TableLogTest, OldVersionsCanBeLoaded) {
  const auto log = CreateVersions(130);
  for (const uint64_t id : {1, 2, 63, 64, 65, 128, 129, 130}) {
    const auto version = log->Load(VersionId(id));
    ASSERT_THAT(version, IsOk()) << id;
    EXPECT_EQ((*version)->id, VersionId(id));
    EXPECT_EQ((*version)->files.size(), id - 1);
  }
  EXPECT_THAT(log->Load(VersionId(131)), IsError(ErrorKind::kNotFound));
  EXPECT_THAT(log->Load(VersionId(0)), IsError(ErrorKind::kNotFound));
}

TEST_F(TableLogTest, ExpiredVersionsAreNotFoundAndNewerOnesStayReadable) {
  {
    const auto log = CreateVersions(130);
  }
  for (uint64_t id = 1; id <= 63; ++id) {
    ASSERT_THAT(memory_->Delete(EditFile(id)), IsOk());
  }
  const auto reopened = Reopen();
  ASSERT_THAT(reopened, IsOk());
  EXPECT_EQ((*reopened)->current()->files.size(), 129u);
  EXPECT_THAT((*reopened)->Load(VersionId(63)), IsError(ErrorKind::kNotFound));
  EXPECT_THAT((*reopened)->Load(VersionId(100)), IsOk());
}

TEST_F(TableLogTest, AWalkMeetsEachVersionOverCheckpointsAndExpiry) {
  const auto log = CreateVersions(70);
  const auto walk = log->Walk(VersionId()).value();
  for (uint64_t i = 1; i <= 70; ++i) {
    const auto version = walk->Next();
    ASSERT_THAT(version, IsOk());
    ASSERT_NE(*version, nullptr);
    EXPECT_EQ((*version)->id, VersionId(i));
    ExpectSame(**version, **log->Load(VersionId(i)));
  }
  EXPECT_EQ(*walk->Next(), nullptr);
  ASSERT_THAT(log->Commit(AddFile(71)), IsOk());
  EXPECT_EQ((*walk->Next())->id, VersionId(71));
  const std::set<VersionId> held = {VersionId(30), VersionId(31)};
  ASSERT_THAT(
      log->Expire({.num_retained_min = 1, .num_retained_max = 1}, held, ExpiryMode::kExpire),
      IsOk());
  EXPECT_THAT(log->Walk(VersionId(20)), IsError(ErrorKind::kNotFound));
  const auto between = log->Walk(VersionId(30)).value();
  EXPECT_EQ((*between->Next())->id, VersionId(31));
}

TEST_F(TableLogTest, LiveVersionsAreThoseThatSomebodyHolds) {
  const auto log = CreateVersions(2);
  const auto ids = [&] {
    std::set<VersionId> out;
    for (const auto& version : log->live()) {
      out.insert(version->id);
    }
    return out;
  };
  auto second = log->current();
  ASSERT_THAT(log->Commit(AddFile(3)), IsOk());
  ASSERT_THAT(log->Commit(AddFile(4)), IsOk());
  auto first = log->Load(VersionId(1)).value();
  EXPECT_THAT(ids(), testing::ElementsAre(VersionId(1), VersionId(2), VersionId(4)));
  EXPECT_EQ(log->Load(VersionId(2)).value(), second);
  first.reset();
  second.reset();
  EXPECT_THAT(ids(), testing::ElementsAre(VersionId(4)));
}

TEST_F(TableLogTest, TimeIsStrictlyMonotonicOverAClockThatStepsBack) {
  auto log = CreateVersions(2);
  clock_.Set(TimestampUs(5));
  log = Reopen().value();
  ASSERT_THAT(log->Commit(AddFile(3)), IsOk());
  EXPECT_EQ(log->current()->committed_at, TimestampUs(kTestNow.value() + 2));
  ExpectSame(*Reopen().value()->current(), *log->current());
}

TEST_F(TableLogTest, EightThreadsLoseNoEdit) {
  const auto log = Create();
  std::vector<std::thread> threads;
  for (uint64_t thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (uint64_t i = 0; i < 25; ++i) {
        EXPECT_THAT(log->Commit(AddFile(100 * (thread + 1) + i)), IsOk());
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(log->current()->id, VersionId(201));
  EXPECT_EQ(log->current()->files.size(), 200u);
  ExpectSame(*Reopen().value()->current(), *log->current());
}

TEST_F(TableLogTest, TwoProcessesLoseNoEdit) {
  const auto one = Create();
  const auto two = Reopen().value();
  std::vector<std::thread> threads;
  for (uint64_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (uint64_t i = 0; i < 25; ++i) {
        const VersionEdit edit = AddFile(100 * (thread + 1) + i);
        Result<std::shared_ptr<const Version>> done = Conflict("not tried");
        while (!done && done.error().kind == ErrorKind::kConflict) {
          done = (thread % 2 == 0 ? one : two)->Commit(edit);
        }
        EXPECT_THAT(done, IsOk());
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  const auto reopened = Reopen().value()->current();
  EXPECT_EQ(reopened->id, VersionId(101));
  EXPECT_EQ(reopened->files.size(), 100u);
}

TEST_F(TableLogTest, ACommitOfAnotherProcessIsMetAndJudged) {
  const auto one = Create();
  const auto two = Reopen().value();
  ASSERT_THAT(one->Commit(AddFile(1)), IsOk());
  EXPECT_THAT(two->Commit(AddFile(1)), IsError(ErrorKind::kInvalidArgument));
  ASSERT_THAT(two->Commit(AddFile(2)), IsOk());
  EXPECT_EQ(two->current()->id, VersionId(3));
}

TEST_F(TableLogTest, ALostAnswerIsSettledByReadingBack) {
  const auto log = Create();
  store_->faults().FailAt(1, FaultKind::kErrorAfterEffect);
  const auto committed = log->Commit(AddFile(1));
  ASSERT_THAT(committed, IsOk());
  EXPECT_EQ((*committed)->id, VersionId(2));
  ExpectSame(*Reopen().value()->current(), **committed);
}

TEST_F(TableLogTest, AnUnknownOutcomeIsMetByTheNextCommit) {
  const auto log = Create();
  store_->faults().FailAt(1, FaultKind::kCrashAfterEffect);
  EXPECT_THAT(log->Commit(AddFile(1)), IsError(ErrorKind::kUnknownOutcome));
  EXPECT_EQ(log->current()->id, VersionId(1));
  store_->Restart();
  ASSERT_THAT(log->Commit(AddFile(2)), IsOk());
  EXPECT_EQ(log->current()->id, VersionId(3));
  EXPECT_EQ(log->current()->files.size(), 2u);
}

TEST_F(TableLogTest, ACheckpointThatFailsDoesNotFailTheCommit) {
  const auto log = CreateVersions(63);
  store_->faults().FailAt(2, FaultKind::kError);
  EXPECT_THAT(log->Commit(AddFile(64)), IsOk());
  EXPECT_EQ(store_->faults().failures(), 1u);
  EXPECT_THAT(memory_->Get(CheckpointFile(64)), IsError(ErrorKind::kNotFound));
  const auto reopened = Reopen().value();
  ExpectSame(*reopened->current(), *log->current());
  // Whoever opens the log next makes up for it.
  ASSERT_THAT(reopened->Commit(AddFile(65)), IsOk());
  EXPECT_THAT(memory_->Get(CheckpointFile(65)), IsOk());
}

TEST_F(TableLogTest, AMissingFileIsNamed) {
  for (const uint64_t gone : {1, 2, 4}) {
    memory_ = std::make_shared<MemoryObjectStore>(&clock_);
    store_ = std::make_shared<FaultyObjectStore>(memory_);
    {
      const auto log = CreateVersions(5);
    }
    ASSERT_THAT(memory_->Delete(EditFile(gone)), IsOk());
    EXPECT_THAT(Reopen(), IsError(ErrorKind::kCorruption,
                                  AllOf(HasSubstr(EditFile(gone)), HasSubstr("missing"),
                                        HasSubstr("restore this file from a backup"),
                                        HasSubstr("nothing was changed"))));
  }
}

TEST_F(TableLogTest, ADamagedFileIsNamedAlsoTheNewest) {
  for (uint64_t damaged = 1; damaged <= 5; ++damaged) {
    memory_ = std::make_shared<MemoryObjectStore>(&clock_);
    store_ = std::make_shared<FaultyObjectStore>(memory_);
    {
      const auto log = CreateVersions(5);
    }
    Damage(EditFile(damaged));
    EXPECT_THAT(Reopen(), IsError(ErrorKind::kCorruption,
                                  AllOf(HasSubstr(EditFile(damaged)),
                                        HasSubstr("restore this file from a backup"))));
  }
}

TEST_F(TableLogTest, ATornFileIsNamed) {
  {
    const auto log = CreateVersions(5);
  }
  const std::string bytes = memory_->Get(EditFile(5)).value();
  for (const size_t size : {size_t{0}, size_t{1}, bytes.size() / 2, bytes.size() - 1}) {
    ASSERT_THAT(memory_->Put(EditFile(5), bytes.substr(0, size)), IsOk());
    EXPECT_THAT(Reopen(), IsError(ErrorKind::kCorruption, HasSubstr(EditFile(5))));
  }
}

TEST_F(TableLogTest, AFileOfAnotherHistoryIsFound) {
  {
    const auto log = CreateVersions(4);
  }
  // A valid edit of version 3 that another parent had.
  MemoryObjectStore other(&clock_);
  const auto log = TableLog::Create(other, clock_, TestId(1), TestSchema(), {}).value();
  ASSERT_THAT(log->Commit(AddFile(50)), IsOk());
  ASSERT_THAT(log->Commit(AddFile(51)), IsOk());
  ASSERT_THAT(memory_->Put(EditFile(3), other.Get(EditFile(3)).value()), IsOk());
  EXPECT_THAT(Reopen(),
              IsError(ErrorKind::kCorruption, AllOf(HasSubstr(EditFile(3)), HasSubstr("parent"))));
}

TEST_F(TableLogTest, AFileUnderAnotherVersionsNameIsFound) {
  {
    const auto log = CreateVersions(4);
  }
  ASSERT_THAT(memory_->Put(EditFile(4), memory_->Get(EditFile(3)).value()), IsOk());
  EXPECT_THAT(Reopen(), IsError(ErrorKind::kCorruption,
                                AllOf(HasSubstr(EditFile(4)), HasSubstr("holds version 3"))));
}

TEST_F(TableLogTest, TheChainIsCheckedAcrossACheckpoint) {
  {
    const auto log = CreateVersions(66);
  }
  MemoryObjectStore other(&clock_);
  const auto log = TableLog::Create(other, clock_, TestId(1), TestSchema(), {}).value();
  for (uint64_t i = 2; i <= 65; ++i) {
    ASSERT_THAT(log->Commit(AddFile(1000 + i)), IsOk());
  }
  ASSERT_THAT(memory_->Put(EditFile(65), other.Get(EditFile(65)).value()), IsOk());
  EXPECT_THAT(Reopen(), IsError(ErrorKind::kCorruption, HasSubstr(EditFile(65))));
}

TEST_F(TableLogTest, AnOlderCheckpointStandsInForADamagedOne) {
  const auto log = CreateVersions(140);
  Damage(CheckpointFile(128));
  ExpectSame(*Reopen().value()->current(), *log->current());
  Damage(CheckpointFile(64));
  ExpectSame(*Reopen().value()->current(), *log->current());
}

TEST_F(TableLogTest, ADamagedCheckpointIsAnErrorWhenItsEditsAreGone) {
  {
    const auto log = CreateVersions(140);
  }
  Damage(CheckpointFile(128));
  ASSERT_THAT(memory_->Delete(EditFile(100)), IsOk());
  EXPECT_THAT(Reopen(), IsError(ErrorKind::kCorruption,
                                AllOf(HasSubstr(CheckpointFile(128)), HasSubstr(EditFile(100)))));
}

TEST_F(TableLogTest, ADamagedCheckpointNeverYieldsAnOlderVersion) {
  {
    const auto log = CreateVersions(64);
  }
  ASSERT_THAT(memory_->Delete(EditFile(64)), IsOk());
  EXPECT_EQ(Reopen().value()->current()->id, VersionId(64));
  Damage(CheckpointFile(64));
  EXPECT_THAT(Reopen(), IsError(ErrorKind::kCorruption, HasSubstr(CheckpointFile(64))));
}

TEST_F(TableLogTest, FilesWithOtherNamesAreNotTheLogs) {
  const auto log = CreateVersions(3);
  for (const std::string name :
       {"notes.txt", "00000000000000000000.json", "4.json", "checkpoint-4.json",
        "99999999999999999999.json", "0000000000000000000x.json"}) {
    ASSERT_THAT(memory_->Put(TableLog::Folder(TestId(1)) + "/log/" + name, "x"), IsOk());
  }
  EXPECT_EQ(Reopen().value()->current()->id, VersionId(3));
}

TEST_F(TableLogTest, AStoreThatFailsIsNoDamage) {
  {
    const auto log = CreateVersions(70);
  }
  for (uint64_t n = 1;; ++n) {
    store_->faults().FailAt(n, FaultKind::kError);
    const uint64_t failures = store_->faults().failures();
    const auto opened = Reopen();
    if (store_->faults().failures() == failures) {
      EXPECT_THAT(opened, IsOk());
      EXPECT_EQ(n, 1u + 1u + 6u + 1u);
      return;
    }
    EXPECT_THAT(opened, IsError(ErrorKind::kIo)) << n;
  }
}

}  // namespace
}  // namespace varve
