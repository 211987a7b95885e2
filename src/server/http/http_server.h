// HttpServer: sockets, HTTP/1.1, limits; what a request means is up to the handlers of the Router.
//
// Requests are read and written by I/O threads that never block; handlers run on a bounded pool of
// workers.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace varve {

struct HttpRequest {
  std::string method;                          // "GET"
  std::string path;                            // decoded, without the query: "/sql"
  std::map<std::string, std::string> query;    // decoded; the last of equal names wins
  std::map<std::string, std::string> headers;  // names in lower case
  // After Content-Encoding gzip or deflate has been undone (the header is then gone).
  // Content-Encoding snappy is left to the handler, because what is sent under that name differs
  // from protocol to protocol.
  std::string body;
  // The client's X-Request-Id when it is a plain word of at most 128 bytes, else a new one. The
  // answer carries it.
  std::string id;
  // Asked to stop when nobody waits for the answer any more: the client has gone, or the server has
  // waited for stop_grace. Callbacks run on an I/O thread and must not block.
  std::stop_token stop;

  // nullptr: not given. `name` of a header in lower case.
  const std::string* Header(std::string_view name) const;
  const std::string* Parameter(std::string_view name) const;
};

// Pieces of a body that is not known as a whole. Next: the next piece; empty = the end; an error
// ends the connection (the client sees that the answer is not complete). Next runs on the workers,
// one call at a time, and is not called while the client has two pieces still to read. Destroyed on
// a worker as soon as the client is gone.
class HttpBodyStream {
 public:
  virtual ~HttpBodyStream() = default;
  virtual Result<std::string> Next() = 0;
  // Asked right after Next has answered with an empty piece. nullopt: that was the end; else there
  // is nothing yet, and Next is called again after that time: no worker is taken meanwhile. When
  // the server stops, such a stream ends there.
  virtual std::optional<std::chrono::milliseconds> Wait() const { return std::nullopt; }
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::map<std::string, std::string> headers;
  std::string body;
  std::unique_ptr<HttpBodyStream> stream;  // instead of body: sent with chunked encoding
};

using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

// 200 with a body for people.
HttpResponse TextResponse(std::string body);
// {"code":status,"message":"…"}, CeresDB's shape of an error.
HttpResponse ErrorResponse(int status, std::string_view message);
// The same from an error, with HttpStatusOf(kind), and with Retry-After when it is 503.
HttpResponse ErrorResponse(const Error& error);
// The status that fits the kind of error: 400, 404, 409, 499, 500 or 503.
int HttpStatusOf(ErrorKind kind);
// What a client is told to wait after a 503: long enough for a flush, short enough not to stall an
// ingest.
inline constexpr std::string_view kRetryAfterSeconds = "1";

// Routes are added before the server starts; then thread-safe.
class Router {
 public:
  // Told about every answer: `pattern` is the path the route was added with ("" for an unknown
  // path, so that the number of different values is bounded). The time is the handler's: without
  // the body when that is a stream.
  using Observer =
      std::function<void(std::string_view pattern, int status, std::chrono::nanoseconds time)>;

  // A segment "{name}" of `path` matches any one that is not empty, which is put into
  // HttpRequest::query under that name. The same method and path may be added once.
  void Add(std::string_view method, std::string_view path, HttpHandler handler);
  void SetObserver(Observer observer) { observer_ = std::move(observer); }
  // 404 for an unknown path, 405 with Allow for a known path with another method. HEAD goes to the
  // GET route where it has none of its own; the server leaves out the body.
  HttpResponse Handle(HttpRequest& request) const;

 private:
  struct Route {
    std::string method;
    std::string path;
    HttpHandler handler;
  };
  struct Match {
    const Route* route = nullptr;
    std::string allowed;  // methods of the path, where the request's is none of them
  };
  Match Find(const HttpRequest& request) const;

  std::vector<Route> routes_;
  Observer observer_;
};

struct HttpServerOptions {
  std::string bind_address = "127.0.0.1";
  uint16_t port = 5440;                // 0 = any free one
  uint64_t body_bytes_max = 64 << 20;  // also after decompression; beyond: 413
  uint64_t body_bytes_in_flight_max =
      512 << 20;                      // of all requests together; beyond: 503 with Retry-After
  size_t connections_max = 4096;      // beyond: 503 and closed
  size_t workers = 0;                 // 0 = four per core
  size_t queued_requests_max = 1024;  // beyond: 503 with Retry-After
  // Without a request, within a header, or without progress of a body in either direction. Not
  // while a handler runs.
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(60);
  // How long Stop waits for handlers and for clients to take their answers before it asks the ones
  // to stop and cuts the others.
  std::chrono::milliseconds stop_grace = std::chrono::seconds(10);
};

// Thread-safe.
class HttpServer {
 public:
  // Listens when it returns. Errors: kUnavailable for a port in use or an address that is not ours:
  // names the address, the port and what to do. The router must outlive the server.
  static Result<std::unique_ptr<HttpServer>> Start(const Router& router, HttpServerOptions options);
  ~HttpServer();  // Stop()

  uint16_t port() const;
  // Takes no more connections, answers the requests that have been read whole, then closes. Called
  // by any thread but a handler's; may be called twice.
  void Stop();

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace varve
