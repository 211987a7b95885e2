// Direct aggregates must answer what DuckDB's plans answer, to the last bit of the schema: each
// query runs in an engine that answers directly and in one that does not, over the same random
// data.

#include "query/direct_aggregate.h"

#include <arrow/type.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>

#include <random>

#include "base/matchers.h"
#include "query/test_database.h"

namespace varve {
namespace {

// Values are multiples of a quarter: sums do not depend on their order.
constexpr std::string_view kCreate =
    "CREATE TABLE cpu (ts timestamp NOT NULL, host string TAG, region string TAG, rack int TAG, "
    "u double, n double, f float, v bigint NOT NULL, w smallint, x uint64, note string, seen "
    "timestamp, ok boolean, TIMESTAMP KEY(ts)) WITH(enable_ttl='false', segment_duration='2h')";

// Answered without a plan.
constexpr std::string_view kDirect[] = {
    "SELECT date_trunc('minute', ts) AS m, max(u) FROM cpu WHERE host IN ('h1', 'h2') AND "
    "ts >= 3600000 AND ts < 7200000 GROUP BY m ORDER BY m",
    "SELECT date_trunc('hour', ts) AS m, host, avg(u), avg(n), avg(f), sum(u) FROM cpu "
    "GROUP BY m, host ORDER BY m, host",
    "SELECT time_bucket(INTERVAL '7 minutes', ts) AS m, min(v), max(w), count(x) FROM cpu WHERE "
    "region = 'r1' GROUP BY m ORDER BY m DESC LIMIT 5 OFFSET 2",
    "SELECT time_bucket(INTERVAL 1 DAY, ts) AS d, count(*) FROM cpu GROUP BY 1 ORDER BY 1",
    "SELECT date_trunc('week', ts) AS wk, count(*) FROM cpu GROUP BY wk ORDER BY wk",
    "SELECT date_trunc('DAY', ts) AS d, count(*) FROM cpu GROUP BY d ORDER BY d",
    "SELECT count(*) FROM cpu WHERE ts < '1970-01-01T02:00:00+01:00'",
    "SELECT time_bucket(INTERVAL 90 SECOND, ts) AS b, count(*) FROM cpu GROUP BY b ORDER BY b",
    "SELECT time_bucket(ts, 'PT5M') AS m, max(u) FROM cpu WHERE host = 'h3' GROUP BY m ORDER BY m",
    "SELECT date_trunc('minute', ts), max(u) FROM cpu GROUP BY date_trunc('minute', ts) ORDER BY "
    "date_trunc('minute', ts)",
    "SELECT date_trunc('minute', c.ts) AS m, max(c.u) AS top FROM cpu AS c WHERE c.host = 'h3' "
    "GROUP BY m ORDER BY top DESC, m LIMIT 7",
    "SELECT max(u) FROM cpu WHERE host = 'h1' GROUP BY date_trunc('hour', ts) "
    "ORDER BY max(u)",
    "SELECT host, region, count(*) AS c FROM cpu GROUP BY host, region ORDER BY c, host, region",
    "SELECT region, min(ts), max(seen) FROM cpu GROUP BY region ORDER BY region DESC",
    "SELECT ts, count(*) FROM cpu WHERE ts < 100000 GROUP BY ts ORDER BY ts",
    "SELECT count(*), count(n), min(n), max(n), sum(n), avg(n), min(f), max(f) FROM cpu",
    "SELECT min(u), max(u), min(v), max(v), min(w), max(w), min(x), max(x) FROM cpu",
    "SELECT count(*), max(u), sum(u) FROM cpu WHERE host = 'nobody'",
    "SELECT host, count(*), max(u) FROM cpu WHERE host = 'nobody' GROUP BY host",
    "SELECT count(note), count(ok), count(host), count(seen) FROM cpu",
    "SELECT count(*) FROM cpu WHERE u > 50 AND v <= 800 AND w = 3",
    "SELECT count(*) FROM cpu WHERE 50 < u AND 7.5 >= n",
    "SELECT count(*) FROM cpu WHERE ts BETWEEN 1000000 AND 9000000 AND v BETWEEN 10 AND 500",
    "SELECT count(*) FROM cpu WHERE ts >= '1970-01-01 01:00:00' AND ts < '1970-01-01T02:00:00'",
    "SELECT count(*) FROM cpu WHERE ts < TIMESTAMP '1970-01-01 02:00:00'",
    "SELECT count(*) FROM cpu WHERE seen < 5000000 AND x IN (1, 2, 3, 400)",
    "SELECT count(*) FROM cpu WHERE note IN ('odd', 'x') AND host >= 'h2'",
    "SELECT count(*), count(*) AS again, count(*) FROM cpu",
    "SELECT host, count(*), max(u) FROM cpu AT (VERSION => 1) GROUP BY host ORDER BY host",
    "SELECT count(*) FROM cpu c AT (VERSION => 'snapshot.1') WHERE c.u > 3",
    "SELECT n, count(*) FROM (SELECT 1 AS n) GROUP BY n",
    "SELECT max(u) FROM cpu ORDER BY 1 LIMIT 0",
    "SELECT host, max(u) FROM cpu GROUP BY host ORDER BY max(n), host",
};

// Not, for one reason each; here only that they are still right.
constexpr std::string_view kPlanned[] = {
    "SELECT sum(v), avg(v) FROM cpu",
    "SELECT rack, count(*) FROM cpu GROUP BY rack ORDER BY rack",
    "SELECT min(host), max(note), min(ok) FROM cpu",
    "SELECT count(DISTINCT host) FROM cpu",
    "SELECT max(u) FILTER (WHERE v > 3) FROM cpu",
    "SELECT host, max(u) FROM cpu GROUP BY host HAVING count(*) > 3 ORDER BY host",
    "SELECT date_trunc('month', ts) AS m, count(*) FROM cpu GROUP BY m ORDER BY m",
    "SELECT HOST, MAX(U) FROM cpu GROUP BY HOST ORDER BY HOST",
    "SELECT max(u) + 1 FROM cpu",
    "SELECT max(u) FROM cpu WHERE host = 'h1' OR host = 'h2'",
    "SELECT max(u) FROM cpu WHERE v > 3.5",
    "SELECT max(u) FROM cpu WHERE v > '3'",
    "SELECT max(u) FROM cpu WHERE host <> 'h1'",
    "SELECT host, max(u) FROM cpu GROUP BY ALL ORDER BY host NULLS FIRST",
    "SELECT date_trunc('hour', ts) AS ts, max(u) FROM cpu GROUP BY date_trunc('hour', ts) "
    "ORDER BY 1",
    "SELECT DISTINCT max(u) FROM cpu",
    "SELECT max(c.u) FROM cpu c, cpu d WHERE c.ts = d.ts AND c.host = d.host",
    "WITH cpu AS (SELECT 7 AS u) SELECT max(u) FROM cpu",
    "SELECT date_trunc('hour', ts) AS w, count(*) FROM cpu GROUP BY date_trunc('hour', ts) "
    "ORDER BY 1",
    "SELECT time_bucket(ts, 'P1D') AS d, count(*) FROM cpu GROUP BY d ORDER BY d",
};

// Both answer with the same error.
constexpr std::string_view kWrong[] = {
    "SELECT host, max(u) FROM cpu",
    "SELECT max(u) FROM cpu GROUP BY max(u)",
    "SELECT max(missing) FROM cpu",
    "SELECT max(u) FROM missing",
    "SELECT max(u) FROM cpu WHERE ts > 'yesterday'",
    "SELECT max(u) FROM cpu WHERE ts > 9223372036854775807",
    "SELECT max(u) FROM cpu GROUP BY 3",
    "SELECT max(u) FROM cpu LIMIT -1",
    "SELECT max(other.u) FROM cpu",
};

class DirectAggregateTest : public testing::Test {
 protected:
  DirectAggregateTest() {
    QueryEngineOptions options{.database = &data_.database(),
                               .direct_answers = DirectAnswers::kOff};
    planned_engine_ = QueryEngine::Open(options).value();
    planned_ = planned_engine_->NewSession({}).value();
    Run(kCreate);
  }

