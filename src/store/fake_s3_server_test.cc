#include "store/fake_s3_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <list>
#include <optional>
#include <thread>

#include "base/check.h"
#include "base/checksum.h"
#include "store/encoding_internal.h"
#include "store/http_client.h"
#include "store/http_test_connection.h"
#include "store/xml_internal.h"

namespace varve {
namespace {

using Headers = HttpTestRequest::Headers;
using Request = HttpTestRequest;
using Connection = HttpTestConnection;

// The bucket is named by the path, or by the host: "bucket.localhost".
std::string KeyOf(const Request& request) {
  const bool by_host = request.Header("host").find("bucket.") == 0;
  const size_t slash = by_host ? 0 : request.path.find('/', 1);
  return slash == std::string::npos ? ""
                                    : PercentDecode(request.path.substr(slash + 1)).value_or("");
}

struct Answer {
  int status = 200;
  Headers headers;
  std::string body;
};

struct Object {
  std::string bytes;
  std::string writer;
  std::string etag;
};

Answer ErrorAnswer(int status, std::string_view code, std::string_view message = "") {
  return {.status = status,
          .headers = {},
          .body = fmt::format("<?xml version=\"1.0\"?><Error><Code>{}</Code><Message>{}</Message>"
                              "</Error>",
                              code, message)};
}

}  // namespace

class FakeS3Server::Impl {
 public:
  explicit Impl(Options options) : options_(std::move(options)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof(address);
    VARVE_CHECK(::bind(listener_, raw, size) == 0 && ::listen(listener_, 64) == 0 &&
                    ::getsockname(listener_, raw, &size) == 0,
                "no port on 127.0.0.1");
    port_ = ntohs(address.sin_port);
    acceptor_ = std::jthread([this] { Accept(); });
  }

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
      for (Connection* connection : open_) {
        connection->Break();
      }
    }
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    threads_.clear();
    ::close(listener_);
  }

  void FailAt(uint64_t n, HttpFault fault, uint64_t count) {
    const std::lock_guard lock(mutex_);
    fault_ = fault;
    fail_from_ = log_.size() + n;
    fail_to_ = fail_from_ + count;
    failures_ = 0;
  }

  Options options_;
  mutable std::mutex mutex_;
  uint16_t port_ = 0;
  uint64_t failures_ = 0;
  std::vector<std::string> log_;
  std::map<std::string, std::map<int, Object>> uploads_;

 private:
  void Accept() {
    while (true) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      const std::lock_guard lock(mutex_);
      if (fd < 0 || stopped_) {
        if (fd >= 0) {
          ::close(fd);
        }
        return;
      }
      threads_.emplace_back([this, fd] { Serve(fd); });
    }
  }

  void Serve(int fd) {
    Connection connection(fd);
    {
      const std::lock_guard lock(mutex_);
      if (stopped_) {
        return;
      }
      open_.push_back(&connection);
    }
    while (std::optional<Request> request = connection.Read()) {
      if (!Respond(connection, *request)) {
        break;
      }
    }
    const std::lock_guard lock(mutex_);
    std::erase(open_, &connection);
  }

  HttpFault NextFault(const Request& request) {
    const std::lock_guard lock(mutex_);
    log_.push_back(fmt::format("{} {}{}{}", request.method, request.path,
                               request.raw_query.empty() ? "" : "?", request.raw_query));
    if (log_.size() < fail_from_ || log_.size() >= fail_to_) {
      return HttpFault::kNone;
    }
    ++failures_;
    return fault_;
  }

  static bool HasEffect(HttpFault fault) {
    switch (fault) {
      case HttpFault::kReset:
      case HttpFault::kBusy:
      case HttpFault::kBroken:
      case HttpFault::kStall:
      case HttpFault::kHidden:
        return false;
      default:
        return true;
    }
  }

  // False when the connection has ended.
  bool Respond(Connection& connection, const Request& request) {
    const HttpFault fault = NextFault(request);
    Answer answer;
    if (HasEffect(fault)) {
      answer = Handle(request);
    }
    switch (fault) {
      case HttpFault::kReset:
      case HttpFault::kResetAfterEffect:
        connection.Reset();
        return false;
      case HttpFault::kStall:
      case HttpFault::kStallAfterEffect:
        connection.WaitForEnd();
        return false;
      case HttpFault::kGarbage:
        connection.Send("\x01\x02 this is not HTTP\r\n\r\n");
        return false;
      case HttpFault::kBusy:
        answer = ErrorAnswer(503, "SlowDown", "Please reduce your request rate.");
        break;
      case HttpFault::kBroken:
      case HttpFault::kBrokenAfterEffect:
        answer = ErrorAnswer(500, "InternalError", "We encountered an internal error.");
        break;
      case HttpFault::kHidden: {
        const bool may = request.method == "POST" || !request.Header("x-amz-copy-source").empty();
        answer = ErrorAnswer(may ? 200 : 500, "InternalError");
        break;
      }
      default:
        break;
    }
    return SendAnswer(connection, request, std::move(answer), fault);
  }

  static bool SendAnswer(Connection& connection, const Request& request, Answer answer,
                         HttpFault fault) {
    const bool head = request.method == "HEAD";
    const bool longer = fault == HttpFault::kLongBody && !head;
    const std::string more(longer ? size_t{1} << 20 : 0, 'x');
    // Of a range, a server may announce more than was asked for; else more comes than is announced.
    const size_t announced =
        answer.body.size() + (request.Header("range").empty() ? 0 : more.size());
    answer.body += more;
    answer.headers.emplace("Content-Length", fmt::format("{}", announced));
    std::string text = fmt::format("HTTP/1.1 {} X\r\n", answer.status);
    for (const auto& [name, value] : answer.headers) {
      text += fmt::format("{}: {}\r\n", name, value);
    }
    text += "\r\n";
    text += head ? "" : answer.body;
    if (fault == HttpFault::kCutBody) {  // where there is no body, the head is cut
      text.resize(text.size() - std::clamp<size_t>(answer.body.size() / 2, 1, text.size() / 2));
    }
    connection.Send(text);
    return fault != HttpFault::kCutBody;
  }

  std::optional<Answer> Refuse(const Request& request) const {
    SigV4Request to_sign = {.method = request.method,
                            .path = request.path,
                            .query = request.raw_query,
                            .headers = {},
                            .payload_sha256 = request.Header("x-amz-content-sha256")};
    const std::string authorization = request.Header("authorization");
    const size_t names = authorization.find("SignedHeaders=");
    for (const auto& [name, value] : request.headers) {
      const std::string list = authorization.substr(std::min(names, authorization.size()));
      if (name != "x-amz-date" && name != "x-amz-security-token" &&
          (list.find("=" + name + ";") != std::string::npos ||
           list.find(";" + name + ";") != std::string::npos ||
           list.find(";" + name + ",") != std::string::npos)) {
        to_sign.headers[name] = value;
      }
    }
    if (authorization.find(fmt::format("Credential={}/", options_.key.access_key_id)) ==
        std::string::npos) {
      return ErrorAnswer(403, "InvalidAccessKeyId", options_.echoed_in_errors);
    }
    // The signature is of the second that the request names.
    std::string time = request.Header("x-amz-date");
    if (time.size() != 16) {
      return ErrorAnswer(403, "AccessDenied", options_.echoed_in_errors);
    }
    time.insert(13, ":").insert(11, ":").insert(6, "-").insert(4, "-");
    const auto expected =
        SignV4(options_.key, to_sign, ParseServiceTime(time).value_or(TimestampUs(0)));
    if (authorization != expected.at("authorization") ||
        request.Header("x-amz-security-token") != options_.key.session_token.Reveal()) {
      return ErrorAnswer(403, "SignatureDoesNotMatch",
                         "The signature does not match. " + options_.echoed_in_errors);
    }
    if (Sha256Hex(request.body) != to_sign.payload_sha256) {
      return ErrorAnswer(400, "XAmzContentSHA256Mismatch");
    }
    return std::nullopt;
  }

  Answer Handle(const Request& request) {
    const std::lock_guard lock(mutex_);
    if (std::optional<Answer> refused = Refuse(request)) {
      return *std::move(refused);
    }
    if (request.path == "/missing" || request.path.starts_with("/missing/")) {
      return ErrorAnswer(404, "NoSuchBucket", "The specified bucket does not exist");
    }
    const std::string key = KeyOf(request);
    if (key.empty()) {
      return List(request);
    }
    if (request.Has("uploads") || request.Has("uploadId")) {
      return HandleUpload(request, key);
    }
    if (request.method == "PUT") {
      return request.Header("x-amz-copy-source").empty() ? Put(request, key) : Copy(request, key);
    }
    if (request.method == "DELETE") {
      objects_.erase(key);
      return {.status = 204};
    }
    return Get(request, key);
  }

  Answer Store(const std::string& key, std::string bytes, std::string writer) {
    const std::string etag = fmt::format("\"{}-{}\"", HexLower(Md5(bytes)), ++versions_);
    objects_[key] = {.bytes = std::move(bytes), .writer = std::move(writer), .etag = etag};
    return {.status = 200, .headers = {{"ETag", etag}}};
  }

  Answer Put(const Request& request, const std::string& key) {
    const bool conditional = request.Header("if-none-match") == "*" && !options_.ignore_conditions;
    if (conditional && objects_.contains(key)) {
      return ErrorAnswer(412, "PreconditionFailed");
    }
    return Store(key, request.body, request.Header("x-amz-meta-varve-writer"));
  }

  Answer Copy(const Request& request, const std::string& key) {
    const std::string source = PercentDecode(request.Header("x-amz-copy-source")).value_or("");
    const auto found = objects_.find(source.substr(source.find('/', 1) + 1));
    if (found == objects_.end()) {
      return ErrorAnswer(404, "NoSuchKey");
    }
    Answer answer = Store(key, found->second.bytes, request.Header("x-amz-meta-varve-writer"));
    answer.body = "<CopyObjectResult></CopyObjectResult>";
    return answer;
  }

  Answer Get(const Request& request, const std::string& key) {
    const auto found = objects_.find(key);
    if (found == objects_.end()) {
      return ErrorAnswer(404, "NoSuchKey", "The specified key does not exist.");
    }
    const Object& object = found->second;
    if (const std::string match = request.Header("if-match");
        !match.empty() && match != object.etag) {
      return ErrorAnswer(412, "PreconditionFailed");
    }
    Answer answer = {.status = 200,
                     .headers = {{"ETag", object.etag}, {"x-amz-meta-varve-writer", object.writer}},
                     .body = object.bytes};
    if (const std::string range = request.Header("range"); !range.empty()) {
      const size_t dash = range.find('-');
      const size_t first = ParseByteCount(range.substr(6, dash - 6)).value();
      const size_t last = ParseByteCount(range.substr(dash + 1)).value();
      answer.status = 206;
      answer.body = object.bytes.substr(first, last - first + 1);
      answer.headers["Content-Range"] =
          fmt::format("bytes {}-{}/{}", first, last, object.bytes.size());
    }
    if (request.method == "HEAD") {
      answer.headers["Content-Length"] = fmt::format("{}", object.bytes.size());
    }
    return answer;
  }

  Answer List(const Request& request) {
    const std::string prefix = request.query.at("prefix");
    const auto token = request.query.find("continuation-token");
    auto at = token == request.query.end() ? objects_.lower_bound(prefix)
                                           : objects_.lower_bound(token->second);
    std::string body = "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://x/\">";
    body += "<EncodingType>url</EncodingType>";
    size_t listed = 0;
    for (; at != objects_.end() && at->first.starts_with(prefix); ++at) {
      if (listed++ == options_.page_objects) {
        body += fmt::format(
            "<IsTruncated>true</IsTruncated><NextContinuationToken>{}"
            "</NextContinuationToken>",
            XmlEscape(at->first));
        break;
      }
      body += fmt::format(
          "<Contents><Key>{}</Key><LastModified>{}</LastModified>"
          "<ETag>&quot;x&quot;</ETag><Size>{}</Size></Contents>",
          PercentEncode(at->first, Slash::kKeep), "2026-01-02T03:04:05.678Z",
          at->second.bytes.size());
    }
    return {.status = 200, .headers = {}, .body = body + "</ListBucketResult>"};
  }

  Answer HandleUpload(const Request& request, const std::string& key) {
    if (request.Has("uploads")) {
      const std::string id = fmt::format("upload+/{}", ++versions_);
      uploads_[id][0].writer = request.Header("x-amz-meta-varve-writer");
      return {
          .status = 200, .headers = {}, .body = fmt::format("<R><UploadId>{}</UploadId></R>", id)};
    }
    const auto found = uploads_.find(request.query.at("uploadId"));
    if (found == uploads_.end()) {
      return ErrorAnswer(404, "NoSuchUpload");
    }
    if (request.method == "DELETE") {
      uploads_.erase(found);
      return {.status = 204};
    }
    if (request.method == "PUT") {
      return PutPart(request, found->second);
    }
    std::string bytes;
    int number = 0;
    for (const std::string_view part : XmlElements(request.body, "Part")) {
      const auto sent = found->second.find(++number);
      if (sent == found->second.end() || XmlText(part, "ETag") != sent->second.etag) {
        return ErrorAnswer(400, "InvalidPart");
      }
      bytes += sent->second.bytes;
    }
    Answer answer = Store(key, std::move(bytes), found->second[0].writer);
    uploads_.erase(found);
    answer.body = "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>";
    return answer;
  }

  Answer PutPart(const Request& request, std::map<int, Object>& upload) {
    Object part = {.bytes = request.body, .writer = "", .etag = ""};
    const std::string source = PercentDecode(request.Header("x-amz-copy-source")).value_or("");
    if (!source.empty()) {
      const std::string range = request.Header("x-amz-copy-source-range");
      const size_t dash = range.find('-');
      const size_t first = ParseByteCount(range.substr(6, dash - 6)).value();
      const size_t last = ParseByteCount(range.substr(dash + 1)).value();
      part.bytes =
          objects_.at(source.substr(source.find('/', 1) + 1)).bytes.substr(first, last - first + 1);
    }
    part.etag = fmt::format("\"{}\"", HexLower(Md5(part.bytes)));
    const std::string etag = part.etag;
    upload[static_cast<int>(ParseByteCount(request.query.at("partNumber")).value())] =
        std::move(part);
    return {.status = 200,
            .headers = {{"ETag", etag}},
            .body = source.empty() ? ""
                                   : fmt::format("<CopyPartResult><ETag>{}</ETag></CopyPartResult>",
                                                 XmlEscape(etag))};
  }

  int listener_ = -1;
  bool stopped_ = false;
  HttpFault fault_ = HttpFault::kNone;
  uint64_t fail_from_ = 0;
  uint64_t fail_to_ = 0;
  uint64_t versions_ = 0;
  std::map<std::string, Object> objects_;
  std::vector<Connection*> open_;
  std::list<std::jthread> threads_;
  std::jthread acceptor_;
};

