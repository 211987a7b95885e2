// Savepoints, older versions and rollback of tables in a database: one point in time over several
// tables, what they hold against expiry and GC, and what is said when there is nothing.
#include <gmock/gmock.h>

#include <thread>

#include "engine/database.h"
#include "engine/test_memory_database.h"
#include "engine/test_rows.h"
#include "store/faulty_store.h"
#include "store/memory_store.h"

namespace varve {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class SavepointTest : public testing::Test {
 protected:
  SavepointTest() { database_.Start(); }

  void Restart() {
    database_.Stop();
    store_.Restart();
    database_.Start();
  }
  std::shared_ptr<Table> Create(const std::string& name, TableOptions options = {}) {
    options.enable_ttl = false;
    return database_->CreateTable("public", name, TestSpec(), std::move(options)).value();
  }
  std::shared_ptr<Table> Find(const std::string& name) { return database_.Find(name); }
  void Write(const std::shared_ptr<Table>& table, const std::vector<TestRow>& rows) {
    ASSERT_THAT(database_.WriteBatch(table, TestBatch(*table->schema(), rows)), IsOk());
    clock_.Advance(std::chrono::seconds(1));
  }
  // One more version, with one more file.
  void AddFile(const std::shared_ptr<Table>& table, const std::vector<TestRow>& rows) {
    Write(table, rows);
    ASSERT_THAT(table->Flush(), IsOk());
  }
  Savepoint Make(const std::shared_ptr<Table>& table, SavepointSpec spec = {},
                 std::optional<VersionRef> as_of = std::nullopt) {
    return database_->CreateSavepoints({table}, spec, as_of).value().front().savepoint;
  }
  Result<TestRows> At(const std::shared_ptr<Table>& table, const VersionRef& ref) {
    VARVE_ASSIGN(const auto version, table->FindVersion(ref));
    return ReadRows(store_, table->ViewAt(version));
  }
  TestRows Now(const std::shared_ptr<Table>& table) {
    return ReadRows(store_, table->View().value()).value();
  }
  void ExpireAndCollect(const std::shared_ptr<Table>& table) { database_.ExpireAndCollect(*table); }

