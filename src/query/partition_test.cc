// Partitioned tables must answer what plain ones answer: each query runs over the same random rows
// in a table of each kind. And they must read no more partitions than they need.

#include <arrow/array.h>
#include <arrow/builder.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>

#include <array>
#include <random>
#include <regex>

#include "base/matchers.h"
#include "query/limiter.h"
#include "query/test_database.h"

namespace varve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kColumns =
    "(ts timestamp NOT NULL, host string TAG, region string TAG, rack int TAG, u double, n double, "
    "v bigint NOT NULL, TIMESTAMP KEY(ts))";

// {} is the table. Each has one possible answer: values depend on time and tags, and all ties are
// broken.
constexpr std::string_view kQueries[] = {
    "SELECT * FROM {} ORDER BY ts, host, region, rack",
    "SELECT * FROM {} WHERE host = 'h3' ORDER BY ts, region, rack",
    "SELECT tsid, v FROM {} WHERE host = 'h3' AND region = 'r0' ORDER BY tsid, ts",
    "SELECT ts, v FROM {} WHERE rack = 3 ORDER BY ts, host, region",
    "SELECT ts, v FROM {} WHERE rack = 3.0 ORDER BY ts, host, region",
    "SELECT ts, v FROM {} WHERE rack IN (1, 2, 99) AND v % 3 = 0 ORDER BY ts, host, region, rack",
    "SELECT ts, v FROM {} WHERE rack + 1 = 3 ORDER BY ts, host, region, rack",
    "SELECT ts, v FROM {} WHERE rack IS NULL ORDER BY ts, host, region",
    "SELECT ts, v FROM {} WHERE rack IS NOT DISTINCT FROM NULL ORDER BY ts, host, region",
    "SELECT ts, v FROM {} WHERE NOT rack = 2 ORDER BY ts, host, region, rack",
    "SELECT ts, v FROM {} WHERE rack = NULL",
    "SELECT ts, v FROM {} WHERE host IN ('h1', 'h2', 'none') AND region = 'r1' ORDER BY ts, host, "
    "rack",
    "SELECT ts, v FROM {} WHERE (host = 'h1' AND region = 'r1') OR (host = 'h2' AND region = 'r2') "
    "ORDER BY ts, host, rack",
    "SELECT ts, v FROM {} WHERE host = 'h1' OR rack = 2 ORDER BY ts, host, region, rack",
    "SELECT ts, v FROM {} WHERE host = 'h1' AND host = 'h2'",
    "SELECT ts, v FROM {} WHERE host = 'none'",
    "SELECT count(*), sum(v), max(ts) FROM {} WHERE host = 'none'",
    "SELECT host FROM {} WHERE lower(host) = 'h4' ORDER BY ts LIMIT 3",
    "SELECT a.host, a.v FROM {} AS a WHERE a.host = 'h5' AND a.ts >= 3600000 ORDER BY a.ts, "
    "a.region, "
    "a.rack",
    "SELECT v FROM (SELECT host AS name, v, ts, region, rack FROM {}) WHERE name = 'h2' ORDER BY "
    "ts, "
    "region, rack",
    "WITH w AS (SELECT * FROM {} WHERE rack = 1) SELECT host, count(*) FROM w WHERE region = 'r0' "
    "GROUP BY host ORDER BY host",
    "WITH w AS MATERIALIZED (SELECT * FROM {}) SELECT count(*) FROM w x, w y WHERE x.host = 'h1' "
    "AND "
    "y.host = 'h2' AND x.ts = y.ts",
    "SELECT a.ts, a.v, b.v FROM {0} a JOIN {0} b ON a.ts = b.ts AND a.rack = b.rack WHERE a.host = "
    "'h1' AND b.host = 'h2' ORDER BY ALL",
    "SELECT a.host, count(b.v) FROM {0} a LEFT JOIN {0} b ON a.host = b.host AND b.rack = 1 WHERE "
    "a.region = 'r0' GROUP BY a.host ORDER BY a.host",
    "SELECT count(*) FROM {0} a FULL JOIN {0} b ON a.ts = b.ts AND a.host = 'h1' AND b.host = 'h1'",
    "SELECT host FROM {0} x WHERE EXISTS (SELECT 1 FROM {0} y WHERE y.host = 'h1' AND y.rack = "
    "x.rack) GROUP BY host ORDER BY host",
    "SELECT host, v FROM {0} WHERE v = (SELECT max(v) FROM {0} WHERE host = 'h7') ORDER BY ALL",
    "SELECT v FROM {0} WHERE host IN (SELECT host FROM {0} WHERE rack = 2) ORDER BY ALL",
    "SELECT host, max(ts) FROM {} GROUP BY host ORDER BY host",
    "SELECT DISTINCT ON (host) host, ts, v FROM {} ORDER BY host, ts DESC, region, rack",
    "SELECT host, arg_max(v, ts), count(*) FROM {} WHERE rack = 1 GROUP BY host ORDER BY host",
    "SELECT time_bucket(ts, 'PT7M') AS m, host, max(u) FROM {} WHERE ts < 9001000 GROUP BY m, host "
    "ORDER BY m DESC, host LIMIT 30",
    "SELECT date_trunc('minute', ts) AS m, avg(v), count(n) FROM {} WHERE host = 'h1' GROUP BY m "
    "ORDER BY m DESC LIMIT 5",
    "SELECT ts, host, v FROM {} ORDER BY ts DESC, host, region, rack LIMIT 7 OFFSET 3",
    "SELECT ts, v FROM {} WHERE host = 'h1' ORDER BY ts DESC, region, rack LIMIT 4",
    "SELECT region, row_number() OVER (PARTITION BY region ORDER BY ts DESC, host, rack) AS r, v "
    "FROM {} QUALIFY r <= 2 ORDER BY ALL",
    "SELECT v FROM {0} WHERE host = 'h1' UNION ALL SELECT v FROM {0} WHERE host = 'h2' ORDER BY "
    "ALL",
    "SELECT v FROM {0} WHERE host = 'h1' EXCEPT SELECT v FROM {0} WHERE region = 'r1' ORDER BY ALL",
    "SELECT count(DISTINCT tsid) FROM {}",
    "SELECT host FROM {} WHERE host LIKE 'h1%' GROUP BY host ORDER BY host",
    "SELECT CASE WHEN host = 'h1' THEN 1 ELSE 0 END AS c, count(*) FROM {} GROUP BY c ORDER BY c",
};

