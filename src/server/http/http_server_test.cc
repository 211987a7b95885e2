// Proves what the server does with sockets: keep-alive, limits, malformed input, compression,
// streams, stopping.
#include "server/http/http_server.h"

#include <gmock/gmock.h>
#include <zlib.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/matchers.h"
#include "server/http/http_test_client.h"
#include "server/http/url.h"

namespace varve {
namespace {

using testing::HasSubstr;

// Opened once; waiting ends then.
class Gate {
 public:
  void Open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool Wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

class Pieces final : public HttpBodyStream {
 public:
  Pieces(int count, size_t bytes, std::atomic<int>* produced, Gate* destroyed)
      : left_(count), bytes_(bytes), produced_(produced), destroyed_(destroyed) {}
  ~Pieces() override {
    if (destroyed_ != nullptr) {
      destroyed_->Open();
    }
  }
  Result<std::string> Next() override {
    if (produced_ != nullptr) {
      ++*produced_;
    }
    if (left_ < 0) {
      return Io("the disk is gone");
    }
    if (left_ == 0) {
      return std::string();
    }
    // A stream of -1 fails after its first piece.
    left_ = left_ == 1 && bytes_ == 1 ? -1 : left_ - 1;
    return std::string(bytes_, 'p');
  }

 private:
  int left_;
  size_t bytes_;
  std::atomic<int>* produced_;
  Gate* destroyed_;
};

std::string Gzip(std::string_view text, int window_bits) {
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&z, text.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

std::string Post(std::string_view body, std::string_view headers = "") {
  return fmt::format("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n{}\r\n{}",
                     body.size(), headers, body);
}

class HttpServerTest : public testing::Test {
 protected:
  void SetUp() override {
    router_.Add("GET", "/", [](const HttpRequest&) {
      HttpResponse response;
      response.body = "{}";
      return response;
    });
    router_.Add("POST", "/echo", [](const HttpRequest& request) {
      HttpResponse response;
      response.body = request.body;
      return response;
    });
    router_.Add("GET", "/level/{level}", [](const HttpRequest& request) {
      HttpResponse response;
      response.body = *request.Parameter("level") + "|" +
                      (request.Parameter("q") == nullptr ? "-" : *request.Parameter("q"));
      return response;
    });
    router_.Add("GET", "/none", [](const HttpRequest&) {
      HttpResponse response;
      response.status = 204;
      return response;
    });
    router_.Add("GET", "/wait", [this](const HttpRequest&) {
      entered_.Open();
      EXPECT_TRUE(leave_.Wait());
      return HttpResponse{.body = "waited"};
    });
    router_.Add("GET", "/pieces/{count}", [this](const HttpRequest& request) {
      HttpResponse response;
      response.stream = std::make_unique<Pieces>(std::atoi(request.Parameter("count")->c_str()),
                                                 1 << 16, &produced_, &destroyed_);
      return response;
    });
    router_.Add("GET", "/broken", [](const HttpRequest&) {
      HttpResponse response;
      response.stream = std::make_unique<Pieces>(1, 1, nullptr, nullptr);
      return response;
    });
  }

  void Start(HttpServerOptions options = {}) {
    options.port = 0;
    auto server = HttpServer::Start(router_, options);
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
  }
  HttpTestClient Client() { return HttpTestClient(server_->port()); }

  Router router_;
  Gate entered_;
  Gate leave_;
  Gate destroyed_;
  std::atomic<int> produced_ = 0;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, KeepsTheConnectionAndAnswersPipelinedRequestsInOrder) {
  Start();
  auto client = Client();
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    requests +=
        fmt::format("GET /level/{} HTTP/1.1\r\nHost: x\r\n\r\n", i) + Post(std::to_string(i));
  }
  ASSERT_TRUE(client.Send(requests));
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(client.Receive().body, std::to_string(i) + "|-");
    EXPECT_EQ(client.Receive().body, std::to_string(i));
  }
}

TEST_F(HttpServerTest, RoutesAndDecodes) {
  Start();
  auto client = Client();
  EXPECT_EQ(client.Ask("GET /level/a%20b?q=c%2Bd+e HTTP/1.1\r\nHost: x\r\n\r\n").body, "a b|c+d e");
  EXPECT_EQ(client.Ask("GET http://host:1/level/x HTTP/1.1\r\nHost: x\r\n\r\n").body, "x|-");
  const TestAnswer unknown = client.Ask("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.body, R"({"code":404,"message":"NOT_FOUND"})");
  EXPECT_EQ(client.Ask("GET /level/a/b HTTP/1.1\r\nHost: x\r\n\r\n").status, 404);
  TestAnswer method = client.Ask("DELETE /echo HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(method.headers["Allow"], "POST");
  EXPECT_EQ(client.Ask("GET /level/%zz HTTP/1.1\r\nHost: x\r\n\r\n").status, 400);
  EXPECT_EQ(client.Ask("GET /none HTTP/1.1\r\nHost: x\r\n\r\n").status, 204);
  EXPECT_EQ(client.Ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").body, "{}");
}

TEST_F(HttpServerTest, HeadHasNoBody) {
  Start();
  auto client = Client();
  client.Send(
      "HEAD / HTTP/1.1\r\nHost: x\r\n\r\nGET /none HTTP/1.1\r\nHost: x\r\nConnection: "
      "close\r\n\r\n");
  const TestAnswer head = client.Receive();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("Content-Length"), "2");
  EXPECT_EQ(head.body, "HT");  // with which the next answer begins
}

TEST_F(HttpServerTest, RefusesAGigabyteBeforeItIsSent) {
  Start();
  auto client = Client();
  const TestAnswer answer =
      client.Ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n");
  EXPECT_EQ(answer.status, 413);
  EXPECT_THAT(answer.body, HasSubstr("1073741824"));
  EXPECT_TRUE(client.IsClosed());
  auto asking = Client();
  EXPECT_EQ(asking
                .Ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n"
                     "Expect: 100-continue\r\n\r\n")
                .status,
            413);
}

TEST_F(HttpServerTest, RefusesChunksBeyondTheLimit) {
  Start({.body_bytes_max = 1000});
  auto client = Client();
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "190\r\n" + std::string(400, 'c') + "\r\n";
  client.Send(chunk + chunk + chunk + "0\r\n\r\n");
  EXPECT_EQ(client.Receive().status, 413);
}

TEST_F(HttpServerTest, TakesChunks) {
  Start();
  auto client = Client();
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n");
  EXPECT_EQ(client.Ask("3\r\nefg\r\n0\r\n\r\n").body, "abcdefg");
  EXPECT_EQ(client.Ask(Post("next")).body, "next");
}

TEST_F(HttpServerTest, SaysContinue) {
  Start();
  auto client = Client();
  const std::string head =
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n";
  EXPECT_EQ(client.Ask(head).status, 100);
  EXPECT_EQ(client.Ask("body").body, "body");
  EXPECT_EQ(client.Ask("GET / HTTP/1.1\r\nExpect: tea\r\nHost: x\r\n\r\n").status, 417);
}

TEST_F(HttpServerTest, AnswersMalformedRequests) {
  Start();
  for (const char* request :
       {"nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nbad header\r\n\r\n",
        "POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST /echo HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST /echo HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}) {
    auto client = Client();
    EXPECT_EQ(client.Ask(request).status, 400) << request;
    EXPECT_TRUE(client.IsClosed()) << request;
  }
  auto client = Client();
  client.Send("GET / HTTP/1.1\r\nBig: " + std::string(100'000, 'h'));
  EXPECT_EQ(client.Receive().status, 431);
}

TEST_F(HttpServerTest, Http10) {
  Start();
  auto client = Client();
  EXPECT_EQ(client.Ask("GET / HTTP/1.0\r\n\r\n").body, "{}");
  EXPECT_TRUE(client.IsClosed());
  auto streaming = Client();
  const TestAnswer answer = streaming.Ask("GET /pieces/3 HTTP/1.0\r\n\r\n");
  EXPECT_EQ(answer.body.size(), 3u << 16);
  EXPECT_TRUE(answer.complete);
  auto broken = Client();
  EXPECT_FALSE(broken.Ask("GET /broken HTTP/1.0\r\n\r\n").complete);
}

TEST_F(HttpServerTest, Decompresses) {
  Start({.body_bytes_max = 1 << 20});
  auto client = Client();
  std::string text;
  for (int i = 0; i < 10'000; ++i) {
    text += std::to_string(i * 7919);
  }
  EXPECT_EQ(client.Ask(Post(Gzip(text, 31), "Content-Encoding: gzip\r\n")).body, text);
  EXPECT_EQ(client.Ask(Post(Gzip(text, 15), "Content-Encoding: deflate\r\n")).body, text);
  EXPECT_EQ(client.Ask(Post(Gzip(text, -15), "Content-Encoding: Deflate\r\n")).body, text);
  EXPECT_EQ(client.Ask(Post(Gzip("ab", 31) + Gzip("cd", 31), "Content-Encoding: gzip\r\n")).body,
            "abcd");
  EXPECT_EQ(client.Ask(Post("as it is", "Content-Encoding: snappy\r\n")).body, "as it is");
  EXPECT_EQ(client.Ask(Post("as it is", "Content-Encoding: identity\r\n")).body, "as it is");
  const std::string exact(1 << 20, 'x');
  EXPECT_EQ(client.Ask(Post(Gzip(exact, 31), "Content-Encoding: gzip\r\n")).body, exact);
}

TEST_F(HttpServerTest, RefusesWhatDoesNotDecompress) {
  Start({.body_bytes_max = 1 << 20});
  auto client = Client();
  const std::string gzip = "Content-Encoding: gzip\r\n";
  EXPECT_EQ(client.Ask(Post("this is not gzip", gzip)).status, 400);
  EXPECT_EQ(client.Ask(Post("", gzip)).status, 400);
  const std::string good = Gzip(std::string(5000, 'x') + "tail", 31);
  EXPECT_EQ(client.Ask(Post(good.substr(0, good.size() - 9), gzip)).status, 400);
  std::string flipped = good;
  flipped[flipped.size() - 6] ^= 1;  // the checksum
  EXPECT_EQ(client.Ask(Post(flipped, gzip)).status, 400);
  const std::string bomb = Gzip(std::string(64 << 20, '\0'), 31);
  ASSERT_LT(bomb.size(), 1u << 20);
  EXPECT_EQ(client.Ask(Post(bomb, gzip)).status, 413);
  EXPECT_EQ(client.Ask(Post("x", "Content-Encoding: br\r\n")).status, 415);
  EXPECT_EQ(client.Ask(Post("still here")).body, "still here");
}

TEST_F(HttpServerTest, HoldsNoMoreBodiesThanItMay) {
  Start({.body_bytes_in_flight_max = 1000});
  auto slow = Client();
  slow.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 800\r\n\r\n");
  // The server may not have read that yet: only then is another body of that size taken.
  TestAnswer answer;
  do {
    auto other = Client();
    answer = other.Ask(Post(std::string(800, 'o')));
  } while (answer.status == 200);
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.headers["Retry-After"], "1");
  EXPECT_EQ(slow.Ask(std::string(800, 's')).status, 200);
  auto after = Client();
  EXPECT_EQ(after.Ask(Post(std::string(800, 'o'))).status, 200);
}

TEST_F(HttpServerTest, LimitsConnections) {
  Start({.connections_max = 1});
  auto first = Client();
  EXPECT_EQ(first.Ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").status, 200);
  auto second = Client();
  EXPECT_EQ(second.Receive().status, 503);
  EXPECT_EQ(first.Ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").status, 200);
}

TEST_F(HttpServerTest, LimitsWaitingRequests) {
  Start({.workers = 1, .queued_requests_max = 1});
  auto waiting = Client();
  waiting.Send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(entered_.Wait());
  auto queued = Client();
  queued.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  auto refused = Client();
  TestAnswer answer = refused.Ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  leave_.Open();
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(queued.Receive().status, 200);
  EXPECT_EQ(waiting.Receive().body, "waited");
  EXPECT_EQ(refused.Ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").status, 200);
}

TEST_F(HttpServerTest, ClosesIdleConnections) {
  Start({.idle_timeout = std::chrono::milliseconds(50)});
  auto idle = Client();
  EXPECT_TRUE(idle.IsClosed());
  auto half_a_header = Client();
  half_a_header.Send("GET / HT");
  EXPECT_TRUE(half_a_header.IsClosed());
  auto half_a_body = Client();
  half_a_body.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab");
  EXPECT_TRUE(half_a_body.IsClosed());
}

TEST_F(HttpServerTest, TakesASlowClient) {
  Start();
  auto client = Client();
  for (const char c : Post("slowly")) {
    ASSERT_TRUE(client.Send({&c, 1}));
  }
  EXPECT_EQ(client.Receive().body, "slowly");
}

TEST_F(HttpServerTest, Streams) {
  Start();
  auto client = Client();
  const TestAnswer answer = client.Ask("GET /pieces/20 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.complete);
  EXPECT_EQ(answer.body, std::string(20u << 16, 'p'));
  EXPECT_EQ(client.Ask(Post("again")).body, "again");
  EXPECT_EQ(client.Ask("GET /pieces/0 HTTP/1.1\r\nHost: x\r\n\r\n").body, "");
}

TEST_F(HttpServerTest, AFailingStreamIsSeenToBeIncomplete) {
  Start();
  auto client = Client();
  const TestAnswer answer = client.Ask("GET /broken HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_FALSE(answer.complete);
}

TEST_F(HttpServerTest, AStreamStopsWhenTheClientLeaves) {
  Start();
  auto client = Client();
  client.Send("GET /pieces/1000000 HTTP/1.1\r\nHost: x\r\n\r\n");
  client.Close();
  EXPECT_TRUE(destroyed_.Wait());
  EXPECT_LT(produced_, 1000);
}

TEST_F(HttpServerTest, AStreamWaitsForAClientThatDoesNotRead) {
  Start({.idle_timeout = std::chrono::milliseconds(100)});
  auto client = Client();
  client.Send("GET /pieces/1000000 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(destroyed_.Wait());  // after the timeout
  EXPECT_LT(produced_, 1000);      // what fits into the buffers of the kernel
}

TEST_F(HttpServerTest, ServesManyClients) {
  Start();
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      auto client = Client();
      for (int i = 0; i < 100; ++i) {
        const std::string body(static_cast<size_t>(t * 1000 + i), static_cast<char>('a' + t));
        right += client.Ask(Post(body)).body == body ? 1 : 0;
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(right, 800);
}

TEST_F(HttpServerTest, StopAnswersWhatHasBeenRead) {
  Start();
  auto idle = Client();
  EXPECT_EQ(idle.Ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").status, 200);
  auto waiting = Client();
  waiting.Send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(entered_.Wait());
  std::thread stopper([this] { server_->Stop(); });
  EXPECT_TRUE(idle.IsClosed());
  leave_.Open();
  TestAnswer answer = waiting.Receive();
  EXPECT_EQ(answer.body, "waited");
  EXPECT_EQ(answer.headers["Connection"], "close");
  EXPECT_TRUE(waiting.IsClosed());
  stopper.join();
  EXPECT_FALSE(Client().connected());
  server_->Stop();
}

TEST_F(HttpServerTest, StopCutsClientsThatDoNotRead) {
  Start({.stop_grace = std::chrono::milliseconds(50)});
  auto client = Client();
  client.Send("GET /pieces/1000000 HTTP/1.1\r\nHost: x\r\n\r\n");
  while (produced_ == 0) {
    std::this_thread::yield();
  }
  server_->Stop();
  EXPECT_TRUE(destroyed_.Wait());
}

TEST_F(HttpServerTest, StopsUnderLoad) {
  Start();
  std::atomic<bool> go_on = true;
  std::atomic<int> answered = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      while (go_on) {
        auto client = Client();
        while (go_on && client.Ask(Post("x")).status == 200) {
          ++answered;
        }
      }
    });
  }
  while (answered < 100) {
    std::this_thread::yield();
  }
  server_->Stop();
  go_on = false;
  for (auto& thread : threads) {
    thread.join();
  }
}

TEST_F(HttpServerTest, APortInUseIsNamed) {
  Start();
  EXPECT_THAT(HttpServer::Start(router_, {.port = server_->port()}),
              IsError(ErrorKind::kUnavailable, HasSubstr(std::to_string(server_->port()))));
  EXPECT_THAT(HttpServer::Start(router_, {.bind_address = "203.0.113.1", .port = 0}),
              IsError(ErrorKind::kUnavailable, HasSubstr("203.0.113.1")));
  EXPECT_THAT(HttpServer::Start(router_, {.bind_address = "nowhere", .port = 0}),
              IsError(ErrorKind::kUnavailable, HasSubstr("nowhere")));
}

TEST(HttpStatus, FitsTheKind) {
  EXPECT_EQ(HttpStatusOf(ErrorKind::kInvalidArgument), 400);
  EXPECT_EQ(HttpStatusOf(ErrorKind::kNotFound), 404);
  EXPECT_EQ(HttpStatusOf(ErrorKind::kResourceExhausted), 503);
  EXPECT_EQ(HttpStatusOf(ErrorKind::kCancelled), 499);
  EXPECT_EQ(HttpStatusOf(ErrorKind::kCorruption), 500);
  const HttpResponse busy = ErrorResponse(Error{ErrorKind::kResourceExhausted, "\"full\""});
  EXPECT_EQ(busy.body, R"({"code":503,"message":"\"full\""})");
  EXPECT_EQ(busy.headers.at("Retry-After"), "1");
}

TEST(Url, Parameters) {
  EXPECT_THAT(ParseParameters("a=1&b=x+y&&c&a=2&d=%C3%A4=")->size(), 4u);
  EXPECT_EQ(ParseParameters("a=1&a=2")->at("a"), "2");
  EXPECT_EQ(ParseParameters("d=%C3%A4=")->at("d"), "ä=");
  EXPECT_THAT(ParseParameters("a=%4"), IsError(ErrorKind::kInvalidArgument));
  EXPECT_THAT(ParseParameters("a=%+4"), IsError(ErrorKind::kInvalidArgument));
}

}  // namespace
}  // namespace varve
