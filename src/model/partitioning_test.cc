#include "model/partitioning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/matchers.h"

namespace varve {
namespace {

using ::testing::HasSubstr;

ColumnSchema Column(std::string name, ColumnType type, bool tag) {
  return {.name = std::move(name), .type = type, .tag = tag};
}

// Columns: tsid 1, ts 2, host 3, rack 4, seq 5, v 6.
TableSchema Schema(std::vector<std::string> primary_key = {}) {
  TableSpec spec;
  spec.columns = {
      Column("ts", ColumnType::kTimestamp, false), Column("host", ColumnType::kString, true),
      Column("rack", ColumnType::kInt32, true), Column("seq", ColumnType::kUInt64, true),
      Column("v", ColumnType::kDouble, false)};
  spec.columns.front().nullable = false;
  spec.primary_key = std::move(primary_key);
  spec.timestamp_key = "ts";
  return TableSchema::Make(std::move(spec)).value();
}

uint32_t Id(const TableSchema& schema, std::string_view name) { return schema.Find(name)->id; }

// Rows of tables that were written long ago are where these say.
TEST(Partitioning, PlacesAreForEver) {
  const Partitioning key{.method = PartitionMethod::kKey, .columns = {3, 4}, .count = 8};
  const auto host = [](std::string_view name) { return TagValue{3, name}; };
  using Tags = std::vector<std::optional<TagValue>>;
  const auto at = [&](const Tags& tags) { return PartitionOf(key, tags); };
  // tsid of the tag 'horaedb' in column 3 is CeresDB's published 1023872802579860359.
  EXPECT_EQ(at({host("horaedb"), std::nullopt}), 1'023'872'802'579'860'359u % 8);
  EXPECT_EQ(at({std::nullopt, std::nullopt}), 0u);
  std::string bytes;
  AppendTag(bytes, 3, std::string_view("a"));
  AppendTag(bytes, 4, int64_t{-7});
  EXPECT_EQ(at({host("a"), TagValue{4, int64_t{-7}}}), Tsid(bytes) % 8);
  std::vector<uint32_t> golden;
  for (const std::string_view name : {"a", "b", "c", "web-1", "web-2", "主机", ""}) {
    golden.push_back(at({host(name), TagValue{4, int64_t{1}}}));
  }
  EXPECT_THAT(golden, ::testing::ElementsAre(7, 6, 7, 5, 2, 2, 3));

  const Partitioning hash{.method = PartitionMethod::kHash, .columns = {4}, .count = 4};
  const auto hashed = [&](std::variant<std::string_view, int64_t, uint64_t> value) {
    return PartitionOf(hash, Tags{TagValue{4, value}});
  };
  EXPECT_EQ(hashed(int64_t{7}), 3u);
  EXPECT_EQ(hashed(int64_t{-7}), 3u);
  EXPECT_EQ(hashed(std::numeric_limits<int64_t>::min()), 0u);
  EXPECT_EQ(hashed(std::numeric_limits<int64_t>::min() + 1), 3u);
  EXPECT_EQ(hashed(std::numeric_limits<uint64_t>::max()), 3u);
  EXPECT_EQ(PartitionOf(hash, Tags{std::nullopt}), 0u);
  EXPECT_EQ(PartitionName("t", 11), "__t_11");
}

TEST(Partitioning, AClauseBecomesColumnIds) {
  const TableSchema schema = Schema();
  const auto made = MakePartitioning(
      {.method = PartitionMethod::kKey, .columns = {"rack", "host"}, .count = 1024}, schema, {});
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(*made, (Partitioning{.method = PartitionMethod::kKey,
                                 .columns = {Id(schema, "rack"), Id(schema, "host")},
                                 .count = 1024}));
  EXPECT_THAT(MakePartitioning({.method = PartitionMethod::kHash, .columns = {"seq"}}, schema, {}),
              IsOk());
}

void ExpectRefused(const PartitionClause& clause, const TableSchema& schema, std::string_view why) {
  const auto made = MakePartitioning(clause, schema, {});
  ASSERT_THAT(made, IsError(ErrorKind::kInvalidArgument));
  EXPECT_THAT(made.error().message, HasSubstr(why));
}

TEST(Partitioning, WhatDoesNotFitIsRefused) {
  const TableSchema schema = Schema();
  using enum PartitionMethod;
  ExpectRefused({.method = kKey, .columns = {"x"}}, schema,
                "partition key contains non-existent column:x");
  ExpectRefused({.method = kKey, .columns = {"v"}}, schema,
                "partition key must be tag, key name:\"v\"");
  ExpectRefused({.method = kKey, .columns = {"host", "host"}}, schema, "a column twice");
  ExpectRefused({.method = kHash, .columns = {"host"}}, schema,
                "Expect column(tag, type: int, tiny int, small int, big int)");
  ExpectRefused({.method = kKey, .columns = {"host"}, .count = 0}, schema, "must be >= 1");
  ExpectRefused({.method = kKey, .columns = {"host"}, .count = 1025}, schema,
                "partition num must be <= MAX_PARTITION_NUM");
  ExpectRefused({.method = kRandom}, schema, "update_mode = 'APPEND'");
  TableOptions append;
  append.update_mode = UpdateMode::kAppend;
  EXPECT_THAT(MakePartitioning({.method = kRandom}, schema, append), IsOk());
}

// Rows that replace each other must meet.
TEST(Partitioning, APartitionKeyBesideThePrimaryKeyNeedsAppend) {
  const TableSchema schema = Schema({"host", "ts"});
  ExpectRefused({.method = PartitionMethod::kKey, .columns = {"rack"}}, schema,
                "must be part of the primary key");
  EXPECT_THAT(MakePartitioning({.method = PartitionMethod::kKey, .columns = {"host"}}, schema, {}),
              IsOk());
  TableOptions append;
  append.update_mode = UpdateMode::kAppend;
  EXPECT_THAT(
      MakePartitioning({.method = PartitionMethod::kKey, .columns = {"rack"}}, schema, append),
      IsOk());
}

}  // namespace
}  // namespace varve
