// OVERWRITE and APPEND: a row replaces the older one of its key wherever that is, as of each
// version; rows in order cost no look-up.
#include <gmock/gmock.h>

#include <thread>

#include "base/log.h"
#include "engine/database.h"
#include "engine/test_memory_database.h"
#include "engine/test_rows.h"
#include "meta/table_log.h"
#include "store/faulty_store.h"
#include "store/memory_store.h"

namespace varve {
namespace {

class OverwriteTest : public testing::Test {
 protected:
  OverwriteTest() { database_.Start(); }

  void Create(TableOptions options = {}) {
    ASSERT_THAT(database_->CreateTable("public", "cpu", TestSpec(), options), IsOk());
  }
  std::shared_ptr<Table> table() { return database_.Find("cpu"); }

  void Write(const std::vector<TestRow>& rows) {
    ASSERT_THAT(database_.WriteBatch(table(), TestBatch(*table()->schema(), rows)), IsOk());
  }
  TestRows Rows() { return Rows(table()->View().value()); }
  TestRows Rows(const ReadView& view) { return ReadRows(store_, view).value(); }

  ManualClock clock_{TimestampUs(1'000'000)};
  FaultyObjectStore store_{std::make_shared<MemoryObjectStore>(&clock_)};
  MemoryDatabase database_{&store_, &clock_};
};

TEST_F(OverwriteTest, TheOlderRowMayBeInTheBatchInMemoryOrInAFile) {
  Create();
  Write({{"a", 1, 1}, {"a", 2, 1}, {"a", 2, 2}, {"b", 1, 1}});
  EXPECT_EQ(Rows(), (TestRows{{"a", 1, 1}, {"a", 2, 2}, {"b", 1, 1}}));
  Write({{"a", 1, 3}});
  EXPECT_EQ(Rows(), (TestRows{{"a", 1, 3}, {"a", 2, 2}, {"b", 1, 1}}));
  ASSERT_THAT(table()->Flush(), IsOk());
  EXPECT_EQ(Rows(), (TestRows{{"a", 1, 3}, {"a", 2, 2}, {"b", 1, 1}}));
  Write({{"a", 2, 4}, {"a", 3, 4}});
  EXPECT_EQ(Rows(), (TestRows{{"a", 1, 3}, {"a", 2, 4}, {"a", 3, 4}, {"b", 1, 1}}));
  ASSERT_THAT(table()->Flush(), IsOk());
  EXPECT_EQ(Rows(), (TestRows{{"a", 1, 3}, {"a", 2, 4}, {"a", 3, 4}, {"b", 1, 1}}));
  EXPECT_EQ(table()->View()->version->row_count(), 4u);
}

TEST_F(OverwriteTest, AppendKeepsAllAndLooksNothingUp) {
  Create({.update_mode = UpdateMode::kAppend});
  Write({{"a", 1, 1}, {"a", 1, 2}});
  ASSERT_THAT(table()->Flush(), IsOk());
  Write({{"a", 1, 3}});
  EXPECT_EQ(Rows(), (TestRows{{"a", 1, 1}, {"a", 1, 2}, {"a", 1, 3}}));
  ASSERT_THAT(table()->Flush(), IsOk());
  EXPECT_EQ(Rows(), (TestRows{{"a", 1, 1}, {"a", 1, 2}, {"a", 1, 3}}));
  EXPECT_EQ(database_->stats().late_rows, 0u);
  EXPECT_EQ(database_->stats().key_lookups, 0u);
}

TEST_F(OverwriteTest, RowsInOrderCostNoLookUpLateOnesOneEachAndFile) {
  Create();
  for (int i = 1; i <= 5; ++i) {
    Write({{"a", i, i}, {"b", i, i}});
    Rows();
    ASSERT_THAT(table()->Flush(), IsOk());
  }
  EXPECT_EQ(database_->stats().late_rows, 0u);
  EXPECT_EQ(database_->stats().key_lookups, 0u);
  Write({{"a", 3, 9}});
  Rows();
  Rows();
  EXPECT_EQ(database_->stats().late_rows, 1u);
  EXPECT_EQ(database_->stats().key_lookups, 1u);  // one of five files reaches to its time
  ASSERT_THAT(table()->Flush(), IsOk());
  EXPECT_EQ(database_->stats().key_lookups, 1u);  // what the reader found is not looked up again
}

TEST_F(OverwriteTest, ADamagedFileStopsNeitherWritesNorOtherReads) {
  Create();
  Write({{"a", 1, 1}, {"a", 2, 1}});
  ASSERT_THAT(table()->Flush(), IsOk());
  const std::string path = table()->View()->version->files.begin()->second.path;
  std::string bytes = store_.Get(path).value();
  for (char& byte : bytes) {
    byte = static_cast<char>(~byte);
  }
  ASSERT_THAT(store_.Put(path, bytes), IsOk());
  database_.Start();
  SetLogLevel(LogLevel::kOff);
  Write({{"a", 2, 2}, {"b", 7'200'000, 1}});
  const auto view = table()->View();
  ASSERT_THAT(view, IsOk());
  EXPECT_EQ(view->memtables.size(), 1u);
  EXPECT_THAT(table()->Flush(), IsOk());
  EXPECT_EQ(table()->View()->version->files.size(), 3u);
  EXPECT_THAT(ReadRows(store_, *table()->View()),
              IsError(ErrorKind::kCorruption, testing::HasSubstr(path)));
  SetLogLevel(LogLevel::kInfo);
}

TEST_F(OverwriteTest, AnOlderVersionShowsTheOlderRow) {
  Create();
  Write({{"a", 1, 1}, {"a", 2, 1}});
  ASSERT_THAT(table()->Flush(), IsOk());
  const auto before = table()->View().value();
  Write({{"a", 1, 2}});
  const auto with_memory = table()->View().value();
  ASSERT_THAT(table()->Flush(), IsOk());
  const auto after = table()->View().value();
  EXPECT_EQ(after.version->id.value(), before.version->id.value() + 1) << "one commit";
  EXPECT_EQ(Rows(before), (TestRows{{"a", 1, 1}, {"a", 2, 1}}));
  EXPECT_EQ(Rows(with_memory), (TestRows{{"a", 1, 2}, {"a", 2, 1}}));
  EXPECT_EQ(Rows(after), (TestRows{{"a", 1, 2}, {"a", 2, 1}}));
  ReadView loaded = before;
  loaded.version =
      TableLog::Open(store_, clock_, table()->uuid()).value()->Load(before.version->id).value();
  EXPECT_EQ(Rows(loaded), (TestRows{{"a", 1, 1}, {"a", 2, 1}}));
}

TEST_F(OverwriteTest, AFileThatIsReplacedWholeLeavesTheVersion) {
  Create();
  Write({{"a", 1, 1}, {"a", 2, 1}});
  ASSERT_THAT(table()->Flush(), IsOk());
  Write({{"a", 1, 2}});
  ASSERT_THAT(table()->Flush(), IsOk());
  EXPECT_EQ(table()->View()->version->files.size(), 2u);
  Write({{"a", 2, 3}});
  ASSERT_THAT(table()->Flush(), IsOk());
  EXPECT_EQ(table()->View()->version->files.size(), 2u);
  EXPECT_EQ(Rows(), (TestRows{{"a", 1, 2}, {"a", 2, 3}}));
}

TEST_F(OverwriteTest, AfterARestartSeriesAreLearnedFromFilesOnce) {
  Create();
  Write({{"a", 10, 1}, {"b", 100, 1}});
  ASSERT_THAT(table()->Flush(), IsOk());
  Write({{"a", 10, 2}});
  database_.Start();
  EXPECT_EQ(database_->stats().late_rows, 1u) << "from the log";
  EXPECT_EQ(Rows(), (TestRows{{"a", 10, 2}, {"b", 100, 1}}));
  Write({{"a", 11, 3}, {"b", 101, 3}});
  EXPECT_EQ(database_->stats().late_rows, 1u) << "a is known, b is beyond all files";
  Write({{"c", 50, 3}, {"a", 11, 4}});
  EXPECT_EQ(database_->stats().late_rows, 3u) << "c is not known yet";
  EXPECT_EQ(Rows(),
            (TestRows{{"a", 10, 2}, {"a", 11, 4}, {"b", 100, 1}, {"b", 101, 3}, {"c", 50, 3}}));
  Write({{"c", 51, 3}});
  EXPECT_EQ(database_->stats().late_rows, 3u);
}

TEST_F(OverwriteTest, ReadersSeeEachWriteWholeWhileRowsMove) {
  Create();
  constexpr int kRounds = 60;
  constexpr int kHosts = 20;
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int round = 1; round <= kRounds; ++round) {
      std::vector<TestRow> rows;
      for (int host = 0; host < kHosts; ++host) {
        rows.push_back({fmt::format("h{}", host), 1, round});
      }
      Write(rows);
      if (round % 7 == 0) {
        table()->Seal();
      }
    }
    done = true;
  });
  while (!done) {
    const auto view = table()->View();
    ASSERT_THAT(view, IsOk());
    const TestRows rows = Rows(*view);
    if (rows.empty()) {
      continue;
    }
    EXPECT_EQ(rows.size(), static_cast<size_t>(kHosts));
    for (const TestRow& row : rows) {
      EXPECT_EQ(row.value, rows.begin()->value);
    }
  }
  writer.join();
  ASSERT_THAT(table()->Flush(), IsOk());
  EXPECT_EQ(Rows().begin()->value, kRounds);
  EXPECT_EQ(table()->View()->version->files.size(), 1u);
}

}  // namespace
}  // namespace varve
