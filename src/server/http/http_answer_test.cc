// Proves what the server adds to answers: request ids, compression.
#include <gmock/gmock.h>

#include "base/ids.h"
#include "base/matchers.h"
#include "server/http/content_encoding.h"
#include "server/http/http_server.h"
#include "server/http/http_test_client.h"

namespace varve {
namespace {

class Pieces final : public HttpBodyStream {
 public:
  Result<std::string> Next() override { return std::string(left_-- > 0 ? 1 << 16 : 0, 'p'); }

 private:
  int left_ = 50;
};

std::string Post(std::string_view body, std::string_view headers) {
  return fmt::format("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n{}\r\n{}",
                     body.size(), headers, body);
}

class HttpAnswerTest : public testing::Test {
 protected:
  HttpAnswerTest() {
    router_.Add("GET", "/", [](const HttpRequest&) { return HttpResponse{.body = "{}"}; });
    router_.Add("POST", "/echo",
                [](const HttpRequest& request) { return HttpResponse{.body = request.body}; });
    router_.Add("GET", "/pieces", [](const HttpRequest&) {
      HttpResponse response;
      response.stream = std::make_unique<Pieces>();
      return response;
    });
    server_ = *HttpServer::Start(router_, {.port = 0});
  }
  Router router_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpAnswerTest, RequestsHaveIds) {
  HttpTestClient client(server_->port());
  TestAnswer answer = client.Ask("GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: a-1/b\r\n\r\n");
  EXPECT_EQ(answer.headers["X-Request-Id"], "a-1/b");
  const std::vector<std::string> others = {"", "with blank", "semi;colon", std::string(129, 'x')};
  for (const std::string& given : others) {
    answer =
        client.Ask(fmt::format("GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: {}\r\n\r\n", given));
    EXPECT_TRUE(Uuid::Parse(answer.headers["X-Request-Id"])) << given;
  }
}

TEST_F(HttpAnswerTest, AnswersAreCompressedForWhoAccepts) {
  HttpTestClient client(server_->port());
  const std::string body(100'000, 'x');
  TestAnswer answer = client.Ask(Post(body, "Accept-Encoding: br, GZIP;q=0.5\r\n"));
  EXPECT_EQ(answer.headers["Content-Encoding"], "gzip");
  EXPECT_LT(answer.body.size(), 1000);
  EXPECT_EQ(*Inflate(answer.body, {body.size(), [](uint64_t) { return true; }}), body);
  for (const char* const accepted :
       {"", "Accept-Encoding: gzip;q=0\r\n", "Accept-Encoding: br\r\n"}) {
    answer = client.Ask(Post(body, accepted));
    EXPECT_FALSE(answer.headers.contains("Content-Encoding")) << accepted;
    EXPECT_EQ(answer.body, body);
  }
  EXPECT_EQ(client.Ask(Post("small", "Accept-Encoding: gzip\r\n")).body, "small");
  answer = client.Ask("GET /pieces HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n");
  EXPECT_EQ(answer.headers["Content-Encoding"], "gzip");
  EXPECT_TRUE(answer.complete);
  const auto plain = Inflate(answer.body, {uint64_t{1} << 30, [](uint64_t) { return true; }});
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->find_first_not_of('p'), std::string::npos);
  EXPECT_GE(plain->size(), 50);
}

}  // namespace
}  // namespace varve
