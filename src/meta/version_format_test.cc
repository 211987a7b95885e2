// Proves that a table's edits and checkpoints come back as they were, that their bytes do not
// change between releases, and that no bytes at all do anything but give an error.
#include "meta/version_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/checksum.h"
#include "base/matchers.h"
#include "meta/log_format_internal.h"
#include "meta/test_values.h"

namespace varve {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr std::string_view kSealKey = ",\"body_sha256\":\"";

std::string Sealed(const std::string& body) {
  return body + std::string(kSealKey) + Sha256Hex(body) + "\"}\n";
}

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

// The file with a change that its checksum agrees to.
std::string Changed(const std::string& file, std::string_view from, std::string_view to) {
  return Sealed(Replaced(file.substr(0, file.rfind(kSealKey)), from, to));
}

// The body as release 0.1.0 would have written it.
std::string Body(const std::string& file) {
  return Replaced(file.substr(0, file.rfind(kSealKey)), fmt::format("\"writer\":\"{}\"", Release()),
                  "\"writer\":\"0.1.0\"");
}

VersionEdit FullEdit() {
  VersionEdit edit = AddFile(1);
  edit.kind = EditKind::kFlush;
  edit.added_files[0].deletion_vector = TestVector(5);
  edit.removed_files = {TestId(2)};
  edit.deletion_vectors[TestId(3)] = TestVector(7);
  edit.schema = TestSchema();
  edit.options = TableOptions();
  edit.options->compaction_bucket_low = 0.25;  // not shown by SHOW CREATE TABLE, and yet kept
  edit.options->unknown["colour"] = "blue";
  edit.flushed = Sequence(18'446'744'073'709'551'615u);
  edit.operation_id = "import 7/3";
  return edit;
}

EditLink Link() { return {VersionId(7), kTestNow, std::string(64, 'c')}; }

Version FullVersion() {
  Version version = Apply({}, CreateEdit(), kTestNow).value();
  version = Apply(version, AddFile(2), kTestNow).value();
  VersionEdit edit = AddFile(1);
  edit.kind = EditKind::kOther;
  edit.other_kind = "rollback";
  edit.deletion_vectors[TestId(2)] = TestVector(7);
  edit.flushed = Sequence(9'007'199'254'740'993);
  edit.operation_id = "import 7/3";
  edit.schema = version.schema->WithColumnsAdded({TestColumn("x", ColumnType::kInt8)}).value();
  return Apply(version, edit, kTestNow).value();
}

constexpr std::string_view kGoldenEdit =
    R"({"format":"varve-table-edit","major":1,"writer":"0.1.0","version":7,)"
    R"("committed_at":1700000000000000,)"
    R"("parent_sha256":"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",)"
    R"("kind":"flush","edit":{"added_files":[{"id":"00000000-0000-4000-8000-000000000001",)"
    R"("path":"tables/00000000-0000-4000-8000-000000000001/data/1700000000000000/)"
    R"(00000000-0000-4000-8000-000000000001.parquet","segment_start":1700000000000000,)"
    R"("schema_id":1,"rows":1000,"size_bytes":12345,)"
    R"("sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",)"
    R"("time_min":1700000000000000,"time_max":1700000000999000,)"
    R"("tsid_min":9007199254740993,"tsid_max":18446744073709551615,)"
    R"("sequence_max":18446744073709551614,"null_counts":[[1,0],[2,0],[3,10],[4,999]],)"
    R"("deletion_vector":{"path":"tables/x/data/v5.roaring","size_bytes":77,)"
    R"("sha256":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","rows":5}}],)"
    R"("removed_files":["00000000-0000-4000-8000-000000000002"],)"
    R"("deletion_vectors":[{"file":"00000000-0000-4000-8000-000000000003",)"
    R"("vector":{"path":"tables/x/data/v7.roaring","size_bytes":77,)"
    R"("sha256":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","rows":7}}],)"
    R"("schema":{"schema_id":1,"last_column_id":4,"primary_key":["tsid","t"],)"
    R"("timestamp_key":"t","columns":[{"id":1,"name":"tsid","type":10,"not_null":true},)"
    R"({"id":2,"name":"t","type":1,"not_null":true},)"
    R"({"id":3,"name":"host","type":4,"tag":true,"dictionary":true},)"
    R"({"id":4,"name":"value","type":2,"default_value":"1.5","comment":"°C"}]},)"
    R"("options":{"arena_block_size":"2097152","colour":"blue","compaction_bucket_high":"1.5",)"
    R"("compaction_bucket_low":"0.25","compaction_max_threshold":"16",)"
    R"("compaction_min_sstable_size":"52428800","compaction_min_threshold":"4",)"
    R"("compaction_strategy":"default","compaction_timestamp_resolution":"ms",)"
    R"("compression":"ZSTD","enable_ttl":"true","layered_enable":"false",)"
    R"("layered_mutable_switch_threshold":"3145728","memtable_type":"skiplist",)"
    R"("num_rows_per_row_group":"122880","segment_duration":"","storage_format":"AUTO",)"
    R"("ttl":"7d","update_mode":"OVERWRITE","write_buffer_size":"33554432"},)"
    R"("flushed":18446744073709551615,"operation_id":"import 7/3"})";
