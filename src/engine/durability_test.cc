// Every I/O of every operation that commits fails once, in each way in which I/O can fail; after
// each failure the database is opened again and must show: all acknowledged rows exactly once,
// unacknowledged requests whole or not at all, tables that are there or not there but never half,
// and that it takes new work.
#include <gtest/gtest.h>

#include "base/log.h"
#include "engine/database.h"
#include "engine/test_rows.h"
#include "store/faulty_store.h"
#include "store/memory_store.h"
#include "wal/faulty_wal.h"
#include "wal/memory_wal.h"

namespace varve {
namespace {

enum class Place { kStore, kWal };

std::string NameOf(FaultKind kind) {
  switch (kind) {
    case FaultKind::kError:
      return "Error";
    case FaultKind::kErrorAfterEffect:
      return "ErrorAfterEffect";
    case FaultKind::kCrash:
      return "Crash";
    case FaultKind::kCrashAfterEffect:
      return "CrashAfterEffect";
  }
  return "";
}

// What the outside world knows: which requests were acknowledged, and which may have happened all
// the same.
struct Ledger {
  std::map<std::string, std::vector<TestRow>> acknowledged;  // by request
  std::map<std::string, std::vector<TestRow>> attempted;     // acknowledged or not
  bool created = false;
  bool dropped = false;
  bool drop_attempted = false;
};

class World {
 public:
  World() {
    store_ = std::make_unique<FaultyObjectStore>(std::make_shared<MemoryObjectStore>(&clock_));
  }
  ~World() { Close(); }

  Status Open() {
    wal_ = std::make_unique<FaultyWal>(std::make_shared<MemoryWal>(log_));
    DatabaseOptions options;
    options.store = store_.get();
    options.wal = wal_.get();
    options.clock = &clock_;
    options.ids = &ids_;
    VARVE_ASSIGN(database_, Database::Open(options));
    return {};
  }
  void Close() {
    database_.reset();
    wal_.reset();
  }
  // kill -9 and start again, with nothing failing any more.
  Status Restart() {
    Close();
    store_->Restart();
    return Open();
  }

  void FailAt(Place place, uint64_t n, FaultKind kind) {
    (place == Place::kStore ? store_->faults() : wal_->faults()).FailAt(n, kind);
  }
  // Nothing fails any more; the process goes on.
  void Disarm() {
    store_->faults().Restart();
    wal_->faults().Restart();
  }
  uint64_t failures(Place place) {
    return place == Place::kStore ? store_->faults().failures() : wal_->faults().failures();
  }

  Database& database() { return *database_; }
  ObjectStore& store() { return *store_; }

