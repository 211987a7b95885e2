// Proves that the catalogue knows its schemas and tables over reopening, gives table ids once,
// refuses bad requests, and never takes a damaged store for a new one.
#include "meta/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

#include "base/checksum.h"
#include "base/matchers.h"
#include "meta/catalogue_format.h"
#include "meta/log_format_internal.h"
#include "meta/table_log.h"
#include "meta/test_values.h"
#include "store/faulty_store.h"
#include "store/memory_store.h"

namespace varve {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr std::string_view kSealKey = ",\"body_sha256\":\"";

class CatalogueTest : public testing::Test {
 protected:
  Result<std::unique_ptr<Catalogue>> TryOpen() { return Catalogue::Open(store_, clock_, ids_); }
  std::unique_ptr<Catalogue> Open() {
    auto catalogue = TryOpen();
    EXPECT_THAT(catalogue, IsOk());
    return *std::move(catalogue);
  }

  ManualClock clock_{kTestNow};
  SeededIdSource ids_{7};
  std::shared_ptr<MemoryObjectStore> memory_ = std::make_shared<MemoryObjectStore>(&clock_);
  FaultyObjectStore store_{memory_};
};

TEST_F(CatalogueTest, AnEmptyStoreGetsTheSchemaPublic) {
  const auto catalogue = Open();
  EXPECT_EQ(catalogue->current()->id, VersionId(1));
  ASSERT_EQ(catalogue->current()->schemas.size(), 1u);
  EXPECT_TRUE(catalogue->current()->schemas.at("public").empty());
  EXPECT_EQ(Open()->db_uuid(), catalogue->db_uuid());
}

TEST_F(CatalogueTest, TablesComeBack) {
  const auto catalogue = Open();
  const auto added = catalogue->AddTable("public", "Cpu", {TestId(1)});
  ASSERT_THAT(added, IsOk());
  EXPECT_EQ(added->id, TableId(1));
  EXPECT_EQ(added->created_at, kTestNow);
  ASSERT_THAT(catalogue->AddTable("public", "cpu", {TestId(2)}), IsOk());  // case counts
  const auto again = Open();
  EXPECT_EQ(again->current()->schemas, catalogue->current()->schemas);
  ASSERT_NE(again->current()->Find("public", "Cpu"), nullptr);
  EXPECT_EQ(*again->current()->Find("public", "Cpu"), *added);
  EXPECT_EQ(again->current()->Find("public", "CPU"), nullptr);
}

TEST_F(CatalogueTest, IdsAreNeverGivenAgain) {
  auto catalogue = Open();
  ASSERT_THAT(catalogue->AddTable("public", "a", {TestId(1)}), IsOk());
  ASSERT_THAT(catalogue->AddTable("public", "b", {TestId(2)}), IsOk());
  const auto removed = catalogue->RemoveTable("public", "b", std::nullopt);
  ASSERT_THAT(removed, IsOk());
  EXPECT_EQ(removed->id, TableId(2));
  EXPECT_EQ(catalogue->AddTable("public", "b", {TestId(3)}).value().id, TableId(3));
  ASSERT_THAT(catalogue->RemoveTable("public", "b", std::nullopt), IsOk());
  // Also when only a checkpoint remembers the dropped table.
  for (int i = 0; i < 70; ++i) {
    ASSERT_THAT(catalogue->AddSchema(fmt::format("s{}", i)), IsOk());
  }
  catalogue = Open();
  EXPECT_EQ(catalogue->AddTable("public", "b", {TestId(4)}).value().id, TableId(4));
}

TEST_F(CatalogueTest, TableRequestsAreChecked) {
  const auto catalogue = Open();
  ASSERT_THAT(catalogue->AddTable("public", "a", {TestId(1)}), IsOk());
  EXPECT_THAT(catalogue->AddTable("public", "a", {TestId(2)}), IsError(ErrorKind::kAlreadyExists));
  EXPECT_THAT(catalogue->AddTable("public", "b", {TestId(1)}), IsError(ErrorKind::kAlreadyExists));
  EXPECT_THAT(catalogue->AddTable("other", "a", {TestId(2)}), IsError(ErrorKind::kNotFound));
  EXPECT_THAT(catalogue->AddTable("public", "", {TestId(2)}), IsError(ErrorKind::kInvalidArgument));
  EXPECT_THAT(catalogue->AddTable("public", "a\nb", {TestId(2)}),
              IsError(ErrorKind::kInvalidArgument));
  EXPECT_THAT(catalogue->AddTable("public", "\xff", {TestId(2)}),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("UTF-8")));
  EXPECT_THAT(catalogue->RemoveTable("public", "b", std::nullopt), IsError(ErrorKind::kNotFound));
  EXPECT_THAT(catalogue->RemoveTable("other", "a", std::nullopt), IsError(ErrorKind::kNotFound));
  EXPECT_EQ(catalogue->current()->id, VersionId(2));
}