constexpr std::string_view kGoldenEditSha256 =
    "8e71e97177c484ab370685841f52c1b287de8e437c31798681b2c22c5df68923";

constexpr std::string_view kGoldenCheckpoint =
    R"({"format":"varve-table-checkpoint","major":1,"writer":"0.1.0","version":3,)"
    R"("committed_at":1700000000000002,)"
    R"("edit_sha256":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",)"
    R"("state":{"kind":"rollback","schema_id":2,"schemas":[{"schema_id":1,"last_column_id":4,)"
    R"("primary_key":["tsid","t"],"timestamp_key":"t","columns":[)"
    R"({"id":1,"name":"tsid","type":10,"not_null":true},)"
    R"({"id":2,"name":"t","type":1,"not_null":true},)"
    R"({"id":3,"name":"host","type":4,"tag":true,"dictionary":true},)"
    R"({"id":4,"name":"value","type":2,"default_value":"1.5","comment":"°C"}]},)"
    R"({"schema_id":2,"last_column_id":5,"primary_key":["tsid","t"],"timestamp_key":"t",)"
    R"("columns":[{"id":1,"name":"tsid","type":10,"not_null":true},)"
    R"({"id":2,"name":"t","type":1,"not_null":true},)"
    R"({"id":3,"name":"host","type":4,"tag":true,"dictionary":true},)"
    R"({"id":4,"name":"value","type":2,"default_value":"1.5","comment":"°C"},)"
    R"({"id":5,"name":"x","type":9}]}],)"
    R"("options":{"arena_block_size":"2097152","compaction_bucket_high":"1.5",)"
    R"("compaction_bucket_low":"0.5","compaction_max_threshold":"16",)"
    R"("compaction_min_sstable_size":"52428800","compaction_min_threshold":"4",)"
    R"("compaction_strategy":"default","compaction_timestamp_resolution":"ms",)"
    R"("compression":"ZSTD","enable_ttl":"true","layered_enable":"false",)"
    R"("layered_mutable_switch_threshold":"3145728","memtable_type":"skiplist",)"
    R"("num_rows_per_row_group":"122880","segment_duration":"","storage_format":"AUTO",)"
    R"("ttl":"7d","update_mode":"OVERWRITE","write_buffer_size":"33554432"},)"
    R"("files":[{"id":"00000000-0000-4000-8000-000000000001",)"
    R"("path":"tables/00000000-0000-4000-8000-000000000001/data/1700000000000000/)"
    R"(00000000-0000-4000-8000-000000000001.parquet","segment_start":1700000000000000,)"
    R"("schema_id":1,"rows":1000,"size_bytes":12345,)"
    R"("sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",)"
    R"("time_min":1700000000000000,"time_max":1700000000999000,)"
    R"("tsid_min":9007199254740993,"tsid_max":18446744073709551615,)"
    R"("sequence_max":18446744073709551614,"null_counts":[[1,0],[2,0],[3,10],[4,999]]},)"
    R"({"id":"00000000-0000-4000-8000-000000000002",)"
    R"("path":"tables/00000000-0000-4000-8000-000000000001/data/1700000000000000/)"
    R"(00000000-0000-4000-8000-000000000002.parquet","segment_start":1700000000000000,)"
    R"("schema_id":1,"rows":1000,"size_bytes":12345,)"
    R"("sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",)"
    R"("time_min":1700000000000000,"time_max":1700000000999000,)"
    R"("tsid_min":9007199254740993,"tsid_max":18446744073709551615,)"
    R"("sequence_max":18446744073709551614,"null_counts":[[1,0],[2,0],[3,10],[4,999]],)"
    R"("deletion_vector":{"path":"tables/x/data/v7.roaring","size_bytes":77,)"
    R"("sha256":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","rows":7},)"
    R"("masked_at":3}],"flushed":9007199254740993,"operations":[["import 7/3",3]]})";
constexpr std::string_view kGoldenCheckpointSha256 =
    "bdebc00e104126550fbf942ded77ff72449ff3f64f48d46e2af7dfb57d616259";

std::string Golden(std::string_view body, std::string_view sha256) {
  return fmt::format("{}{}{}\"}}\n", body, kSealKey, sha256);
}

