// HttpClient: one HTTP request, one answer. Keeps connections alive between requests; knows nothing
// of retries, signatures or services.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace varve {

struct HttpOptions {
  // A host that does not answer the handshake in this time is taken as gone.
  std::chrono::milliseconds connect_timeout{5'000};
  // A request that moves no byte for this long is given up. Checked about once a second.
  std::chrono::milliseconds stall_timeout{30'000};
  // The whole of one request. An hour is enough for the largest object that Get takes, over 5
  // Mbit/s.
  std::chrono::milliseconds request_timeout{3'600'000};
  std::string ca_file;  // PEM of trusted authorities; "" = those of the system
};

struct HttpCall {
  std::string method;
  std::string url;                                           // http or https, already encoded
  std::vector<std::pair<std::string, std::string>> headers;  // names in any case
  std::string_view body;                                     // must outlive the call
  // The body of an answer below 300 goes here when it is set, and must have exactly `sink_bytes`.
  char* sink = nullptr;
  size_t sink_bytes = 0;
  // A longer body is an error: no answer may take all memory.
  size_t answer_bytes_max = size_t{4} << 20;
};

struct HttpAnswer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;                                          // empty when it went to the sink
  // The transport sends a request once more when a kept connection turns out to be dead. What an
  // answer to the second means depends on whether the first was carried out.
  enum class Sent { kOnce, kMoreThanOnce } sent = Sent::kOnce;

  // "" when there is none. `name` in lower case.
  std::string_view Header(std::string_view name) const;
  // Whether it is these bytes of an object: said to be them, or the whole of `object_bytes` from a
  // server that takes no ranges.
  bool IsRange(uint64_t offset, uint64_t size, uint64_t object_bytes) const;
};

struct HttpFailure {
  enum class Reach {
    kNotSent,    // the server has seen nothing of it
    kMaybeDone,  // the answer was lost: the server may have done what was asked
  };
  // Whether the same request may do better when it is sent again.
  enum class Again { kWorthIt, kPointless };
  Reach reach;
  Again again;
  std::string message;  // names the host, never a path or a query
};

using HttpOutcome = std::expected<HttpAnswer, HttpFailure>;

// Thread-safe: as many requests at once as there are callers.
class HttpClient {
 public:
  explicit HttpClient(HttpOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // An answer of any status is an answer; redirects are not followed. A body that is cut, too long
  // or does not fit its sink is a failure.
  HttpOutcome Perform(const HttpCall& request);

 private:
  class Pool;
  const HttpOptions options_;
  const std::unique_ptr<Pool> pool_;
};

}  // namespace varve
