// Files that come into a table as one commit: what they replace, that an operation is committed
// once, and what later writes and restarts see of them.
#include "engine/table_import.h"

#include <gmock/gmock.h>

#include "engine/flush_job.h"
#include "engine/test_memory_database.h"
#include "engine/test_rows.h"
#include "store/faulty_store.h"
#include "store/memory_store.h"

namespace varve {
namespace {

class TableImportTest : public testing::Test {
 protected:
  TableImportTest() { Open(); }

  void Open() { database_.Start(); }
  void Create(TableOptions options = {}) {
    ASSERT_THAT(database_->CreateTable("public", "cpu", TestSpec(), options), IsOk());
  }
  std::shared_ptr<Table> table() { return database_.Find("cpu"); }
  void Write(const std::vector<TestRow>& rows) {
    ASSERT_THAT(database_.WriteBatch(table(), TestBatch(*table()->schema(), rows)), IsOk());
  }
  TestRows Rows() { return ReadRows(store_, table()->View().value()).value(); }

  static Result<std::vector<FileMeta>> FilesOf(const ImportPlace& place,
                                               const std::vector<TestRow>& rows) {
    Memtable memtable;
    VARVE_TRY(
        memtable.Add(TestBatch(*place.schema, rows), place.schema->timestamp().id, Sequence(1)));
    VARVE_ASSIGN(VersionEdit edit, RunFlush({place.store,
                                             place.ids,
                                             place.table_folder,
                                             place.schema,
                                             place.options,
                                             {memtable.View()}}));
    return edit.added_files;
  }
  Result<ImportOutcome> Import(const std::string& id, const std::vector<TestRow>& rows) {
    return table()->Import({.operation_id = id, .write = [&](const ImportPlace& place) {
                              return FilesOf(place, rows);
                            }});
  }

  Result<ImportOutcome> Replace(const std::string& id, const TimeRange& range,
                                const std::vector<TestRow>& rows) {
    return table()->Import(
        {.operation_id = id,
         .replaces = range,
         .write = [&](const ImportPlace& place) -> Result<std::vector<FileMeta>> {
           return rows.empty() ? std::vector<FileMeta>() : FilesOf(place, rows);
         }});
  }
  static TimeRange Milliseconds(int64_t start, int64_t end) {
    return {TimestampUs(start * 1000), TimestampUs(end * 1000)};
  }

  ManualClock clock_{TimestampUs(1'000'000)};
  FaultyObjectStore store_{std::make_shared<MemoryObjectStore>(&clock_)};
  MemoryDatabase database_{&store_, &clock_};
};

TEST_F(TableImportTest, RowsReplaceThoseInFilesAndInMemoryAndAreReplacedLater) {
  Create();
  Write({{"a", 1, 1}, {"a", 2, 1}, {"b", 1, 1}});
  ASSERT_THAT(table()->Flush(), IsOk());
  Write({{"a", 3, 1}, {"b", 1, 2}});
  const auto outcome = Import("one", {{"a", 2, 5}, {"a", 3, 5}, {"a", 4, 5}});
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->rows, 3u);
  EXPECT_EQ(outcome->replaced_rows, 2u);
  const TestRows after{{"a", 1, 1}, {"a", 2, 5}, {"a", 3, 5}, {"a", 4, 5}, {"b", 1, 2}};
  EXPECT_EQ(Rows(), after);
  Open();
  EXPECT_EQ(Rows(), after);
  Write({{"a", 4, 9}, {"a", 5, 9}});
  EXPECT_EQ(
      Rows(),
      (TestRows{{"a", 1, 1}, {"a", 2, 5}, {"a", 3, 5}, {"a", 4, 9}, {"a", 5, 9}, {"b", 1, 2}}));
}

TEST_F(TableImportTest, AnOperationIsCommittedOnce) {
  Create({.update_mode = UpdateMode::kAppend});
  ASSERT_THAT(Import("one", {{"a", 1, 1}}), IsOk());
  const auto again = Import("one", {{"a", 1, 1}});
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->kind, ImportOutcome::Kind::kDoneBefore);
  ASSERT_THAT(Import("two", {{"a", 1, 1}}), IsOk());
  EXPECT_EQ(Rows(), (TestRows{{"a", 1, 1}, {"a", 1, 1}}));
  Open();
  EXPECT_EQ(Import("one", {{"a", 1, 1}})->kind, ImportOutcome::Kind::kDoneBefore);
  EXPECT_TRUE(table()->HasCommitted("two"));
  EXPECT_EQ(Rows().size(), 2u);
}

TEST_F(TableImportTest, TwoAtOnceWithOneIdLeaveOneOfThem) {
  Create({.update_mode = UpdateMode::kAppend});
  const auto outer =
      table()->Import({.operation_id = "one", .write = [&](const ImportPlace& place) {
                         EXPECT_THAT(Import("one", {{"a", 1, 1}}), IsOk());
                         return FilesOf(place, {{"a", 1, 1}});
                       }});
  ASSERT_THAT(outer, IsOk());
  EXPECT_EQ(outer->kind, ImportOutcome::Kind::kDoneBefore);
  EXPECT_EQ(Rows(), (TestRows{{"a", 1, 1}}));
}