void ExpectFullEdit(const VersionEdit& edit) {
  const VersionEdit full = FullEdit();
  EXPECT_EQ(edit.kind, full.kind);
  EXPECT_EQ(edit.added_files, full.added_files);
  EXPECT_EQ(edit.removed_files, full.removed_files);
  EXPECT_EQ(edit.deletion_vectors, full.deletion_vectors);
  EXPECT_EQ(edit.schema, full.schema);
  EXPECT_EQ(edit.options, full.options);
  EXPECT_EQ(edit.flushed, full.flushed);
  EXPECT_EQ(edit.operation_id, full.operation_id);
}

TEST(VersionFormat, GoldenEdit) {
  const auto encoded = EncodeTableEdit(FullEdit(), Link());
  ASSERT_THAT(encoded, IsOk());
  EXPECT_EQ(Body(*encoded), kGoldenEdit);
  EXPECT_EQ(*encoded, Sealed(encoded->substr(0, encoded->rfind(kSealKey))));

  const auto decoded = DecodeTableEdit(Golden(kGoldenEdit, kGoldenEditSha256));
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(decoded->link.version, VersionId(7));
  EXPECT_EQ(decoded->link.committed_at, kTestNow);
  EXPECT_EQ(decoded->link.parent_sha256, std::string(64, 'c'));
  ExpectFullEdit(decoded->edit);
}

TEST(VersionFormat, GoldenCheckpoint) {
  const auto encoded = EncodeTableCheckpoint(FullVersion(), std::string(64, 'd'));
  ASSERT_THAT(encoded, IsOk());
  EXPECT_EQ(Body(*encoded), kGoldenCheckpoint);
  EXPECT_EQ(*encoded, Sealed(encoded->substr(0, encoded->rfind(kSealKey))));

  const auto decoded = DecodeTableCheckpoint(Golden(kGoldenCheckpoint, kGoldenCheckpointSha256));
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(decoded->edit_sha256, std::string(64, 'd'));
  ExpectSame(decoded->state, FullVersion());
}

TEST(VersionFormat, AnEditOfOneFileIsSmall) {
  VersionEdit edit = AddFile(1);
  edit.flushed = Sequence(1'000'000);
  const auto encoded = EncodeTableEdit(edit, Link());
  ASSERT_THAT(encoded, IsOk());
  EXPECT_LE(encoded->size(), 1024u);
}

TEST(VersionFormat, EveryKindComesBack) {
  for (const EditKind kind :
       {EditKind::kCreate, EditKind::kFlush, EditKind::kAlter, EditKind::kCompact,
        EditKind::kDelete, EditKind::kExpire, EditKind::kRestore}) {
    VersionEdit edit;
    edit.kind = kind;
    const auto decoded = DecodeTableEdit(EncodeTableEdit(edit, Link()).value());
    ASSERT_THAT(decoded, IsOk());
    EXPECT_EQ(decoded->edit.kind, kind);
  }
}

TEST(VersionFormat, AnUnknownKindAndUnknownFieldsAreTaken) {
  const std::string file = EncodeTableEdit(AddFile(1), Link()).value();
  std::string changed = Changed(file, R"("kind":"flush")", R"("kind":"rollback","mood":["x"])");
  changed = Changed(changed, R"("rows":1000)", R"("rows":1000,"colour":{"a":1})");
  const auto decoded = DecodeTableEdit(changed);
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(decoded->edit.kind, EditKind::kOther);
  EXPECT_EQ(decoded->edit.other_kind, "rollback");
  EXPECT_EQ(decoded->edit.added_files, AddFile(1).added_files);
  EXPECT_THAT(EncodeTableEdit(decoded->edit, Link()).value(), HasSubstr(R"("kind":"rollback")"));
}

TEST(VersionFormat, ANewerMajorNamesTheReleaseToUse) {
  std::string file = EncodeTableEdit(AddFile(1), Link()).value();
  file = Changed(file, R"("major":1)", R"("major":5)");
  file = Changed(file, fmt::format(R"("writer":"{}")", Release()), R"("writer":"3.4.5")");
  EXPECT_THAT(DecodeTableEdit(file),
              IsError(ErrorKind::kNotSupported, AllOf(HasSubstr("3.4.5"), HasSubstr("major 5"))));
}

// What an earlier Varve would refuse to apply says so.
TEST(VersionFormat, ARestoreThatReplacesAFileIsOfMajor4) {
  VersionEdit edit = AddFile(1);
  edit.kind = EditKind::kRestore;
  EXPECT_THAT(EncodeTableEdit(edit, Link()).value(), HasSubstr(R"("major":1)"));
  edit.removed_files = {TestId(1)};
  const std::string file = EncodeTableEdit(edit, Link()).value();
  EXPECT_THAT(file, HasSubstr(R"("major":4)"));
  EXPECT_EQ(DecodeTableEdit(file)->edit.removed_files, edit.removed_files);
}

