// The changes of a table commit by commit, what keeps them from expiring, and what is said when
// they have.
#include "engine/changes.h"

#include <gmock/gmock.h>

#include "engine/test_memory_database.h"
#include "engine/test_rows.h"
#include "store/memory_store.h"

namespace varve {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class ChangesTest : public testing::Test {
 protected:
  ChangesTest() { database_.Start(); }

  std::shared_ptr<Table> Create(const std::string& name, TableOptions options = {}) {
    options.enable_ttl = false;
    return database_->CreateTable("public", name, TestSpec(), std::move(options)).value();
  }
  VersionId Write(const std::shared_ptr<Table>& table, const std::vector<TestRow>& rows) {
    EXPECT_THAT(database_.WriteBatch(table, TestBatch(*table->schema(), rows)), IsOk());
    EXPECT_THAT(table->Flush(), IsOk());
    clock_.Advance(std::chrono::seconds(1));
    return table->current_version();
  }
  // Some rows of every file, by their place.
  void Delete(const std::shared_ptr<Table>& table, const std::vector<uint64_t>& places) {
    ASSERT_THAT(table->Delete([&](const ReadView& view) -> Result<Table::RowsByFile> {
      Table::RowsByFile rows;
      for (const auto& [id, file] : view.version->files) {
        rows.emplace(id, DeletionVector::FromRows(places));
      }
      return rows;
    }),
                IsOk());
  }

  // "3 insert a@1000=5" for each change, and "end 3" for each version.
  static Result<std::vector<std::string>> ReadAll(ChangeReader& reader) {
    std::vector<std::string> out;
    while (true) {
      VARVE_ASSIGN(const auto step, reader.Next());
      if (!step) {
        return out;
      }
      if (step->rows == nullptr) {
        out.push_back(fmt::format("end {}", step->version));
        continue;
      }
      const auto& batch = *step->rows;
      const auto& times = static_cast<const arrow::TimestampArray&>(*batch.GetColumnByName("t"));
      const auto& values = static_cast<const arrow::Int64Array&>(*batch.GetColumnByName("value"));
      const auto& versions = static_cast<const arrow::UInt64Array&>(*batch.column(1));
      for (int64_t row = 0; row < batch.num_rows(); ++row) {
        out.push_back(fmt::format("{} {} {}@{}={}", versions.Value(row),
                                  TextAt(*batch.column(0), row),
                                  TextAt(*batch.GetColumnByName("host"), row),
                                  times.Value(row) / 1000, values.Value(row)));
      }
    }
  }
  static Result<std::vector<std::string>> Changes(const std::shared_ptr<Table>& table,
                                                  VersionId from, VersionId to) {
    VARVE_ASSIGN(const auto reader, ChangeReader::Open(table, {from, to}));
    return ReadAll(*reader);
  }

