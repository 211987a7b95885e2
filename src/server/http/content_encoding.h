// Undoes Content-Encoding gzip and deflate of request bodies, and gives answers gzip.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/http/http_server.h"

namespace varve {

struct InflateLimits {
  uint64_t bytes_max = 0;  // of the result
  // Asked before the result grows to that many bytes; false stops.
  std::function<bool(uint64_t bytes)> may_hold;
};

// `body` is one or several gzip members, a zlib stream, or raw deflate data (which some clients
// send as "deflate"). Never holds more than bytes_max, whatever the body claims. Errors:
// kInvalidArgument (malformed or cut off; names the offset), kResourceExhausted (more than
// bytes_max: the client must send less), kUnavailable (may_hold refused: later it may be possible).
Result<std::string> Inflate(std::string_view body, const InflateLimits& limits);

// Compresses the answer's body or stream with gzip when the client accepts that, it is text and not
// small.
void CompressAnswer(const HttpRequest& request, HttpResponse& response);

}  // namespace varve