TEST_F(CatalogueTest, SchemasAreAddedAndRemoved) {
  const auto catalogue = Open();
  ASSERT_THAT(catalogue->AddSchema("metrics"), IsOk());
  EXPECT_THAT(catalogue->AddSchema("metrics"), IsError(ErrorKind::kAlreadyExists));
  EXPECT_THAT(catalogue->AddSchema(""), IsError(ErrorKind::kInvalidArgument));
  ASSERT_THAT(catalogue->AddTable("metrics", "a", {TestId(1)}), IsOk());
  EXPECT_THAT(catalogue->RemoveSchema("metrics"),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("'a'")));
  ASSERT_THAT(catalogue->RemoveTable("metrics", "a", std::nullopt), IsOk());
  EXPECT_THAT(catalogue->RemoveSchema("metrics"), IsOk());
  EXPECT_THAT(catalogue->RemoveSchema("metrics"), IsError(ErrorKind::kNotFound));
  EXPECT_THAT(catalogue->RemoveSchema("public"), IsError(ErrorKind::kInvalidArgument));
  EXPECT_EQ(Open()->current()->schemas, catalogue->current()->schemas);
}

TEST_F(CatalogueTest, TwoProcessesGiveDifferentIds) {
  const auto one = Open();
  const auto two = Open();
  std::vector<std::thread> threads;
  for (uint64_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (uint64_t i = 0; i < 10; ++i) {
        const uint64_t number = 100 * thread + i;
        Result<TableEntry> done = Conflict("not tried");
        while (!done && done.error().kind == ErrorKind::kConflict) {
          done = (thread % 2 == 0 ? one : two)
                     ->AddTable("public", fmt::format("t{}", number), {TestId(number)});
        }
        EXPECT_THAT(done, IsOk());
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  std::set<TableId> ids;
  const auto catalogue = Open();
  for (const auto& [name, table] : catalogue->current()->schemas.at("public")) {
    ids.insert(table.id);
  }
  EXPECT_EQ(ids.size(), 40u);
  EXPECT_EQ(*ids.rbegin(), TableId(40));
}

TEST_F(CatalogueTest, RefusalsAreByTheNewestVersion) {
  const auto one = Open();
  const auto two = Open();
  ASSERT_THAT(one->AddTable("public", "a", {TestId(1)}), IsOk());
  EXPECT_THAT(two->RemoveTable("public", "a", std::nullopt), IsOk());
  EXPECT_THAT(one->AddTable("public", "a", {TestId(1)}), IsOk());
  EXPECT_THAT(two->AddTable("public", "a", {TestId(2)}), IsError(ErrorKind::kAlreadyExists));
}

TEST_F(CatalogueTest, AStoreWithoutItsFormatFileIsDamaged) {
  {
    const auto catalogue = Open();
  }
  ASSERT_THAT(memory_->Delete("FORMAT"), IsOk());
  EXPECT_THAT(TryOpen(), IsError(ErrorKind::kCorruption,
                                 AllOf(HasSubstr("FORMAT"), HasSubstr("from a backup"))));
}

TEST_F(CatalogueTest, TablesWithoutACatalogueAreDamage) {
  {
    const auto catalogue = Open();
  }
  ASSERT_THAT(memory_->Delete("catalogue/log/00000000000000000001.json"), IsOk());
  EXPECT_THAT(TryOpen(), IsOk());  // a store that was made and not used: nothing is lost
  ASSERT_THAT(memory_->Delete("catalogue/log/00000000000000000001.json"), IsOk());
  ASSERT_THAT(TableLog::Create(*memory_, clock_, TestId(1), TestSchema(), {}), IsOk());
  EXPECT_THAT(TryOpen(), IsError(ErrorKind::kCorruption, HasSubstr("catalogue/log")));
}

TEST_F(CatalogueTest, DamageIsNamed) {
  {
    const auto catalogue = Open();
  }
  for (const std::string path : {"FORMAT", "catalogue/log/00000000000000000001.json"}) {
    const std::string bytes = memory_->Get(path).value();
    std::string flipped = bytes;
    flipped[20] ^= 0x01;
    ASSERT_THAT(memory_->Put(path, flipped), IsOk());
    EXPECT_THAT(TryOpen(), IsError(ErrorKind::kCorruption,
                                   AllOf(HasSubstr(path), HasSubstr("from a backup"))));
    ASSERT_THAT(memory_->Put(path, bytes), IsOk());
  }
  EXPECT_THAT(TryOpen(), IsOk());
}

TEST_F(CatalogueTest, ANewerStoreIsRefused) {
  {
    const auto catalogue = Open();
  }
  const std::string body = R"({"format":"varve","major":5,"writer":"9.8.7",)"
                           R"("db_uuid":"00000000-0000-4000-8000-000000000001")";
  ASSERT_THAT(memory_->Put("FORMAT", fmt::format("{}{}{}\"}}\n", body, kSealKey, Sha256Hex(body))),
              IsOk());
  EXPECT_THAT(TryOpen(), IsError(ErrorKind::kNotSupported, HasSubstr("use Varve 9.8.7")));
}

// The file with what release 0.1.0 would have written, without its seal.
std::string Body(std::string file) {
  const std::string writer = fmt::format("\"writer\":\"{}\"", Release());
  file.replace(file.find(writer), writer.size(), "\"writer\":\"0.1.0\"");
  return file.substr(0, file.rfind(kSealKey));
}

TableEntry Entry(uint64_t number) {
  return {TableId(number), TestId(number), "public", fmt::format("t{}", number), kTestNow};
}

TEST(CatalogueFormat, GoldenFormatFile) {
  constexpr std::string_view kBody = R"({"format":"varve","major":1,"writer":"0.1.0",)"
                                     R"("db_uuid":"00000000-0000-4000-8000-000000000005")";
  EXPECT_EQ(Body(EncodeStoreFormat(TestId(5)).value()), kBody);
  const auto decoded = DecodeStoreFormat(
      fmt::format("{}{}a608f56b1bdc4332cfa103085a4f993dfb3daa8f817a9e2de0c73f7bf8d0b103\"}}\n",
                  kBody, kSealKey));
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(*decoded, TestId(5));
}

TEST(CatalogueFormat, GoldenEdit) {
  constexpr std::string_view kBody =
      R"({"format":"varve-catalogue-edit","major":1,"writer":"0.1.0","version":9,)"
      R"("committed_at":1700000000000000,)"
      R"("parent_sha256":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee",)"
      R"("kind":"rename","edit":{"added_schema":"new","added_table":{"id":18446744073709551615,)"
      R"("uuid":"00000000-0000-4000-8000-000000000001","schema":"public","name":"t1",)"
      R"("created_at":1700000000000000},"removed_table":{"id":2,)"
      R"("uuid":"00000000-0000-4000-8000-000000000002","schema":"public","name":"t2",)"
      R"("created_at":1700000000000000},"removed_schema":"old"})";
  CatalogueEdit edit{CatalogueEditKind::kOther, "rename", "new", "old", Entry(1), {}, Entry(2)};
  edit.added_table->id = TableId(18'446'744'073'709'551'615u);
  const EditLink link{VersionId(9), kTestNow, std::string(64, 'e')};
  EXPECT_EQ(Body(EncodeCatalogueEdit(edit, link).value()), kBody);

  const auto decoded = DecodeCatalogueEdit(
      fmt::format("{}{}71e520572f8f24460b93377dc7ef896ef33e35d0f079b0381a20465fd1946e55\"}}\n",
                  kBody, kSealKey));
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(decoded->link.version, VersionId(9));
  EXPECT_EQ(decoded->edit.kind, CatalogueEditKind::kOther);
  EXPECT_EQ(decoded->edit.other_kind, "rename");
  EXPECT_EQ(decoded->edit.added_schema, "new");
  EXPECT_EQ(decoded->edit.removed_schema, "old");
  EXPECT_EQ(decoded->edit.added_table, edit.added_table);
  EXPECT_EQ(decoded->edit.removed_table, edit.removed_table);
}

TEST(CatalogueFormat, GoldenCheckpoint) {
  constexpr std::string_view kBody =
      R"({"format":"varve-catalogue-checkpoint","major":1,"writer":"0.1.0","version":9,)"
      R"("committed_at":1700000000000000,)"
      R"("edit_sha256":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee",)"
      R"("state":{"schemas":["empty","public"],"tables":[{"id":1,)"
      R"("uuid":"00000000-0000-4000-8000-000000000001","schema":"public","name":"t1",)"
      R"("created_at":1700000000000000}],"last_table_id":12})";
  CatalogueVersion version;
  version.id = VersionId(9);
  version.committed_at = kTestNow;
  version.schemas["empty"];
  version.schemas["public"]["t1"] = Entry(1);
  version.last_table_id = TableId(12);
  EXPECT_EQ(Body(EncodeCatalogueCheckpoint(version, std::string(64, 'e')).value()), kBody);

  const auto decoded = DecodeCatalogueCheckpoint(
      fmt::format("{}{}ccb27a146787ca9c9aa4a74207935b8d996109842b3912bfcf7ee4d4008b1864\"}}\n",
                  kBody, kSealKey));
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(decoded->edit_sha256, std::string(64, 'e'));
  EXPECT_EQ(decoded->state.id, version.id);
  EXPECT_EQ(decoded->state.committed_at, version.committed_at);
  EXPECT_EQ(decoded->state.schemas, version.schemas);
  EXPECT_EQ(decoded->state.last_table_id, version.last_table_id);
}

