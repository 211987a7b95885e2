// Proves what InfluxDB's clients see: statuses, bodies and headers, and what reaches the database.
#include "server/influx/influx_routes.h"

#include <gmock/gmock.h>

#include "base/matchers.h"
#include "server/influx/influx_routes_internal.h"

namespace varve {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class InfluxRoutesTest : public testing::Test {
 protected:
  void SetUp() override {
    AddInfluxRoutes(
        router_,
        {[](std::string_view schema) { return schema == "public" || schema == "ops"; },
         [this](std::string_view schema, std::vector<PointBatch> points) -> Result<WriteReport> {
           ++writes_;
           schema_ = schema;
           time_us_ = points[0].time_us[0];
           rows_ = points[0].time_us.size();
           VARVE_TRY(answer_);
           return report_;
         }},
        clock_);
  }
  HttpResponse Post(std::string path, std::string body,
                    std::map<std::string, std::string> query = {},
                    std::map<std::string, std::string> headers = {}) {
    HttpRequest request{.method = "POST",
                        .path = std::move(path),
                        .query = std::move(query),
                        .headers = std::move(headers),
                        .body = std::move(body)};
    return router_.Handle(request);
  }

  ManualClock clock_{TimestampUs(42'000'123)};
  Router router_;
  Status answer_;
  WriteReport report_;
  int writes_ = 0;
  std::string schema_;
  int64_t time_us_ = 0;
  size_t rows_ = 0;
};

TEST_F(InfluxRoutesTest, RowsThatWereNotKeptAreToldInAHeader) {
  EXPECT_FALSE(Post("/write", "m v=1").headers.contains("X-Varve-Warning"));
  report_.expired = {{"größe", 2, std::chrono::days(7)}};
  const HttpResponse all = Post("/write", "m v=1 1\nm v=1 2");
  EXPECT_EQ(all.status, 204);
  EXPECT_EQ(all.headers.at("X-Varve-Warning"),
            "2 rows of table gr????e are older than its ttl (7d) and were not kept");
  const HttpResponse some = Post("/write", "m v=1 1\nbad");
  EXPECT_EQ(some.status, 400);
  EXPECT_TRUE(some.headers.contains("X-Varve-Warning"));
}

TEST_F(InfluxRoutesTest, WhatClientsSend) {
  EXPECT_EQ(Post("/write", "m,h=a b=True,i=2i,s=\"x y\",v=1.5 1700000000000\n",
                 {{"db", "d"}, {"precision", "ms"}})
                .status,
            204);
  EXPECT_EQ(time_us_, 1'700'000'000'000'000);
  const HttpResponse v2 = Post("/api/v2/write", "m,h=a\\ b i=2i,v=1.5 1700000000000",
                               {{"org", "o"}, {"bucket", "public"}, {"precision", "ms"}});
  EXPECT_EQ(v2.status, 204);
  EXPECT_EQ(v2.body, "");
  EXPECT_EQ(v2.headers.at("X-Influxdb-Version"), "1.8.10");
  HttpRequest ping{.method = "HEAD", .path = "/ping"};
  EXPECT_EQ(router_.Handle(ping).status, 204);
  EXPECT_EQ(Post("/write", "").status, 204);
}

TEST_F(InfluxRoutesTest, DefaultPrecisionAndTime) {
  EXPECT_EQ(Post("/write", "m v=1 5000000").status, 204);
  EXPECT_EQ(time_us_, 5000);
  EXPECT_EQ(Post("/api/v2/write", "m v=1 5000000").status, 204);
  EXPECT_EQ(time_us_, 5000);
  EXPECT_EQ(Post("/influxdb/v1/write", "m v=1 5").status, 204);
  EXPECT_EQ(time_us_, 5000);
  EXPECT_EQ(Post("/write", "m v=1").status, 204);
  EXPECT_EQ(time_us_, 42'000'000);
  const HttpResponse wrong = Post("/write", "m v=1 5", {{"precision", "d"}});
  EXPECT_EQ(wrong.status, 400);
  EXPECT_THAT(wrong.body, StartsWith(R"({"error":"invalid precision 'd')"));
}

TEST_F(InfluxRoutesTest, Schemas) {
  EXPECT_EQ(Post("/write", "m v=1", {{"db", "ops"}}).status, 204);
  EXPECT_EQ(schema_, "ops");
  EXPECT_EQ(Post("/write", "m v=1", {{"db", "telegraf"}}).status, 204);
  EXPECT_EQ(schema_, "public");
  EXPECT_EQ(Post("/api/v2/write", "m v=1", {{"bucket", "ops/autogen"}}).status, 204);
  EXPECT_EQ(schema_, "ops");
  EXPECT_EQ(Post("/write", "m v=1", {{"db", "ops"}}, {{"x-ceresdb-schema", "other"}}).status, 204);
  EXPECT_EQ(schema_, "other");
}

TEST_F(InfluxRoutesTest, BadLines) {
  const HttpResponse all = Post("/write", "m v=\n");
  EXPECT_EQ(all.status, 400);
  EXPECT_EQ(all.body, R"x({"error":"unable to parse 'm v=': missing field value (line 1)"})x");
  EXPECT_EQ(writes_, 0);
  const HttpResponse some = Post("/write", "m v=1 1\nbad\nm v=2 2\nm v=1i 3");
  EXPECT_EQ(some.status, 400);
  EXPECT_THAT(
      some.body,
      StartsWith(R"x({"error":"partial write: unable to parse 'bad': missing fields (line 2)\n)x"));
  EXPECT_THAT(some.body, HasSubstr("dropped=2\"}"));
  EXPECT_THAT(some.headers.at("X-Influxdb-Error"), StartsWith("partial write"));
  EXPECT_EQ(some.headers.at("X-Influxdb-Error").find('\n'), std::string::npos);
  EXPECT_EQ(rows_, 2u);
  EXPECT_THAT(Post("/api/v2/write", "bad").body,
              StartsWith(R"({"code":"invalid","message":"unable to parse 'bad')"));
}

TEST_F(InfluxRoutesTest, AWriteThatFails) {
  answer_ = ResourceExhausted("no memory left for writes");
  const HttpResponse full = Post("/write", "m v=1\nbad");
  EXPECT_EQ(full.status, 503);
  EXPECT_EQ(full.headers.at("Retry-After"), "1");
  EXPECT_EQ(full.body, R"({"error":"no memory left for writes"})");
  answer_ = InvalidArgument("Value type is not same, table:m, column:v");
  EXPECT_EQ(Post("/write", "m v=1").status, 400);
  answer_ = NotFound("Schema not found, schema_name:x");
  EXPECT_EQ(Post("/api/v2/write", "m v=1").body,
            R"({"code":"not found","message":"Schema not found, schema_name:x"})");
}

}  // namespace
}  // namespace varve
