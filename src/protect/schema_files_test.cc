// The bytes of schema/tables.json, and that a table made of it is the one that was exported.
#include "protect/schema_files.h"

#include <gmock/gmock.h>

#include "base/matchers.h"

namespace varve {
namespace {

using testing::HasSubstr;

SnapshotSchema Example() {
  TableSpec spec;
  spec.columns = {
      {.name = "host", .type = ColumnType::kString, .tag = true},
      {.name = "t", .type = ColumnType::kTimestamp},
      {.name = "v", .type = ColumnType::kUInt16, .default_value = "1", .comment = "of \"it\""}};
  spec.timestamp_key = "t";
  SnapshotSchema schema;
  schema.schemas = {"public"};
  TableOptions options;
  options.segment_duration = std::chrono::hours(2);
  schema.tables = {{"public", "cpu", Uuid(1, 2), *TableSchema::Make(spec), options,
                    PartitionClause{.columns = {"host"}, .count = 2}}};
  schema.views = {{"public", "late", {"a"}, "SELECT `t` FROM `cpu`", TimestampUs()}};
  return schema;
}

Result<SnapshotSchema> Decoded(const std::vector<SchemaText>& files) {
  return DecodeSchema(files[0].text, files[1].text, files[2].text);
}

TEST(SchemaFilesTest, TheBytesAreTheSpecification) {
  const auto files = EncodeSchema(Example());
  ASSERT_THAT(files, IsOk());
  EXPECT_EQ((*files)[0].text,
            "{\n \"version\": 1,\n \"schemas\": [\n  {\n   \"name\": \"public\"\n  }\n ]\n}\n");
  const std::string& tables = (*files)[1].text;
  for (const std::string_view part :
       {R"("engine": "Analytic")", R"("timestamp_key": "t")", R"("segment_duration": "2h")",
        R"("type": "uint16")", R"("method": "KEY")", R"("default": "1")",
        R"("comment": "of \"it\"")"}) {
    EXPECT_THAT(tables, HasSubstr(part));
  }
}

TEST(SchemaFilesTest, ATableMadeOfItIsTheOneThatWasExported) {
  const SnapshotSchema example = Example();
  const auto read = Decoded(*EncodeSchema(example));
  ASSERT_THAT(read, IsOk());
  const TableDefinition* table = read->Find("public", "cpu");
  ASSERT_NE(table, nullptr);
  EXPECT_EQ(table->columns, example.tables[0].columns);
  EXPECT_EQ(table->options, example.tables[0].options);
  EXPECT_EQ(table->partition, example.tables[0].partition);
  EXPECT_EQ(*TableSchema::Make(table->Spec()), example.tables[0].columns);
  EXPECT_EQ(read->views, example.views);
}

TEST(SchemaFilesTest, DamageNamesTheFile) {
  auto files = *EncodeSchema(Example());
  const size_t at = files[1].text.find("uint16");
  files[1].text.replace(at, 6, "uint17");
  const auto read = Decoded(files);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("schema/tables.json"));
}

}  // namespace
}  // namespace varve