  ManualClock clock_{TimestampUs(1'700'000'000'000'000)};
  MemoryObjectStore store_{&clock_};
  MemoryDatabase database_{&store_, &clock_};
};

TEST_F(ChangesTest, EachKindOfCommitSaysWhatItDid) {
  const auto table = Create("cpu");
  Write(table, {{"a", 1000, 1}, {"b", 1000, 2}, {"c", 1000, 3}});
  const VersionId second = Write(table, {{"a", 1000, 10}, {"d", 1000, 4}});
  Delete(table, {0});
  const VersionId deleted = table->current_version();
  ASSERT_THAT(database_->CompactTable(*table), IsOk());
  const VersionId compacted = table->current_version();
  ASSERT_GT(compacted, deleted);
  ASSERT_THAT(table->AddColumns({{.name = "extra", .type = ColumnType::kInt64}}), IsOk());
  const auto all = Changes(table, VersionId(), table->current_version());
  ASSERT_THAT(all, IsOk());
  std::vector<std::string> start(all->begin(), all->begin() + 9);
  EXPECT_THAT(start,
              UnorderedElementsAre("end 1", "2 insert a@1000=1", "2 insert b@1000=2",
                                   "2 insert c@1000=3", "end 2", "3 update_preimage a@1000=1",
                                   "3 update_postimage a@1000=10", "3 insert d@1000=4", "end 3"));
  // What leaves stands first.
  EXPECT_EQ(all->at(5), "3 update_preimage a@1000=1");
  // One row of each of the two files, one of which was masked already or not.
  EXPECT_THAT(*Changes(table, second, deleted), testing::Contains(HasSubstr("4 delete ")));
  EXPECT_THAT(*Changes(table, deleted, compacted), ElementsAre("end 5"));
  EXPECT_THAT(*Changes(table, compacted, VersionId(6)), ElementsAre("end 6"));
  EXPECT_THAT(*Changes(table, compacted, compacted), IsEmpty());
}

TEST_F(ChangesTest, GoingBackUndoesWhatHappened) {
  const auto table = Create("cpu");
  const VersionId first = Write(table, {{"a", 1000, 1}, {"b", 1000, 2}});
  const VersionId second = Write(table, {{"a", 1000, 10}, {"c", 1000, 3}});
  const VersionId third = (*table->Rollback(first))->id;
  EXPECT_THAT(*Changes(table, second, third),
              UnorderedElementsAre("4 delete a@1000=10", "4 delete c@1000=3", "4 insert a@1000=1",
                                   "end 4"));
  ASSERT_THAT(table->Truncate(), IsOk());
  EXPECT_THAT(*Changes(table, third, VersionId(5)),
              UnorderedElementsAre("5 delete a@1000=1", "5 delete b@1000=2", "end 5"));
}

TEST_F(ChangesTest, RowsPastTheirTimeLeaveWithoutAWord) {
  TableOptions options;
  options.segment_duration = std::chrono::hours(2);
  const auto table = Create("cpu", options);
  const int64_t now = clock_.Now().value() / 1000;
  const VersionId first = Write(table, {{"a", now, 1}, {"b", now - 90'000'000, 2}});
  ASSERT_THAT(table->ModifyOptions({{"enable_ttl", "true"}, {"ttl", "1d"}}), IsOk());
  ASSERT_THAT(table->ExpireFiles(), IsOk());
  const VersionId expired = table->current_version();
  EXPECT_THAT(*Changes(table, first, expired), SizeIs(expired.value() - first.value()));
  ASSERT_THAT(table->Rollback(first), IsOk());
  EXPECT_THAT(*Changes(table, expired, table->current_version()), SizeIs(1));
}

TEST_F(ChangesTest, WhatIsReadStaysUntilItHasBeenRead) {
  const auto table = Create("cpu");
  const VersionId first = Write(table, {{"a", 1000, 1}});
  for (int64_t i = 2; i <= 20; ++i) {
    Write(table, {{"a", 1000, i}});
  }
  auto reader = ChangeReader::Open(table, {first, table->current_version()});
  ASSERT_THAT(reader, IsOk());
  ASSERT_THAT(database_->CompactTable(*table), IsOk());
  database_.ExpireAndCollect(*table);
  const auto changes = ReadAll(**reader);
  ASSERT_THAT(changes, IsOk());
  EXPECT_EQ(changes->size(), 19U * 3);
  EXPECT_EQ(changes->at(0), "3 update_preimage a@1000=1");
  reader->reset();
  database_.ExpireAndCollect(*table);
  const auto newest = table->current_version();
  EXPECT_THAT(Changes(table, first, newest),
              IsError(ErrorKind::kNotFound,
                      AllOf(HasSubstr("changes of table cpu after snapshot 2 have expired"),
                            HasSubstr(fmt::format("those after snapshot {}", newest)),
                            HasSubstr("there are snapshots"))));
  EXPECT_THAT(Changes(table, newest, VersionId(newest.value() + 1)),
              IsError(ErrorKind::kNotFound, HasSubstr("has no snapshot")));
  EXPECT_THAT(Changes(table, newest, first),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("go forward")));
}

TEST_F(ChangesTest, AReaderThatGoesOnHoldsOnlyWhatItHasNotRead) {
  const auto table = Create("cpu");
  const VersionId first = Write(table, {{"a", 1000, 1}});
  auto reader = ChangeReader::Open(table, {first, first}).value();
  for (int64_t i = 2; i < 2 + static_cast<int64_t>(kLaggardVersions) * 2; ++i) {
    const VersionId version = Write(table, {{"a", 1000, i}});
    database_.ExpireAndCollect(*table);
    ASSERT_THAT(reader->GoOn(version), IsOk());
    EXPECT_THAT(*ReadAll(*reader),
                ElementsAre(HasSubstr("update_preimage"), HasSubstr("update_postimage"),
                            fmt::format("end {}", version)));
  }
  EXPECT_THAT(table->FindVersion(first), IsError(ErrorKind::kNotFound));
  ASSERT_THAT(table->AddColumns({{.name = "extra", .type = ColumnType::kInt64}}), IsOk());
  ASSERT_THAT(reader->GoOn(table->current_version()), IsOk());
  EXPECT_NE(reader->schema()->GetFieldByName("extra"), nullptr);
  EXPECT_THAT(*ReadAll(*reader), SizeIs(1));
  EXPECT_THAT(reader->GoOn(VersionId(1000)), IsError(ErrorKind::kNotFound));
}

TEST_F(ChangesTest, ASavepointAloneDoesNotKeepTheChangesAfterIt) {
  const auto table = Create("cpu");
  const VersionId first = Write(table, {{"a", 1000, 1}});
  ASSERT_THAT(database_->CreateSavepoints({table}, {.name = "s"}, std::nullopt), IsOk());
  // The edits of the newest versions stay as files for a while.
  for (uint64_t i = 0; i < kLaggardVersions + 2; ++i) {
    Write(table, {{"a", 1000, 2}});
  }
  database_.ExpireAndCollect(*table);
  EXPECT_EQ(*table->FindChangesStart(SavepointName{"s"}), first);
  EXPECT_THAT(Changes(table, first, table->current_version()), IsError(ErrorKind::kNotFound));
  EXPECT_GT(*table->OldestChangesStart(), first);
}

TEST_F(ChangesTest, ABeginningIsAVersionOrATime) {
  const auto table = Create("cpu");
  const TimestampUs created = clock_.Now();
  EXPECT_EQ(*table->OldestChangesStart(), VersionId());
  clock_.Advance(std::chrono::seconds(1));
  const VersionId first = Write(table, {{"a", 1000, 1}});
  EXPECT_EQ(*table->FindChangesStart(TimestampUs(created.value() - 1)), VersionId());
  EXPECT_EQ(*table->FindChangesStart(created), VersionId(1));
  EXPECT_EQ(*table->FindChangesStart(clock_.Now()), first);
  EXPECT_EQ(*table->FindChangesStart(VersionId()), VersionId());
  EXPECT_THAT(table->FindChangesStart(TimestampUs(clock_.Now().value() + 1'000'000)),
              IsError(ErrorKind::kInvalidArgument));
}

TEST_F(ChangesTest, AConsumerHoldsWhatItHasNotReadAlsoOverARestart) {
  auto table = Create("cpu");
  const VersionId first = Write(table, {{"a", 1000, 1}});
  ASSERT_THAT(table->CreateConsumer("billing", first), IsOk());
  EXPECT_THAT(table->CreateConsumer("billing", first), IsError(ErrorKind::kAlreadyExists));
  EXPECT_THAT(table->CreateConsumer("1", first), IsError(ErrorKind::kInvalidArgument));
  Write(table, {{"a", 1000, 2}});
  const VersionId third = Write(table, {{"a", 1000, 3}});
  table.reset();
  database_.Start();
  table = database_.Find("cpu");
  ASSERT_THAT(database_->CompactTable(*table), IsOk());
  database_.ExpireAndCollect(*table);
  EXPECT_EQ(table->FindConsumer("billing")->position(), first);
  EXPECT_THAT(*Changes(table, first, third), SizeIs(6));
  ASSERT_THAT(table->AdvanceConsumer("billing", third), IsOk());
  EXPECT_EQ(table->AdvanceConsumer("billing", first)->position(), third);
  database_.ExpireAndCollect(*table);
  EXPECT_THAT(Changes(table, first, third), IsError(ErrorKind::kNotFound));
  EXPECT_THAT(table->ResetConsumer("billing", first), IsError(ErrorKind::kNotFound));
  EXPECT_THAT(table->ResetConsumer("billing", VersionId(99)), IsError(ErrorKind::kInvalidArgument));
  EXPECT_THAT(table->ResetConsumer("nobody", third), IsError(ErrorKind::kNotFound));
  ASSERT_THAT(table->DropConsumer("billing"), IsOk());
  EXPECT_THAT(*table->ListConsumers(), IsEmpty());
}

TEST_F(ChangesTest, AConsumerThatNobodyHearsOfExpires) {
  TableOptions options;
  options.consumer_expiration_time = std::chrono::minutes(10);
  const auto table = Create("cpu", options);
  const VersionId first = Write(table, {{"a", 1000, 1}});
  ASSERT_THAT(table->CreateConsumer("gone", first), IsOk());
  Write(table, {{"a", 1000, 2}});
  Write(table, {{"a", 1000, 3}});
  clock_.Advance(std::chrono::minutes(9));
  EXPECT_EQ(*table->ExpireConsumers(), 0U);
  database_.ExpireAndCollect(*table);
  EXPECT_THAT(Changes(table, first, table->current_version()), IsOk());
  ASSERT_THAT(table->CreateConsumer("here", first), IsOk());
  clock_.Advance(std::chrono::minutes(9));
  ASSERT_THAT(table->AdvanceConsumer("here", table->current_version()), IsOk());
  database_.ExpireAndCollect(*table);
  EXPECT_THAT(Changes(table, first, table->current_version()), IsError(ErrorKind::kNotFound));
  EXPECT_EQ(*table->ExpireConsumers(), 1U);
  EXPECT_THAT(*table->ListConsumers(), SizeIs(1));
}

TEST_F(ChangesTest, ManyRowsOfAFileComeInBatchesAndAFewByTheirBlocks) {
  constexpr int64_t kRows = 50'000;
  const auto table = Create("cpu");
  std::vector<TestRow> rows;
  for (int64_t i = 0; i < kRows; ++i) {
    rows.push_back({"h" + std::to_string(i % 10), 1'700'000'000'000 + i, i});
  }
  const VersionId first = Write(table, rows);
  EXPECT_THAT(*Changes(table, VersionId(), first), SizeIs(kRows + 2));
  Delete(table, {3, 49'999});
  EXPECT_THAT(*Changes(table, first, table->current_version()), SizeIs(3));
  const VersionId second = table->current_version();
  std::vector<uint64_t> many;
  for (uint64_t i = 0; i < kRows; i += 2) {
    many.push_back(i);
  }
  Delete(table, many);
  EXPECT_THAT(*Changes(table, second, table->current_version()), SizeIs(many.size() + 1));
}

TEST_F(ChangesTest, WhatHasNoChangesOfItsOwnIsNamed) {
  TableSpec spec = TestSpec();
  spec.columns.push_back({.name = "_Change_Type", .type = ColumnType::kInt64});
  const auto table = database_->CreateTable("public", "t", spec, {}).value();
  EXPECT_THAT(Changes(table, VersionId(), VersionId(1)),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("'_Change_Type'")));
  EXPECT_THAT(FindTableWithChanges(*database_, "public", "none"), IsError(ErrorKind::kNotFound));
  ASSERT_THAT(database_->CreatePartitionedTable(
                  "public", "p", TestSpec(), {},
                  {.method = PartitionMethod::kKey, .columns = {"host"}, .count = 2}),
              IsOk());
  EXPECT_THAT(FindTableWithChanges(*database_, "public", "p"),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("2 partitions")));
}

}  // namespace
}  // namespace varve
