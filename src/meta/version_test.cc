// Proves what Apply accepts and refuses, one rule per test.
#include "meta/version.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "meta/test_values.h"

namespace varve {
namespace {

using testing::HasSubstr;

Version First() { return Apply({}, CreateEdit(), kTestNow).value(); }

Version WithFile(uint64_t number) { return Apply(First(), AddFile(number), kTestNow).value(); }

TEST(Apply, TheFirstEditMakesTheTable) {
  const Version version = First();
  EXPECT_EQ(version.id, VersionId(1));
  EXPECT_EQ(version.committed_at, kTestNow);
  EXPECT_EQ(*version.schema, TestSchema());
  EXPECT_EQ(version.schemas.size(), 1u);
  EXPECT_EQ(version.row_count(), 0u);
}

TEST(Apply, OnlyTheFirstEditCreates) {
  EXPECT_THAT(Apply(First(), CreateEdit(), kTestNow), IsError(ErrorKind::kInvalidArgument));
  EXPECT_THAT(Apply({}, AddFile(1), kTestNow), IsError(ErrorKind::kInvalidArgument));
  VersionEdit no_options = CreateEdit();
  no_options.options.reset();
  EXPECT_THAT(Apply({}, no_options, kTestNow), IsError(ErrorKind::kInvalidArgument));
}

TEST(Apply, TimeNeverStandsStillOrGoesBack) {
  Version version = Apply(First(), {}, TimestampUs(0)).value();
  EXPECT_EQ(version.committed_at, TimestampUs(kTestNow.value() + 1));
  version = Apply(version, {}, kTestNow).value();
  EXPECT_EQ(version.committed_at, TimestampUs(kTestNow.value() + 2));
  version = Apply(version, {}, TimestampUs(kTestNow.value() + 50)).value();
  EXPECT_EQ(version.committed_at, TimestampUs(kTestNow.value() + 50));
}

TEST(Apply, FilesAreAddedAndRemoved) {
  Version version = WithFile(1);
  EXPECT_EQ(version.row_count(), 1000u);
  VersionEdit swap = AddFile(2);
  swap.kind = EditKind::kCompact;
  swap.removed_files = {TestId(1)};
  version = Apply(version, swap, kTestNow).value();
  EXPECT_EQ(version.files.size(), 1u);
  EXPECT_TRUE(version.files.contains(TestId(2)));
}

TEST(Apply, AFileIsAddedOnce) {
  EXPECT_THAT(Apply(WithFile(1), AddFile(1), kTestNow), IsError(ErrorKind::kInvalidArgument));
  VersionEdit twice;
  twice.added_files = {TestFile(1), TestFile(1)};
  EXPECT_THAT(Apply(First(), twice, kTestNow), IsError(ErrorKind::kInvalidArgument));
}

TEST(Apply, WhatIsNotThereCannotBeRemovedOrMasked) {
  VersionEdit remove;
  remove.removed_files = {TestId(1)};
  EXPECT_THAT(Apply(First(), remove, kTestNow), IsError(ErrorKind::kConflict));
  VersionEdit mask;
  mask.deletion_vectors[TestId(1)] = TestVector(1);
  EXPECT_THAT(Apply(First(), mask, kTestNow), IsError(ErrorKind::kConflict));
}

TEST(Apply, AnEditDoesOneThingToAFile) {
  VersionEdit edit;
  edit.removed_files = {TestId(1), TestId(1)};
  EXPECT_THAT(Apply(WithFile(1), edit, kTestNow), IsError(ErrorKind::kInvalidArgument));
  edit.removed_files = {TestId(1)};
  edit.deletion_vectors[TestId(1)] = TestVector(1);
  EXPECT_THAT(Apply(WithFile(1), edit, kTestNow), IsError(ErrorKind::kInvalidArgument));
  edit = AddFile(2);
  edit.removed_files = {TestId(2)};
  EXPECT_THAT(Apply(WithFile(1), edit, kTestNow), IsError(ErrorKind::kInvalidArgument));
}

TEST(Apply, ADeletionVectorReplacesTheFormerOne) {
  VersionEdit mask;
  mask.deletion_vectors[TestId(1)] = TestVector(10);
  Version version = Apply(WithFile(1), mask, kTestNow).value();
  EXPECT_EQ(version.row_count(), 990u);
  EXPECT_EQ(version.masked_at.at(TestId(1)), version.id);
  mask.deletion_vectors[TestId(1)] = TestVector(30);
  version = Apply(version, mask, kTestNow).value();
  EXPECT_EQ(version.row_count(), 970u);
  mask.deletion_vectors[TestId(1)] = TestVector(1001);
  EXPECT_THAT(Apply(version, mask, kTestNow),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("1001")));
}

TEST(Apply, AnEditFromBeforeADeletionVectorDoesNotUndoIt) {
  const Version read = WithFile(1);
  VersionEdit mask;
  mask.deletion_vectors[TestId(1)] = TestVector(10);
  const Version masked = Apply(read, mask, kTestNow).value();

  VersionEdit compact = AddFile(2);
  compact.removed_files = {TestId(1)};
  compact.base = read.id;
  EXPECT_THAT(Apply(read, compact, kTestNow), IsOk());
  EXPECT_THAT(Apply(masked, compact, kTestNow), IsError(ErrorKind::kConflict, HasSubstr("rows")));
  compact.base = masked.id;
  const auto compacted = Apply(masked, compact, kTestNow);
  ASSERT_THAT(compacted, IsOk());
  EXPECT_TRUE(compacted->masked_at.empty());

  mask.base = read.id;
  EXPECT_THAT(Apply(masked, mask, kTestNow), IsError(ErrorKind::kConflict));
}

TEST(Apply, FlushedNeverGoesBack) {
  VersionEdit edit;
  edit.flushed = Sequence(10);
  const Version version = Apply(First(), edit, kTestNow).value();
  EXPECT_EQ(version.flushed, Sequence(10));
  EXPECT_THAT(Apply(version, edit, kTestNow), IsOk());
  edit.flushed = Sequence(9);
  EXPECT_THAT(Apply(version, edit, kTestNow), IsError(ErrorKind::kInvalidArgument));
}

TEST(Apply, AnOperationIsCommittedOnce) {
  VersionEdit edit = AddFile(1);
  edit.operation_id = "import 7/3";
  const Version version = Apply(First(), edit, kTestNow).value();
  EXPECT_EQ(version.operations.at("import 7/3"), version.id);
  EXPECT_THAT(Apply(version, edit, kTestNow),
              IsError(ErrorKind::kAlreadyExists, HasSubstr("import 7/3")));
  edit.operation_id = "";
  EXPECT_THAT(Apply(version, edit, kTestNow), IsError(ErrorKind::kInvalidArgument));
  edit.operation_id = std::string(kOperationIdBytesMax + 1, 'x');
  EXPECT_THAT(Apply(version, edit, kTestNow), IsError(ErrorKind::kInvalidArgument));
}

TEST(Apply, SchemasFollowEachOther) {
  const Version version = First();
  VersionEdit alter;
  alter.kind = EditKind::kAlter;
  alter.schema = TestSchema().WithColumnsAdded({TestColumn("extra", ColumnType::kInt64)}).value();
  const Version altered = Apply(version, alter, kTestNow).value();
  EXPECT_EQ(altered.schema->schema_id(), 2u);
  EXPECT_EQ(altered.schemas.size(), 2u);

  // Two ALTERs from the same schema: the second one has to be made again.
  EXPECT_THAT(Apply(altered, alter, kTestNow), IsError(ErrorKind::kConflict));
  alter.schema = altered.schema->WithColumnsAdded({TestColumn("more", ColumnType::kInt64)})
                     .value()
                     .WithColumnsAdded({TestColumn("most", ColumnType::kInt64)})
                     .value();
  EXPECT_THAT(Apply(altered, alter, kTestNow), IsError(ErrorKind::kInvalidArgument));
}

TEST(Apply, AColumnIdMeansOneColumnForEver) {
  const TableSchema schema = TestSchema();
  auto columns = schema.columns();
  columns[3].type = ColumnType::kInt64;
  VersionEdit alter;
  alter.schema = TableSchema::Restore(2, 4, columns, {"tsid", "t"}, "t").value();
  EXPECT_THAT(Apply(First(), alter, kTestNow),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("value")));
}

