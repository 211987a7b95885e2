// Plans that read less than all must answer what the plain plans answer: each query runs in an
// engine with the rules and in one without them, over the same random data.

#include "query/early_stop.h"

#include <fmt/ranges.h>
#include <gmock/gmock.h>

#include <random>

#include "base/matchers.h"
#include "query/test_database.h"

namespace varve {
namespace {

using testing::HasSubstr;
using testing::Not;

// One row per host and time in every query below has one possible answer, whatever the order of
// reading: values depend on host and time.
constexpr std::string_view kCreate =
    "CREATE TABLE cpu (ts timestamp NOT NULL, host string TAG, region string TAG, u double, "
    "n double, v bigint NOT NULL, TIMESTAMP KEY(ts)) "
    "WITH(enable_ttl='false', segment_duration='2h')";

constexpr std::string_view kQueries[] = {
    "SELECT DISTINCT ON (host) * FROM cpu ORDER BY host, ts DESC",
    "SELECT DISTINCT ON (host) host, u, ts FROM cpu ORDER BY host, ts DESC",
    "SELECT DISTINCT ON (host) host, u, ts FROM cpu ORDER BY host, ts",
    "SELECT DISTINCT ON (region) region, ts, host FROM cpu ORDER BY region, ts DESC, host",
    "SELECT DISTINCT ON (host) host, v FROM cpu WHERE ts < 5000000 ORDER BY host, ts DESC",
    "SELECT DISTINCT ON (host) host, v FROM cpu WHERE ts <= 7200000 ORDER BY host, ts DESC",
    "SELECT DISTINCT ON (host) host, v FROM cpu WHERE ts >= 9000000 ORDER BY host, ts DESC",
    "SELECT DISTINCT ON (host) host, v FROM cpu WHERE v % 3 = 0 ORDER BY host, ts DESC",
    "SELECT DISTINCT ON (host) host, v FROM cpu WHERE region = 'r1' ORDER BY host, ts DESC",
    "SELECT DISTINCT ON (host) host, v FROM cpu WHERE region = 'r1' AND host > 'h2' AND "
    "ts < 11000000 ORDER BY host, ts DESC",
    "SELECT * FROM cpu QUALIFY row_number() OVER (PARTITION BY host ORDER BY ts DESC) = 1 "
    "ORDER BY host",
    "SELECT * FROM cpu QUALIFY row_number() OVER (PARTITION BY host ORDER BY ts DESC) = 2 "
    "ORDER BY host",
    "SELECT * FROM cpu QUALIFY row_number() OVER (PARTITION BY v % 7 ORDER BY ts DESC, host) = 1 "
    "ORDER BY host, ts",
    "SELECT host, rn FROM (SELECT host, ts, row_number() OVER (PARTITION BY host ORDER BY ts DESC) "
    "AS rn FROM cpu) WHERE rn = 1 ORDER BY host",
    "SELECT host, max(ts) FROM cpu GROUP BY host ORDER BY host",
    "SELECT region, max(ts), count(*) FROM cpu GROUP BY region ORDER BY region",
    "SELECT max(ts) FROM cpu",
    "SELECT max(ts), min(ts), count(*) FROM cpu",
    "SELECT max(ts) FROM cpu WHERE u > 50",
    "SELECT count(*) FROM cpu WHERE ts >= 3600000 AND ts < 7300000",
    "SELECT host, arg_max(v, ts), max(ts) FROM cpu GROUP BY host ORDER BY host",
    "SELECT host, arg_max(n, ts) FROM cpu GROUP BY host ORDER BY host",
    "SELECT host, arg_max(u, ts), arg_max(host, ts) FROM cpu WHERE ts < 8000000 GROUP BY host "
    "ORDER BY host",
    "SELECT host, last(n ORDER BY ts), first(v ORDER BY ts DESC) FROM cpu GROUP BY host "
    "ORDER BY host",
    "SELECT host, first(v ORDER BY ts) FROM cpu GROUP BY host ORDER BY host",
    "SELECT upper(host), max(ts) FROM cpu GROUP BY 1 ORDER BY 1",
    "SELECT host, max(ts) FILTER (WHERE v % 2 = 0) FROM cpu GROUP BY host ORDER BY host",
    "SELECT c.host, c.v FROM cpu c JOIN (SELECT host, max(ts) AS m FROM cpu GROUP BY host) l ON "
    "c.host = l.host AND c.ts = l.m ORDER BY c.host",
    "SELECT date_trunc('minute', ts) AS m, max(u), count(*) FROM cpu GROUP BY m ORDER BY m DESC "
    "LIMIT 5",
    "SELECT date_trunc('minute', ts) AS m, max(u), count(*) FROM cpu WHERE ts < 9001000 GROUP BY m "
    "ORDER BY m DESC LIMIT 5 OFFSET 2",
    "SELECT time_bucket(INTERVAL '7 minutes', ts) AS m, host, max(u) FROM cpu WHERE ts < 9001000 "
    "GROUP BY m, host ORDER BY m DESC, host LIMIT 30",
    "SELECT time_bucket(INTERVAL '3 hours', ts) AS m, count(*) FROM cpu GROUP BY m "
    "ORDER BY m DESC LIMIT 3",
    "SELECT time_bucket(INTERVAL '1 minute', ts) AS m, count(*) AS c FROM cpu GROUP BY m "
    "HAVING count(*) > 12 ORDER BY m DESC LIMIT 3",
    "SELECT time_bucket(INTERVAL '1 minute', ts) AS m, count(*) AS c FROM cpu WHERE host = 'h3' "
    "GROUP BY m ORDER BY m DESC LIMIT 3",
    "SELECT time_bucket(INTERVAL '1 minute', ts) AS m, count(*) AS c FROM cpu WHERE v % 11 = 0 "
    "GROUP BY m ORDER BY m DESC LIMIT 3",
    "SELECT time_bucket(INTERVAL '1 minute', ts) AS m, count(*) AS c FROM cpu "
    "GROUP BY m ORDER BY m DESC LIMIT 100000",
    "SELECT time_bucket(ts, 'PT7M') AS m, host, max(u) FROM cpu WHERE ts < 9001000 "
    "GROUP BY m, host ORDER BY m DESC, host LIMIT 30",
    "SELECT time_bucket(ts, 'PT1M'), count(*) FROM cpu GROUP BY 1 ORDER BY 1 DESC LIMIT 5",
    "SELECT time_bucket(ts, NULL) AS m, count(*) FROM cpu GROUP BY m ORDER BY m DESC LIMIT 1",
    "SELECT time_bucket(ts, 'P1D') AS m, count(*) FROM cpu GROUP BY m ORDER BY m DESC LIMIT 1",
    "SELECT date_bin(INTERVAL '90' second, ts, TIMESTAMP '2001-01-01') AS m, count(*) FROM cpu "
    "GROUP BY m ORDER BY m DESC LIMIT 6",
    "SELECT time_bucket(INTERVAL '7 minutes', ts, INTERVAL '3 minutes') AS m, count(*) FROM cpu "
    "GROUP BY m ORDER BY m DESC LIMIT 6",
    "SELECT time_bucket(INTERVAL '7 minutes', ts, TIMESTAMP '2001-01-01') AS m, count(*) FROM cpu "
    "GROUP BY m ORDER BY m DESC LIMIT 6",
    "SELECT ts, count(*) FROM cpu GROUP BY ts ORDER BY ts DESC LIMIT 4",
    "SELECT ts, host, v FROM cpu ORDER BY ts DESC, host LIMIT 7",
    "SELECT ts, host, v FROM cpu WHERE v % 5 = 1 ORDER BY ts DESC, host LIMIT 7 OFFSET 3",
    "SELECT ts, host, v FROM cpu WHERE ts < 6000000 ORDER BY ts DESC, host LIMIT 7",
    "SELECT ts, host, v FROM cpu ORDER BY ts, host LIMIT 7",
};

class EarlyStopTest : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    auto plain = QueryEngine::Open({.database = &db_.database(), .early_stop = EarlyStop::kOff});
    ASSERT_TRUE(plain) << plain.error().message;
    plain_ = *std::move(plain);
    auto session = plain_->NewSession({});
    ASSERT_TRUE(session) << session.error().message;
    session_ = *std::move(session);
    ASSERT_THAT(db_.Rows(kCreate), IsOk());
  }

