// Proves what POST /sql takes and answers, over a query engine whose answers the tests give, and
// the routes of operation.
#include "server/http/sql_routes.h"

#include <arrow/api.h>
#include <gmock/gmock.h>

#include <condition_variable>
#include <mutex>
#include <semaphore>

#include "base/log.h"
#include "base/matchers.h"
#include "server/http/admin_routes_internal.h"
#include "server/http/http_test_client.h"
#include "server/http/test_engine.h"

namespace varve {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

std::shared_ptr<arrow::RecordBatch> Numbers(int64_t count) {
  arrow::Int64Builder builder;
  for (int64_t i = 0; i < count; ++i) {
    EXPECT_TRUE(builder.Append(i).ok());
  }
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("n", arrow::int64())}), count,
                                  {*builder.Finish()});
}

class SqlRoutesTest : public testing::Test {
 protected:
  void SetUp() override {
    engine_.state.answers["SELECT 1"] = TestRows{Numbers(2)};
    engine_.state.answers["NOTHING"] = TestRows{Numbers(0), 0, std::nullopt};
    engine_.state.answers["INSERT"] = uint64_t{3};
    engine_.state.answers["LARGE"] = TestRows{Numbers(2048), 200, std::nullopt};
    engine_.state.answers["ENDLESS"] = TestRows{Numbers(2048), 1 << 30, std::nullopt};
    engine_.state.answers["FAILS LATE"] =
        TestRows{Numbers(2048), 100, Error{ErrorKind::kIo, "the disk is gone"}};
    engine_.state.answers["FAILS SOON"] =
        TestRows{Numbers(1), 1, Error{ErrorKind::kInvalidArgument, "division by zero"}};
    engine_.state.answers["NO TABLE"] = Error{ErrorKind::kNotFound, "Table not found, table:t"};
    engine_.state.answers["FULL"] = Error{ErrorKind::kResourceExhausted, "no memory"};
    AddSqlRoutes(router_, engine_);
  }

  HttpResponse Ask(std::string body, std::map<std::string, std::string> headers = {},
                   std::map<std::string, std::string> query = {}) {
    HttpRequest request{.method = "POST",
                        .path = "/sql",
                        .query = std::move(query),
                        .headers = std::move(headers),
                        .body = std::move(body)};
    return router_.Handle(request);
  }

  TestEngine engine_;
  Router router_;
};

TEST_F(SqlRoutesTest, TakesJsonAndText) {
  for (const char* body : {R"({"query":"SELECT 1"})",
                           R"(  {"other":[1,{"a":2}],"query":"SELECT\u00201"} )", "SELECT 1"}) {
    const HttpResponse response = Ask(body);
    EXPECT_EQ(response.status, 200) << body;
    EXPECT_EQ(response.content_type, "application/json");
    EXPECT_EQ(response.body, R"({"rows":[{"n":0},{"n":1}]})") << body;
  }
  EXPECT_EQ(Ask("NOTHING").body, R"({"rows":[]})");
  EXPECT_EQ(Ask("INSERT").body, R"({"affected_rows":3})");
}