  ManualClock clock_{TimestampUs(1'700'000'000'000'000)};
  std::shared_ptr<MemoryObjectStore> memory_ = std::make_shared<MemoryObjectStore>(&clock_);
  FaultyObjectStore store_{memory_};
  MemoryDatabase database_{&store_, &clock_};
};

TEST_F(SavepointTest, ItHasWhatHadBeenWrittenAndStaysOverExpiryAndRestart) {
  auto table = Create("cpu");
  Write(table, {{"a", 1000, 1}});
  const Savepoint savepoint = Make(table, {.name = "before"});
  EXPECT_EQ(savepoint.id, SavepointId(1));
  EXPECT_EQ(savepoint.record_count, 1U);
  EXPECT_EQ(savepoint.group.tables, 1U);
  AddFile(table, {{"a", 1000, 2}, {"b", 2000, 3}});
  ASSERT_THAT(database_->CompactTable(*table), IsOk());
  ExpireAndCollect(table);
  table.reset();
  Restart();
  table = Find("cpu");
  ExpireAndCollect(table);
  for (const VersionRef& ref :
       {VersionRef(SavepointId(1)), VersionRef(SavepointName{"before"}),
        VersionRef(savepoint.saved_snapshot_id), VersionRef(savepoint.save_time)}) {
    EXPECT_THAT(*At(table, ref), ElementsAre(TestRow{"a", 1000, 1})) << Describe(ref);
  }
  EXPECT_THAT(Now(table), ElementsAre(TestRow{"a", 1000, 2}, TestRow{"b", 2000, 3}));
  ASSERT_THAT(database_->DropSavepoint(*table, SavepointId(1)), IsOk());
  ExpireAndCollect(table);
  EXPECT_THAT(At(table, savepoint.saved_snapshot_id), IsError(ErrorKind::kNotFound));
  EXPECT_EQ(Make(table).id, SavepointId(2));
}

TEST_F(SavepointTest, SeveralTablesHaveOnePointInTime) {
  std::vector<std::shared_ptr<Table>> tables = {Create("a"), Create("b"), Create("c")};
  std::atomic<bool> stopping = false;
  std::atomic<int64_t> written = 0;
  // Row n goes to table a before b before c, each acknowledged before the next.
  std::jthread writer([&] {
    for (int64_t n = 1; !stopping; ++n) {
      for (const auto& table : tables) {
        std::vector<TableWrite> writes;
        writes.push_back({table, TestBatch(*table->schema(), {{"x", n, n}})});
        ASSERT_THAT(database_->Write(std::move(writes)), IsOk());
      }
      written = n;
    }
  });
  for (int round = 0; round < 20; ++round) {
    while (written < 10 * round) {
      std::this_thread::yield();
    }
    const int64_t acknowledged = written;
    const auto made = database_->CreateSavepoints(tables, {}, std::nullopt);
    ASSERT_THAT(made, IsOk());
    std::vector<int64_t> last;
    for (const TableSavepoint& each : *made) {
      const auto rows = At(each.table, each.savepoint.id);
      ASSERT_THAT(rows, IsOk());
      last.push_back(rows->empty() ? 0 : rows->rbegin()->value);
      EXPECT_EQ(rows->size(), static_cast<size_t>(last.back()));
    }
    EXPECT_GE(last[2], acknowledged);
    EXPECT_GE(last[0], last[1]);
    EXPECT_GE(last[1], last[2]);
    EXPECT_LE(last[0], last[2] + 1);
    EXPECT_EQ((*made)[0].savepoint.group, (*made)[2].savepoint.group);
    EXPECT_EQ((*made)[0].savepoint.group.tables, 3U);
  }
  stopping = true;
}

// A savepoint of an old version either wins against an expiry or says that the version is gone; one
// that was made can be read for ever.
TEST_F(SavepointTest, WhatExpiresMeanwhileIsSavedOrRefused) {
  const auto table = Create("cpu");
  for (int64_t n = 1; n <= 30; ++n) {
    AddFile(table, {{"x", n, n}});
  }
  std::atomic<bool> stopping = false;
  std::jthread expiring([&] {
    for (uint64_t keep = 30; !stopping; keep = std::max<uint64_t>(1, keep - 1)) {
      const RetentionRule rule = {.num_retained_min = keep, .num_retained_max = keep};
      ASSERT_THAT(database_->housekeeping().ExpireVersions(*table, rule, ExpiryMode::kExpire),
                  IsOk());
      ASSERT_THAT(database_->housekeeping().Collect(GcMode::kDelete, kNoGrace), IsOk());
    }
  });
  size_t made = 0;
  for (uint64_t version = 31; version >= 2; --version) {
    const auto saved = database_->CreateSavepoints({table}, {}, VersionId(version));
    if (!saved) {
      EXPECT_THAT(saved, IsError(ErrorKind::kNotFound));
      continue;
    }
    ++made;
    EXPECT_THAT(*At(table, saved->front().savepoint.id), SizeIs(version - 1));
  }
  stopping = true;
  expiring.join();
  EXPECT_GT(made, 0U);
  ExpireAndCollect(table);
  const auto savepoints = table->savepoints().List().value();
  EXPECT_EQ(savepoints.size(), made);
  for (const Savepoint& savepoint : savepoints) {
    EXPECT_THAT(*At(table, savepoint.id), SizeIs(savepoint.saved_snapshot_id.value() - 1));
  }
}

TEST_F(SavepointTest, WhatIsNotThereIsSaidWithWhatIs) {
  const auto table = Create("cpu");
  AddFile(table, {{"a", 1000, 1}});
  const TimestampUs between = clock_.Now();
  AddFile(table, {{"a", 2000, 2}});
  Make(table, {.name = "kept"});
  EXPECT_THAT(At(table, VersionId(99)),
              IsError(ErrorKind::kNotFound, AllOf(HasSubstr("table cpu has no snapshot 99"),
                                                  HasSubstr("there are snapshots 1 to 3"),
                                                  HasSubstr("and savepoint 1 ('kept')"))));
  EXPECT_THAT(At(table, SavepointId(9)), IsError(ErrorKind::kNotFound, HasSubstr("savepoint 9")));
  EXPECT_THAT(At(table, SavepointName{"lost"}),
              IsError(ErrorKind::kNotFound, HasSubstr("savepoint 'lost'")));
  EXPECT_THAT(At(table, TimestampUs(0)),
              IsError(ErrorKind::kNotFound, HasSubstr("the oldest of 2023-11-14")));
  EXPECT_THAT(At(table, TimestampUs(clock_.Now().value() + 1)),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("in the future")));
  EXPECT_THAT(*At(table, between), SizeIs(1));
  EXPECT_THAT(*At(table, clock_.Now()), SizeIs(2));
  for (const char* const text : {"", "1.5", "snapshot.x", "a.b", "savepoint."}) {
    EXPECT_THAT(ParseVersionRef(text), IsError(ErrorKind::kInvalidArgument)) << text;
  }
  EXPECT_EQ(*ParseVersionRef("42"), VersionRef(VersionId(42)));
  EXPECT_EQ(*ParseVersionRef("snapshot.42"), VersionRef(VersionId(42)));
  EXPECT_EQ(*ParseVersionRef("savepoint.7"), VersionRef(SavepointId(7)));
  EXPECT_EQ(*ParseVersionRef("savepoint.x"), VersionRef(SavepointName{"x"}));
  EXPECT_EQ(*ParseVersionRef("x"), VersionRef(SavepointName{"x"}));
}

TEST_F(SavepointTest, ALockedOneIsNotDropped) {
  const auto table = Create("cpu");
  const TimestampUs until(clock_.Now().value() + 3'600'000'000);
  const TimestampUs retained(clock_.Now().value() + 1'000'000);
  Make(table, {.retain_until = retained, .lock_until = until});
  EXPECT_THAT(database_->DropSavepoint(*table, SavepointId(1)),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("is locked until 2023-11-14T")));
  clock_.Advance(std::chrono::minutes(30));
  EXPECT_EQ(table->ExpireSavepoints().value(), 0U);
  clock_.Advance(std::chrono::minutes(31));
  EXPECT_EQ(table->ExpireSavepoints().value(), 1U);
  EXPECT_THAT(database_->DropSavepoint(*table, SavepointId(1)),
              IsError(ErrorKind::kNotFound, HasSubstr("no savepoint 1")));
}

TEST_F(SavepointTest, MissedAutomaticOnesAreMadeOnce) {
  TableOptions options;
  options.savepoint_create_interval = std::chrono::hours(1);
  options.savepoint_num_retained_max = 3;
  const auto table = Create("cpu", options);
  Create("other");
  EXPECT_EQ(database_->CreateDueSavepoints(), 1U);
  EXPECT_EQ(database_->CreateDueSavepoints(), 0U);
  clock_.Advance(std::chrono::hours(10));
  EXPECT_EQ(database_->CreateDueSavepoints(), 1U);
  EXPECT_EQ(database_->CreateDueSavepoints(), 0U);
  Make(table);  // one by hand counts for nothing
  clock_.Advance(std::chrono::minutes(59));
  EXPECT_EQ(database_->CreateDueSavepoints(), 0U);
  for (int i = 0; i < 3; ++i) {
    clock_.Advance(std::chrono::hours(1));
    EXPECT_EQ(database_->CreateDueSavepoints(), 1U);
  }
  std::vector<uint64_t> ids;
  const auto savepoints = table->savepoints().List().value();
  for (const Savepoint& savepoint : savepoints) {
    ids.push_back(savepoint.id.value());
  }
  EXPECT_THAT(ids, ElementsAre(3, 4, 5, 6));  // 3 by hand
  // A clock that steps back makes nothing twice.
  clock_.Set(TimestampUs(1'700'000'000'000'000));
  EXPECT_EQ(database_->CreateDueSavepoints(), 0U);
}

TEST_F(SavepointTest, ANameIsGivenInAllTablesOrNone) {
  const auto a = Create("a");
  const auto b = Create("b");
  Make(b, {.name = "x"});
  EXPECT_THAT(database_->CreateSavepoints({a, b}, {.name = "x"}, std::nullopt),
              IsError(ErrorKind::kAlreadyExists, HasSubstr("table b")));
  EXPECT_THAT(a->savepoints().List().value(), IsEmpty());
  EXPECT_THAT(database_->CreateSavepoints({}, {}, std::nullopt),
              IsError(ErrorKind::kInvalidArgument));
  EXPECT_THAT(database_->CreateSavepoints({a}, {.name = "12"}, std::nullopt),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("is a number")));
}

TEST_F(SavepointTest, RollbackIsAVersionAndCanBeUndone) {
  const auto table = Create("cpu");
  AddFile(table, {{"a", 1000, 1}, {"b", 1000, 1}});
  const VersionId first = table->current_version();
  AddFile(table, {{"a", 1000, 2}});  // a deletion vector for the first file
  ASSERT_THAT(table->AddColumns({{.name = "extra", .type = ColumnType::kInt64}}), IsOk());
  Write(table, {{"c", 5000, 5}});
  const auto rolled_back = table->Rollback(first);
  ASSERT_THAT(rolled_back, IsOk());
  EXPECT_EQ((*rolled_back)->kind, EditKind::kRestore);
  EXPECT_THAT(Now(table), ElementsAre(TestRow{"a", 1000, 1}, TestRow{"b", 1000, 1}));
  EXPECT_EQ(table->schema()->Find("extra"), nullptr);
  // What is written now meets the rows that have come back.
  AddFile(table, {{"b", 1000, 9}});
  EXPECT_THAT(Now(table), ElementsAre(TestRow{"a", 1000, 1}, TestRow{"b", 1000, 9}));
  const VersionId undo((*rolled_back)->id.value() - 1);
  ASSERT_THAT(table->Rollback(undo), IsOk());
  EXPECT_THAT(Now(table),
              ElementsAre(TestRow{"a", 1000, 2}, TestRow{"b", 1000, 1}, TestRow{"c", 5000, 5}));
  EXPECT_NE(table->schema()->Find("extra"), nullptr);
  database_.Start();
  EXPECT_THAT(Now(Find("cpu")), SizeIs(3));
}

TEST_F(SavepointTest, RowsThatCameBackAreReplacedByNewOnes) {
  const auto table = Create("cpu");
  AddFile(table, {{"a", 1000, 1}, {"a", 9000, 9}});
  const VersionId full = table->current_version();
  ASSERT_THAT(table->Truncate(), IsOk());
  AddFile(table, {{"a", 2000, 2}});
  ASSERT_THAT(table->Rollback(full), IsOk());
  Write(table, {{"a", 9000, 90}});
  EXPECT_THAT(Now(table), ElementsAre(TestRow{"a", 1000, 1}, TestRow{"a", 9000, 90}));
  ASSERT_THAT(table->Flush(), IsOk());
  EXPECT_THAT(Now(table), ElementsAre(TestRow{"a", 1000, 1}, TestRow{"a", 9000, 90}));
}

// Each I/O of a savepoint over two tables fails once: after it there is a savepoint of both or of
// none, and what says it is there can be read.
TEST_F(SavepointTest, FailingAtAnyPointLeavesNothingHalf) {
  const auto a = Create("a");
  const auto b = Create("b");
  uint64_t failures = 0;
  for (int64_t n = 1; n < 200; ++n) {
    Write(a, {{"x", n, n}});
    Write(b, {{"x", n, n}});
    const bool after = n % 2 == 0;
    store_.faults().FailAt(static_cast<uint64_t>(n + 1) / 2,
                           after ? FaultKind::kErrorAfterEffect : FaultKind::kError);
    const auto made = database_->CreateSavepoints({a, b}, {}, std::nullopt);
    store_.faults().Restart();
    const auto of_a = a->savepoints().List().value();
    const auto of_b = b->savepoints().List().value();
    EXPECT_EQ(of_a.size(), of_b.size()) << n;
    if (made) {
      EXPECT_THAT(*At(a, of_a.back().id), SizeIs(static_cast<size_t>(n)));
      EXPECT_THAT(*At(b, of_b.back().id), SizeIs(static_cast<size_t>(n)));
    }
    if (store_.faults().failures() == failures) {
      return;
    }
    failures = store_.faults().failures();
  }
  FAIL() << "each run has had a failure";
}

size_t Files(ObjectStore& store) {
  const auto objects = store.List("tables").value();
  return static_cast<size_t>(std::ranges::count_if(
      objects, [](const ObjectInfo& object) { return object.path.ends_with(".parquet"); }));
}

TEST_F(SavepointTest, ADroppedTableComesBackWithEverything) {
  auto table = Create("cpu");
  AddFile(table, {{"a", 1000, 1}});
  Make(table, {.name = "kept"});
  Write(table, {{"a", 2000, 2}});  // in the log only
  ASSERT_THAT(database_->DropTable("public", "cpu"), IsOk());
  table.reset();
  EXPECT_THAT(database_->FindTable("public", "cpu"), IsError(ErrorKind::kNotFound));
  ASSERT_THAT(database_->housekeeping().Collect(GcMode::kDelete, kNoGrace), IsOk());
  EXPECT_EQ(database_->ListDropped().size(), 1U);
  for (const bool restarted : {false, true}) {
    if (restarted) {
      ASSERT_THAT(database_->DropTable("public", "back"), IsOk());
      Restart();
    }
    const auto back = database_->UndropTable("public", restarted ? "back" : "cpu", "back");
    ASSERT_THAT(back, IsOk());
    EXPECT_THAT(Now(*back), ElementsAre(TestRow{"a", 1000, 1}, TestRow{"a", 2000, 2}));
    EXPECT_THAT(*At(*back, SavepointName{"kept"}), SizeIs(1));
  }
  auto back = Find("back");
  AddFile(back, {{"a", 2000, 3}});
  EXPECT_THAT(Now(back), ElementsAre(TestRow{"a", 1000, 1}, TestRow{"a", 2000, 3}));
  back.reset();
  Create("cpu");
  EXPECT_THAT(database_->UndropTable("public", "back", "cpu"), IsError(ErrorKind::kNotFound));
  ASSERT_THAT(database_->DropTable("public", "back"), IsOk());
  EXPECT_THAT(database_->UndropTable("public", "back", "cpu"), IsError(ErrorKind::kAlreadyExists));
  clock_.Advance(std::chrono::minutes(61));
  database_.Collect();
  EXPECT_EQ(Files(store_), 0U);
  EXPECT_THAT(database_->UndropTable("public", "back", "back"),
              IsError(ErrorKind::kNotFound, HasSubstr("there is no dropped table back")));
}

TEST_F(SavepointTest, ATableThatIsNotToBeKeptIsGoneAtOnce) {
  TableOptions options;
  options.drop_time_retained = std::chrono::milliseconds(0);
  AddFile(Create("cpu", options), {{"a", 1000, 1}});
  ASSERT_THAT(database_->DropTable("public", "cpu"), IsOk());
  EXPECT_THAT(database_->ListDropped(), IsEmpty());
  database_.Collect();
  EXPECT_EQ(Files(store_), 0U);
}

TEST_F(SavepointTest, ACloneLivesOnAlone) {
  auto table = Create("cpu");
  AddFile(table, {{"a", 1000, 1}});
  const VersionId first = table->current_version();
  AddFile(table, {{"a", 1000, 2}});
  ASSERT_THAT(table->AddColumns({{.name = "extra", .type = ColumnType::kInt64}}), IsOk());
  Write(table, {{"b", 2000, 3}});
  auto now = database_->CloneTable(table, std::nullopt, "public", "now").value();
  auto then = database_->CloneTable(table, first, "public", "then").value();
  auto again = database_->CloneTable(then, std::nullopt, "public", "again").value();
  EXPECT_EQ(Files(store_), 3U);
  EXPECT_THAT(Now(now), ElementsAre(TestRow{"a", 1000, 2}, TestRow{"b", 2000, 3}));
  EXPECT_NE(now->schema()->Find("extra"), nullptr);
  EXPECT_EQ(then->schema()->Find("extra"), nullptr);
  AddFile(now, {{"a", 1000, 20}});
  EXPECT_THAT(Now(table), ElementsAre(TestRow{"a", 1000, 2}, TestRow{"b", 2000, 3}));
  ASSERT_THAT(database_->DropTable("public", "cpu"), IsOk());
  ASSERT_THAT(database_->DropTable("public", "then"), IsOk());
  table.reset();
  then.reset();
  now.reset();
  again.reset();
  clock_.Advance(std::chrono::hours(2));
  for (int i = 0; i < 2; ++i) {
    database_.Collect();
    EXPECT_THAT(Now(Find("now")), ElementsAre(TestRow{"a", 1000, 20}, TestRow{"b", 2000, 3}));
    EXPECT_THAT(Now(Find("again")), ElementsAre(TestRow{"a", 1000, 1}));
    Restart();
  }
  ASSERT_THAT(database_->CompactTable(*Find("now")), IsOk());
  ExpireAndCollect(Find("now"));
  EXPECT_EQ(Files(store_), 2U);  // one that `again` shares, and what has been compacted
  for (const char* const name : {"now", "again"}) {
    ASSERT_THAT(database_->DropTable("public", name), IsOk());
  }
  clock_.Advance(std::chrono::hours(2));
  database_.Collect();
  EXPECT_EQ(Files(store_), 0U);
}

}  // namespace
}  // namespace varve
