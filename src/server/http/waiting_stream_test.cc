// Streams that have nothing to say for a while: they take no worker meanwhile, and end with the
// client or the server.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "base/matchers.h"
#include "server/http/content_encoding.h"
#include "server/http/http_server.h"
#include "server/http/http_test_client.h"

namespace varve {
namespace {

constexpr size_t kClients = 8;  // more than there are workers

struct Source {
  std::atomic<int> streams = 0;  // that live
  std::atomic<int> asked = 0;
  std::atomic<bool> open = false;  // there is something to say
};

// "first", then nothing until the source opens, then "last" and the end.
class Waiting final : public HttpBodyStream {
 public:
  explicit Waiting(Source& source) : source_(source) { ++source_.streams; }
  ~Waiting() override { --source_.streams; }

  Result<std::string> Next() override {
    ++source_.asked;
    waits_ = said_ == 1 && !source_.open;
    if (waits_ || said_ == 2) {
      return std::string();
    }
    return std::string(said_++ == 0 ? "first\n" : "last\n");
  }
  std::optional<std::chrono::milliseconds> Wait() const override {
    return waits_ ? std::optional(std::chrono::milliseconds(5)) : std::nullopt;
  }

 private:
  Source& source_;
  int said_ = 0;
  bool waits_ = false;
};

class WaitingStreamTest : public testing::Test {
 protected:
  WaitingStreamTest() {
    router_.Add("GET", "/", [](const HttpRequest&) { return HttpResponse{.body = "{}"}; });
    router_.Add("GET", "/follow", [this](const HttpRequest&) {
      HttpResponse response;
      response.content_type = "application/x-ndjson";
      response.stream = std::make_unique<Waiting>(source_);
      return response;
    });
    server_ = *HttpServer::Start(router_, {.port = 0, .workers = 2});
  }
  // Many, one of which began to wait before.
  void AwaitAsked(int times) {
    const int before = source_.asked;
    while (source_.asked < before + times) {
      std::this_thread::yield();
    }
  }

  Source source_;
  Router router_;
  std::unique_ptr<HttpServer> server_;
};

constexpr std::string_view kFollow = "GET /follow HTTP/1.1\r\nHost: x\r\n\r\n";

TEST_F(WaitingStreamTest, ItTakesNoWorkerAndGoesOn) {
  std::vector<std::unique_ptr<HttpTestClient>> clients;
  for (size_t i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<HttpTestClient>(server_->port()));
    ASSERT_TRUE(clients.back()->Send(kFollow));
  }
  AwaitAsked(10 * kClients);
  HttpTestClient other(server_->port());
  EXPECT_EQ(other.Ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").status, 200);
  source_.open = true;
  for (const auto& client : clients) {
    const TestAnswer answer = client->Receive();
    EXPECT_TRUE(answer.complete);
    EXPECT_EQ(answer.body, "first\nlast\n");
    EXPECT_EQ(client->Ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").status, 200);
  }
}

TEST_F(WaitingStreamTest, WhatItHasSaidReachesAClientThatTakesGzip) {
  HttpTestClient client(server_->port());
  ASSERT_TRUE(client.Send("GET /follow HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n"));
  AwaitAsked(3);
  source_.open = true;
  const TestAnswer answer = client.Receive();
  ASSERT_TRUE(answer.complete);
  EXPECT_EQ(*Inflate(answer.body, {1000, [](uint64_t) { return true; }}), "first\nlast\n");
}

TEST_F(WaitingStreamTest, ItEndsWithTheClient) {
  {
    HttpTestClient client(server_->port());
    ASSERT_TRUE(client.Send(kFollow));
    AwaitAsked(3);
  }
  while (source_.streams > 0) {
    std::this_thread::yield();
  }
}

TEST_F(WaitingStreamTest, ItEndsWithTheServerWithoutWaitingForTheClient) {
  HttpTestClient client(server_->port());
  HttpTestClient old(server_->port());
  ASSERT_TRUE(client.Send(kFollow));
  ASSERT_TRUE(old.Send("GET /follow HTTP/1.0\r\n\r\n"));
  AwaitAsked(10);
  server_->Stop();
  for (HttpTestClient* each : {&client, &old}) {
    const TestAnswer answer = each->Receive();
    EXPECT_TRUE(answer.complete);
    EXPECT_EQ(answer.body, "first\n");
    EXPECT_TRUE(each->IsClosed());
  }
  EXPECT_EQ(source_.streams, 0);
}

}  // namespace
}  // namespace varve
