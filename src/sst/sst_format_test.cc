// Pins what a data file is: its key/value pairs and its Parquet schema, byte for byte, and what
// readers refuse.
#include "sst/sst_format.h"

#include <arrow/io/memory.h>
#include <gtest/gtest.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/printer.h>
#include <parquet/schema.h>

#include <sstream>

#include "base/matchers.h"
#include "sst/test_rows.h"
#include "store/memory_store.h"

namespace varve {
namespace {

using testing::HasSubstr;

SstHeader Header() {
  return {Uuid(0x0123456789ab4cde, 0x8f00112233445566),
          3,
          TimestampUs(-86'400'000'000),
          {{1, ColumnType::kUInt64}, {2, ColumnType::kTimestamp}, {10, ColumnType::kString}},
          SeriesTags::kConstant};
}

const std::map<std::string, std::string> kGoldenPairs = {
    {"varve.format", "varve-sst"},
    {"varve.version", "1.1"},
    {"varve.file_id", "01234567-89ab-4cde-8f00-112233445566"},
    {"varve.schema_id", "3"},
    {"varve.segment_start", "-86400000000"},
    {"varve.columns", R"({"1":"uint64","2":"timestamp","10":"string"})"},
    {"varve.series_tags", "constant"}};

TEST(SstFormatTest, HeaderIsPinned) {
  EXPECT_EQ(EncodeSstHeader(Header()), kGoldenPairs);
  const auto decoded = DecodeSstHeader(kGoldenPairs);
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(*decoded, Header());
}

TEST(SstFormatTest, ANewerMinorVersionAndUnknownKeysAreRead) {
  auto pairs = kGoldenPairs;
  pairs["varve.version"] = "1.9";
  pairs["varve.colour"] = "blue";
  EXPECT_THAT(DecodeSstHeader(pairs), IsOk());
}

// What 1.0 wrote: it said nothing of the tags of series.
TEST(SstFormatTest, Version10IsRead) {
  auto pairs = kGoldenPairs;
  pairs["varve.version"] = "1.0";
  pairs.erase("varve.series_tags");
  auto expected = Header();
  expected.series_tags = SeriesTags::kUnknown;
  const auto decoded = DecodeSstHeader(pairs);
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(*decoded, expected);
}

TEST(SstFormatTest, SeriesTags) {
  auto header = Header();
  header.series_tags = SeriesTags::kMixed;
  auto pairs = EncodeSstHeader(header);
  EXPECT_EQ(pairs["varve.series_tags"], "mixed");
  EXPECT_EQ(DecodeSstHeader(pairs)->series_tags, SeriesTags::kMixed);
  pairs["varve.series_tags"] = "what a later version says";
  EXPECT_EQ(DecodeSstHeader(pairs)->series_tags, SeriesTags::kUnknown);
}

TEST(SstFormatTest, ANewerMajorVersionIsRefusedWhateverElseIsThere) {
  EXPECT_THAT(DecodeSstHeader({{"varve.format", "varve-sst"}, {"varve.version", "2.0"}}),
              IsError(ErrorKind::kNotSupported, HasSubstr("use a newer Varve")));
}

TEST(SstFormatTest, MissingOrDamagedPairsAreCorruption) {
  for (const auto& [key, value] : kGoldenPairs) {
    SCOPED_TRACE(key);
    if (key == "varve.series_tags") {
      continue;  // it may be ignored
    }
    auto missing = kGoldenPairs;
    missing.erase(key);
    EXPECT_THAT(DecodeSstHeader(missing), IsError(ErrorKind::kCorruption, HasSubstr(key)));
    auto damaged = kGoldenPairs;
    damaged[key] = "x" + value;
    EXPECT_THAT(DecodeSstHeader(damaged), IsError(ErrorKind::kCorruption, HasSubstr(key)));
  }
  auto columns = kGoldenPairs;
  columns["varve.columns"] = R"({"1":"complex"})";
  EXPECT_THAT(DecodeSstHeader(columns), IsError(ErrorKind::kCorruption));
  columns["varve.columns"] = R"({"1":5})";
  EXPECT_THAT(DecodeSstHeader(columns), IsError(ErrorKind::kCorruption));
}

constexpr const char* kGoldenSchema =
    "required group field_id=-1 schema {\n"
    "  required int64 field_id=1 tsid (Int(bitWidth=64, isSigned=false));\n"
    "  required int64 field_id=2 t (Timestamp(isAdjustedToUTC=false, timeUnit=microseconds, "
    "is_from_converted_type=false, force_set_converted_type=false));\n"
    "  optional double field_id=3 c_double;\n"
    "  optional float field_id=4 c_float;\n"
    "  optional binary field_id=5 c_string (String);\n"
    "  optional binary field_id=6 c_varbinary;\n"
    "  optional int64 field_id=7 c_bigint;\n"
    "  optional int32 field_id=8 c_int;\n"
    "  optional int32 field_id=9 c_smallint (Int(bitWidth=16, isSigned=true));\n"
    "  optional int32 field_id=10 c_tinyint (Int(bitWidth=8, isSigned=true));\n"
    "  optional int64 field_id=11 c_uint64 (Int(bitWidth=64, isSigned=false));\n"
    "  optional int64 field_id=12 c_uint32;\n"
    "  optional int32 field_id=13 c_uint16;\n"
    "  optional int32 field_id=14 c_uint8;\n"
    "  optional boolean field_id=15 c_boolean;\n"
    "  optional int32 field_id=16 c_date (Date);\n"
    "  optional int64 field_id=17 c_time (Time(isAdjustedToUTC=false, "
    "timeUnit=microseconds));\n"
    "}\n";

// A file with every column type, one row, all NULL but the key.
TEST(SstFormatTest, FileIsPinned) {
  TableSpec spec;
  spec.columns.push_back(TestColumn("t", ColumnType::kTimestamp));
  for (const auto type : kAllColumnTypes) {
    if (type != ColumnType::kTimestamp) {
      spec.columns.push_back(TestColumn("c_" + std::string(ColumnTypeName(type)), type));
    }
  }
  const auto schema = *TableSchema::Make(std::move(spec));
  arrow::FieldVector fields;
  arrow::ArrayVector columns;
  for (const auto& column : schema.columns()) {
    const auto type = ArrowType(column.type);
    fields.push_back(arrow::field(column.name, type));
    columns.push_back(
        column.nullable ? *arrow::MakeArrayOfNull(type, 1)
                        : *arrow::MakeArrayFromScalar(*arrow::MakeScalar(type, 5).ValueOrDie(), 1));
  }
  ManualClock clock{TimestampUs(0)};
  MemoryObjectStore store(&clock);
  const auto meta = WriteSst(store, schema, TestOptions("a.parquet"),
                             {arrow::RecordBatch::Make(arrow::schema(fields), 1, columns)});
  ASSERT_THAT(meta, IsOk());

  const auto file = parquet::ParquetFileReader::Open(std::make_shared<arrow::io::BufferReader>(
      arrow::Buffer::FromString(*store.Get("a.parquet"))));
  std::ostringstream printed;
  parquet::schema::PrintSchema(file->metadata()->schema()->schema_root().get(), printed);
  EXPECT_EQ(printed.str(), kGoldenSchema);
  std::map<std::string, std::string> pairs;
  const auto& stored = *file->metadata()->key_value_metadata();
  for (int64_t i = 0; i < stored.size(); ++i) {
    pairs[stored.key(i)] = stored.value(i);
  }
  const std::map<std::string, std::string> expected = {
      {"varve.format", "varve-sst"},
      {"varve.version", "1.1"},
      {"varve.file_id", "01234567-89ab-4cde-8f00-112233445566"},
      {"varve.schema_id", "1"},
      {"varve.segment_start", "0"},
      {"varve.columns",
       R"({"1":"uint64","2":"timestamp","3":"double","4":"float","5":"string","6":"varbinary",)"
       R"("7":"bigint","8":"int","9":"smallint","10":"tinyint","11":"uint64","12":"uint32",)"
       R"("13":"uint16","14":"uint8","15":"boolean","16":"date","17":"time"})"},
      {"varve.series_tags", "constant"}};
  EXPECT_EQ(pairs, expected);
}

}  // namespace
}  // namespace varve