  void Run(std::string_view sql) {
    const auto result = data_.Execute(sql);
    ASSERT_TRUE(result.has_value()) << sql << ": " << result.error().message;
  }

  void Insert(size_t rows) {
    std::string sql =
        "INSERT INTO cpu (ts, host, region, rack, u, n, f, v, w, x, note, seen, ok) VALUES ";
    for (size_t i = 0; i < rows; ++i) {
      const auto maybe = [&](auto value) {
        return Random(5) == 0 ? std::string("NULL") : fmt::format("{}", value);
      };
      const int64_t ts = static_cast<int64_t>(Random(14'400)) * 1000 - 3'600'000;
      sql += fmt::format(
          "{}({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})", i == 0 ? "" : ", ", ts,
          maybe(fmt::format("'h{}'", Random(5))), maybe(fmt::format("'r{}'", Random(3))), Random(2),
          maybe(Random(400) / 4.0), maybe(Random(400) / 4.0 - 50), maybe(Random(40) / 4.0),
          Random(1000), maybe(Random(7)), maybe(Random(500)), Random(2) == 0 ? "'odd'" : "NULL",
          maybe(Random(9'000'000)), Random(2) == 0 ? "true" : "false");
    }
    Run(sql);
  }

  uint64_t Random(uint64_t below) { return random_() % below; }

  static std::string Shown(Result<QueryResult> result) {
    if (!result) {
      return result.error().message;
    }
    auto& stream = *std::get<std::unique_ptr<ResultStream>>(*result);
    const std::string schema = stream.schema()->ToString();
    const auto rows = RowTexts(stream);
    return rows ? fmt::format("{}\n{}", schema, fmt::join(*rows, "\n")) : rows.error().message;
  }

  void Compare() {
    for (const auto& queries :
         {std::span<const std::string_view>(kDirect), std::span<const std::string_view>(kPlanned),
          std::span<const std::string_view>(kWrong)}) {
      for (const std::string_view sql : queries) {
        EXPECT_EQ(Shown(data_.Execute(sql)), Shown(planned_->Execute(sql))) << sql;
      }
    }
  }

  const uint64_t seed_ = testing::UnitTest::GetInstance()->random_seed();
  std::mt19937_64 random_{seed_};
  TestDatabase data_;
  std::unique_ptr<QueryEngine> planned_engine_;
  std::unique_ptr<Session> planned_;
};

TEST_F(DirectAggregateTest, AnswersAreThoseOfPlans) {
  SCOPED_TRACE(fmt::format("seed {}", seed_));
  Compare();
  Insert(700);
  Compare();
  ASSERT_THAT(data_.database().FlushAll(), IsOk());
  Compare();
  Insert(500);
  Compare();
  ASSERT_THAT(data_.database().FlushAll(), IsOk());
  Insert(100);
  Compare();
}

TEST_F(DirectAggregateTest, NotANumberIsTheLargest) {
  Run("INSERT INTO cpu (ts, host, u, v) SELECT 1000 * range, 'a', CASE WHEN range % 3 = 0 THEN "
      "'nan'::double WHEN range % 3 = 1 THEN 'infinity'::double ELSE range END, 1 FROM range(10)");
  for (const std::string_view sql :
       {"SELECT min(u), max(u), sum(u), avg(u) FROM cpu", "SELECT count(*) FROM cpu WHERE u > 5",
        "SELECT ts, max(u) AS m FROM cpu GROUP BY ts ORDER BY m DESC, ts",
        "SELECT ts, min(u) AS m FROM cpu WHERE u > 5 GROUP BY ts ORDER BY m, ts"}) {
    EXPECT_EQ(Shown(data_.Execute(sql)), Shown(planned_->Execute(sql))) << sql;
  }
}

class MatchTest : public DirectAggregateTest {
 protected:
  bool Matches(std::string_view sql) {
    const auto parsed = ParseQuery(sql);
    EXPECT_TRUE(parsed.has_value()) << sql;
    return MatchDirectAggregate(**parsed, {&data_.database(), "public"}).has_value();
  }
};

TEST_F(MatchTest, IsAboutAggregatesOfOneTable) {
  for (const std::string_view sql : kDirect) {
    EXPECT_EQ(Matches(sql), !sql.contains("(SELECT")) << sql;
  }
  for (const std::string_view sql : kPlanned) {
    EXPECT_FALSE(Matches(sql)) << sql;
  }
  for (const std::string_view sql : kWrong) {
    EXPECT_FALSE(Matches(sql)) << sql;
  }
}

TEST_F(MatchTest, MoreRowsAreLeftToAPlan) {
  Run("INSERT INTO cpu (ts, host, v) SELECT range, 'a', range FROM range(130000)");
  EXPECT_EQ(Shown(data_.Execute("SELECT max(v), count(*) FROM cpu")),
            Shown(planned_->Execute("SELECT max(v), count(*) FROM cpu")));
  EXPECT_EQ(
      Shown(data_.Execute("SELECT max(v), count(*) FROM cpu WHERE host = 'a' AND v > 7")),
      Shown(planned_->Execute("SELECT max(v), count(*) FROM cpu WHERE host = 'a' AND v > 7")));
}

}  // namespace
}  // namespace varve