TEST_F(SqlRoutesTest, NamesWhatIsWrongWithTheBody) {
  for (const auto& [body, part] : std::vector<std::pair<const char*, const char*>>{
           {"", "empty"},
           {"{\"query\":\"a\"", "malformed JSON"},
           {"{\"query\":\"a\"} x", "malformed JSON at offset"},
           {"{\"query\":nul}", "must be a string"},
           {"{\"query\":1}", "must be a string"},
           {"{\"quer\":\"x\"}", "no \\\"query\\\""},
           {"{\"query\" \"x\"}", "malformed JSON at offset"},
           {"{\"query\":\"\\q\"}", "malformed JSON"},
           {"{\"query\":\"\xff\"}", "malformed JSON"}}) {
    const HttpResponse response = Ask(body);
    EXPECT_EQ(response.status, 400) << body;
    EXPECT_THAT(response.body, AllOf(StartsWith(R"({"code":400,"message":")"), HasSubstr(part)))
        << body;
  }
}

TEST_F(SqlRoutesTest, ErrorsHaveTheShapeAndStatusClientsKnow) {
  EXPECT_EQ(Ask("NO TABLE").body, R"({"code":400,"message":"Table not found, table:t"})");
  EXPECT_EQ(Ask("FAILS SOON").body, R"({"code":400,"message":"division by zero"})");
  const HttpResponse full = Ask("FULL");
  EXPECT_EQ(full.status, 503);
  EXPECT_EQ(full.headers.at("Retry-After"), "1");
}

TEST_F(SqlRoutesTest, SchemaHeaders) {
  for (const char* header : {"x-varve-schema", "x-horaedb-schema", "x-ceresdb-schema",
                             "x-ceresdb-access-schema", "x-horaedb-access-schema"}) {
    EXPECT_THAT(Ask("SHOW schema", {{header, "s1"}}).body, HasSubstr("in s1")) << header;
  }
  EXPECT_THAT(Ask("SHOW schema").body, HasSubstr("in public"));
  EXPECT_THAT(Ask("SHOW schema", {{"x-ceresdb-access-tenant", "t"}}).body, HasSubstr("in public"));
  EXPECT_EQ(Ask("SELECT 1", {{"x-ceresdb-schema", "missing"}}).body,
            R"({"code":400,"message":"Schema not found, schema_name:missing"})");
  EXPECT_EQ(Ask("SELECT 1", {{"x-ceresdb-catalog", "ceresdb"}}).status, 200);
  EXPECT_EQ(Ask("SELECT 1", {{"x-horaedb-catalog", "mine"}}).body,
            R"({"code":400,"message":"Catalog not found, catalog_name:mine"})");
}

TEST_F(SqlRoutesTest, Formats) {
  EXPECT_EQ(Ask("SELECT 1", {}, {{"format", "csv"}}).body, "n\r\n0\r\n1\r\n");
  EXPECT_EQ(Ask("SELECT 1", {}, {{"format", "ndjson"}}).body, "{\"n\":0}\n{\"n\":1}\n");
  EXPECT_EQ(Ask("SELECT 1", {}, {{"format", "json_columns"}}).body,
            R"({"names":["n"],"types":["bigint"],"values":[[0],[1]]})");
  EXPECT_EQ(Ask("SELECT 1", {{"accept", "text/html, text/csv;q=0.9"}}).content_type,
            "text/csv; charset=utf-8");
  EXPECT_EQ(Ask("SELECT 1", {{"accept", "application/vnd.apache.arrow.stream"}}).content_type,
            "application/vnd.apache.arrow.stream");
  EXPECT_EQ(Ask("SELECT 1", {{"accept", "*/*"}}).content_type, "application/json");
  EXPECT_EQ(Ask("SELECT 1", {{"accept", "text/csv"}}, {{"format", "json"}}).content_type,
            "application/json");
  EXPECT_THAT(Ask("SELECT 1", {}, {{"format", "xml"}}).body, HasSubstr("json_columns"));
}

TEST_F(SqlRoutesTest, SessionsAreUsedAgainUnlessTheyMoved) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Ask("SELECT 1").status, 200);
  }
  EXPECT_EQ(engine_.state.sessions_made, 1);
  EXPECT_EQ(Ask("USE other").status, 200);
  EXPECT_THAT(Ask("SHOW schema").body, HasSubstr("in public"));
  EXPECT_EQ(engine_.state.sessions_made, 2);
  EXPECT_EQ(engine_.state.cancels, 0);
}