  // Hosts that report at different times, some of which stop; some rows late, some written again.
  void WriteRandomRows(std::mt19937_64& random, int64_t first_ms, int64_t last_ms) {
    std::string values;
    for (int host = 0; host < 13; ++host) {
      const int64_t end = host % 4 == 3 ? first_ms + (last_ms - first_ms) / 3 : last_ms;
      const int64_t step = 20'000 + 10'000 * (host % 5);
      for (int64_t ms = first_ms + host * 7; ms < end; ms += step) {
        const auto place = static_cast<int64_t>(random() % 20);
        const int64_t at = place == 0 && ms > 5'000'000 ? ms - 4'000'000 : ms;
        values += fmt::format("{}({}, 'h{}', 'r{}', {}, {}, {})", values.empty() ? "" : ", ", at,
                              host, host % 3, random() % 100,
                              random() % 3 == 0 ? "NULL" : std::to_string(random() % 10),
                              random() % 1000);
      }
    }
    ASSERT_THAT(db_.Rows("INSERT INTO cpu (ts, host, region, u, n, v) VALUES " + values), IsOk());
  }

  Result<std::vector<std::string>> PlainRows(std::string_view sql) {
    VARVE_ASSIGN(QueryResult result, session_->Execute(sql));
    return RowTexts(*std::get<std::unique_ptr<ResultStream>>(result));
  }