ViewEntry View(std::string name, std::vector<std::string> columns = {}) {
  return {"public", std::move(name), std::move(columns), "SELECT `a` FROM `t1`", kTestNow};
}

// A reader of the first major would lose them: it refuses these files.
TEST(CatalogueFormat, ViewsAndRenamesAreOfTheSecondMajor) {
  const EditLink link{VersionId(2), kTestNow, std::string(64, 'e')};
  CatalogueEdit edit{.kind = CatalogueEditKind::kSetView};
  edit.removed_view = View("v");
  edit.added_view = View("v", {"x", "y z"});
  edit.renamed_table = TableRename{Entry(1), "t9"};
  const auto bytes = EncodeCatalogueEdit(edit, link);
  ASSERT_THAT(bytes, IsOk());
  EXPECT_THAT(*bytes, HasSubstr(R"("major":2)"));
  EXPECT_THAT(*bytes,
              HasSubstr(R"("added_view":{"schema":"public","name":"v","columns":["x","y z"],)"
                        R"("query":"SELECT `a` FROM `t1`","created_at":1700000000000000})"));
  const auto decoded = DecodeCatalogueEdit(*bytes);
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(decoded->edit.kind, CatalogueEditKind::kSetView);
  EXPECT_EQ(decoded->edit.removed_view, edit.removed_view);
  EXPECT_EQ(decoded->edit.added_view, edit.added_view);
  EXPECT_EQ(decoded->edit.renamed_table, edit.renamed_table);

  CatalogueVersion version;
  version.id = VersionId(2);
  version.committed_at = kTestNow;
  version.schemas["public"]["t1"] = Entry(1);
  version.views["public"]["v"] = View("v", {"x"});
  version.last_table_id = TableId(1);
  const auto checkpoint = EncodeCatalogueCheckpoint(version, std::string(64, 'e'));
  ASSERT_THAT(checkpoint, IsOk());
  EXPECT_THAT(*checkpoint, HasSubstr(R"("major":2)"));
  EXPECT_EQ(DecodeCatalogueCheckpoint(*checkpoint).value().state.views, version.views);
  version.views.clear();
  EXPECT_THAT(EncodeCatalogueCheckpoint(version, std::string(64, 'e')).value(),
              HasSubstr(R"("major":1)"));
}

