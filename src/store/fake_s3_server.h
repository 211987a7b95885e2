// FakeS3Server: the S3 protocol over objects in memory, on a port of this machine, with faults that
// a test orders. It checks what real servers check (signatures, hashes of bodies) and pages early.
// For tests only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "store/sigv4.h"

namespace varve {

enum class HttpFault {
  kNone,
  kReset,              // the connection breaks, nothing was done
  kResetAfterEffect,   // done, then the connection breaks without an answer
  kBusy,               // 503 SlowDown, nothing was done
  kBroken,             // 500, nothing was done
  kBrokenAfterEffect,  // done, then 500
  kCutBody,            // done, and the answer ends in the middle
  kStall,              // nothing was done, and no answer comes
  kStallAfterEffect,   // done, and no answer comes
  kGarbage,            // done, and the answer is no HTTP
  kHidden,             // not done: 200 with an error in the body, where S3 may do that; else 500
  kLongBody,           // done, and the answer has more than was asked for
};

// Thread-safe.
class FakeS3Server {
 public:
  struct Options {
    SigV4Key key;
    bool ignore_conditions = false;  // as servers do that do not know If-None-Match
    size_t page_objects = 3;
    std::string echoed_in_errors;  // what a careless server sends back
  };
  explicit FakeS3Server(Options options);
  // Breaks all connections.
  ~FakeS3Server();

  std::string endpoint() const;

  // The n-th request from now on (1 = the next), and the `count - 1` after it, meet the fault.
  void FailAt(uint64_t n, HttpFault fault, uint64_t count = 1);
  // Other keys are refused from now on.
  void SetKey(SigV4Key key);
  // How many requests have met a fault since FailAt.
  uint64_t failures() const;
  uint64_t requests() const;
  // "PUT /bucket/key?partNumber=1", in order.
  std::vector<std::string> log() const;
  size_t open_uploads() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace varve
