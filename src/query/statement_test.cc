// Proves what comes with statements: parameters, settings, time-outs, cancelling, the log, and what
// the limiter lets through.
#include <gmock/gmock.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/matchers.h"
#include "base/test_folder.h"
#include "query/limiter.h"
#include "query/limiter_file.h"
#include "query/statement_log.h"
#include "query/test_database.h"

namespace varve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Longer than any test waits.
constexpr const char* kEndless =
    "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range * b.range = 7";
constexpr const char* kManyRows = "SELECT * FROM range(1000000000000)";

Result<std::vector<std::string>> Rows(Session& session, std::string_view sql,
                                      const StatementContext& context = {}) {
  VARVE_ASSIGN(QueryResult result, session.Execute(sql, context));
  if (const auto* const affected = std::get_if<AffectedRows>(&result)) {
    return std::vector{fmt::format("affected {}", affected->rows)};
  }
  return RowTexts(*std::get<std::unique_ptr<ResultStream>>(result));
}

class StatementTest : public testing::Test {
 protected:
  StatementTest() {
    StatementLog::Options options{.slow_threshold = std::chrono::milliseconds(1),
                                  .slow_path = folder_.path() + "/slow",
                                  .failed_path = folder_.path() + "/failed",
                                  .clock = &clock_};
    log_ = *StatementLog::Open(options);
    engine_ = *QueryEngine::Open(
        {.database = &database_.database(), .limiter = &limiter_, .log = log_.get()});
    session_ = *engine_->NewSession({});
    for (const char* const sql :
         {"CREATE TABLE t (name string TAG, v double, t timestamp NOT NULL, TIMESTAMP KEY(t)) "
          "WITH (enable_ttl=false)",
          "CREATE TABLE u (v bigint, b boolean, s string, t timestamp NOT NULL, TIMESTAMP KEY(t)) "
          "WITH (enable_ttl=false)",
          "INSERT INTO t (name, v, t) VALUES ('a', 1, 1000), ('b', 2, 2000), ('c', 3, 3000)"}) {
      EXPECT_TRUE(session_->Execute(sql)) << sql;
    }
  }

  Result<std::vector<std::string>> With(std::string_view sql, std::vector<Parameter> parameters) {
    return Rows(*session_, sql, {.parameters = parameters});
  }
  std::string Logged(const char* name) const {
    std::ifstream file(folder_.path() + "/" + name);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  SystemClock clock_;
  TestFolder folder_;
  TestDatabase database_;
  Limiter limiter_;
  std::unique_ptr<StatementLog> log_;
  std::unique_ptr<QueryEngine> engine_;
  std::unique_ptr<Session> session_;
};

TEST_F(StatementTest, ParametersMeanWhatTheLiteralWould) {
  EXPECT_THAT(*With("SELECT v FROM t WHERE name = ?", {"b"}), ElementsAre("2"));
  EXPECT_THAT(*With("SELECT v FROM t WHERE t >= ? ORDER BY v", {int64_t{2000}}),
              ElementsAre("2", "3"));
  EXPECT_THAT(*With("SELECT v FROM t WHERE t = $1", {"1970-01-01 00:00:03"}), ElementsAre("3"));
  EXPECT_THAT(*With("SELECT v FROM t WHERE t IN (?, ?) ORDER BY v LIMIT ?, ?",
                    {int64_t{1000}, int64_t{3000}, int64_t{1}, int64_t{1}}),
              ElementsAre("3"));
  EXPECT_THAT(*With("SELECT $2 || $1 || $2", {"x", "y"}), ElementsAre("yxy"));
  EXPECT_THAT(*With("SELECT name FROM t WHERE name = ?", {"'; DROP TABLE t; --"}), IsEmpty());
  EXPECT_THAT(*With("SELECT CAST(? AS uint64)", {uint64_t{18446744073709551615u}}),
              ElementsAre("18446744073709551615"));
}

TEST_F(StatementTest, ParametersOfInsert) {
  EXPECT_THAT(*With("INSERT INTO u (v, b, s, t) VALUES (?, ?, ?, ?), (? + 1, ?, ?, ?)",
                    {int64_t{-5}, true, "it's", "1970-01-01T00:00:01Z", int64_t{6},
                     std::monostate(), std::monostate(), int64_t{2000}}),
              ElementsAre("affected 2"));
  EXPECT_THAT(*Rows(*session_, "SELECT v, b, s FROM u ORDER BY t"),
              ElementsAre("-5\ttrue\tit's", "7\tNULL\tNULL"));
  EXPECT_THAT(With("INSERT INTO u (v, t) VALUES (?, 1)", {"word"}),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("Failed to convert value")));
  EXPECT_THAT(
      *With("INSERT INTO u (v, t) SELECT CAST(v AS bigint), t FROM t WHERE name = ?", {"c"}),
      ElementsAre("affected 1"));
}

