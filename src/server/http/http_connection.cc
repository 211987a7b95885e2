#include <poll.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>

#include "base/check.h"
#include "base/log.h"
#include "base/units.h"
#include "server/http/content_encoding.h"
#include "server/http/http_connection_internal.h"
#include "server/http/url.h"

namespace varve {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

// A GET with a long query in its URL fits; a client that sends more is mistaken or hostile.
constexpr uint32_t kHeaderBytesMax = 64 << 10;
// A body slower than this is cut: it holds memory of the body budget for nothing.
constexpr uint64_t kBodyBytesPerSecondMin = 64 << 10;
// After a refusal the client may still be sending. Closing at once would reset the connection and
// lose the answer.
constexpr std::chrono::seconds kLingerTime{2};
constexpr uint64_t kLingerBytesMax = 64 << 20;
constexpr size_t kDiscardBytes = 64 << 10;
constexpr size_t kRequestIdBytesMax = 128;  // longer ones would fill the log
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

std::string_view View(boost::core::string_view text) { return {text.data(), text.size()}; }

std::string Lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return out;
}

bool HasBody(int status) { return status >= 200 && status != 204 && status != 304; }

std::string_view Reason(int status) {
  return status == 499
             ? "Client Closed Request"
             : View(http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status))));
}

// "http://host/path?query", which proxies send, is reduced to what stands after the host.
std::string_view OriginForm(std::string_view target) {
  if (target.starts_with("http://") || target.starts_with("https://")) {
    const size_t slash = target.find('/', target.find("//") + 2);
    return slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  return target;
}

}  // namespace

HttpConnection::HttpConnection(asio::ip::tcp::socket socket, HttpServerContext& context,
                               std::function<void(const std::shared_ptr<HttpConnection>&)> closed)
    : context_(context),
      stream_(std::move(socket)),
      closed_(std::move(closed)),
      share_(context.budget),
      wait_timer_(stream_.get_executor()) {
  ErrorCode ignored;  // an answer without it is only slower
  stream_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
}

void HttpConnection::Start() { ReadHeader(); }

void HttpConnection::Refuse(HttpResponse response) {
  state_ = State::kAnswering;
  refused_ = true;
  keep_alive_ = false;
  Answer(std::move(response));
}

void HttpConnection::CloseWhenAnswered() {
  if (state_ == State::kReading) {
    Close();
  } else if (state_ == State::kAnswering && waiting_) {
    wait_timer_.cancel();
    EndStream();
  }
}

void HttpConnection::Abort() {
  stop_.request_stop();
  DropStream();
  Close();
}

void HttpConnection::AbortIfClientLeft() {
  if (state_ != State::kAnswering || refused_) {
    return;
  }
  pollfd socket{.fd = stream_.socket().native_handle(), .events = POLLRDHUP, .revents = 0};
  if (::poll(&socket, 1, 0) > 0 && (socket.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) {
    Abort();
  }
}

void HttpConnection::ReadHeader() {
  if (context_.stopping.load()) {
    return Close();
  }
  state_ = State::kReading;
  body_ = std::string();
  share_.Release();
  parser_.emplace();
  parser_->header_limit(kHeaderBytesMax);
  parser_->body_limit(boost::none);
  stream_.expires_after(context_.options.idle_timeout);
  http::async_read_header(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](ErrorCode error, size_t) { self->OnHeader(error); });
}

void HttpConnection::OnHeader(ErrorCode error) {
  if (state_ == State::kClosed) {
    return;
  }
  if (error) {
    return OnMalformed(error);
  }
  keep_alive_ = parser_->get().keep_alive();
  head_only_ = parser_->get().method() == http::verb::head;
  http_1_0_ = parser_->get().version() < 11;
  if (AcceptBody()) {
    ReadBody();
  }
}

void HttpConnection::OnMalformed(ErrorCode error) {
  static const auto& http_errors = ErrorCode(http::error::bad_method).category();
  if (error.category() != http_errors || error == http::error::end_of_stream ||
      error == http::error::partial_message) {
    return Close();
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return Refuse(
        ErrorResponse(431, fmt::format("the header is larger than {} bytes", kHeaderBytesMax)));
  }
  if (error == http::error::body_limit) {
    return Refuse(ErrorResponse(413, fmt::format("the body is larger than {}; send less at a time",
                                                 FormatSize(context_.options.body_bytes_max))));
  }
  Refuse(ErrorResponse(400, fmt::format("malformed HTTP request: {}", error.message())));
}