struct Kind {
  std::string_view table;
  std::string_view clause;
};

constexpr std::array<Kind, 4> kKinds = {{
    {"by_key", "PARTITION BY KEY(host) PARTITIONS 5"},
    {"by_keys", "PARTITION BY LINEAR KEY(region, host) PARTITIONS 7"},
    {"by_hash", "PARTITION BY HASH(rack) PARTITIONS 3"},
    {"in_one", "PARTITION BY KEY(host)"},
}};

class PartitionTest : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    Create("plain", "", "");
    for (const Kind& kind : kKinds) {
      Create(kind.table, kind.clause, "");
    }
    Create("plain_append", "", ", update_mode='APPEND'");
    Create("at_random", "PARTITION BY RANDOM PARTITIONS 3", ", update_mode='APPEND'");
  }

  void Create(std::string_view table, std::string_view clause, std::string_view options) {
    ASSERT_THAT(db_.Rows(fmt::format("CREATE TABLE {} {} {} WITH(enable_ttl='false', "
                                     "segment_duration='2h'{})",
                                     table, kColumns, clause, options)),
                IsOk());
  }

  // kAgain: times that have been written before. The tables whose rows do not replace each other
  // are left out.
  enum class Times { kNew, kAgain };
  void WriteRandomRows(std::mt19937_64& random, int64_t first_ms, int64_t last_ms,
                       Times times = Times::kNew) {
    std::string rows;
    for (int host = 0; host < 13; ++host) {
      for (int64_t ms = first_ms; ms < last_ms; ms += 60'000 + 30'000 * (host % 3)) {
        const std::string rack = random() % 5 == 0 ? "NULL" : std::to_string(random() % 9);
        rows += fmt::format("{}({}, 'h{}', 'r{}', {}, {}, {}, {})", rows.empty() ? "" : ", ", ms,
                            host, host % 4, rack, random() % 100, random() % 3 == 0 ? "NULL" : "1",
                            random() % 1'000'000);
      }
    }
    Insert("plain", rows);
    for (const Kind& kind : kKinds) {
      Insert(kind.table, rows);
    }
    if (times == Times::kNew) {
      Insert("plain_append", rows);
      Insert("at_random", rows);
    }
  }

  void Insert(std::string_view table, const std::string& rows) {
    ASSERT_THAT(db_.Rows(fmt::format("INSERT INTO {} (ts, host, region, rack, u, n, v) VALUES {}",
                                     table, rows)),
                IsOk());
  }

  void Compare(std::string_view state, std::string_view plain, std::string_view partitioned) {
    for (const std::string_view query : kQueries) {
      const auto expected = db_.Rows(fmt::format(fmt::runtime(query), plain));
      ASSERT_TRUE(expected) << query << ": " << expected.error().message;
      const auto found = db_.Rows(fmt::format(fmt::runtime(query), partitioned));
      ASSERT_TRUE(found) << query << ": " << found.error().message;
      EXPECT_EQ(*found, *expected) << state << ", " << partitioned << ": " << query;
    }
  }

  void CompareAll(std::string_view state) {
    for (const Kind& kind : kKinds) {
      Compare(state, "plain", kind.table);
    }
    Compare(state, "plain_append", "at_random");
  }

  // The partitions that the plan of the query scans, in order.
  std::vector<std::string> Read(std::string_view sql) {
    const auto plan = db_.Rows(fmt::format("EXPLAIN {}", sql));
    EXPECT_THAT(plan, IsOk());
    std::string text = plan ? plan->back() : "";
    std::vector<std::string> tables;
    const std::regex table("__[a-z_]+_[0-9]+");
    for (std::sregex_iterator at(text.begin(), text.end(), table), end; at != end; ++at) {
      tables.push_back(at->str());
    }
    std::ranges::sort(tables);
    return tables;
  }

  TestDatabase db_;
};

