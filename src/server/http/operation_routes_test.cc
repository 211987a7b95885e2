// Proves the routes of operation that need no tables: block lists, thresholds, routing, profiles.
#include "server/http/operation_routes.h"

#include <gmock/gmock.h>

#include <thread>

#include "base/matchers.h"
#include "server/http/process_profile.h"

namespace varve {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class BlockRoutesTest : public testing::Test {
 protected:
  BlockRoutesTest() { AddBlockRoutes(router_, limiter_); }
  std::string Post(std::string path, std::string body) {
    HttpRequest request{.method = "POST", .path = std::move(path), .body = std::move(body)};
    return router_.Handle(request).body;
  }
  Limiter limiter_;
  Router router_;
};

TEST_F(BlockRoutesTest, ChangeAndShowTheLists) {
  EXPECT_EQ(Post("/block", R"({"operation":"Add","write_block_list":["b","a"]})"),
            R"({"write_block_list":["a","b"],"read_block_list":[],"block_rules":[]})");
  EXPECT_EQ(
      Post("/admin/block", R"({"operation":"Add","read_block_list":["r"],"block_rules":)"
                           R"([{"type":"AnyInsert"},{"type":"QueryRange","content":"24h"}]})"),
      R"({"write_block_list":["a","b"],"read_block_list":["r"],"block_rules":)"
      R"([{"type":"QueryRange","content":86400000},{"type":"AnyInsert"}]})");
  EXPECT_EQ(Post("/block",
                 R"({"operation":"Remove","block_rules":[{"type":"QueryRange","content":86400000},)"
                 R"({"type":"AnyInsert"}],"write_block_list":["a"],"read_block_list":null})"),
            R"({"write_block_list":["b"],"read_block_list":["r"],"block_rules":[]})");
  EXPECT_EQ(Post("/reject", R"({"operation":"Set","write_reject_list":[]})"),
            R"({"write_reject_list":[],"read_reject_list":["r"],"block_rules":[]})");
  HttpRequest request{.method = "GET", .path = "/admin/block"};
  EXPECT_EQ(router_.Handle(request).body,
            R"({"write_block_list":[],"read_block_list":["r"],"block_rules":[]})");
}

TEST_F(BlockRoutesTest, WhatIsWrongIsSaidAndNothingChanges) {
  for (const auto& [body, part] : std::vector<std::pair<const char*, const char*>>{
           {"", "must be JSON"},
           {"[]", "must be JSON"},
           {"{}", "operation"},
           {R"({"operation":"add"})", "operation"},
           {R"({"operation":"Add","write_block_list":"t"})", "list of names"},
           {R"({"operation":"Add","write_block_list":["a",1]})", "list of names"},
           {R"({"operation":"Add","write_block_list":[""]})", "list of names"},
           {R"({"operation":"Add","block_rules":{}})", "must be a list"},
           {R"({"operation":"Add","block_rules":["AnyQuery"]})", "a rule is"},
           {R"({"operation":"Add","block_rules":[{"type":"QueryRange"}]})", "24h"},
           {R"({"operation":"Add","block_rules":[{"type":"QueryRange","content":"0s"}]})",
            "24h"}}) {
    EXPECT_THAT(Post("/block", body), AllOf(HasSubstr(R"("code":400)"), HasSubstr(part))) << body;
  }
  EXPECT_TRUE(limiter_.idle());
}

TEST(OperationRoutesTest, Answer) {
  SystemClock clock;
  const auto log = *StatementLog::Open({.clock = &clock});
  Router router;
  AddSlowThresholdRoute(router, *log);
  AddRouteRoutes(router, {"10.0.0.1", 8831});
  AddProfileRoutes(router);
  const auto ask = [&](std::string method, std::string path) {
    HttpRequest request{.method = std::move(method), .path = std::move(path)};
    return router.Handle(request);
  };
  EXPECT_EQ(ask("PUT", "/debug/slow_threshold/5").body, "current_slow_threshold:5s");
  EXPECT_EQ(ask("PUT", "/debug/slow_threshold/0.25s").body, "current_slow_threshold:250ms");
  EXPECT_EQ(log->slow_threshold(), std::chrono::milliseconds(250));
  EXPECT_EQ(ask("PUT", "/debug/slow_threshold/soon").status, 400);
  EXPECT_EQ(ask("PUT", "/debug/slow_threshold/-1").status, 400);
  EXPECT_EQ(ask("GET", "/route/cpu").body,
            R"({"routes":[{"table":"cpu","endpoint":{"addr":"10.0.0.1","port":8831}}]})");
  EXPECT_EQ(ask("GET", "/debug/shards").body,
            R"({"code":400,"message":"Querying shards is only supported in cluster mode"})");
  EXPECT_THAT(ask("GET", "/debug/profile/heap/1").body, HasSubstr("from the system: "));
  EXPECT_EQ(ask("GET", "/debug/cpu_profile/1000").status, 400);
}

TEST(ProcessProfileTest, ShowsWhereTheTimeGoes) {
  std::stop_source stop;
  std::jthread busy([&](std::stop_token token) {
    volatile uint64_t work = 0;
    while (!token.stop_requested()) {
      work = work + 1;
    }
  });
  const auto profile = ProfileCpu(std::chrono::milliseconds(500), stop.get_token());
  ASSERT_TRUE(profile);
  EXPECT_THAT(*profile, testing::MatchesRegex("(.|\n)*;[^;]* [0-9]+\n"));
  stop.request_stop();
  EXPECT_TRUE(ProfileCpu(std::chrono::hours(1), stop.get_token()));
}

}  // namespace
}  // namespace varve