bool HttpConnection::AcceptBody() {
  const auto length = parser_->content_length();
  if (length && *length > context_.options.body_bytes_max) {
    Refuse(
        ErrorResponse(413, fmt::format("the body has {} bytes, {} is allowed; send less at a time",
                                       *length, FormatSize(context_.options.body_bytes_max))));
    return false;
  }
  if (!share_.GrowTo(length.value_or(0))) {
    Refuse(
        ErrorResponse(503, "the server holds as many request bodies as it may; try again later"));
    return false;
  }
  const auto expect = parser_->get().find(http::field::expect);
  if (expect != parser_->get().end() && !beast::iequals(expect->value(), "100-continue")) {
    Refuse(ErrorResponse(417, "only 100-continue may be expected"));
    return false;
  }
  return true;
}

void HttpConnection::BodyDeadline(uint64_t bytes) {
  stream_.expires_after(context_.options.idle_timeout +
                        std::chrono::seconds(bytes / kBodyBytesPerSecondMin));
}

void HttpConnection::ReadBody() {
  const bool chunked = parser_->chunked();
  const size_t size = parser_->content_length().value_or(0);
  if (!chunked && size == 0) {
    return Dispatch();
  }
  const auto read = [chunked, size](HttpConnection& self) {
    return chunked ? self.ReadChunkedBody() : self.ReadSizedBody(size);
  };
  if (chunked) {
    parser_->body_limit(context_.options.body_bytes_max);
    parser_->eager(true);
  }
  BodyDeadline(chunked ? context_.options.body_bytes_max : size);
  const auto& fields = parser_->get();
  // A client that has begun to send the body does not wait for permission any more.
  if (fields.find(http::field::expect) == fields.end() || buffer_.size() > 0) {
    return read(*this);
  }
  asio::async_write(stream_, asio::buffer(kContinue),
                    [self = shared_from_this(), read](ErrorCode error, size_t) {
                      error ? self->Close() : read(*self);
                    });
}

// Past Beast: the body goes from the socket to where the handler reads it.
void HttpConnection::ReadSizedBody(size_t size) {
  const size_t here = std::min(size, buffer_.size());
  body_.resize_and_overwrite(size, [&](char* data, size_t) {
    std::memcpy(data, buffer_.data().data(), here);
    return size;
  });
  buffer_.consume(here);
  if (here == size) {
    return Dispatch();
  }
  asio::async_read(stream_, asio::buffer(body_.data() + here, size - here),
                   [self = shared_from_this()](ErrorCode error, size_t) {
                     error ? self->Close() : self->Dispatch();
                   });
}

void HttpConnection::ReadChunkedBody() {
  http::async_read_some(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](ErrorCode error, size_t) { self->OnChunk(error); });
}

void HttpConnection::OnChunk(ErrorCode error) {
  if (state_ == State::kClosed) {
    return;
  }
  if (error) {
    return OnMalformed(error);
  }
  if (!share_.GrowTo(parser_->get().body().capacity())) {
    return Refuse(
        ErrorResponse(503, "the server holds as many request bodies as it may; try again later"));
  }
  if (!parser_->is_done()) {
    return ReadChunkedBody();
  }
  body_ = std::move(parser_->get().body());
  Dispatch();
}

void HttpConnection::Dispatch() {
  if (state_ == State::kClosed) {
    return;
  }
  state_ = State::kAnswering;
  stop_ = std::stop_source();
  stream_.expires_never();
  if (context_.workers.queued_jobs() >= context_.options.queued_requests_max) {
    return Answer(ErrorResponse(503, "too many requests are waiting; try again later"));
  }
  const Status submitted = context_.workers.Submit([self = shared_from_this()] {
    auto response = std::make_shared<HttpResponse>(self->Handle());
    asio::post(self->stream_.get_executor(),
               [self, response] { self->Answer(std::move(*response)); });
  });
  if (!submitted) {
    Refuse(ErrorResponse(submitted.error()));
  }
}

HttpResponse HttpConnection::Handle() {
  auto request = BuildRequest();
  if (!request) {
    return ErrorResponse(request.error());
  }
  request->body = std::move(body_);
  request->id = RequestId(*request);
  request->stop = stop_.get_token();
  auto refusal = Decompress(*request);
  HttpResponse response = refusal ? std::move(*refusal) : context_.router.Handle(*request);
  response.headers.insert_or_assign("X-Request-Id", request->id);
  if (!head_only_ && HasBody(response.status)) {
    CompressAnswer(*request, response);
  }
  return response;
}