TEST_P(PartitionTest, AnswersAsAPlainTable) {
  std::mt19937_64 random(static_cast<uint64_t>(GetParam()));
  CompareAll("empty");
  WriteRandomRows(random, 0, 4'000'000);
  CompareAll("in memory");
  ASSERT_THAT(db_.database().FlushAll(), IsOk());
  WriteRandomRows(random, 3'000'000, 4'000'000, Times::kAgain);
  WriteRandomRows(random, 4'000'000, 9'000'000);
  CompareAll("in files and in memory");
  for (const std::string_view table : {"plain", "by_key", "by_keys", "by_hash", "in_one"}) {
    ASSERT_THAT(db_.Rows(fmt::format("DELETE FROM {0} WHERE {0}.v % 7 = 3 OR v = (SELECT max(v) "
                                     "FROM {0}) OR (host = 'h3' AND ts < 2000000)",
                                     table)),
                IsOk());
  }
  db_.Restart();
  CompareAll("some deleted");
  for (const Kind& kind : kKinds) {
    ASSERT_THAT(db_.Rows(fmt::format("COMPACT TABLE {}", kind.table)), IsOk());
  }
  CompareAll("compacted");
}

TEST_P(PartitionTest, ParametersAreConstants) {
  std::mt19937_64 random(static_cast<uint64_t>(GetParam()));
  WriteRandomRows(random, 0, 2'000'000);
  const std::vector<Parameter> parameters = {std::string("h3"), int64_t{1'000'000}};
  const auto rows = [&](std::string_view table) -> Result<std::vector<std::string>> {
    VARVE_ASSIGN(
        QueryResult result,
        db_.session().Execute(
            fmt::format("SELECT ts, v FROM {} WHERE host = ? AND ts > ? ORDER BY ts, v", table),
            StatementContext{.parameters = parameters}));
    return RowTexts(*std::get<std::unique_ptr<ResultStream>>(result));
  };
  const auto expected = rows("plain");
  ASSERT_THAT(expected, IsOk());
  EXPECT_FALSE(expected->empty());
  for (const Kind& kind : kKinds) {
    EXPECT_EQ(rows(kind.table).value(), *expected) << kind.table;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PartitionTest, testing::Values(1, 2));

using PartitionPlanTest = PartitionTest;

TEST_P(PartitionPlanTest, OnlyThePartitionsOfTheKeysAreRead) {
  EXPECT_THAT(Read("SELECT v FROM by_hash"),
              ElementsAre("__by_hash_0", "__by_hash_1", "__by_hash_2"));
  EXPECT_THAT(Read("SELECT v FROM by_hash WHERE rack = 4"), ElementsAre("__by_hash_1"));
  EXPECT_THAT(Read("SELECT v FROM by_hash WHERE rack IN (1, 4, 5) AND v > 3"),
              ElementsAre("__by_hash_1", "__by_hash_2"));
  EXPECT_THAT(Read("SELECT x.v FROM by_hash x WHERE x.rack IS NULL"), ElementsAre("__by_hash_0"));
  EXPECT_THAT(Read("SELECT v FROM by_hash WHERE rack = 1 OR rack = 2"),
              ElementsAre("__by_hash_1", "__by_hash_2"));
  EXPECT_THAT(Read("SELECT v FROM (SELECT rack AS r, v FROM by_hash) WHERE r = 2"),
              ElementsAre("__by_hash_2"));
  EXPECT_THAT(Read("SELECT a.v FROM by_hash a JOIN plain b ON a.ts = b.ts WHERE a.rack = 2"),
              ElementsAre("__by_hash_2"));
  EXPECT_THAT(Read("SELECT v FROM by_hash WHERE rack > 2").size(), testing::Eq(3u));
  EXPECT_THAT(Read("SELECT v FROM by_key WHERE host = 'h1'").size(), testing::Eq(1u));
  EXPECT_THAT(Read("SELECT count(*) FROM by_keys WHERE host = 'h1' AND region = 'r1'").size(),
              testing::Eq(1u));
  EXPECT_THAT(Read("SELECT count(*) FROM by_keys WHERE host = 'h1'").size(), testing::Eq(7u));
  EXPECT_THAT(Read("SELECT count(*) FROM at_random WHERE host = 'h1'").size(), testing::Eq(3u));
  EXPECT_THAT(Read("SELECT v FROM by_hash WHERE rack = 1 AND rack = 2"), testing::IsEmpty());
}

TEST_P(PartitionPlanTest, PointsGoToThePartitionsAndAddColumnsToAll) {
  PointBatch points;
  points.table = "by_key";
  points.tag_names = {"host", "zone"};
  points.series_count = 2;
  points.series_tags = {"h1", "z", "h2", "z"};
  points.row_series = {0, 1};
  points.time_us = {1'000'000, 1'000'000};
  arrow::Int64Builder values;
  ASSERT_TRUE(values.AppendValues(std::vector<int64_t>{7, 8}).ok());
  points.fields.push_back({"v", ColumnType::kInt64, values.Finish().ValueOrDie()});
  std::vector<PointBatch> batches;
  batches.push_back(std::move(points));
  ASSERT_THAT(db_.session().Ingest(std::move(batches)), IsOk());
  EXPECT_THAT(db_.Rows("SELECT host, zone, v FROM by_key ORDER BY host").value(),
              ElementsAre("h1\tz\t7", "h2\tz\t8"));
  EXPECT_THAT(db_.Rows("SELECT host FROM by_key WHERE host = 'h2'").value(), ElementsAre("h2"));
}

// Who may not read or write the table may not by the names of its partitions either.
TEST_P(PartitionPlanTest, ABlockedTableIsBlockedInAllItsPartitions) {
  Limiter limiter(BlockLists{.write = {"by_key"}, .read = {"by_hash"}, .rules = {}}, {});
  const auto engine = QueryEngine::Open({.database = &db_.database(), .limiter = &limiter});
  ASSERT_TRUE(engine) << engine.error().message;
  const auto session = (*engine)->NewSession({}).value();
  const auto refused = [&](std::string_view sql, std::string_view why) {
    const auto result = session->Execute(sql);
    ASSERT_FALSE(result.has_value()) << sql;
    EXPECT_THAT(result.error().message, HasSubstr(why)) << sql;
  };
  refused("SELECT * FROM by_hash", "is blocked");
  refused("SELECT * FROM __by_hash_1", "is blocked, table:by_hash, op:query");
  refused("INSERT INTO by_key (ts, v) VALUES (1, 1)", "is blocked, table:by_key, op:insert");
  refused("INSERT INTO __by_key_0 (ts, v) VALUES (1, 1)", "is blocked, table:by_key, op:insert");
  EXPECT_TRUE(session->Execute("SELECT * FROM by_key").has_value());
}

// A partition that an ALTER has not reached has the columns that it has, by their ids.
TEST_P(PartitionPlanTest, APartitionThatIsBehindIsReadAndCatchesUp) {
  std::mt19937_64 random(static_cast<uint64_t>(GetParam()));
  WriteRandomRows(random, 0, 1'000'000);
  const auto table = db_.database().FindTable("public", "by_hash").value();
  // As after a crash between the table and its partitions.
  ColumnSchema added{.name = "x", .type = ColumnType::kInt64};
  ASSERT_THAT(table->AddColumns({added}), IsOk());
  EXPECT_EQ(db_.Rows("SELECT count(*), count(x), sum(v) FROM by_hash").value(),
            db_.Rows("SELECT count(*), 0, sum(v) FROM plain").value());
  ASSERT_THAT(db_.Rows("INSERT INTO by_hash (ts, rack, v, x) VALUES (1, 4, 5, 6)"), IsOk());
  EXPECT_THAT(db_.Rows("SELECT v FROM __by_hash_1 WHERE x = 6").value(), ElementsAre("5"));
  ASSERT_THAT(db_.Rows("ALTER TABLE by_hash RENAME COLUMN x TO y"), IsOk());
  EXPECT_THAT(db_.Rows("SELECT count(y) FROM __by_hash_2").value(), ElementsAre("0"));
}

INSTANTIATE_TEST_SUITE_P(Seeds, PartitionPlanTest, testing::Values(1));

}  // namespace
}  // namespace varve
