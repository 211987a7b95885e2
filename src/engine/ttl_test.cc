// What the ttl does: rows past it are not kept and are counted, files past it leave the version in
// one commit, nothing else is touched, and altering it takes effect at once.
#include <gtest/gtest.h>

#include "engine/database.h"
#include "engine/expired_rows.h"
#include "engine/test_memory_database.h"
#include "engine/test_rows.h"
#include "engine/unfinished_files.h"
#include "store/memory_store.h"

namespace varve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kDayMs = 24 * kHourMs;
constexpr int64_t kNowMs = 1'700'000'000'000 / kDayMs * kDayMs + 12 * kHourMs;  // noon

class TtlTest : public testing::Test {
 protected:
  TtlTest() { database_.Start(); }

  std::shared_ptr<Table> Create(const std::string& name, const std::string& ttl) {
    TableOptions options;
    options.segment_duration = std::chrono::hours(2);
    return database_
        ->CreateTable("public", name, TestSpec(),
                      WithChanges(options, {{"ttl", ttl}}, OptionsUse::kCreate).value())
        .value();
  }

  WriteReport Write(const std::shared_ptr<Table>& table, const std::vector<TestRow>& rows) {
    const auto report = database_.WriteBatch(table, TestBatch(*table->schema(), rows));
    EXPECT_THAT(report, IsOk());
    return *report;
  }

  TestRows Read(const std::shared_ptr<Table>& table) {
    return ReadRows(store_, table->View().value()).value();
  }

  ManualClock clock_{TimestampUs(kNowMs * 1000)};
  MemoryObjectStore store_{&clock_};
  MemoryDatabase database_{&store_, &clock_};
};

TEST_F(TtlTest, RowsPastItAreNotKeptAndAreReported) {
  const auto table = Create("cpu", "7d");
  const int64_t oldest = kNowMs - 7 * kDayMs;
  const WriteReport report = Write(table, {{"gone", oldest - 1, 1},
                                           {"a", kNowMs, 2},
                                           {"a", oldest, 3},
                                           {"a", oldest - kDayMs, 4},
                                           {"b", kNowMs + 1, 5}});
  EXPECT_THAT(report.Warnings(),
              ElementsAre("2 rows of table cpu are older than its ttl (7d) and were not kept"));
  EXPECT_EQ(database_->stats().ttl_dropped_rows, 2u);
  EXPECT_EQ(database_->stats().written_rows, 3u);
  const TestRows kept = {{"a", kNowMs, 2}, {"a", oldest, 3}, {"b", kNowMs + 1, 5}};
  EXPECT_EQ(Read(table), kept);
  database_.Start();
  EXPECT_EQ(Read(database_.Find("cpu")), kept);
}

TEST_F(TtlTest, AWriteOfNothingElseReachesNoLog) {
  const auto table = Create("cpu", "1d");
  const WriteReport report = Write(table, {{"a", kNowMs - 3 * kDayMs, 1}});
  EXPECT_THAT(report.Warnings(),
              ElementsAre("1 row of table cpu is older than its ttl (1d) and was not kept"));
  EXPECT_TRUE(database_.log().tables[table->id()].empty());
  EXPECT_THAT(Write(table, {{"a", kNowMs, 1}}).Warnings(), IsEmpty());
}

TEST_F(TtlTest, EachTableOfAWriteHasItsOwn) {
  const auto shorter = Create("shorter", "1d");
  const auto longer = Create("longer", "30d");
  std::vector<TableWrite> writes;
  for (const auto& table : {longer, shorter}) {
    writes.push_back({table, TestBatch(*table->schema(), {{"a", kNowMs - 2 * kDayMs, 1}})});
  }
  const auto report = database_->Write(std::move(writes));
  ASSERT_THAT(report, IsOk());
  EXPECT_THAT(report->Warnings(), ElementsAre(HasSubstr("1 row of table shorter")));
  EXPECT_EQ(Read(longer).size(), 1u);
  EXPECT_TRUE(Read(shorter).empty());
}

TEST_F(TtlTest, AlteringItTakesEffectAtOnce) {
  const auto table = Create("cpu", "30d");
  EXPECT_THAT(Write(table, {{"a", kNowMs - 10 * kDayMs, 1}}).expired, IsEmpty());
  ASSERT_THAT(table->ModifyOptions({{"ttl", "7d"}}), IsOk());
  EXPECT_EQ(Write(table, {{"a", kNowMs - 10 * kDayMs, 1}}).expired.size(), 1u);
  ASSERT_THAT(table->ModifyOptions({{"enable_ttl", "false"}}), IsOk());
  EXPECT_THAT(Write(table, {{"a", kNowMs - 10 * kDayMs, 1}}).expired, IsEmpty());
  EXPECT_THAT(table->ModifyOptions({{"ttl", "1h"}, {"enable_ttl", "true"}}),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("at least 1d")));
}

