// Deletes: exactly the rows of the view, in one commit; what is written meanwhile stays; each I/O
// fails once, in each way, and what was answered is true after kill -9.
#include <gtest/gtest.h>

#include "engine/database.h"
#include "engine/test_memory_database.h"
#include "engine/test_rows.h"
#include "model/schema_change.h"
#include "store/faulty_store.h"
#include "store/memory_store.h"

namespace varve {
namespace {

using Find = std::function<Result<Table::RowsByFile>(const ReadView&)>;

class World {
 public:
  World() {
    database_.Start();
    TableOptions options;
    options.enable_ttl = false;
    EXPECT_THAT(database_->CreateTable("public", "cpu", TestSpec(), std::move(options)), IsOk());
  }
  // kill -9 and start again, with nothing failing any more.
  void Restart() {
    database_.Stop();
    store_.Restart();
    database_.Start();
  }

  Database& database() { return *database_; }
  FaultyObjectStore& store() { return store_; }
  std::shared_ptr<Table> table() { return database_.Find("cpu"); }

  void Write(const std::vector<TestRow>& rows) {
    ASSERT_THAT(database_.WriteBatch(table(), TestBatch(*table()->schema(), rows)), IsOk());
  }
  TestRows Rows() { return ReadRows(store_, table()->View().value()).value(); }

