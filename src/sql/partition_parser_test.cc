#include "sql/partition_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "sql/parser.h"

namespace varve {
namespace {

using ::testing::HasSubstr;

Result<std::optional<PartitionClause>> Parsed(std::string_view tail) {
  const std::string sql = fmt::format(
      "CREATE TABLE t (a string TAG, ts timestamp NOT NULL, TIMESTAMP KEY(ts)) {}", tail);
  VARVE_ASSIGN(const auto statements, ParseSql(sql));
  return std::get<CreateTableStatement>(statements.front()).partition;
}

TEST(PartitionParser, EveryMethod) {
  using enum PartitionMethod;
  EXPECT_EQ(Parsed("").value(), std::nullopt);
  EXPECT_EQ(
      Parsed("PARTITION BY KEY(a, `b c`) PARTITIONS 4 ENGINE=Analytic WITH (ttl='1d')").value(),
      (PartitionClause{.method = kKey, .columns = {"a", "b c"}, .count = 4}));
  EXPECT_EQ(Parsed("partition by linear key (a) with (ttl='1d')").value(),
            (PartitionClause{.method = kKey, .linear = true, .columns = {"a"}, .count = 1}));
  EXPECT_EQ(Parsed("PARTITION BY HASH(a) PARTITIONS 1024;").value(),
            (PartitionClause{.method = kHash, .columns = {"a"}, .count = 1024}));
  EXPECT_EQ(Parsed("PARTITION BY LINEAR HASH(a) PARTITIONS 2").value(),
            (PartitionClause{.method = kHash, .linear = true, .columns = {"a"}, .count = 2}));
  EXPECT_EQ(Parsed("PARTITION BY RANDOM PARTITIONS 3").value(),
            (PartitionClause{.method = kRandom, .columns = {}, .count = 3}));
}

TEST(PartitionParser, WhatIsWrongIsSaid) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases = {
      {"PARTITION KEY(a)", "Expected BY"},
      {"PARTITION BY RANGE(a)", "Expected KEY(...), HASH(...), RANDOM or LINEAR"},
      {"PARTITION BY LINEAR RANDOM", "Expected KEY(...) or HASH(...)"},
      {"PARTITION BY KEY()", "Expected"},
      {"PARTITION BY HASH(a + 1)", "Only column expr in hash partition now"},
      {"PARTITION BY HASH(1)", "Only column expr in hash partition now"},
      {"PARTITION BY HASH(a, b)", "Only column expr in hash partition now"},
      {"PARTITION BY KEY(a) PARTITIONS", "Expected the number of partitions"},
      {"PARTITION BY KEY(a) PARTITIONS 1.5", "Expected the number of partitions"},
      {"PARTITION BY KEY(a) PARTITIONS 0", "partition num must be >= 1"},
      {"PARTITION BY KEY(a) PARTITIONS 1025", "partition num must be <= MAX_PARTITION_NUM"},
      {"ENGINE=Analytic PARTITION BY KEY(a)", "PARTITION BY stands once, before ENGINE"},
      {"PARTITION BY KEY(a) PARTITION BY KEY(a)", "PARTITION BY stands once, before ENGINE"},
  };
  for (const auto& [tail, why] : cases) {
    const auto parsed = Parsed(tail);
    ASSERT_THAT(parsed, IsError(ErrorKind::kInvalidArgument)) << tail;
    EXPECT_THAT(parsed.error().message, HasSubstr(why)) << tail;
  }
}

}  // namespace
}  // namespace varve