TEST_F(TtlTest, FilesPastItLeaveInOneCommit) {
  const auto table = Create("cpu", "1d");
  for (int day = 0; day < 3; ++day) {
    Write(table, {{"a", kNowMs + day * kDayMs, day}, {"a", kNowMs + day * kDayMs + kHourMs, day}});
    ASSERT_THAT(table->Flush(), IsOk());
    EXPECT_EQ(table->ExpireFiles().value().files, day == 2 ? 1u : 0u);
    clock_.Advance(std::chrono::days(1));
  }
  const ReadView before = table->View().value();
  const VersionId version = table->current_version();
  clock_.Advance(std::chrono::days(1));
  const auto expired = table->ExpireFiles();
  ASSERT_THAT(expired, IsOk());
  EXPECT_EQ(expired->files, 2u);
  EXPECT_EQ(expired->rows, 4u);
  EXPECT_GT(expired->bytes, 0u);
  EXPECT_EQ(table->current_version(), VersionId(version.value() + 1));
  EXPECT_TRUE(table->View().value().version->files.empty());
  EXPECT_EQ(table->View().value().version->kind, EditKind::kExpire);
  EXPECT_EQ(before.version->files.size(), 2u);  // a reader keeps what it sees
  EXPECT_THAT(ReadRows(store_, before), IsOk());
  EXPECT_EQ(table->ExpireFiles().value().files, 0u);
  EXPECT_EQ(table->current_version(), VersionId(version.value() + 1));
}

TEST_F(TtlTest, AFileWithOneYoungRowStays) {
  const auto table = Create("cpu", "1d");
  Write(table, {{"a", kNowMs, 1}, {"a", kNowMs + kHourMs, 2}});
  ASSERT_THAT(table->Flush(), IsOk());
  clock_.Advance(std::chrono::hours(25));
  EXPECT_EQ(table->ExpireFiles().value().files, 0u);
  clock_.Advance(std::chrono::milliseconds(1));
  EXPECT_EQ(table->ExpireFiles().value().files, 1u);
}

TEST_F(TtlTest, AClockThatStepsBackExpiresNothing) {
  const auto table = Create("cpu", "1d");
  Write(table, {{"a", kNowMs, 1}});
  ASSERT_THAT(table->Flush(), IsOk());
  clock_.Set(TimestampUs(0));
  EXPECT_EQ(table->ExpireFiles().value().files, 0u);
  EXPECT_THAT(Write(table, {{"a", kNowMs, 1}, {"a", 0, 1}}).expired, IsEmpty());
}

TEST(WithoutRowsBefore, KeepsOrderSeriesAndValues) {
  TableSpec spec = TestSpec();
  const TableSchema schema = TableSchema::Make(std::move(spec)).value();
  std::vector<TestRow> rows;
  for (int64_t i = 0; i < 1000; ++i) {
    rows.push_back({fmt::format("h{}", i % 7), i * 7919 % 1000, i});
  }
  const auto kept =
      WithoutRowsBefore(TestBatch(schema, rows), schema.timestamp().id, TimestampUs(400'000));
  ASSERT_THAT(kept, IsOk());
  std::erase_if(rows, [](const TestRow& row) { return row.time_ms < 400; });
  const RowBatch expected = TestBatch(schema, rows);
  EXPECT_EQ(kept->row_series, expected.row_series);
  EXPECT_EQ(kept->series.tsids(), expected.series.tsids());
  EXPECT_TRUE(kept->rows->Equals(*expected.rows));
  EXPECT_TRUE(kept->rows->ValidateFull().ok());
}

TEST(WriteReport, SumsUpByTable) {
  WriteReport report{{{"a", 1, std::chrono::days(1)}}};
  report.Add({{{"b", 5, std::chrono::days(2)}, {"a", 2, std::chrono::days(1)}}});
  EXPECT_THAT(report.Warnings(),
              ElementsAre(HasSubstr("3 rows of table a are"), HasSubstr("5 rows of table b are")));
}

TEST(UnfinishedFiles, AreThoseOfOperationsThatRun) {
  SeededIdSource ids(1);
  UnfinishedFiles files(ids);
  files.NewUuid();
  EXPECT_THAT(files.Now(), IsEmpty());
  const Uuid late = [&] {
    const auto first = files.Begin();
    const Uuid of_first = files.NewUuid();
    EXPECT_THAT(files.Now(), ElementsAre(of_first));
    {
      const auto second = files.Begin();
      files.NewUuid();
      EXPECT_EQ(files.Now().size(), 2u);
    }
    EXPECT_EQ(files.Now().size(), 2u);  // the first may have asked for either
    return of_first;
  }();
  EXPECT_FALSE(files.Now().contains(late));
  EXPECT_THAT(files.Now(), IsEmpty());
}

}  // namespace
}  // namespace varve
