// The table model's rules: keys, tsid, options, and the reasons given when they are broken.
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "model/murmur3.h"
#include "model/series_key.h"
#include "model/table_options.h"
#include "model/table_schema.h"
#include "model/time_range.h"

namespace varve {
namespace {

using testing::HasSubstr;

ColumnSchema Column(std::string name, ColumnType type) {
  ColumnSchema column;
  column.name = std::move(name);
  column.type = type;
  return column;
}

ColumnSchema Tag(std::string name) {
  ColumnSchema column = Column(std::move(name), ColumnType::kString);
  column.tag = true;
  return column;
}

std::vector<std::string> Names(const TableSchema& schema) {
  std::vector<std::string> names;
  for (const auto& column : schema.columns()) {
    names.push_back(column.name);
  }
  return names;
}

TEST(TableSchemaTest, TsidAndTimestampLeadTheDefaultKey) {
  const auto schema =
      TableSchema::Make({.columns = {Tag("name"), Column("value", ColumnType::kDouble),
                                     Column("t", ColumnType::kTimestamp)},
                         .primary_key = {},
                         .timestamp_key = "t"});
  ASSERT_THAT(schema, IsOk());
  EXPECT_EQ(Names(*schema), (std::vector<std::string>{"tsid", "t", "name", "value"}));
  EXPECT_TRUE(schema->HasDefaultKey());
  EXPECT_EQ(schema->Find("name")->id, 3u);
  EXPECT_FALSE(schema->timestamp().nullable);
  EXPECT_EQ(schema->tags(), std::vector<size_t>{2});
}

TEST(TableSchemaTest, AnExplicitKeyMovesItsColumnsToTheFrontAndHasNoTsid) {
  const auto schema = TableSchema::Make(
      {.columns = {Column("v", ColumnType::kDouble), Column("t", ColumnType::kTimestamp),
                   Column("c1", ColumnType::kInt32)},
       .primary_key = {"c1", "t"},
       .timestamp_key = std::nullopt});
  ASSERT_THAT(schema, IsOk());
  EXPECT_EQ(Names(*schema), (std::vector<std::string>{"c1", "t", "v"}));
  EXPECT_FALSE(schema->tsid_index().has_value());
}

TEST(TableSchemaTest, TsidMayStandInAnyPlaceOfAnExplicitKey) {
  const auto schema = TableSchema::Make({.columns = {Column("t1", ColumnType::kTimestamp)},
                                         .primary_key = {"t1", "tsid"},
                                         .timestamp_key = "t1"});
  ASSERT_THAT(schema, IsOk());
  EXPECT_EQ(Names(*schema), (std::vector<std::string>{"t1", "tsid"}));
  EXPECT_FALSE(schema->HasDefaultKey());
}

TEST(TableSchemaTest, BrokenRulesAreNamed) {
  const auto make = [](std::vector<ColumnSchema> columns, std::vector<std::string> key = {},
                       std::optional<std::string> timestamp = "t") {
    return TableSchema::Make(
        {.columns = std::move(columns), .primary_key = std::move(key), .timestamp_key = timestamp});
  };
  const auto t = Column("t", ColumnType::kTimestamp);
  const auto bad = [](const char* reason) {
    return IsError(ErrorKind::kInvalidArgument, HasSubstr(reason));
  };
  EXPECT_THAT(make({Column("a", ColumnType::kInt32)}, {}, std::nullopt),
              bad("Table must contain timestamp constraint"));
  EXPECT_THAT(make({t, Column("t2", ColumnType::kTimestamp)}, {}, std::nullopt),
              bad("Table must contain timestamp constraint"));
  EXPECT_THAT(make({Column("t", ColumnType::kInt64)}), bad("data type must be TIMESTAMP"));
  EXPECT_THAT(make({t}, {}, "x"), bad("Timestamp column not found, name:x"));
  EXPECT_THAT(make({t, Column("tsid", ColumnType::kInt64)}), bad("reserved"));
  EXPECT_THAT(make({t, t}), bad("already exists"));
  EXPECT_THAT(make({t, Column("a", ColumnType::kInt64)}, {"a"}), bad("Timestamp not in primary"));
  EXPECT_THAT(make({t}, {"t", "b"}), bad("Undefined column"));
  EXPECT_THAT(make({t, Column("d", ColumnType::kDouble)}, {"d", "t"}), bad("Key column can not"));
  auto tag = t;
  tag.tag = true;
  EXPECT_THAT(make({tag}), bad("can not be tag"));
  EXPECT_THAT(make({t, Column("a\n", ColumnType::kInt64)}), bad("control character"));
}

TEST(TableSchemaTest, AddedColumnsGetNewIdsAndTheNextSchemaId) {
  const auto schema = TableSchema::Make(
      {.columns = {Column("t", ColumnType::kTimestamp)}, .primary_key = {}, .timestamp_key = "t"});
  ASSERT_THAT(schema, IsOk());
  const auto next = schema->WithColumnsAdded({Tag("region"), Column("v", ColumnType::kInt8)});
  ASSERT_THAT(next, IsOk());
  EXPECT_EQ(next->schema_id(), 2u);
  EXPECT_EQ(next->Find("region")->id, 3u);
  EXPECT_EQ(next->tags().size(), 1u);
  EXPECT_THAT(next->WithColumnsAdded({Tag("region")}), IsError(ErrorKind::kAlreadyExists));
  auto strict = Column("n", ColumnType::kInt8);
  strict.nullable = false;
  EXPECT_THAT(next->WithColumnsAdded({strict}),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("not null column")));
}

TEST(SeriesKeyTest, TsidIsThePublishedHash) {
  std::string key;
  AppendTag(key, 3, std::string_view("horaedb"));
  EXPECT_EQ(Tsid(key), 1023872802579860359u);
  EXPECT_EQ(Tsid(""), 0u);
}

TEST(SeriesKeyTest, KeysDecodeToTheirTags) {
  std::string key;
  AppendTag(key, 3, std::string_view("a\0b", 3));
  AppendTag(key, 300, int64_t{-5});
  AppendTag(key, 301, ~uint64_t{0});
  const auto tags = DecodeSeriesKey(key);
  ASSERT_THAT(tags, IsOk());
  EXPECT_EQ(*tags, (std::vector<TagValue>{
                       {3, std::string_view("a\0b", 3)}, {300, int64_t{-5}}, {301, ~uint64_t{0}}}));
  for (size_t cut = 1; cut < key.size(); ++cut) {
    const auto part = DecodeSeriesKey(std::string_view(key).substr(0, cut));
    EXPECT_TRUE(!part || part->size() < 3) << cut;
  }
}

TEST(TableOptionsTest, TextRoundTrips) {
  const auto options = WithChanges({},
                                   {{"ttl", "10d"},
                                    {"update_mode", "append"},
                                    {"compaction_strategy", "size_tiered"},
                                    {"segment_duration", "2h"},
                                    {"write_buffer_size", "300M"},
                                    {"colour", "blue"}},
                                   OptionsUse::kCreate);
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(ToMap(*options).at("write_buffer_size"), "314572800");
  EXPECT_EQ(ToMap(*options).at("update_mode"), "APPEND");
  const auto again = WithChanges({}, ToMap(*options), OptionsUse::kCreate);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(*again, *options);
}

TEST(TableOptionsTest, AlterIgnoresWhatIsFixed) {
  const auto options =
      WithChanges({}, {{"update_mode", "APPEND"}, {"enable_ttl", "false"}}, OptionsUse::kAlter);
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->update_mode, UpdateMode::kOverwrite);
  EXPECT_FALSE(options->enable_ttl);
}