TEST_F(TableImportTest, EveryFailureOfTheStoreLeavesAllOrNothing) {
  for (const FaultKind kind : {FaultKind::kError, FaultKind::kErrorAfterEffect}) {
    if (database_->FindTable("public", "cpu")) {
      ASSERT_THAT(database_->DropTable("public", "cpu"), IsOk());
    }
    Create();
    Write({{"a", 1, 1}, {"a", 2, 1}});
    for (uint64_t n = 1;; ++n) {
      ASSERT_LT(n, 200u);
      SCOPED_TRACE(n);
      const std::string name = "op" + std::to_string(n);
      const auto value = static_cast<int64_t>(n + 10);
      const uint64_t failures = store_.faults().failures();
      store_.faults().FailAt(n, kind);
      const auto outcome = Import(name, {{"a", 2, value}});
      const bool failed = store_.faults().failures() > failures;
      store_.Restart();
      Open();
      EXPECT_EQ(Rows().size(), 2u);
      EXPECT_EQ(Rows().contains({"a", 2, value}), table()->HasCommitted(name));
      EXPECT_TRUE(!outcome || table()->HasCommitted(name));
      if (!failed) {
        break;
      }
    }
  }
}

TEST_F(TableImportTest, ARangeIsReplacedWhereverItsRowsAre) {
  for (const UpdateMode mode : {UpdateMode::kOverwrite, UpdateMode::kAppend}) {
    if (database_->FindTable("public", "cpu")) {
      ASSERT_THAT(database_->DropTable("public", "cpu"), IsOk());
    }
    Create({.update_mode = mode});
    Write({{"a", 1, 1}, {"a", 5, 1}, {"b", 9, 1}});  // partly in the range
    ASSERT_THAT(table()->Flush(), IsOk());
    Write({{"c", 4, 1}, {"c", 6, 1}});  // wholly
    ASSERT_THAT(table()->Flush(), IsOk());
    Write({{"a", 5, 2}, {"d", 3, 2}, {"d", 4, 2}});  // in memory
    const auto outcome = Replace("one", Milliseconds(4, 9), {{"a", 5, 3}, {"e", 8, 3}});
    ASSERT_THAT(outcome, IsOk());
    EXPECT_EQ(outcome->replaced_rows, mode == UpdateMode::kAppend ? 5u : 4u);
    const TestRows after{{"a", 1, 1}, {"a", 5, 3}, {"b", 9, 1}, {"d", 3, 2}, {"e", 8, 3}};
    EXPECT_EQ(Rows(), after);
    Open();
    EXPECT_EQ(Rows(), after);
    EXPECT_EQ(Replace("one", Milliseconds(0, 9), {})->kind, ImportOutcome::Kind::kDoneBefore);
    EXPECT_EQ(Rows(), after);
    EXPECT_EQ(table()->LastOperation("on"), "one");
    ASSERT_THAT(Replace("one/two", Milliseconds(4, 10), {}), IsOk());
    EXPECT_EQ(Rows(), (TestRows{{"a", 1, 1}, {"d", 3, 2}}));
    Write({{"a", 5, 7}, {"b", 9, 7}});
    EXPECT_EQ(Rows(), (TestRows{{"a", 1, 1}, {"a", 5, 7}, {"b", 9, 7}, {"d", 3, 2}}));
    EXPECT_EQ(table()->LastOperation("one"), "one/two");
    EXPECT_EQ(table()->LastOperation("two"), std::nullopt);
  }
}

TEST_F(TableImportTest, AReplacedRangeSurvivesEveryFailureOfTheStore) {
  Create({.update_mode = UpdateMode::kAppend});
  Write({{"a", 1, 1}, {"a", 2, 1}, {"a", 3, 1}});
  for (uint64_t n = 1;; ++n) {
    ASSERT_LT(n, 200u);
    SCOPED_TRACE(n);
    const std::string name = "op" + std::to_string(n);
    const TestRows before = Rows();
    const uint64_t failures = store_.faults().failures();
    store_.faults().FailAt(n, n % 2 == 0 ? FaultKind::kError : FaultKind::kErrorAfterEffect);
    const auto value = static_cast<int64_t>(n + 10);
    const auto outcome = Replace(name, Milliseconds(2, 3), {{"a", 2, value}, {"a", 2, value}});
    const bool failed = store_.faults().failures() > failures;
    store_.Restart();
    Open();
    const TestRows after{{"a", 1, 1}, {"a", 2, value}, {"a", 2, value}, {"a", 3, 1}};
    EXPECT_EQ(Rows(), table()->HasCommitted(name) ? after : before);
    EXPECT_TRUE(!outcome || table()->HasCommitted(name));
    if (!failed) {
      break;
    }
  }
}

TEST_F(TableImportTest, AnAlterationIsCommittedOnce) {
  Create();
  const auto alter = [&](const std::string& id, const std::string& column, TableOptions options) {
    return database_->AlterOnce(
        *table(), id,
        [&](const TableSchema& schema) -> Result<std::optional<TableSchema>> {
          return schema.WithColumnsAdded({{.name = column, .type = ColumnType::kDouble}});
        },
        options);
  };
  ASSERT_THAT(alter("one", "x", {.enable_ttl = false, .update_mode = UpdateMode::kAppend}), IsOk());
  ASSERT_THAT(alter("one", "y", {.enable_ttl = true}), IsOk());
  EXPECT_NE(table()->schema()->Find("x"), nullptr);
  EXPECT_EQ(table()->schema()->Find("y"), nullptr);
  EXPECT_FALSE(table()->options().enable_ttl);
  EXPECT_EQ(table()->options().update_mode, UpdateMode::kOverwrite);
  EXPECT_TRUE(table()->HasCommitted("one"));
}

}  // namespace
}  // namespace varve