 private:
  ManualClock clock_{TimestampUs(1'000'000)};
  SeededIdSource ids_{1};
  std::unique_ptr<FaultyObjectStore> store_;
  std::shared_ptr<MemoryLog> log_ = std::make_shared<MemoryLog>();
  std::unique_ptr<FaultyWal> wal_;
  std::unique_ptr<Database> database_;
};

void Write(World& world, Ledger& ledger, const std::string& request, int64_t value) {
  const std::vector<TestRow> rows = {
      {request, 1, value}, {request, 2, value}, {request, 7'200'000, value}};
  const auto table = world.database().FindTable("public", "cpu");
  if (!table) {
    return;
  }
  ledger.attempted[request] = rows;
  std::vector<TableWrite> writes;
  writes.push_back({*table, TestBatch(*(*table)->schema(), rows)});
  if (world.database().Write(std::move(writes))) {
    ledger.acknowledged[request] = rows;
  }
}

// Everything that commits, in one story. Failures are part of it: what follows one goes on as a
// client would.
void RunStory(World& world, Ledger& ledger) {
  ledger.created = world.database().CreateTable("public", "cpu", TestSpec(), {}).has_value();
  Write(world, ledger, "r1", 1);
  if (const auto table = world.database().FindTable("public", "cpu")) {
    (void)(*table)->Flush();
  }
  Write(world, ledger, "r2", 2);
  if (const auto table = world.database().FindTable("public", "cpu")) {
    (void)(*table)->AddColumns({{.name = "note", .type = ColumnType::kString}});
    (void)(*table)->ModifyOptions({{"ttl", "30d"}});
  }
  Write(world, ledger, "r3", 3);
  (void)world.database().FlushAll();
  Write(world, ledger, "r4", 4);
}

void CheckRows(World& world, const Ledger& ledger) {
  const auto table = world.database().FindTable("public", "cpu");
  if (ledger.created) {
    ASSERT_THAT(table, IsOk());
  }
  if (!table) {
    EXPECT_TRUE(ledger.acknowledged.empty());
    return;
  }
  const auto rows = ReadRows(world.store(), (*table)->View().value());
  ASSERT_THAT(rows, IsOk());
  std::map<std::string, TestRows> found;
  for (const auto& row : *rows) {
    found[row.host].insert(row);
  }
  for (const auto& [request, expected] : ledger.acknowledged) {
    EXPECT_EQ(found[request], TestRows(expected.begin(), expected.end())) << request;
  }
  for (const auto& [request, shown] : found) {
    if (!shown.empty()) {
      const auto& expected = ledger.attempted.at(request);
      EXPECT_EQ(shown, TestRows(expected.begin(), expected.end())) << request;
    }
  }
}

class DurabilityTest : public testing::TestWithParam<std::tuple<Place, FaultKind>> {
 protected:
  // Each failure is logged, as it should be; thousands of them hide what the test says.
  void SetUp() override { SetLogLevel(LogLevel::kOff); }
  void TearDown() override { SetLogLevel(LogLevel::kInfo); }
};

TEST_P(DurabilityTest, EachOperationFailsOnce) {
  const auto [place, kind] = GetParam();
  constexpr uint64_t kOperationsMax = 1000;
  uint64_t n = 1;
  for (;; ++n) {
    ASSERT_LT(n, kOperationsMax);
    SCOPED_TRACE(fmt::format("operation {}", n));
    World world;
    Ledger ledger;
    ASSERT_THAT(world.Open(), IsOk());
    const uint64_t before = world.failures(place);
    world.FailAt(place, n, kind);
    RunStory(world, ledger);
    const bool failed = world.failures(place) > before;
    if (kind == FaultKind::kError || kind == FaultKind::kErrorAfterEffect) {
      world.Disarm();
      CheckRows(world, ledger);  // the process that met the failure shows no less
    }
    ASSERT_THAT(world.Restart(), IsOk());
    CheckRows(world, ledger);
    if (!world.database().FindTable("public", "cpu")) {
      ASSERT_THAT(world.database().CreateTable("public", "cpu", TestSpec(), {}), IsOk());
    }
    Write(world, ledger, "r9", 9);
    ASSERT_TRUE(ledger.acknowledged.contains("r9"));
    ASSERT_THAT(world.database().FlushAll(), IsOk());
    CheckRows(world, ledger);
    ASSERT_THAT(world.database().DropTable("public", "cpu"), IsOk());
    if (!failed) {
      break;
    }
  }
  EXPECT_GT(n, place == Place::kStore ? 20u : 4u);
}

TEST_P(DurabilityTest, OpeningFailsOnceAndSucceedsAfterwards) {
  const auto [place, kind] = GetParam();
  for (uint64_t n = 1;; ++n) {
    SCOPED_TRACE(fmt::format("operation {}", n));
    World world;
    Ledger ledger;
    ASSERT_THAT(world.Open(), IsOk());
    RunStory(world, ledger);
    if (place == Place::kWal) {
      break;  // a log is opened anew with the process: its first operation is the replay below
    }
    world.Close();
    world.FailAt(place, n, kind);
    const uint64_t before = world.failures(place);
    const auto opened = world.Open();
    if (world.failures(place) == before) {
      ASSERT_THAT(opened, IsOk());
      break;
    }
    ASSERT_THAT(world.Restart(), IsOk());
    CheckRows(world, ledger);
  }
}

// Of one table of which the same keys are written again and again: the values that may be shown.
struct LatestValue {
  int64_t acknowledged = 0;
  int64_t attempted = 0;
};

constexpr int kReplacedKeys = 3;

// Writes the first `keys` keys and flushes.
void Replace(World& world, std::vector<LatestValue>& latest, int64_t value, int keys) {
  const auto table = world.database().FindTable("public", "cpu");
  std::vector<TestRow> rows;
  for (int key = 1; key <= keys; ++key) {
    rows.push_back({"x", key, value});
  }
  std::vector<TableWrite> writes;
  writes.push_back({*table, TestBatch(*(*table)->schema(), rows)});
  const bool acknowledged = world.database().Write(std::move(writes)).has_value();
  for (LatestValue& key : std::span(latest).first(rows.size())) {
    key.attempted = value;
    key.acknowledged = acknowledged ? value : key.acknowledged;
  }
  (void)(*table)->Flush();
}

// Every key once, with the newest value or one whose write was not acknowledged.
void CheckReplaced(World& world, const std::vector<LatestValue>& latest) {
  const auto table = world.database().FindTable("public", "cpu");
  const auto view = (*table)->View();
  ASSERT_THAT(view, IsOk());
  const auto rows = ReadRows(world.store(), *view);
  ASSERT_THAT(rows, IsOk());
  ASSERT_EQ(rows->size(), latest.size());
  size_t key = 0;
  for (const TestRow& row : *rows) {
    EXPECT_EQ(row.time_ms, static_cast<int64_t>(key) + 1);
    EXPECT_GE(row.value, latest[key].acknowledged);
    EXPECT_LE(row.value, latest[key].attempted);
    ++key;
  }
}

TEST_P(DurabilityTest, ARowThatReplacesAFlushedOneIsNeitherLostNorDoubled) {
  const auto [place, kind] = GetParam();
  for (uint64_t n = 1;; ++n) {
    SCOPED_TRACE(fmt::format("operation {}", n));
    World world;
    ASSERT_THAT(world.Open(), IsOk());
    ASSERT_THAT(world.database().CreateTable("public", "cpu", TestSpec(), {}), IsOk());
    std::vector<LatestValue> latest(kReplacedKeys);
    Replace(world, latest, 1, kReplacedKeys);
    const uint64_t before = world.failures(place);
    world.FailAt(place, n, kind);
    Replace(world, latest, 2, 1);              // a new deletion vector
    Replace(world, latest, 3, 2);              // one that takes in another, and a file that leaves
    Replace(world, latest, 4, kReplacedKeys);  // all files leave
    const bool failed = world.failures(place) > before;
    if (kind == FaultKind::kError || kind == FaultKind::kErrorAfterEffect) {
      world.Disarm();
      CheckReplaced(world, latest);
    }
    ASSERT_THAT(world.Restart(), IsOk());
    CheckReplaced(world, latest);
    Replace(world, latest, 9, kReplacedKeys);
    CheckReplaced(world, latest);
    ASSERT_THAT(world.Restart(), IsOk());
    CheckReplaced(world, latest);
    if (!failed) {
      EXPECT_GT(n, place == Place::kStore ? 10u : 3u);
      break;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Faults, DurabilityTest,
    testing::Combine(testing::Values(Place::kStore, Place::kWal),
                     testing::Values(FaultKind::kError, FaultKind::kErrorAfterEffect,
                                     FaultKind::kCrash, FaultKind::kCrashAfterEffect)),
    [](const auto& info) {
      return fmt::format("{}{}", std::get<0>(info.param) == Place::kStore ? "Store" : "Wal",
                         NameOf(std::get<1>(info.param)));
    });

TEST(DropDurabilityTest, ADropThatFailsLeavesTheTableWholeOrGone) {
  for (const FaultKind kind :
       {FaultKind::kError, FaultKind::kErrorAfterEffect, FaultKind::kCrash}) {
    for (uint64_t n = 1;; ++n) {
      SCOPED_TRACE(fmt::format("{} at operation {}", NameOf(kind), n));
      World world;
      Ledger ledger;
      ASSERT_THAT(world.Open(), IsOk());
      RunStory(world, ledger);
      const uint64_t before = world.failures(Place::kStore);
      world.FailAt(Place::kStore, n, kind);
      const auto dropped = world.database().DropTable("public", "cpu");
      const bool failed = world.failures(Place::kStore) > before;
      ASSERT_THAT(world.Restart(), IsOk());
      const auto table = world.database().FindTable("public", "cpu");
      EXPECT_FALSE(dropped && table) << "a drop that returned ok is undone";
      if (table) {
        CheckRows(world, ledger);
      }
      if (!failed) {
        break;
      }
    }
  }
}

// A partitioned table is there with all of its partitions, or not at all.
TEST(CreateDurabilityTest, ACreateThatFailsLeavesTheTableWholeOrNothing) {
  for (const FaultKind kind : {FaultKind::kError, FaultKind::kErrorAfterEffect, FaultKind::kCrash,
                               FaultKind::kCrashAfterEffect}) {
    for (uint64_t n = 1;; ++n) {
      SCOPED_TRACE(fmt::format("{} at operation {}", NameOf(kind), n));
      World world;
      ASSERT_THAT(world.Open(), IsOk());
      const uint64_t before = world.failures(Place::kStore);
      world.FailAt(Place::kStore, n, kind);
      const auto made = world.database().CreatePartitionedTable(
          "public", "p", TestSpec(), {},
          {.method = PartitionMethod::kKey, .columns = {"host"}, .count = 3});
      const bool failed = world.failures(Place::kStore) > before;
      ASSERT_THAT(world.Restart(), IsOk());
      const auto table = world.database().FindTable("public", "p");
      EXPECT_TRUE(table || !made) << "a create that returned ok is undone";
      EXPECT_EQ(world.database().ListTables("public").value().size(), table ? 4u : 0u);
      if (table) {
        EXPECT_EQ(world.database().PartitionsOf(**table).size(), 3u);
      }
      if (!failed) {
        break;
      }
    }
  }
}

}  // namespace
}  // namespace varve