TableEntry Partitioned() {
  TableEntry table = Entry(1);
  table.partitioning =
      Partitioning{.method = PartitionMethod::kKey, .linear = true, .columns = {3, 5}, .count = 2};
  return table;
}

TableEntry PartitionOf(const TableEntry& table, uint32_t index) {
  TableEntry partition = Entry(table.id.value() + 1 + index);
  partition.name = PartitionName(table.name, index);
  partition.partition_of = table.id;
  return partition;
}

// A reader of the second major would give rows to the table itself.
TEST(CatalogueFormat, PartitionsAreOfTheThirdMajor) {
  const EditLink link{VersionId(2), kTestNow, std::string(64, 'e')};
  const TableEntry table = Partitioned();
  CatalogueEdit edit{.kind = CatalogueEditKind::kAddTable, .added_table = table};
  edit.added_partitions = {PartitionOf(table, 0), PartitionOf(table, 1)};
  const auto bytes = EncodeCatalogueEdit(edit, link);
  ASSERT_THAT(bytes, IsOk());
  EXPECT_THAT(*bytes, AllOf(HasSubstr(R"("major":3)"),
                            HasSubstr(R"("partitioning":{"method":"key","linear":true,"columns":)"
                                      R"([3,5],"count":2}})"),
                            HasSubstr(R"("partition_of":1})")));
  const auto decoded = DecodeCatalogueEdit(*bytes);
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(decoded->edit.added_table, edit.added_table);
  EXPECT_EQ(decoded->edit.added_partitions, edit.added_partitions);

  CatalogueVersion version;
  version.id = VersionId(2);
  version.committed_at = kTestNow;
  for (const TableEntry& entry : {table, PartitionOf(table, 0), PartitionOf(table, 1)}) {
    version.schemas["public"][entry.name] = entry;
  }
  version.last_table_id = TableId(3);
  const auto checkpoint = EncodeCatalogueCheckpoint(version, std::string(64, 'e'));
  ASSERT_THAT(checkpoint, IsOk());
  EXPECT_THAT(*checkpoint, HasSubstr(R"("major":3)"));
  EXPECT_EQ(DecodeCatalogueCheckpoint(*checkpoint).value().state.schemas, version.schemas);
  version.schemas["public"].erase("__t1_1");
  EXPECT_THAT(
      DecodeCatalogueCheckpoint(EncodeCatalogueCheckpoint(version, std::string(64, 'e')).value()),
      IsError(ErrorKind::kCorruption));
}