std::string HttpConnection::RequestId(const HttpRequest& request) {
  const std::string* const given = request.Header("x-request-id");
  const bool sane =
      given != nullptr && !given->empty() && given->size() <= kRequestIdBytesMax &&
      std::ranges::all_of(*given, [](unsigned char c) {
        return std::isalnum(c) != 0 || std::string_view("-_.:/+=@").contains(static_cast<char>(c));
      });
  return sane ? *given : context_.ids.NewUuid().ToString();
}

Result<HttpRequest> HttpConnection::BuildRequest() const {
  const auto& message = parser_->get();
  HttpRequest request;
  request.method = View(message.method_string());
  const std::string_view target = OriginForm(View(message.target()));
  const size_t question = std::min(target.find('?'), target.size());
  VARVE_ASSIGN(request.path, PercentDecode(target.substr(0, question), PlusSign::kLiteral));
  VARVE_ASSIGN(request.query,
               ParseParameters(target.substr(std::min(question + 1, target.size()))));
  for (const auto& field : message) {
    const std::string_view value = View(field.value());
    const auto [at, added] = request.headers.emplace(Lower(View(field.name_string())), value);
    if (!added) {
      at->second.append(", ").append(value);
    }
  }
  return request;
}

std::optional<HttpResponse> HttpConnection::Decompress(HttpRequest& request) {
  const std::string* const header = request.Header("content-encoding");
  if (header == nullptr) {
    return std::nullopt;
  }
  const std::string encoding = Lower(*header);
  if (encoding == "snappy") {
    return std::nullopt;
  }
  if (encoding == "gzip" || encoding == "x-gzip" || encoding == "deflate") {
    const uint64_t sent = request.body.size();
    auto body = Inflate(request.body, {context_.options.body_bytes_max, [&](uint64_t bytes) {
                                         return share_.GrowTo(sent + bytes);
                                       }});
    if (!body) {
      const bool too_large = body.error().kind == ErrorKind::kResourceExhausted;
      return too_large ? ErrorResponse(413, body.error().message) : ErrorResponse(body.error());
    }
    request.body = *std::move(body);
  } else if (encoding != "identity") {
    return ErrorResponse(
        415, fmt::format("Content-Encoding {} is not known; send gzip, deflate or none", encoding));
  }
  request.headers.erase("content-encoding");
  return std::nullopt;
}

std::string HttpConnection::Head(const HttpResponse& response,
                                 std::optional<uint64_t> content_length) const {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", response.status, Reason(response.status));
  const auto out = std::back_inserter(head);
  for (const auto& [name, value] : response.headers) {
    fmt::format_to(out, "{}: {}\r\n", name, value);
  }
  if (HasBody(response.status)) {
    fmt::format_to(out, "Content-Type: {}\r\n", response.content_type);
    if (content_length) {
      fmt::format_to(out, "Content-Length: {}\r\n", *content_length);
    } else if (!http_1_0_) {
      head += "Transfer-Encoding: chunked\r\n";
    }
  }
  if (!keep_alive_) {
    head += "Connection: close\r\n";
  } else if (http_1_0_) {
    head += "Connection: keep-alive\r\n";
  }
  return head += "\r\n";
}

void HttpConnection::Answer(HttpResponse response) {
  share_.Release();
  source_ = std::move(response.stream);
  if (state_ == State::kClosed) {
    return DropStream();
  }
  const bool streamed = source_ != nullptr && HasBody(response.status) && !head_only_;
  if (context_.stopping.load() || (streamed && http_1_0_)) {
    keep_alive_ = false;
  }
  if (streamed) {
    // The head waits for the first piece, to leave in one packet with it.
    head_ = Head(response, std::nullopt);
    source_ended_ = false;
    waiting_ = false;
    return ProduceNext();
  }
  const bool was_stream = source_ != nullptr;
  DropStream();
  head_ = Head(response, was_stream ? std::nullopt : std::optional(response.body.size()));
  answer_ = HasBody(response.status) && !head_only_ ? std::move(response.body) : std::string();
  BodyDeadline(answer_.size());
  asio::async_write(
      stream_, std::array{asio::buffer(head_), asio::buffer(answer_)},
      [self = shared_from_this()](ErrorCode error, size_t) { self->OnAnswered(error); });
}

void HttpConnection::OnAnswered(ErrorCode error) {
  answer_ = std::string();
  if (error || state_ == State::kClosed) {
    return Close();
  }
  if (keep_alive_) {
    return ReadHeader();
  }
  refused_ ? LingerThenClose() : Close();
}