TEST(Apply, TheKeyStays) {
  auto columns = TestSchema().columns();
  std::swap(columns[0], columns[1]);
  VersionEdit alter;
  alter.schema = TableSchema::Restore(2, 4, columns, {"t", "tsid"}, "t").value();
  EXPECT_THAT(Apply(First(), alter, kTestNow),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("primary key")));
}

TEST(Apply, FilesAreChecked) {
  const auto refuses = [](auto change) {
    VersionEdit edit = AddFile(1);
    change(edit.added_files[0]);
    EXPECT_THAT(Apply(First(), edit, kTestNow), IsError(ErrorKind::kInvalidArgument));
  };
  refuses([](FileMeta& file) { file.path = "../etc/passwd"; });
  refuses([](FileMeta& file) { file.path = "/absolute"; });
  refuses([](FileMeta& file) { file.sha256 = "abc"; });
  refuses([](FileMeta& file) { file.schema_id = 2; });
  refuses([](FileMeta& file) { file.time_min = TimestampUs(file.time_max.value() + 1); });
  refuses([](FileMeta& file) { file.segment_start = TimestampUs(file.time_min.value() + 1); });
  refuses([](FileMeta& file) { std::swap(file.tsid_min, file.tsid_max); });
  refuses([](FileMeta& file) { file.null_counts[4] = file.rows + 1; });
  refuses([](FileMeta& file) { file.deletion_vector = TestVector(file.rows + 1); });
}

TEST(Apply, OptionsThatCannotBeReadBackAreRefused) {
  VersionEdit edit;
  edit.options = TableOptions();
  edit.options->compaction_min_threshold = 1;
  EXPECT_THAT(Apply(First(), edit, kTestNow), IsError(ErrorKind::kInvalidArgument));
}

// Rows come back: whoever worked from a version before it must not commit what he knew.
TEST(Version, ARestorePutsAFileInItsOwnPlace) {
  Version version = Apply(Version(), CreateEdit(), kTestNow).value();
  version = Apply(version, AddFile(1), kTestNow).value();
  const VersionId before = version.id;
  VersionEdit mask;
  mask.kind = EditKind::kDelete;
  mask.deletion_vectors[TestId(1)] = TestVector(5);
  version = Apply(version, mask, kTestNow).value();
  EXPECT_EQ(version.row_count(), 995U);
  VersionEdit restore = AddFile(1);
  restore.removed_files = {TestId(1)};
  restore.base = version.id;
  EXPECT_THAT(Apply(version, restore, kTestNow), IsError(ErrorKind::kInvalidArgument));
  restore.kind = EditKind::kRestore;
  version = Apply(version, restore, kTestNow).value();
  EXPECT_EQ(version.row_count(), 1000U);
  VersionEdit late;
  late.kind = EditKind::kCompact;
  late.base = before;
  late.removed_files = {TestId(1)};
  EXPECT_THAT(Apply(version, late, kTestNow), IsError(ErrorKind::kConflict));
}

}  // namespace
}  // namespace varve