TEST_F(SqlRoutesTest, LargeResultsAreStreamed) {
  auto server = *HttpServer::Start(router_, {.port = 0});
  HttpTestClient client(server->port());
  const auto ask = [&](std::string_view sql) {
    return client.Ask(fmt::format("POST /sql HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}",
                                  sql.size(), sql));
  };
  EXPECT_TRUE(ask("SELECT 1").headers.contains("Content-Length"));
  TestAnswer large = ask("LARGE");
  EXPECT_EQ(large.headers["Transfer-Encoding"], "chunked");
  EXPECT_TRUE(large.complete);
  EXPECT_THAT(large.body, StartsWith(R"({"rows":[{"n":0},{"n":1})"));
  EXPECT_TRUE(large.body.ends_with(R"({"n":2047}]})"));
  EXPECT_EQ(std::ranges::count(large.body, '}'), 200 * 2048 + 1);
  const TestAnswer late = ask("FAILS LATE");
  EXPECT_EQ(late.status, 200);
  EXPECT_FALSE(late.complete);
}

TEST_F(SqlRoutesTest, TheQueryEndsWhenTheClientLeaves) {
  std::mutex mutex;
  std::condition_variable changed;
  bool ended = false;
  engine_.state.stream_ended = [&] {
    std::lock_guard lock(mutex);
    ended = true;
    changed.notify_all();
  };
  auto server = *HttpServer::Start(router_, {.port = 0});
  {
    HttpTestClient client(server->port());
    ASSERT_TRUE(client.Send("POST /sql HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\nENDLESS"));
  }
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(30), [&] { return ended; }));
  EXPECT_EQ(engine_.state.cancels, 1);
}

TEST_F(SqlRoutesTest, ParametersAndSettingsComeWithTheStatement) {
  const auto ask = [&](std::string body, std::map<std::string, std::string> query = {},
                       std::map<std::string, std::string> headers = {}) {
    return Ask(std::move(body), std::move(headers), std::move(query)).body;
  };
  EXPECT_THAT(
      ask(R"({"query":"SHOW context","params":[null,true,-1,18446744073709551615,1.5,"x"]})"),
      HasSubstr("6 parameters"));
  EXPECT_THAT(ask(R"({"params":[],"query":"SHOW context"})"), HasSubstr("0 parameters"));
  EXPECT_THAT(ask("SHOW context", {{"timeout", "5s"}, {"time_zone", "Asia/Tokyo"}}),
              HasSubstr("5000 ms, zone Asia/Tokyo"));
  EXPECT_THAT(ask("SHOW context"), HasSubstr("0 ms, zone \""));
  EXPECT_THAT(ask("SHOW context", {}, {{"x-varve-time-zone", "UTC"}}), HasSubstr("zone UTC"));
  EXPECT_THAT(ask("SHOW context", {{"timeout", "later"}}), HasSubstr("'later' is not a duration"));
  for (const auto& [body, part] : std::vector<std::pair<const char*, const char*>>{
           {R"({"query":"x","params":1})", "must be an array"},
           {R"({"query":"x","params":[1,[2]]})", "parameter 2 is an array or an object"},
           {R"({"query":"x","params":[1,{}]})", "parameter 2 is an array or an object"},
           {R"({"query":"x","params":[99999999999999999999]})", "does not fit 64 bits"},
           {R"({"query":"x","params":[nul]})", "malformed JSON"},
           {R"({"query":"x","params":[1)", "malformed JSON"}}) {
    EXPECT_THAT(ask(body), HasSubstr(part)) << body;
  }
}

