// Proves what /v1/changes takes and answers, over a database in memory.
#include "server/http/change_routes.h"

#include <gmock/gmock.h>

#include "engine/test_rows.h"
#include "store/memory_store.h"
#include "wal/memory_wal.h"

namespace varve {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class ChangeRoutesTest : public testing::Test {
 protected:
  ChangeRoutesTest() {
    database_ =
        Database::Open({.store = &store_, .wal = &wal_, .clock = &clock_, .ids = &ids_}).value();
    TableOptions options;
    options.enable_ttl = false;
    table_ = database_->CreateTable("public", "cpu", TestSpec(), options).value();
    AddChangeRoutes(router_, *database_, limiter_);
  }

  VersionId Write(int64_t value) {
    std::vector<TableWrite> writes;
    writes.push_back({table_, TestBatch(*table_->schema(), {{"a", 1000, value}})});
    EXPECT_THAT(database_->Write(std::move(writes)), IsOk());
    EXPECT_THAT(table_->Flush(), IsOk());
    clock_.Advance(std::chrono::seconds(1));
    return table_->current_version();
  }
  HttpResponse Ask(std::string method, std::string path,
                   std::map<std::string, std::string> query = {}) {
    HttpRequest request{
        .method = std::move(method), .path = std::move(path), .query = std::move(query)};
    return router_.Handle(request);
  }
  // What the stream says until it waits or ends.
  static std::string Read(const HttpResponse& response) {
    std::string out;
    while (response.stream != nullptr) {
      const auto piece = response.stream->Next();
      EXPECT_THAT(piece, IsOk());
      if (piece->empty()) {
        break;
      }
      out += *piece;
    }
    return out;
  }