TEST(VersionFormat, ATextThatIsNotUtf8IsRefused) {
  VersionEdit edit;
  edit.operation_id = "\xff\xfe";
  EXPECT_THAT(EncodeTableEdit(edit, Link()),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("UTF-8")));
}

TEST(VersionFormat, EveryTruncationAndEveryFlippedByteIsFound) {
  const std::string file = EncodeTableEdit(FullEdit(), Link()).value();
  for (size_t size = 0; size < file.size(); ++size) {
    ASSERT_THAT(DecodeTableEdit(file.substr(0, size)), IsError(ErrorKind::kCorruption)) << size;
  }
  for (size_t i = 0; i < file.size(); ++i) {
    std::string flipped = file;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x01);
    ASSERT_THAT(DecodeTableEdit(flipped), IsError(ErrorKind::kCorruption)) << i;
  }
}

// Bytes whose checksum is right, so that only the reading of fields stands between them and us.
TEST(VersionFormat, WrongFieldsAreFound) {
  const std::string file = EncodeTableEdit(FullEdit(), Link()).value();
  const auto refuses = [&](std::string_view from, std::string_view to) {
    EXPECT_THAT(DecodeTableEdit(Changed(file, from, to)), IsError(ErrorKind::kCorruption)) << to;
  };
  refuses("varve-table-edit", "varve-table-checkpoint");
  refuses(R"("major":1)", R"("major":0)");
  refuses(R"("major":1)", R"("major":"1")");
  refuses(R"("version":7)", R"("version":-7)");
  refuses(R"("version":7)", R"("version":7.5)");
  refuses(R"("version":7)", R"("version":184467440737095516150)");
  refuses(R"("version":7,)", "");
  refuses(R"("committed_at":1700000000000000)", R"("committed_at":18446744073709551615)");
  refuses(R"("parent_sha256":"c)", R"("parent_sha256":"C)");
  refuses(R"("kind":"flush")", R"("kind":"")");
  refuses(R"("rows":1000)", R"("rows":null)");
  refuses(R"("rows":1000)", R"("rows":4)");
  refuses(R"("schema_id":1,"rows")", R"("schema_id":4294967296,"rows")");
  refuses(R"("null_counts":[[1,0],)", R"("null_counts":[[1],)");
  refuses(R"("path":"tables/)", R"("path":"../tables/)");
  refuses(R"("id":"00000000)", R"("id":"0000000)");
  refuses(R"("type":10)", R"("type":99)");
  refuses(R"("not_null":true)", R"("not_null":1)");
  refuses(R"("timestamp_key":"t")", R"("timestamp_key":"u")");
  refuses(R"("ttl":"7d")", R"("ttl":7)");
  refuses(R"("ttl":"7d")", R"("ttl":"7 parsecs")");
  refuses(R"("removed_files":[)", R"("removed_files":[[],)");
}

TEST(VersionFormat, WrongCheckpointsAreFound) {
  const std::string file = EncodeTableCheckpoint(FullVersion(), std::string(64, 'd')).value();
  const auto refuses = [&](std::string_view from, std::string_view to) {
    EXPECT_THAT(DecodeTableCheckpoint(Changed(file, from, to)), IsError(ErrorKind::kCorruption))
        << to;
  };
  refuses(R"("edit_sha256":"d)", R"("edit_sha256":")");
  refuses(R"("schema_id":2,"schemas")", R"("schema_id":3,"schemas")");
  refuses(R"("schema_id":1,"rows")", R"("schema_id":7,"rows")");
  refuses(R"({"id":"00000000-0000-4000-8000-000000000002")",
          R"({"id":"00000000-0000-4000-8000-000000000001")");
  refuses(R"([["import 7/3",3]])", R"(["import 7/3",3])");
}

// Random damage with a right checksum never does worse than an error (the sanitizers watch).
TEST(VersionFormat, RandomDamageGivesErrors) {
  const unsigned seed = testing::UnitTest::GetInstance()->random_seed();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const std::string edit = EncodeTableEdit(FullEdit(), Link()).value();
  const std::string checkpoint = EncodeTableCheckpoint(FullVersion(), std::string(64, 'd')).value();
  for (int round = 0; round < 3000; ++round) {
    std::string body = round % 2 == 0 ? edit : checkpoint;
    body.resize(body.rfind(kSealKey));
    for (int change = 0; change < 3; ++change) {
      const std::string_view pool = "0123456789-.eE\"[]{},:ntf\\\xff";
      body[random() % body.size()] = pool[random() % pool.size()];
    }
    const auto check = [](const auto& decoded) {
      EXPECT_TRUE(decoded || decoded.error().kind == ErrorKind::kCorruption ||
                  decoded.error().kind == ErrorKind::kNotSupported)
          << decoded.error().message;
    };
    check(DecodeTableEdit(Sealed(body)));
    check(DecodeTableCheckpoint(Sealed(body)));
  }
}

}  // namespace
}  // namespace varve