TEST_F(SqlRoutesTest, SeveralStatementsAnswerInOrder) {
  const std::string insert = "INSERT INTO t VALUES (1)";
  engine_.state.answers[insert] = uint64_t{1};
  EXPECT_EQ(Ask(insert + "; SELECT 1;;" + insert).body,
            R"({"results":[{"affected_rows":1},{"rows":[{"n":0},{"n":1}]},{"affected_rows":1}]})");
  EXPECT_EQ(Ask(insert + ";\nSELECT 1").body,
            R"({"results":[{"affected_rows":1},{"rows":[{"n":0},{"n":1}]}]})");
  EXPECT_EQ(Ask(insert + "; SELECT 1", {}, {{"format", "csv"}}).body, "n\r\n0\r\n1\r\n");
  EXPECT_THAT(Ask("SELECT 1; SELECT 1", {}, {{"format", "csv"}}).body,
              HasSubstr("statement 1 of 2: only the last of several statements may return rows"));
  EXPECT_THAT(Ask(insert + "; SELECT 2; " + insert).body,
              HasSubstr("statement 2 of 3 (the ones before it are done): no such statement"));
  EXPECT_THAT(Ask(insert + "; SELECT FROM WHERE (").body, HasSubstr("is never closed"));
  EXPECT_THAT(Ask(R"({"query":"SELECT 1; SELECT 1","params":[1]})").body,
              HasSubstr("parameters are for one statement, and there are 2"));
}

TEST_F(SqlRoutesTest, LargeLastRowsOfSeveralAreStreamed) {
  engine_.state.answers["SELECT large"] = TestRows{Numbers(2048), 200, std::nullopt};
  HttpResponse response = Ask("SELECT 1; SELECT large");
  ASSERT_NE(response.stream, nullptr);
  std::string body;
  while (true) {
    const auto piece = response.stream->Next();
    ASSERT_TRUE(piece);
    if (piece->empty()) {
      break;
    }
    body += *piece;
  }
  EXPECT_THAT(body, StartsWith(R"({"results":[{"rows":[{"n":0},{"n":1}]},{"rows":[{"n":0},)"));
  EXPECT_TRUE(body.ends_with(R"({"n":2047}]}]})"));
}

TEST_F(SqlRoutesTest, GetOnlyReads) {
  const auto get = [&](std::map<std::string, std::string> query) {
    HttpRequest request{.method = "GET", .path = "/sql", .query = std::move(query)};
    return router_.Handle(request);
  };
  EXPECT_EQ(get({{"q", "SELECT 1"}}).body, R"({"rows":[{"n":0},{"n":1}]})");
  EXPECT_EQ(get({{"query", "SELECT 1"}, {"format", "csv"}}).body, "n\r\n0\r\n1\r\n");
  EXPECT_THAT(get({}).body, HasSubstr("/sql?q="));
  EXPECT_THAT(get({{"q", "DROP TABLE t"}}).body, HasSubstr("send this statement with POST"));
  EXPECT_THAT(get({{"q", "SELECT 1; DROP TABLE t"}}).body, HasSubstr("with POST"));
}

// A client that has sent WAIT, which runs.
class WaitTest : public SqlRoutesTest {
 protected:
  void Begin(HttpServerOptions options) {
    std::binary_semaphore began(0);
    engine_.state.wait_began = [&] { began.release(); };
    options.port = 0;
    server_ = *HttpServer::Start(router_, options);
    client_ = std::make_unique<HttpTestClient>(server_->port());
    ASSERT_TRUE(client_->Send("POST /sql HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nWAIT"));
    ASSERT_TRUE(began.try_acquire_for(std::chrono::seconds(30)));
  }
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<HttpTestClient> client_;
};

TEST_F(WaitTest, AStatementEndsWhenTheClientLeaves) {
  Begin({.stop_grace = std::chrono::seconds(60)});
  client_->Close();
  server_->Stop();  // waits for the statement
  EXPECT_EQ(engine_.state.stops, 1);
}

TEST_F(WaitTest, AServerThatStopsCancelsWhatRunsPastItsGrace) {
  Begin({.stop_grace = std::chrono::milliseconds(50)});
  server_->Stop();
  EXPECT_EQ(engine_.state.stops, 1);
}