 private:
  ManualClock clock_{TimestampUs(1'000'000)};
  FaultyObjectStore store_{std::make_shared<MemoryObjectStore>(&clock_)};
  MemoryDatabase database_{&store_, &clock_};
};

// The first `count` rows of each file.
Find FirstRows(uint64_t count) {
  return [count](const ReadView& view) -> Result<Table::RowsByFile> {
    Table::RowsByFile rows;
    for (const auto& [id, file] : view.version->files) {
      std::vector<uint64_t> positions(std::min(count, file.rows));
      std::iota(positions.begin(), positions.end(), uint64_t{0});
      rows.emplace(id, DeletionVector::FromRows(positions));
    }
    return rows;
  };
}

TEST(TableDeleteTest, IsOneCommitThatLasts) {
  World world;
  world.Write({{"a", 1, 1}, {"a", 2, 2}, {"b", 1, 3}});
  const auto before = world.table()->current_version();
  EXPECT_EQ(world.table()->Delete(FirstRows(1)).value(), 1u);
  // One version for the flush, one for the delete.
  EXPECT_EQ(world.table()->current_version().value(), before.value() + 2);
  EXPECT_EQ(world.Rows().size(), 2u);
  EXPECT_EQ(world.table()->Delete(FirstRows(0)).value(), 0u);
  EXPECT_EQ(world.table()->current_version().value(), before.value() + 2);
  const TestRows rows = world.Rows();
  world.Restart();
  EXPECT_EQ(world.Rows(), rows);
  EXPECT_EQ(world.table()->Delete(FirstRows(UINT64_MAX)).value(), 3u);
  EXPECT_TRUE(world.Rows().empty());
  EXPECT_TRUE(world.table()->View()->version->files.empty());
}

TEST(TableDeleteTest, WhatIsWrittenMeanwhileStays) {
  World world;
  world.Write({{"a", 1, 1}, {"a", 2, 2}});
  const Find find = [&](const ReadView& view) {
    EXPECT_TRUE(view.memtables.empty());
    world.Write({{"a", 1, 10}, {"a", 3, 3}});  // the first one replaces a row that goes
    EXPECT_THAT(world.table()->Flush(), IsOk());
    world.Write({{"a", 2, 20}});
    return FirstRows(UINT64_MAX)(view);
  };
  EXPECT_EQ(world.table()->Delete(find).value(), 2u);
  const TestRows expected = {{"a", 1, 10}, {"a", 2, 20}, {"a", 3, 3}};
  EXPECT_EQ(world.Rows(), expected);
  world.Restart();
  EXPECT_EQ(world.Rows(), expected);
}

TEST(TableDeleteTest, TruncateIsOneCommitAndReadsNothing) {
  World world;
  world.Write({{"a", 1, 1}});
  ASSERT_THAT(world.table()->Flush(), IsOk());
  world.Write({{"a", 1, 10}, {"b", 5, 2}});
  const auto before = world.table()->current_version();
  ASSERT_THAT(world.table()->Truncate(), IsOk());
  EXPECT_EQ(world.table()->current_version().value(), before.value() + 1);
  EXPECT_TRUE(world.Rows().empty());
  world.Write({{"a", 1, 100}});
  world.Restart();
  EXPECT_EQ(world.Rows(), (TestRows{{"a", 1, 100}}));
  ASSERT_THAT(world.table()->Flush(), IsOk());
  EXPECT_EQ(world.Rows(), (TestRows{{"a", 1, 100}}));
}

TEST(TableDeleteTest, ADroppedTableIsNotFound) {
  World world;
  const auto table = world.table();
  ASSERT_THAT(world.database().DropTable("public", "cpu"), IsOk());
  EXPECT_THAT(table->Delete(FirstRows(1)), IsError(ErrorKind::kNotFound));
  EXPECT_THAT(table->Truncate(), IsError(ErrorKind::kNotFound));
}

TEST(TableDeleteTest, AFailedSearchDeletesNothing) {
  World world;
  world.Write({{"a", 1, 1}});
  const Find find = [](const ReadView&) -> Result<Table::RowsByFile> {
    return InvalidArgument("no");
  };
  EXPECT_THAT(world.table()->Delete(find), IsError(ErrorKind::kInvalidArgument));
  EXPECT_EQ(world.Rows().size(), 1u);
}

// The log holds rows with a column that has been dropped: they come back without it.
TEST(TableDeleteTest, RowsOfADroppedColumnComeBackFromTheLog) {
  World world;
  world.Write({{"a", 1, 1}});
  ASSERT_THAT(world.table()->AlterSchema([](const TableSchema& schema) {
    return WithColumnsDropped(schema, std::vector<std::string>{"value"});
  }),
              IsOk());
  world.Restart();
  const auto view = world.table()->View();
  ASSERT_THAT(view, IsOk());
  ASSERT_EQ(view->memtables.size(), 1u);
  EXPECT_EQ(view->memtables[0].row_count(), 1u);
  EXPECT_THAT(world.table()->Flush(), IsOk());
}

class DeleteFaultTest : public testing::TestWithParam<FaultKind> {};

// Whatever fails, the rows are all there or the deleted ones are gone; when it was answered well,
// they are gone.
TEST_P(DeleteFaultTest, EachIoFailsOnce) {
  const TestRows all = {{"a", 1, 1}, {"a", 2, 2}, {"b", 7'200'000, 3}};
  const auto run = [&](const std::function<Status(Table&)>& change, const TestRows& left) {
    for (uint64_t n = 1;; ++n) {
      ASSERT_LT(n, 1000u);
      World world;
      world.Write({{"a", 1, 1}, {"a", 2, 2}, {"b", 7'200'000, 3}});
      world.store().faults().FailAt(n, GetParam());
      const Status changed = change(*world.table());
      const bool failed = world.store().faults().failures() > 0;
      world.Restart();
      const TestRows rows = world.Rows();
      SCOPED_TRACE(n);
      EXPECT_TRUE(rows == left || (!changed && rows == all)) << rows.size() << " rows";
      ASSERT_THAT(change(*world.table()), IsOk());
      if (!failed) {
        EXPECT_THAT(changed, IsOk());
        return;
      }
    }
  };
  run(
      [](Table& table) -> Status {
        VARVE_TRY(table.Delete([](const ReadView& view) -> Result<Table::RowsByFile> {
          Table::RowsByFile rows;
          for (const auto& [id, file] : view.version->files) {
            if (file.time_min.value() <= 1000) {
              rows.emplace(id, DeletionVector::FromRows(std::vector<uint64_t>{0}));
            }
          }
          return rows;
        }));
        return {};
      },
      {{"a", 2, 2}, {"b", 7'200'000, 3}});
  run([](Table& table) { return table.Truncate(); }, {});
}

INSTANTIATE_TEST_SUITE_P(Faults, DeleteFaultTest,
                         testing::Values(FaultKind::kError, FaultKind::kErrorAfterEffect,
                                         FaultKind::kCrash, FaultKind::kCrashAfterEffect));

}  // namespace
}  // namespace varve