FakeS3Server::FakeS3Server(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
FakeS3Server::~FakeS3Server() = default;

std::string FakeS3Server::endpoint() const {
  return fmt::format("http://127.0.0.1:{}", impl_->port_);
}
void FakeS3Server::FailAt(uint64_t n, HttpFault fault, uint64_t count) {
  impl_->FailAt(n, fault, count);
}
void FakeS3Server::SetKey(SigV4Key key) {
  const std::lock_guard lock(impl_->mutex_);
  impl_->options_.key = std::move(key);
}
uint64_t FakeS3Server::failures() const {
  const std::lock_guard lock(impl_->mutex_);
  return impl_->failures_;
}
uint64_t FakeS3Server::requests() const {
  const std::lock_guard lock(impl_->mutex_);
  return impl_->log_.size();
}
std::vector<std::string> FakeS3Server::log() const {
  const std::lock_guard lock(impl_->mutex_);
  return impl_->log_;
}
size_t FakeS3Server::open_uploads() const {
  const std::lock_guard lock(impl_->mutex_);
  return impl_->uploads_.size();
}

// The fake refuses what a real server refuses: else the tests over it would prove nothing.
TEST(FakeS3ServerTest, RequestsWithoutASignatureAreRefused) {
  FakeS3Server server({.key = {}});
  HttpClient client({});
  const HttpOutcome outcome =
      client.Perform({.method = "PUT", .url = server.endpoint() + "/b/k", .body = "bytes"});
  ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
  EXPECT_EQ(outcome->status, 403);
}

}  // namespace varve