class AdminRoutesTest : public testing::Test {
 protected:
  void SetUp() override {
    AddAdminRoutes(router_, {[] {
                               DatabaseStats stats;
                               stats.tables = 7;
                               stats.written_rows = 1'000'001;
                               stats.compaction.compactions = 9;
                               stats.compaction.pending_files = 4;
                               stats.quarantined_files = 1;
                               return stats;
                             },
                             [] { return FlushOutcome{{"a", "b"}, {"c"}}; },
                             [] {
                               return std::vector<DamagedFile>{
                                   {"public.a", {Uuid(), "x/y.parquet", "torn", TimestampUs(0)}}};
                             }});
  }
  HttpResponse Ask(std::string method, std::string path) {
    HttpRequest request{.method = std::move(method), .path = std::move(path)};
    return router_.Handle(request);
  }
  Router router_;
};

TEST_F(AdminRoutesTest, Answers) {
  EXPECT_EQ(Ask("GET", "/").body, R"({"status":"ok"})");
  EXPECT_THAT(Ask("GET", "/health").body, HasSubstr(R"("status":"pass")"));
  EXPECT_THAT(Ask("GET", "/debug/wal_stats").body, StartsWith("[Data wal stats]:\n"));
  EXPECT_EQ(Ask("GET", "/debug/stats").body, Ask("GET", "/debug/wal_stats").body);
  EXPECT_EQ(Ask("POST", "/debug/query_push_down/true").body, "true");
  EXPECT_EQ(Ask("POST", "/debug/query_push_down/false").status, 400);
  EXPECT_EQ(Ask("POST", "/flush_memtable").body, R"({"success":["a","b"],"failed":["c"]})");
  EXPECT_EQ(Ask("POST", "/debug/flush_memtable").body, R"({"success":["a","b"],"failed":["c"]})");
}

TEST_F(AdminRoutesTest, TellsOfCompactionsAndFilesThatCannotBeRead) {
  EXPECT_EQ(Ask("GET", "/debug/compaction").body,
            R"({"running":0,"compactions":9,"failures":0,"pending_tables":0,"pending_files":4,)"
            R"("pending_bytes":0,"quarantined_files":[{"table":"public.a","path":"x/y.parquet",)"
            R"("reason":"torn","since":"1970-01-01T00:00:00Z"}]})");
  const std::string metrics = Ask("GET", "/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("varve_compactions_total 9"));
  EXPECT_THAT(metrics, HasSubstr("varve_compaction_pending_files 4"));
  EXPECT_THAT(metrics, HasSubstr("varve_quarantined_files 1"));
}

TEST_F(AdminRoutesTest, ChangesTheLogLevel) {
  const LogLevel before = CurrentLogLevel();
  EXPECT_EQ(Ask("PUT", "/debug/log_level/debug").body, "\"debug\"");
  EXPECT_EQ(CurrentLogLevel(), LogLevel::kDebug);
  EXPECT_EQ(Ask("PUT", "/debug/log_level/loud").status, 400);
  EXPECT_EQ(CurrentLogLevel(), LogLevel::kDebug);
  SetLogLevel(before);
}

TEST_F(AdminRoutesTest, MetricsAreBounded) {
  Ask("GET", "/");
  Ask("GET", "/");
  for (int i = 0; i < 100; ++i) {
    Ask("GET", "/made/up/" + std::to_string(i));
  }
  Ask("PUT", "/debug/log_level/loud");
  const HttpResponse response = Ask("GET", "/metrics");
  EXPECT_THAT(response.content_type, StartsWith("text/plain; version=0.0.4"));
  EXPECT_THAT(
      response.body,
      AllOf(HasSubstr(R"(http_handler_counter{code="200",path="/"} 2)"),
            HasSubstr(R"(http_handler_counter{code="404",path="unknown"} 100)"),
            HasSubstr("http_handler_duration_bucket"), HasSubstr("blocked_request_counter 0"),
            HasSubstr("varve_tables 7"), HasSubstr("varve_written_rows_total 1000001"),
            HasSubstr("process_resident_memory_bytes"), testing::Not(HasSubstr("log_level")),
            testing::Not(HasSubstr("made"))));
}

}  // namespace
}  // namespace varve