TEST_F(StatementTest, ParametersOfDelete) {
  EXPECT_THAT(*With("DELETE FROM t WHERE name = ? OR t = ?", {"a", int64_t{3000}}),
              ElementsAre("affected 2"));
  EXPECT_THAT(*Rows(*session_, "SELECT name FROM t"), ElementsAre("b"));
}

TEST_F(StatementTest, ParametersMustBeAsManyAsAreNeeded) {
  EXPECT_THAT(
      With("SELECT ?", {int64_t{1}, int64_t{2}}),
      IsError(ErrorKind::kInvalidArgument, "the statement has 1 parameter, 2 values are given"));
  EXPECT_THAT(
      With("SELECT ?, ?", {int64_t{1}}),
      IsError(ErrorKind::kInvalidArgument, HasSubstr("has 2 parameters, 1 value is given")));
  EXPECT_THAT(Rows(*session_, "SELECT ?"),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("no value is given")));
  EXPECT_THAT(Rows(*session_, "INSERT INTO u (v, t) VALUES (?, 1)"),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("no value is given")));
}

TEST_F(StatementTest, Settings) {
  EXPECT_TRUE(Rows(*session_, "SET statement_timeout = '90s'"));
  EXPECT_TRUE(Rows(*session_, "SET time_zone TO 'Europe/Berlin'"));
  EXPECT_EQ(session_->settings().statement_timeout, std::chrono::seconds(90));
  EXPECT_EQ(session_->settings().time_zone, "Europe/Berlin");
  EXPECT_THAT(*Rows(*session_, "SHOW statement_timeout"), ElementsAre("1m30s"));
  EXPECT_THAT(*Rows(*session_, "SHOW ALL"), ElementsAre(HasSubstr("statement_timeout\t1m30s\t"),
                                                        HasSubstr("time_zone\tEurope/Berlin\t")));
  EXPECT_TRUE(Rows(*session_, "set Statement_Timeout = 500"));
  EXPECT_EQ(session_->settings().statement_timeout, std::chrono::milliseconds(500));
  EXPECT_TRUE(Rows(*session_, "RESET statement_timeout"));
  EXPECT_TRUE(Rows(*session_, "SET TIME ZONE DEFAULT"));
  EXPECT_EQ(session_->settings(), SessionSettings());
  EXPECT_THAT(Rows(*session_, "SET statement_timeout = 'soon'"),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("'soon' is not a duration")));
  EXPECT_THAT(Rows(*session_, "SET max_rows = 1"),
              IsError(ErrorKind::kInvalidArgument,
                      "there is no setting 'max_rows'; there are: statement_timeout, time_zone"));
}

TEST_F(StatementTest, TimeOutEndsWhatRunsAndWhatIsBeingRead) {
  ASSERT_TRUE(Rows(*session_, "SET statement_timeout = '100ms'"));
  for (const char* const sql : {kEndless, kManyRows}) {
    EXPECT_THAT(Rows(*session_, sql), IsError(ErrorKind::kInvalidArgument,
                                              HasSubstr("longer than statement_timeout (100ms)")))
        << sql;
  }
  EXPECT_THAT(*Rows(*session_, "SELECT 1"), ElementsAre("1"));
}

TEST_F(StatementTest, CancelEndsIt) {
  EXPECT_THAT(*Rows(*session_, "SELECT 1"), ElementsAre("1"));
  session_->Cancel();  // nothing runs: nothing happens
  EXPECT_THAT(*Rows(*session_, "SELECT 1"), ElementsAre("1"));
  auto stream = std::get<std::unique_ptr<ResultStream>>(*session_->Execute(kManyRows));
  ASSERT_TRUE(stream->Next());
  session_->Cancel();
  EXPECT_THAT(stream->Next(), IsError(ErrorKind::kCancelled));
  EXPECT_EQ(*stream->Next(), nullptr);
}

// Aggregates over few rows do without DuckDB's executor, which forgets old interruptions itself.
TEST_F(StatementTest, WhatEndedOneStatementDoesNotEndTheNext) {
  for (const char* const sql : {kManyRows, "SELECT count(*) FROM t"}) {
    auto left = std::get<std::unique_ptr<ResultStream>>(*session_->Execute(sql));
    session_->Cancel();
    left.reset();
    EXPECT_THAT(*Rows(*session_, "SELECT count(*) FROM t WHERE v > 3"), ElementsAre("0")) << sql;
  }
  EXPECT_THAT(*Rows(*session_, "SELECT 1"), ElementsAre("1"));
}