void HttpConnection::ProduceNext() {
  producing_ = true;
  const Status submitted = context_.workers.Submit([self = shared_from_this()] {
    auto piece = std::make_shared<Piece>(self->source_->Next());
    if (piece->bytes && piece->bytes->empty()) {
      piece->wait = self->source_->Wait();
    }
    asio::post(self->stream_.get_executor(), [self, piece] { self->OnPiece(std::move(*piece)); });
  });
  if (!submitted) {
    producing_ = false;
    Abort();
  }
}

void HttpConnection::OnPiece(Piece piece) {
  producing_ = false;
  if (state_ == State::kClosed) {
    return DropStream();
  }
  if (!piece.bytes) {
    LogWarn("an answer ends in the middle: {}", piece.bytes.error().message);
    if (http_1_0_) {
      // Without chunks an end looks like success; only a reset does not.
      ErrorCode ignored;
      stream_.socket().set_option(asio::socket_base::linger(true, 0), ignored);
      stream_.close();
    }
    return Abort();
  }
  if (piece.wait && !context_.stopping.load()) {
    return WaitForMore(*piece.wait);
  }
  if (piece.bytes->empty()) {
    return EndStream();
  }
  if (http_1_0_) {
    pieces_.push_back(*std::move(piece.bytes));
  } else {
    pieces_.push_back(fmt::format("{:x}\r\n", piece.bytes->size()));
    pieces_.push_back(*std::move(piece.bytes));
    pieces_.emplace_back("\r\n");
  }
  WritePieces();
}

void HttpConnection::WaitForMore(std::chrono::milliseconds time) {
  waiting_ = true;
  if (!head_.empty()) {
    pieces_.push_back(std::exchange(head_, std::string()));
  }
  wait_timer_.expires_after(time);
  wait_timer_.async_wait([self = shared_from_this()](ErrorCode error) {
    if (error || self->state_ == State::kClosed || !self->waiting_) {
      return;
    }
    self->waiting_ = false;
    self->WritePieces();
  });
  WritePieces();
}

void HttpConnection::EndStream() {
  waiting_ = false;
  source_ended_ = true;
  pieces_.emplace_back(http_1_0_ ? "" : "0\r\n\r\n");
  DropStream();
  WritePieces();
}

void HttpConnection::WritePieces() {
  if (writing_ == 0 && !pieces_.empty()) {
    if (!head_.empty()) {
      pieces_.push_front(std::exchange(head_, std::string()));
    }
    writing_ = pieces_.size();
    uint64_t bytes = 0;
    std::vector<asio::const_buffer> buffers;
    for (const std::string& piece : pieces_) {
      buffers.push_back(asio::buffer(piece));
      bytes += piece.size();
    }
    BodyDeadline(bytes);
    asio::async_write(stream_, buffers,
                      [self = shared_from_this(), count = writing_](ErrorCode error, size_t) {
                        self->OnPiecesWritten(error, count);
                      });
  }
  const bool one_waits = pieces_.size() - writing_ > 0;
  if (!producing_ && !waiting_ && !source_ended_ && !one_waits) {
    ProduceNext();
  }
}

void HttpConnection::OnPiecesWritten(ErrorCode error, size_t pieces) {
  writing_ = 0;
  pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<ptrdiff_t>(pieces));
  if (error || state_ == State::kClosed) {
    return Abort();
  }
  if (source_ended_ && pieces_.empty()) {
    return OnAnswered({});
  }
  WritePieces();
}

// On a worker, because ending a query may wait for its threads.
void HttpConnection::DropStream() {
  if (source_ == nullptr || producing_) {
    return;
  }
  std::shared_ptr<HttpBodyStream> source = std::move(source_);
  const Status submitted = context_.workers.Submit([source]() mutable { source.reset(); });
  if (!submitted) {
    source.reset();
  }
}

void HttpConnection::LingerThenClose() {
  ErrorCode ignored;
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  body_.resize(kDiscardBytes);
  stream_.expires_after(kLingerTime);
  linger_bytes_ = 0;
  Discard();
}

void HttpConnection::Discard() {
  stream_.async_read_some(asio::buffer(body_),
                          [self = shared_from_this()](ErrorCode error, size_t bytes) {
                            self->linger_bytes_ += bytes;
                            const bool enough = self->linger_bytes_ > kLingerBytesMax;
                            error || enough ? self->Close() : self->Discard();
                          });
}

void HttpConnection::Close() {
  if (state_ == State::kClosed) {
    return;
  }
  state_ = State::kClosed;
  wait_timer_.cancel();
  ErrorCode ignored;  // of a connection that the client has ended already
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  stream_.close();
  closed_(shared_from_this());
}

}  // namespace varve
