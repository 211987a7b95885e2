// The invariants of garbage collection: nothing that a version, a pin, a reader or a running
// operation needs is ever deleted, what cannot be read stops it with nothing deleted, and what
// nothing needs is gone in the end, whatever failed meanwhile.
#include "engine/gc.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/log.h"
#include "engine/database.h"
#include "engine/gc_names.h"
#include "engine/test_memory_database.h"
#include "engine/test_rows.h"
#include "store/faulty_store.h"
#include "store/memory_store.h"

namespace varve {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

// Lets a test act just before the first deletion.
class WatchedStore final : public ObjectStore {
 public:
  explicit WatchedStore(ObjectStore& inner) : inner_(inner) {}
  std::function<void()> before_delete;

  Status Put(std::string_view path, std::string_view bytes) override {
    return inner_.Put(path, bytes);
  }
  Status PutIfAbsent(std::string_view path, std::string_view bytes) override {
    return inner_.PutIfAbsent(path, bytes);
  }
  Result<std::unique_ptr<ObjectWriter>> NewWriter(std::string_view path) override {
    return inner_.NewWriter(path);
  }
  Result<std::string> Get(std::string_view path) override { return inner_.Get(path); }
  Result<std::shared_ptr<const ObjectReader>> Open(std::string_view path) override {
    return inner_.Open(path);
  }
  Result<std::vector<ObjectInfo>> List(std::string_view prefix) override {
    auto objects = inner_.List(prefix);
    if (after_list) {
      std::exchange(after_list, nullptr)();
    }
    return objects;
  }
  Status Delete(std::string_view path) override {
    if (before_delete) {
      std::exchange(before_delete, nullptr)();
    }
    return inner_.Delete(path);
  }
  Status Copy(std::string_view from, std::string_view to) override { return inner_.Copy(from, to); }
  std::string Describe() const override { return inner_.Describe(); }

  std::function<void()> after_list;

 private:
  ObjectStore& inner_;
};

struct World {
  World() { database.Start(); }

  void Restart() {
    database.Stop();
    faulty.Restart();
    database.Start();
  }

  std::shared_ptr<Table> Create(const std::string& name) {
    TableOptions options;
    options.drop_time_retained = std::chrono::milliseconds(0);
    return database->CreateTable("public", name, TestSpec(), options).value();
  }
  std::shared_ptr<Table> Find(const std::string& name) { return database.Find(name); }
  // One more file, of one row.
  void AddFile(Table& table, int64_t value) {
    ASSERT_THAT(database.WriteBatch(table.shared_from_this(),
                                    TestBatch(*table.schema(), {{"a", value * 1000, value}})),
                IsOk());
    ASSERT_THAT(table.Flush(), IsOk());
    clock.Advance(std::chrono::seconds(1));
  }
  // All rows of the table pass the ttl, and leave.
  void ExpireAll(Table& table) {
    ASSERT_THAT(table.ModifyOptions({{"ttl", "1d"}, {"enable_ttl", "true"}}), IsOk());
    clock.Advance(std::chrono::days(3));
    ASSERT_THAT(table.ExpireFiles(), IsOk());
  }
  void HideOld(Table& table) {
    ASSERT_THAT(database->housekeeping().ExpireVersions(table, kNewestOnly, ExpiryMode::kExpire),
                IsOk());
  }
  Result<GcReport> Gc(GcMode mode = GcMode::kDelete, std::chrono::milliseconds grace = kNoGrace) {
    return database->housekeeping().Collect(mode, grace);
  }
  size_t Files(const std::string& suffix = ".parquet") {
    const auto objects = memory->List("tables").value();
    return static_cast<size_t>(std::ranges::count_if(
        objects, [&](const ObjectInfo& object) { return object.path.ends_with(suffix); }));
  }
  TestRows Read(const ReadView& view) {
    const auto rows = ReadRows(store, view);
    EXPECT_THAT(rows, IsOk());
    return rows.value_or(TestRows());
  }