TEST_F(StatementTest, AStopThatCameBeforeTheStatementEndsItToo) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT(Rows(*session_, kEndless, {.stop = stop.get_token()}),
              IsError(ErrorKind::kCancelled));
}

TEST_F(StatementTest, AStopMeanwhileEndsIt) {
  std::stop_source stop;
  std::jthread stopping([&] { stop.request_stop(); });
  EXPECT_THAT(Rows(*session_, kEndless, {.stop = stop.get_token()}),
              IsError(ErrorKind::kCancelled));
  EXPECT_THAT(*Rows(*session_, "SELECT 1"), ElementsAre("1"));
}

TEST_F(StatementTest, SlowAndFailedOnesAreLogged) {
  ASSERT_TRUE(Rows(*session_, "SELECT count(*) FROM range(30000000) r WHERE r.range % 7 = 1",
                   {.request_id = "abc"}));
  EXPECT_THAT(Logged("slow"), HasSubstr("slow statement: request_id=abc schema=public took="));
  EXPECT_THAT(Logged("slow"), HasSubstr("rows=1 sql=SELECT count(*) FROM range(30000000)"));
  EXPECT_FALSE(Rows(*session_, "SELECT * FROM missing WHERE password = 'x'", {.request_id = "d"}));
  EXPECT_THAT(Logged("failed"), HasSubstr("failed statement: request_id=d schema=public took=0."));
  EXPECT_THAT(Logged("failed"), HasSubstr("kind=not_found error=\"Table not found, table:missing"));
  EXPECT_THAT(Logged("failed"), HasSubstr("password = '***'"));
  EXPECT_EQ(log_->failed_statements(), 1);
  log_->SetSlowThreshold(std::chrono::milliseconds(0));
  const uint64_t slow = log_->slow_statements();
  ASSERT_TRUE(Rows(*session_, "SELECT count(*) FROM range(30000000) r WHERE r.range % 7 = 2"));
  EXPECT_EQ(log_->slow_statements(), slow);
}

TEST_F(StatementTest, BlockedTables) {
  ASSERT_TRUE(limiter_.Change({.write = {{"t"}}, .read = {{"public.t"}}}));
  for (const char* const sql :
       {"SELECT * FROM t", "SELECT 1 FROM u WHERE v IN (SELECT v FROM t)", "SELECT count(*) FROM t",
        "WITH x AS (SELECT * FROM t) SELECT * FROM u, x", "INSERT INTO u (v, t) SELECT 1, t FROM t",
        "EXPLAIN ANALYZE SELECT * FROM t"}) {
    EXPECT_THAT(Rows(*session_, sql), IsError(ErrorKind::kInvalidArgument,
                                              "Table operation is blocked, table:t, op:query"))
        << sql;
  }
  EXPECT_THAT(
      Rows(*session_, "INSERT INTO t (v, t) VALUES (1, 1)"),
      IsError(ErrorKind::kInvalidArgument, "Table operation is blocked, table:t, op:insert"));
  EXPECT_THAT(Rows(*session_, "COPY t FROM '/none.csv'"),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("op:insert")));
  EXPECT_EQ(limiter_.blocked_statements(), 8);
  for (const char* const sql : {"EXPLAIN SELECT * FROM t", "SELECT * FROM u", "DESCRIBE t",
                                "ALTER TABLE t MODIFY SETTING ttl='9d'", "DROP TABLE t"}) {
    EXPECT_TRUE(Rows(*session_, sql)) << sql;
  }
}