TEST_F(CatalogueTest, PartitionsComeGoAndAreRenamedWithTheirTable) {
  const auto catalogue = Open();
  const Partitioning partitioning{
      .method = PartitionMethod::kHash, .linear = false, .columns = {3}, .count = 2};
  const auto added = catalogue->AddPartitionedTable("public", "t", {TestId(1)}, partitioning,
                                                    {{TestId(2)}, {TestId(3)}});
  ASSERT_THAT(added, IsOk());
  const auto names = [](const Catalogue& of) {
    std::vector<std::string> out;
    for (const auto& [name, table] : of.current()->schemas.at("public")) {
      out.push_back(name);
    }
    return out;
  };
  EXPECT_THAT(names(*catalogue), testing::ElementsAre("__t_0", "__t_1", "t"));
  const auto partitions = catalogue->current()->PartitionsOf(*added);
  ASSERT_EQ(partitions.size(), 2u);
  EXPECT_EQ(partitions[1].id, TableId(added->id.value() + 2));
  EXPECT_EQ(partitions[1].uuid, TestId(3));
  EXPECT_EQ(partitions[1].partition_of, added->id);
  EXPECT_THAT(catalogue->RemoveTable("public", "__t_0", std::nullopt),
              IsError(ErrorKind::kInvalidArgument));
  EXPECT_THAT(catalogue->RenameTable("public", "__t_0", "u"), IsError(ErrorKind::kInvalidArgument));
  EXPECT_THAT(
      catalogue->AddPartitionedTable("public", "u", {TestId(4)}, partitioning, {{TestId(5)}}),
      IsError(ErrorKind::kInvalidArgument));
  ASSERT_THAT(catalogue->AddTable("public", "__v_1", {TestId(6)}), IsOk());
  EXPECT_THAT(catalogue->RenameTable("public", "t", "v"), IsError(ErrorKind::kAlreadyExists));
  ASSERT_THAT(catalogue->RenameTable("public", "t", "u"), IsOk());
  EXPECT_EQ(Open()->current()->schemas, catalogue->current()->schemas);
  EXPECT_THAT(names(*Open()), testing::ElementsAre("__u_0", "__u_1", "__v_1", "u"));
  ASSERT_THAT(catalogue->RemoveTable("public", "u", std::nullopt), IsOk());
  EXPECT_THAT(names(*Open()), testing::ElementsAre("__v_1"));
}

TEST(CatalogueFormat, EveryKindComesBack) {
  for (const auto kind : {CatalogueEditKind::kCreate, CatalogueEditKind::kAddSchema,
                          CatalogueEditKind::kRemoveSchema, CatalogueEditKind::kAddTable,
                          CatalogueEditKind::kRemoveTable, CatalogueEditKind::kRenameTable,
                          CatalogueEditKind::kSetView, CatalogueEditKind::kRemoveView}) {
    CatalogueEdit edit;
    edit.kind = kind;
    const auto bytes = EncodeCatalogueEdit(edit, {VersionId(1), kTestNow, ""});
    ASSERT_THAT(bytes, IsOk());
    EXPECT_EQ(DecodeCatalogueEdit(*bytes).value().edit.kind, kind);
  }
}

TEST(CatalogueFormat, EveryTruncationIsFound) {
  const std::string bytes = EncodeStoreFormat(TestId(5)).value();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(DecodeStoreFormat(bytes.substr(0, size)), IsError(ErrorKind::kCorruption));
  }
}

}  // namespace
}  // namespace varve