  void CompareAll(std::string_view state) {
    for (const auto sql : kQueries) {
      const auto plain = PlainRows(sql);
      ASSERT_TRUE(plain) << sql << ": " << plain.error().message;
      const auto early = db_.Rows(sql);
      ASSERT_TRUE(early) << sql << ": " << early.error().message;
      EXPECT_EQ(*early, *plain) << state << ": " << sql;
    }
  }

  TestDatabase db_;
  std::unique_ptr<QueryEngine> plain_;
  std::unique_ptr<Session> session_;
};

TEST_P(EarlyStopTest, AnswersAsThePlainPlan) {
  std::mt19937_64 random(static_cast<uint64_t>(GetParam()));
  CompareAll("empty");
  WriteRandomRows(random, 0, 6'000'000);
  CompareAll("in memory");
  ASSERT_THAT(db_.database().FlushAll(), IsOk());
  CompareAll("in files");
  WriteRandomRows(random, 5'000'000, 12'000'000);
  CompareAll("in files and in memory");
  ASSERT_THAT(db_.database().FlushAll(), IsOk());
  WriteRandomRows(random, 15'000'000, 15'500'000);
  WriteRandomRows(random, 0, 900'000);
  CompareAll("late rows in memory");
  ASSERT_THAT(db_.database().FlushAll(), IsOk());
  CompareAll("late rows in files");
}

// The rules are there to be used: a plan that looks like these and is not recognized is slow.
TEST_P(EarlyStopTest, RecognizesItsPlans) {
  std::mt19937_64 random(static_cast<uint64_t>(GetParam()));
  WriteRandomRows(random, 0, 9'000'000);
  ASSERT_THAT(db_.database().FlushAll(), IsOk());
  const auto plan = [&](std::string_view sql) {
    const auto rows = db_.Rows(fmt::format("EXPLAIN {}", sql));
    return rows ? fmt::format("{}", fmt::join(*rows, "\n")) : rows.error().message;
  };
  for (const char* const sql : {
           "SELECT DISTINCT ON (host) * FROM cpu ORDER BY host, ts DESC",
           "SELECT * FROM cpu QUALIFY row_number() OVER (PARTITION BY host ORDER BY ts DESC) = 1",
           "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY host ORDER BY ts DESC) AS rn "
           "FROM cpu) WHERE rn = 1",
           "SELECT host, max(ts) FROM cpu GROUP BY host",
           "SELECT host, arg_max(v, ts) FROM cpu GROUP BY host",
           "SELECT host, last(n ORDER BY ts) FROM cpu WHERE ts < 5000000 GROUP BY host",
       }) {
    EXPECT_THAT(plan(sql), HasSubstr("last rows of series")) << sql;
  }
  for (const char* const sql : {
           "SELECT host, arg_max(n, ts) FROM cpu GROUP BY host",  // n holds NULLs
           "SELECT host, max(ts), count(*) FROM cpu GROUP BY host",
           "SELECT DISTINCT ON (host) * FROM cpu ORDER BY host, ts",
           "SELECT DISTINCT ON (host) * FROM cpu WHERE u > 3 ORDER BY host, ts DESC",
       }) {
    EXPECT_THAT(plan(sql), Not(HasSubstr("last rows of series"))) << sql;
  }
  EXPECT_THAT(plan("SELECT ts, v FROM cpu ORDER BY ts DESC LIMIT 3"), HasSubstr("newest first"));
  for (const char* const bucket :
       {"date_trunc('minute', ts)", "time_bucket(INTERVAL '1 minute', ts)",
        "time_bucket(ts, 'PT1M')", "date_bin(INTERVAL '1 minute', ts)",
        "date_bin(INTERVAL '1 minute', ts, TIMESTAMP '2001-01-01')"}) {
    EXPECT_THAT(plan(fmt::format("SELECT {} AS m, max(u) FROM cpu WHERE ts < 9000000 GROUP BY m "
                                 "ORDER BY m DESC LIMIT 5",
                                 bucket)),
                HasSubstr("Files: 1 of"))
        << bucket;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, EarlyStopTest, testing::Values(1, 2, 3));

}  // namespace
}  // namespace varve