TEST_F(StatementTest, Rules) {
  const auto set = [&](BlockRule rule) {
    ASSERT_TRUE(limiter_.Change({.operation = BlockChange::Operation::kSet, .rules = {{rule}}}));
  };
  const auto blocked = [&](const char* sql) {
    const auto rows = Rows(*session_, sql);
    EXPECT_TRUE(rows || rows.error().message.find("is blocked by rule:") != std::string::npos);
    return !rows;
  };
  set({BlockRule::Kind::kQueryWithoutPredicate});
  EXPECT_TRUE(blocked("SELECT * FROM t"));
  EXPECT_TRUE(blocked("SELECT * FROM (SELECT * FROM t WHERE v > 1), u"));
  EXPECT_FALSE(blocked("SELECT * FROM t WHERE v > 1"));
  EXPECT_FALSE(blocked("SELECT * FROM (SELECT * FROM t) WHERE lower(name) = 'a'"));
  EXPECT_FALSE(blocked("SELECT 1"));
  set({BlockRule::Kind::kQueryRange, std::chrono::hours(24)});
  EXPECT_TRUE(blocked("SELECT * FROM t WHERE v > 1"));
  EXPECT_TRUE(blocked("SELECT * FROM t WHERE t < 5000"));
  EXPECT_TRUE(blocked("SELECT * FROM t WHERE t > 0"));
  EXPECT_TRUE(blocked("SELECT * FROM t WHERE t >= 0 AND t <= 86400000"));
  EXPECT_FALSE(blocked("SELECT * FROM t WHERE t >= 0 AND t < 86399000"));
  EXPECT_FALSE(blocked("SELECT * FROM t WHERE t > now() - INTERVAL 1 HOUR"));
  set({BlockRule::Kind::kAnyQuery});
  EXPECT_TRUE(blocked("SELECT * FROM t WHERE v > 1"));
  EXPECT_FALSE(blocked("SELECT 1"));
  EXPECT_FALSE(blocked("INSERT INTO t (v, t) VALUES (1, 1)"));
  set({BlockRule::Kind::kAnyInsert});
  EXPECT_TRUE(blocked("INSERT INTO t (v, t) VALUES (1, 1)"));
  EXPECT_FALSE(blocked("SELECT * FROM t"));
}

TEST(LimiterTest, ListsChangeEachForItself) {
  Limiter limiter({.write = {"a"}});
  using enum BlockChange::Operation;
  EXPECT_EQ(limiter.Change({.operation = kAdd, .write = {{"c", "b"}}})->write,
            (std::set<std::string>{"a", "b", "c"}));
  EXPECT_EQ(limiter.Change({.operation = kRemove, .write = {{"a", "x"}}})->write,
            (std::set<std::string>{"b", "c"}));
  EXPECT_EQ(*limiter.Change({.operation = kSet, .read = {{"r"}}}),
            (BlockLists{.write = {"b", "c"}, .read = {"r"}, .rules = {}}));
  EXPECT_FALSE(limiter.idle());
  EXPECT_TRUE(limiter.Change({.operation = kSet, .write = {{}}, .read = {{}}}));
  EXPECT_TRUE(limiter.idle());
}

TEST(LimiterTest, WhatCannotBeSavedDoesNotChange) {
  Limiter limiter({}, [](const BlockLists&) -> Status { return Io("the disk is gone"); });
  EXPECT_THAT(limiter.Change({.write = {{"t"}}}), IsError(ErrorKind::kIo));
  EXPECT_TRUE(limiter.CheckWrite("public", "t"));
}

TEST(LimiterFileTest, KeepsListsAndFindsDamage) {
  SystemClock clock;
  MemoryObjectStore store(&clock);
  EXPECT_EQ(*LoadBlockLists(store), std::nullopt);
  const BlockLists lists{.write = {"a", "数据"},
                         .read = {"s.b"},
                         .rules = {{BlockRule::Kind::kQueryRange, std::chrono::hours(1)},
                                   {BlockRule::Kind::kAnyInsert}}};
  ASSERT_TRUE(SaveBlockLists(store, lists));
  EXPECT_EQ(**LoadBlockLists(store), lists);
  // The bytes on disk: a change of them needs a new version.
  EXPECT_EQ(
      *store.Get(kBlockListsPath),
      R"({"format":"varve-blocks","version":1,"checksum":"b9b00df3cee8f304","lists":{"write":["a",)"
      R"("\u6570\u636e"],"read":["s.b"],"rules":[{"kind":"QueryRange","range_ms":3600000},)"
      R"({"kind":"AnyInsert","range_ms":0}]}})");
  std::string text = *store.Get(kBlockListsPath);
  text.replace(text.find("s.b"), 3, "s.c");
  ASSERT_TRUE(store.Put(kBlockListsPath, text));
  EXPECT_THAT(LoadBlockLists(store), IsError(ErrorKind::kCorruption, HasSubstr("checksum")));
  ASSERT_TRUE(store.Put(kBlockListsPath, R"({"format":"varve-blocks","version":2})"));
  EXPECT_THAT(LoadBlockLists(store), IsError(ErrorKind::kNotSupported));
  for (const char* const damaged : {"", "{", "[]", R"({"format":"varve-blocks","version":1})"}) {
    ASSERT_TRUE(store.Put(kBlockListsPath, damaged));
    EXPECT_THAT(LoadBlockLists(store), IsError(ErrorKind::kCorruption)) << damaged;
  }
}

}  // namespace
}  // namespace varve