  ManualClock clock_{TimestampUs(1'700'000'000'000'000)};
  SeededIdSource ids_{1};
  MemoryObjectStore store_{&clock_};
  MemoryWal wal_{std::make_shared<MemoryLog>()};
  Limiter limiter_;
  Router router_;
  std::unique_ptr<Database> database_;
  std::shared_ptr<Table> table_;
};

TEST_F(ChangeRoutesTest, AFollowerSeesEachVersionWhenItIsCommitted) {
  Write(1);
  const HttpResponse response = Ask("GET", "/v1/changes/cpu", {{"from", "snapshot.1"}});
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.content_type, "application/x-ndjson");
  EXPECT_THAT(Read(response), AllOf(StartsWith(R"({"_change_type":"insert","_commit_version":2,)"),
                                    HasSubstr("\"value\":1}\n{\"_end_of_version\":2}\n")));
  EXPECT_EQ(response.stream->Wait(), kFollowInterval);
  Write(2);
  EXPECT_THAT(Read(response),
              AllOf(StartsWith(R"({"_change_type":"update_preimage","_commit_version":3,)"),
                    HasSubstr(R"({"_change_type":"update_postimage","_commit_version":3,)"),
                    testing::EndsWith("{\"_end_of_version\":3}\n")));
  ASSERT_THAT(table_->AddColumns({{.name = "extra", .type = ColumnType::kInt64}}), IsOk());
  Write(3);
  EXPECT_THAT(Read(response),
              AllOf(StartsWith("{\"_end_of_version\":4}\n"), HasSubstr(R"("extra":null)")));
  ASSERT_THAT(database_->DropTable("public", "cpu"), IsOk());
  EXPECT_EQ(Read(response), "");
  EXPECT_FALSE(response.stream->Wait());
}

TEST_F(ChangeRoutesTest, WhoDoesNotFollowGetsAnEnd) {
  Write(1);
  Write(2);
  for (const std::map<std::string, std::string>& query :
       {std::map<std::string, std::string>{{"from", "2"}, {"follow", "false"}},
        {{"from", "snapshot.2"}, {"to", "snapshot.3"}}}) {
    const HttpResponse response = Ask("GET", "/v1/changes/cpu", query);
    ASSERT_EQ(response.status, 200) << response.body;
    EXPECT_THAT(Read(response), testing::EndsWith("{\"_end_of_version\":3}\n"));
    EXPECT_FALSE(response.stream->Wait());
  }
  const HttpResponse all =
      Ask("GET", "/v1/changes/cpu", {{"from", "earliest"}, {"follow", "false"}});
  EXPECT_THAT(Read(all), StartsWith("{\"_end_of_version\":1}\n"));
  const HttpResponse since = Ask("GET", "/v1/changes/cpu",
                                 {{"from", "timestamp.2023-11-14T22:13:20Z"}, {"follow", "false"}});
  EXPECT_THAT(Read(since), HasSubstr("{\"_end_of_version\":2}\n"));
  const HttpResponse arrow = Ask("GET", "/v1/changes/cpu", {{"from", "1"}, {"format", "arrow"}});
  EXPECT_EQ(arrow.content_type, "application/vnd.apache.arrow.stream");
  EXPECT_GT(Read(arrow).size(), 100U);
}

TEST_F(ChangeRoutesTest, BadRequestsAreNamed) {
  const auto ask = [&](std::map<std::string, std::string> query, std::string path = "cpu") {
    return Ask("GET", "/v1/changes/" + path, std::move(query));
  };
  EXPECT_EQ(ask({{"from", "1"}}, "none").status, 404);
  EXPECT_THAT(ask({}).body, HasSubstr("where do the changes begin"));
  EXPECT_EQ(ask({}).status, 400);
  EXPECT_EQ(ask({{"from", "savepoint."}}).status, 400);
  EXPECT_EQ(ask({{"from", "timestamp.soon"}}).status, 400);
  EXPECT_EQ(ask({{"from", "1"}, {"follow", "maybe"}}).status, 400);
  EXPECT_EQ(ask({{"from", "1"}, {"format", "csv"}}).status, 400);
  EXPECT_EQ(ask({{"from", "1"}, {"consumer", "a/b"}}).status, 400);
  EXPECT_EQ(ask({{"consumer", "new"}}).status, 400);
  EXPECT_EQ(ask({{"from", "99"}}).status, 400);
  EXPECT_EQ(ask({{"from", "savepoint.never"}}).status, 410);
  ASSERT_THAT(limiter_.Change({.operation = BlockChange::Operation::kAdd,
                               .read = std::set<std::string>{"cpu"}}),
              IsOk());
  EXPECT_THAT(ask({{"from", "1"}}).body, HasSubstr("Table operation is blocked"));
}

TEST_F(ChangeRoutesTest, WhatHasExpiredIsGone) {
  Write(1);
  Write(2);
  Write(3);
  ASSERT_THAT(database_->housekeeping().ExpireVersions(
                  *table_, {.num_retained_min = 1, .num_retained_max = 1}, ExpiryMode::kExpire),
              IsOk());
  const HttpResponse gone = Ask("GET", "/v1/changes/cpu", {{"from", "snapshot.2"}});
  EXPECT_EQ(gone.status, 410);
  EXPECT_THAT(gone.body, AllOf(HasSubstr("after snapshot 2 have expired"),
                               HasSubstr("those after snapshot 4")));
}

TEST_F(ChangeRoutesTest, AConsumerIsMadeGoesOnAndIsListed) {
  Write(1);
  Read(Ask("GET", "/v1/changes/cpu", {{"from", "1"}, {"consumer", "c"}, {"follow", "false"}}));
  EXPECT_THAT(Ask("GET", "/v1/changes/cpu/consumers").body,
              StartsWith(R"({"consumers":[{"name":"c","position":1,"next_snapshot_id":2,)"));
  const auto resume = [&] {
    return Read(Ask("GET", "/v1/changes/cpu", {{"consumer", "c"}, {"follow", "false"}}));
  };
  EXPECT_THAT(resume(), HasSubstr("\"_end_of_version\":2"));
  const std::string path = "/v1/changes/cpu/consumers/c";
  EXPECT_THAT(Ask("POST", path, {{"version", "2"}}).body, HasSubstr("\"position\":2"));
  EXPECT_EQ(resume(), "");
  EXPECT_EQ(Ask("POST", path, {{"version", "9"}}).status, 400);
  EXPECT_EQ(Ask("POST", path).status, 400);
  EXPECT_EQ(Ask("POST", path + "x", {{"version", "2"}}).status, 404);
  EXPECT_EQ(Ask("DELETE", path).status, 200);
  EXPECT_EQ(Ask("DELETE", path).status, 404);
  EXPECT_EQ(Ask("GET", "/v1/changes/cpu/consumers").body, R"({"consumers":[]})");
}

TEST_F(ChangeRoutesTest, ThereAreNotMoreFollowersThanMayBe) {
  std::vector<HttpResponse> followers;
  for (size_t i = 0; i < kFollowersMax; ++i) {
    followers.push_back(Ask("GET", "/v1/changes/cpu", {{"from", "latest"}}));
    ASSERT_EQ(followers.back().status, 200);
  }
  EXPECT_EQ(Ask("GET", "/v1/changes/cpu", {{"from", "latest"}}).status, 503);
  followers.pop_back();
  EXPECT_EQ(Ask("GET", "/v1/changes/cpu", {{"from", "latest"}}).status, 200);
}

}  // namespace
}  // namespace varve