  ManualClock clock{TimestampUs(1'000'000)};
  std::shared_ptr<MemoryObjectStore> memory = std::make_shared<MemoryObjectStore>(&clock);
  FaultyObjectStore faulty{memory};
  WatchedStore store{faulty};
  MemoryDatabase database{&store, &clock};
  SeededIdSource& ids = database.ids();
};

TEST(Gc, WhatNothingNeedsIsDeletedAndReported) {
  World world;
  const auto table = world.Create("cpu");
  world.AddFile(*table, 1);
  world.AddFile(*table, 2);
  world.ExpireAll(*table);
  EXPECT_THAT(world.Gc().value().files, IsEmpty());  // versions still name them
  world.HideOld(*table);
  const GcReport plan = world.Gc(GcMode::kPlan).value();
  EXPECT_EQ(plan.Count(GcOutcome::kPlanned), 2u);
  EXPECT_EQ(world.Files(), 2u);
  const GcReport report = world.Gc().value();
  EXPECT_EQ(report.Count(GcOutcome::kDeleted), 2u);
  EXPECT_EQ(report.Bytes(GcOutcome::kDeleted), plan.Bytes(GcOutcome::kPlanned));
  EXPECT_GT(report.Bytes(GcOutcome::kDeleted), 0u);
  EXPECT_EQ(report.files[0].reason, GcReason::kUnreferenced);
  EXPECT_EQ(world.Files(), 0u);
  EXPECT_TRUE(world.Gc().value().complete());
  EXPECT_EQ(world.database->stats().housekeeping.gc_deleted_files, 2u);
}

TEST(GcInvariant2, AVersionThatIsKeptKeepsItsFiles) {
  World world;
  const auto table = world.Create("cpu");
  for (int i = 1; i <= 5; ++i) {
    world.AddFile(*table, i);
  }
  const VersionId version = table->current_version();
  world.ExpireAll(*table);
  const auto savepoint = world.database->CreateSavepoints({table}, {}, version).value().front();
  world.HideOld(*table);
  EXPECT_THAT(world.Gc().value().files, IsEmpty());
  EXPECT_EQ(world.Files(), 5u);
  ASSERT_THAT(world.database->DropSavepoint(*table, savepoint.savepoint.id), IsOk());
  world.HideOld(*table);
  EXPECT_EQ(world.Gc().value().Count(GcOutcome::kDeleted), 5u);
}

TEST(GcInvariant2, AReaderOfAnOldViewKeepsItsFiles) {
  World world;
  const auto table = world.Create("cpu");
  world.AddFile(*table, 1);
  std::optional<ReadView> view = table->View().value();
  world.ExpireAll(*table);
  world.HideOld(*table);
  EXPECT_THAT(world.Gc().value().files, IsEmpty());
  EXPECT_EQ(world.Read(*view).size(), 1u);
  view.reset();
  EXPECT_EQ(world.Gc().value().Count(GcOutcome::kDeleted), 1u);
}

// A commit with an unknown outcome opens the log anew; readers hold versions of the former one.
TEST(GcInvariant2, AReaderKeepsItsFilesOverAReopenedLog) {
  World world;
  const auto table = world.Create("cpu");
  world.AddFile(*table, 1);
  std::optional<ReadView> view = table->View().value();
  world.faulty.faults().FailAt(1, FaultKind::kCrashAfterEffect);
  EXPECT_THAT(table->ModifyOptions({{"ttl", "2d"}}), IsError(ErrorKind::kUnknownOutcome));
  world.faulty.Restart();
  world.ExpireAll(*table);
  world.HideOld(*table);
  EXPECT_THAT(world.Gc().value().files, IsEmpty());
  EXPECT_EQ(world.Read(*view).size(), 1u);
  view.reset();
  EXPECT_EQ(world.Gc().value().Count(GcOutcome::kDeleted), 1u);
}

TEST(GcInvariant3, AnUnreadableManifestStopsItWithNothingDeleted) {
  World world;
  const auto healthy = world.Create("healthy");
  world.AddFile(*healthy, 1);
  world.ExpireAll(*healthy);
  world.HideOld(*healthy);
  const auto damaged = world.Create("damaged");
  world.AddFile(*damaged, 2);
  const std::string edit = TableLog::Folder(damaged->uuid()) + "/log/00000000000000000002.json";
  const std::string good = world.memory->Get(edit).value();
  ASSERT_THAT(world.memory->Put(edit, "x"), IsOk());
  EXPECT_THAT(world.Gc(),
              IsError(ErrorKind::kCorruption, AllOf(HasSubstr("public.damaged"), HasSubstr(edit))));
  ASSERT_THAT(world.memory->Delete(edit), IsOk());
  EXPECT_THAT(world.Gc(), IsError(ErrorKind::kCorruption, HasSubstr(edit)));
  EXPECT_EQ(world.Files(), 2u);
  EXPECT_EQ(world.database->stats().housekeeping.gc_failures, 2u);
  ASSERT_THAT(world.memory->Put(edit, good), IsOk());
  EXPECT_EQ(world.Gc().value().Count(GcOutcome::kDeleted), 1u);
}

TEST(GcInvariant3, NoVersionAtAllIsNotAllGarbage) {
  World world;
  const auto table = world.Create("cpu");
  world.AddFile(*table, 1);
  const auto objects = world.memory->List(TableLog::Folder(table->uuid()) + "/log").value();
  for (const ObjectInfo& object : objects) {
    ASSERT_THAT(world.memory->Delete(object.path), IsOk());
  }
  EXPECT_THAT(world.Gc(), IsError(ErrorKind::kCorruption, HasSubstr("00000000000000000001.json")));
  EXPECT_EQ(world.Files(), 1u);
}

TEST(GcInvariant3, AMissingCatalogueIsNotAllGarbage) {
  World world;
  const auto table = world.Create("cpu");
  world.AddFile(*table, 1);
  ASSERT_THAT(world.database->DropTable("public", "cpu"), IsOk());
  const auto objects = world.memory->List("catalogue").value();
  for (const ObjectInfo& object : objects) {
    ASSERT_THAT(world.memory->Delete(object.path), IsOk());
  }
  EXPECT_THAT(world.Gc(), IsError(ErrorKind::kCorruption));
  EXPECT_EQ(world.Files(), 1u);
}

TEST(GcInvariant3, AnUnreadablePinStopsIt) {
  World world;
  auto table = world.Create("cpu");
  world.AddFile(*table, 1);
  world.ExpireAll(*table);
  world.HideOld(*table);
  ASSERT_THAT(world.memory->Put(Savepoints::Path(table->uuid(), SavepointId(1)), "{}"), IsOk());
  table.reset();
  world.Restart();
  table = world.Find("cpu");
  GcServices services;
  services.store = &world.store;
  services.clock = &world.clock;
  GcRequest request;
  request.tables = {table};
  request.grace = kNoGrace;
  EXPECT_THAT(CollectGarbage(services, request),
              IsError(ErrorKind::kCorruption, HasSubstr("savepoint-1.json")));
  EXPECT_EQ(world.Files(), 1u);
}

// The references are read again after the candidates are known.
TEST(GcInvariant4, TheReferencesAreReadAgain) {
  World world;
  const auto table = world.Create("cpu");
  world.AddFile(*table, 1);
  GcServices services;
  services.store = &world.store;
  services.clock = &world.clock;
  world.ExpireAll(*table);
  world.HideOld(*table);
  // The files, then the log, then the log again.
  int listed = 0;
  std::function<void()> count = [&] {
    if (++listed < 3) {
      world.store.after_list = count;
      return;
    }
    const auto log = world.memory->List(TableLog::Folder(table->uuid()) + "/log").value();
    for (const ObjectInfo& object : log) {
      ASSERT_THAT(world.memory->Put(object.path, "{}"), IsOk());
    }
  };
  world.store.after_list = count;
  GcRequest request;
  request.tables = {table};
  request.grace = kNoGrace;
  EXPECT_THAT(CollectGarbage(services, request), IsError(ErrorKind::kCorruption));
  EXPECT_EQ(listed, 3);
  EXPECT_EQ(world.Files(), 1u);
}

TEST(GcInvariant5, WhatHidesATableGoesBeforeItsRows) {
  World world;
  const auto dropped = [&] {
    const auto table = world.Create("cpu");
    world.AddFile(*table, 1);
    return table->uuid();
  }();
  ASSERT_THAT(world.database->DropTable("public", "cpu"), IsOk());
  // A background thread may still hold the table for a moment: its files stay until it lets go.
  GcReport report = world.Gc().value();
  for (int i = 0; i < 10'000 && report.files.empty(); ++i) {
    std::this_thread::yield();
    report = world.Gc().value();
  }
  ASSERT_GE(report.files.size(), 3u);
  EXPECT_THAT(report.files.front().path, HasSubstr("/log/"));
  EXPECT_THAT(report.files.back().path, HasSubstr("/data/"));
  for (const GcFile& file : report.files) {
    EXPECT_EQ(file.reason, GcReason::kDroppedTable);
  }
  EXPECT_THAT(world.memory->List(TableLog::Folder(dropped)).value(), IsEmpty());
}

TEST(GcInvariant6, NamesOfOthersAreLeftAndReported) {
  World world;
  const auto table = world.Create("cpu");
  world.AddFile(*table, 1);
  const std::string folder = TableLog::Folder(table->uuid());
  const std::vector<std::string> others = {
      "tables/notes.txt", folder + "/readme", folder + "/data/0/mine.parquet",
      folder + "/data/0/" + world.ids.NewUuid().ToString() + ".parquet.bak",
      folder + "/log/notes.json"};
  for (const std::string& path : others) {
    ASSERT_THAT(world.memory->Put(path, "x"), IsOk());
  }
  world.clock.Advance(std::chrono::days(100));
  const GcReport report = world.Gc().value();
  EXPECT_EQ(report.Count(GcOutcome::kLeft), others.size());
  EXPECT_EQ(report.files.size(), others.size());
  for (const std::string& path : others) {
    EXPECT_THAT(world.memory->Get(path), IsOk());
  }
}

TEST(GcInvariant6, YoungFilesStayAlsoWhenTheClockStepsBack) {
  World world;
  const auto table = world.Create("cpu");
  const std::string orphan = fmt::format("{}/data/0/{}.parquet", TableLog::Folder(table->uuid()),
                                         world.ids.NewUuid().ToString());
  ASSERT_THAT(world.memory->Put(orphan, "x"), IsOk());
  world.clock.Advance(std::chrono::minutes(59));
  EXPECT_EQ(world.Gc(GcMode::kDelete, kGcGrace).value().young, 1u);
  world.clock.Advance(-std::chrono::days(365));
  EXPECT_EQ(world.Gc(GcMode::kDelete, kGcGrace).value().young, 1u);
  EXPECT_EQ(world.Gc().value().young, 1u);
  world.clock.Advance(std::chrono::days(365) + std::chrono::minutes(1));
  EXPECT_EQ(world.Gc(GcMode::kDelete, kGcGrace).value().Count(GcOutcome::kDeleted), 1u);
  EXPECT_THAT(world.memory->Get(orphan), IsError(ErrorKind::kNotFound));
}

// Files of an operation that runs: the clock leaps, so that no grace time helps.
TEST(GcInvariant2, AFlushBetweenTheListAndTheDeletionLosesNothing) {
  World world;
  const auto table = world.Create("cpu");
  world.AddFile(*table, 1);
  world.ExpireAll(*table);
  world.HideOld(*table);
  ASSERT_THAT(table->ModifyOptions({{"enable_ttl", "false"}}), IsOk());
  const auto flush = [&](int64_t value) {
    world.AddFile(*table, value);
    world.clock.Advance(std::chrono::days(30));
  };
  world.store.after_list = [&] { flush(2); };
  world.store.before_delete = [&] { flush(3); };
  EXPECT_EQ(world.Gc().value().Count(GcOutcome::kDeleted), 1u);
  EXPECT_EQ(world.Read(table->View().value()).size(), 2u);
}

TEST(GcInvariant2, FlushesAndCollectionsSideBySide) {
  World world;
  const auto table = world.Create("cpu");
  ASSERT_THAT(table->ModifyOptions({{"enable_ttl", "false"}}), IsOk());
  std::atomic<bool> done = false;
  std::thread collector([&] {
    while (!done) {
      EXPECT_THAT(world.Gc(), IsOk());
      world.clock.Advance(std::chrono::hours(2));
    }
  });
  std::thread other([&] {
    while (!done) {
      EXPECT_THAT(world.Gc(), IsOk());
    }
  });
  for (int i = 1; i <= 100; ++i) {
    world.AddFile(*table, i);
  }
  done = true;
  collector.join();
  other.join();
  EXPECT_EQ(world.Files(), 100u);
  EXPECT_EQ(world.Read(table->View().value()).size(), 100u);
}

TEST(Gc, ADroppedTableStaysWhileSomebodyReadsIt) {
  World world;
  std::optional<ReadView> view;
  {
    const auto table = world.Create("cpu");
    world.AddFile(*table, 1);
    view = table->View().value();
  }
  ASSERT_THAT(world.database->DropTable("public", "cpu"), IsOk());
  EXPECT_GT(world.Gc().value().held, 0u);
  EXPECT_EQ(world.Read(*view).size(), 1u);
  view.reset();
  EXPECT_GT(world.Gc().value().Count(GcOutcome::kDeleted), 0u);
  EXPECT_THAT(world.memory->List("tables").value(), IsEmpty());
}

TEST(Gc, ATableDroppedByAFormerProcessGoesAfterTheGraceTime) {
  World world;
  world.AddFile(*world.Create("cpu"), 1);
  ASSERT_THAT(world.database->DropTable("public", "cpu"), IsOk());
  world.Restart();
  EXPECT_GT(world.Gc(GcMode::kDelete, kGcGrace).value().young, 0u);
  world.clock.Advance(std::chrono::hours(2));
  EXPECT_GT(world.Gc(GcMode::kDelete, kGcGrace).value().Count(GcOutcome::kDeleted), 0u);
  EXPECT_THAT(world.memory->List("tables").value(), IsEmpty());
}

TEST(Gc, WhatIsBeyondTheBudgetIsForTheNextPass) {
  World world;
  const auto table = world.Create("cpu");
  for (int i = 1; i <= 5; ++i) {
    world.AddFile(*table, i);
  }
  world.ExpireAll(*table);
  world.HideOld(*table);
  GcServices services;
  services.store = &world.store;
  services.clock = &world.clock;
  GcRequest request;
  request.tables = {table};
  request.grace = kNoGrace;
  request.budget.files = 2;
  for (const size_t left : {3, 1, 0}) {
    const auto report = CollectGarbage(services, request);
    ASSERT_THAT(report, IsOk());
    EXPECT_EQ(report->Count(GcOutcome::kDeferred), left);
    EXPECT_EQ(report->complete(), left == 0);
    EXPECT_EQ(world.Files(), left);
  }
}

TEST(Gc, ItEndsWhenItIsCancelled) {
  World world;
  const auto table = world.Create("cpu");
  world.AddFile(*table, 1);
  world.AddFile(*table, 2);
  world.ExpireAll(*table);
  world.HideOld(*table);
  GcServices services;
  services.store = &world.store;
  services.clock = &world.clock;
  GcRequest request;
  request.tables = {table};
  request.grace = kNoGrace;
  request.cancelled = [] { return true; };
  EXPECT_THAT(CollectGarbage(services, request), IsError(ErrorKind::kCancelled));
  int asked = 0;
  request.cancelled = [&] { return ++asked == 3; };
  EXPECT_EQ(CollectGarbage(services, request).value().Count(GcOutcome::kDeferred), 1u);
  EXPECT_EQ(world.Files(), 1u);
}

TEST(Gc, HousekeepingDoesItAllByItself) {
  World world;
  const auto table = world.Create("cpu");
  for (int i = 1; i <= 20; ++i) {
    world.AddFile(*table, i);
  }
  ASSERT_THAT(table->ModifyOptions({{"ttl", "1d"}}), IsOk());
  const auto gone = [&] {
    const auto dropped = world.Create("dropped");
    world.AddFile(*dropped, 1);
    return dropped->uuid();
  }();
  ASSERT_THAT(world.database->DropTable("public", "dropped"), IsOk());
  Housekeeping& housekeeping = world.database->housekeeping();
  world.clock.Advance(std::chrono::days(2));
  housekeeping.Step(1);
  EXPECT_EQ(world.database->stats().housekeeping.ttl_expired_files, 20u);
  EXPECT_THAT(world.memory->List(TableLog::Folder(gone)).value(), IsEmpty());
  // Version after version leaves, and with the last that names them the files go.
  for (int i = 0; i < 12; ++i) {
    ASSERT_THAT(table->ModifyOptions({{"ttl", i % 2 == 0 ? "2d" : "1d"}}), IsOk());
    world.clock.Advance(std::chrono::hours(2));
    housekeeping.Step(1);
  }
  EXPECT_EQ(world.Files(), 0u);
  EXPECT_GT(world.database->stats().housekeeping.expired_versions, 20u);
  // A table of which nothing is to be done costs nothing.
  const uint64_t before = world.faulty.operations();
  housekeeping.Step(1);
  housekeeping.Step(1);
  EXPECT_EQ(world.faulty.operations(), before);
}

TEST(GcNames, OnlyThoseThatVarveGives) {
  const std::string table = "tables/12345678-1234-4234-8234-123456789abc";
  const std::string id = "abcdef01-1234-4234-8234-123456789abc";
  const auto kind = [](const std::string& path) -> std::string {
    const auto parsed = ParseTablePath(path);
    return !parsed ? "none" : parsed->kind == TablePath::Kind::kLog ? "log" : "data";
  };
  EXPECT_EQ(kind(table + "/log/00000000000000000001.json"), "log");
  EXPECT_EQ(kind(table + "/log/checkpoint-00000000000000000064.json"), "log");
  EXPECT_EQ(kind(table + "/log/history-00000000000000000002-00000000000000001024.bin"), "log");
  EXPECT_EQ(kind(table + "/data/1700000000/" + id + ".parquet"), "data");
  EXPECT_EQ(kind(table + "/data/-7200/" + id + ".parquet"), "data");
  EXPECT_EQ(kind(table + "/data/0/" + id + "-" + id + ".dv"), "data");
  for (const std::string& other :
       {std::string("tables"), table, table + "/log/1.json", table + "/log/x.json",
        table + "/data/" + id + ".parquet", table + "/data/x/" + id + ".parquet",
        table + "/data/0/" + id + ".parquet2", table + "/data/0/" + id + "-.dv",
        table + "/data/0/x/" + id + ".parquet", table + "/other/0/" + id + ".parquet",
        std::string("tables/x/data/0/") + id + ".parquet", "other/" + table}) {
    EXPECT_EQ(kind(other), "none") << other;
  }
}

// Every I/O of housekeeping fails once, in each way: what is current can be read at once and after
// a restart, and later runs end the work.
TEST(GcFaults, EachOperationFailsOnce) {
  SetLogLevel(LogLevel::kOff);
  for (const FaultKind kind : {FaultKind::kError, FaultKind::kErrorAfterEffect, FaultKind::kCrash,
                               FaultKind::kCrashAfterEffect}) {
    for (uint64_t n = 1;; ++n) {
      SCOPED_TRACE(testing::Message() << "operation " << n << ", fault " << static_cast<int>(kind));
      World world;
      world.AddFile(*world.Create("dropped"), 1);
      ASSERT_THAT(world.database->DropTable("public", "dropped"), IsOk());
      auto table = world.Create("cpu");
      ASSERT_THAT(table->ModifyOptions({{"snapshot.num-retained.min", "1"}, {"ttl", "1d"}}),
                  IsOk());
      world.AddFile(*table, 1);
      world.AddFile(*table, 2);
      world.clock.Advance(std::chrono::days(2));
      std::vector<TableWrite> writes;
      writes.push_back({table, TestBatch(*table->schema(), {{"a", 2 * 86'400'000, 3}})});
      ASSERT_THAT(world.database->Write(std::move(writes)), IsOk());
      ASSERT_THAT(table->Flush(), IsOk());
      world.clock.Advance(std::chrono::hours(2));
      world.faulty.faults().FailAt(n, kind);
      world.database->housekeeping().Step(1);
      const bool failed = world.faulty.faults().failures() > 0;
      world.faulty.Restart();
      EXPECT_EQ(world.Read(table->View().value()).count({"a", 2 * 86'400'000, 3}), 1u);
      table.reset();
      world.Restart();
      for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(world.Read(world.Find("cpu")->View().value()).count({"a", 2 * 86'400'000, 3}),
                  1u);
        world.clock.Advance(std::chrono::hours(2));
        world.database->housekeeping().Step(1);
      }
      EXPECT_EQ(world.Files(), 1u);
      EXPECT_EQ(world.Files("00000000000000000001.json"), 0u);
      ASSERT_FALSE(testing::Test::HasFailure());
      if (!failed) {
        EXPECT_GT(n, 20u);
        break;
      }
    }
  }
  SetLogLevel(LogLevel::kInfo);
}

}  // namespace
}  // namespace varve