TEST(TableOptionsTest, BadValuesNameOptionAndText) {
  const std::map<std::string, std::string> bad = {{"ttl", "soon"},
                                                  {"enable_ttl", "yes"},
                                                  {"compression", "brotli"},
                                                  {"update_mode", "merge"},
                                                  {"storage_format", "rows"},
                                                  {"write_buffer_size", "-1"},
                                                  {"segment_duration", "1s"},
                                                  {"compaction_bucket_high", "0.1"}};
  for (const auto& [key, value] : bad) {
    EXPECT_THAT(WithChanges({}, {{key, value}}, OptionsUse::kCreate),
                IsError(ErrorKind::kInvalidArgument))
        << key;
  }
  EXPECT_THAT(WithChanges({}, {{"ttl", "1000001d"}}, OptionsUse::kCreate),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("at most 1000000d")));
  EXPECT_THAT(WithChanges({}, {{"ttl", "23h"}}, OptionsUse::kAlter),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("at least 1d")));
  EXPECT_THAT(WithChanges({}, {{"ttl", "soon"}}, OptionsUse::kCreate),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("option ttl")));
}

TEST(TimeRangeTest, SegmentsBeforeTheEpochRoundDown) {
  EXPECT_EQ(SegmentStart(TimestampUs(-1), 100), TimestampUs(-100));
  EXPECT_EQ(SegmentStart(TimestampUs(-100), 100), TimestampUs(-100));
  EXPECT_EQ(SegmentStart(TimestampUs(199), 100), TimestampUs(100));
}

TEST(ColumnTypeTest, EveryTypeHasANameThatParsesBack) {
  for (const ColumnType type : kAllColumnTypes) {
    EXPECT_EQ(ParseColumnType(ColumnTypeName(type)), type);
  }
  EXPECT_EQ(ParseColumnType("INT64"), ColumnType::kInt64);
  EXPECT_EQ(ParseColumnType("decimal"), std::nullopt);
}

TEST(TableOptionsTest, SnapshotOptionsAreShownWhereSetAndChecked) {
  EXPECT_FALSE(ToMap({}).contains("snapshot.time-retained"));
  const auto set = WithChanges({},
                               {{"snapshot.num-retained.min", "3"},
                                {"snapshot.num-retained.max", "30"},
                                {"snapshot.time-retained", "2h"}},
                               OptionsUse::kCreate);
  ASSERT_THAT(set, IsOk());
  EXPECT_TRUE(set->unknown.empty());
  const auto shown = ToMap(*set);
  EXPECT_EQ(shown.at("snapshot.num-retained.min"), "3");
  EXPECT_EQ(shown.at("snapshot.num-retained.max"), "30");
  EXPECT_EQ(shown.at("snapshot.time-retained"), "2h");
  EXPECT_EQ(WithChanges({}, shown, OptionsUse::kCreate).value(), *set);
  const auto bad = [&](const char* key, const char* value, const char* reason) {
    EXPECT_THAT(WithChanges(*set, {{key, value}}, OptionsUse::kAlter),
                IsError(ErrorKind::kInvalidArgument, HasSubstr(reason)))
        << key << value;
  };
  bad("snapshot.num-retained.min", "0", "option snapshot.num-retained.min: at least 1 version");
  bad("snapshot.num-retained.min", "-1", "Failed to parse number, raw str:-1");
  bad("snapshot.num-retained.max", "2", "snapshot.num-retained.max (2) is at least");
  bad("snapshot.time-retained", "an hour", "option snapshot.time-retained");
  bad("snapshot.time-retained", "1000001d", "at most 1000000d");
}

}  // namespace
}  // namespace varve
