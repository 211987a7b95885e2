// HttpConnection: one client's socket: reads requests, has them handled on the workers, writes the
// answers in order.
//
// All members belong to the connection's I/O thread, except while a job of the connection is on the
// workers: then the request, the response and the stream are the job's. There is at most one job at
// a time.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/executor.h"
#include "base/ids.h"
#include "server/http/body_budget.h"
#include "server/http/http_server.h"

namespace varve {

// What the connections of a server share. Outlives them.
struct HttpServerContext {
  HttpServerContext(const Router& routes, HttpServerOptions server_options,
                    Executor::Options worker_options)
      : router(routes),
        options(std::move(server_options)),
        budget(options.body_bytes_in_flight_max),
        workers(std::move(worker_options)) {}

  const Router& router;
  const HttpServerOptions options;
  BodyBudget budget;
  Executor workers;
  RandomIdSource ids;
  std::atomic<bool> stopping = false;
};

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  // `closed` is called once, on the I/O thread, after the last use of the socket.
  HttpConnection(boost::asio::ip::tcp::socket socket, HttpServerContext& context,
                 std::function<void(const std::shared_ptr<HttpConnection>&)> closed);

  // All on the I/O thread.
  void Start();
  // Answers what is not served at all, then closes.
  void Refuse(HttpResponse response);
  // Closes when no whole request has been read, else after its answer.
  void CloseWhenAnswered();
  // Closes now. A handler that runs is asked to stop, and goes on to its end unheard.
  void Abort();
  // Aborts when an answer is being made and the client has closed its end. To be called every now
  // and then: a socket that nobody reads does not say so itself.
  void AbortIfClientLeft();

 private:
  using ErrorCode = boost::system::error_code;
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  enum class State { kReading, kAnswering, kClosed };

  void ReadHeader();
  void OnHeader(ErrorCode error);
  void OnMalformed(ErrorCode error);
  bool AcceptBody();
  void ReadBody();
  void ReadSizedBody(size_t size);
  void ReadChunkedBody();
  void OnChunk(ErrorCode error);
  void BodyDeadline(uint64_t bytes);

  void Dispatch();
  HttpResponse Handle();
  std::string RequestId(const HttpRequest& request);
  Result<HttpRequest> BuildRequest() const;
  std::optional<HttpResponse> Decompress(HttpRequest& request);

  void Answer(HttpResponse response);
  std::string Head(const HttpResponse& response, std::optional<uint64_t> content_length) const;
  void OnAnswered(ErrorCode error);

  void ProduceNext();
  struct Piece {
    Result<std::string> bytes;
    std::optional<std::chrono::milliseconds> wait = {};
  };
  void OnPiece(Piece piece);
  void WaitForMore(std::chrono::milliseconds time);
  void EndStream();
  void WritePieces();
  void OnPiecesWritten(ErrorCode error, size_t pieces);
  void DropStream();

  void LingerThenClose();
  void Discard();
  void Close();

  HttpServerContext& context_;
  boost::beast::tcp_stream stream_;
  boost::beast::flat_buffer buffer_;
  std::function<void(const std::shared_ptr<HttpConnection>&)> closed_;
  State state_ = State::kReading;

  // The request.
  std::optional<Parser> parser_;
  std::string body_;
  BodyShare share_;
  bool keep_alive_ = false;
  bool head_only_ = false;
  bool http_1_0_ = false;
  bool refused_ = false;  // without having read all of it
  std::stop_source stop_;

  // The answer.
  std::string head_;
  std::string answer_;
  std::unique_ptr<HttpBodyStream> source_;
  std::deque<std::string> pieces_;  // framed; the first `writing_` are being written
  size_t writing_ = 0;
  bool producing_ = false;
  bool source_ended_ = false;
  bool waiting_ = false;  // the source has nothing yet
  boost::asio::steady_timer wait_timer_;
  uint64_t linger_bytes_ = 0;
};

}  // namespace varve
