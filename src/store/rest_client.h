// RestClient: requests to one object service, signed and tried again until they have an answer that
// means something. Private to this folder's stores.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/http_client.h"
#include "store/secret.h"

namespace varve {

// Waits grow twofold from `first_wait` to `wait_max`; each is a random part of that, so that
// clients which failed together do not come back together.
struct RetryPolicy {
  int attempts_max = 6;
  std::chrono::milliseconds first_wait{100};
  std::chrono::milliseconds wait_max{10'000};
  // No new attempt begins after this time.
  std::chrono::milliseconds total_max{120'000};
};

// What a service says about a failure: "NoSuchKey", "The specified key does not exist."
struct ServiceError {
  std::string code;
  std::string message;
};
// Reads the XML, JSON or header form. Empty when it is none of these.
ServiceError ReadServiceError(const HttpAnswer& answer);

// Whether an attempt before the one that was answered may have been carried out.
enum class Doubt { kNone, kMaybeDone };

struct RestReply {
  HttpAnswer answer;   // of a status that says what was done: not 429, not 503
  ServiceError error;  // empty below 300
  Doubt doubt = Doubt::kNone;
  bool ok() const { return answer.status >= 200 && answer.status < 300; }
};

// How requests are let in. Thread-safe functions.
struct RestAuth {
  // Adds what authorises the request; asked anew for each attempt, since signatures carry the time.
  std::function<Status(HttpCall&)> sign;
  // Blanked in every message, should a service ever send one back.
  std::function<std::vector<Secret>()> secrets;
  // Looks for newer credentials when the service refuses the ones it got; true when there are
  // some. May be empty.
  std::function<bool()> renew;
};

// Thread-safe.
class RestClient {
 public:
  // Reads repeat without doubt. A write that was sent and not answered may have been carried out.
  enum class Effect { kRead, kWrite };

  RestClient(HttpOptions http, RetryPolicy retry, RestAuth auth);

  // The error of the last attempt when none was answered. Errors: kUnknownOutcome for a write that
  // may have been carried out; else kIo.
  Result<RestReply> Send(const HttpCall& request, Effect effect, std::string_view what);

  // What a reply means that the caller did not expect: kResourceExhausted when the place is full,
  // kIo otherwise, with what the service says and what to do about it.
  Error FailureOf(const RestReply& reply, std::string_view what) const;
  // The same of a write: kUnknownOutcome when an attempt before may have been carried out.
  Error WriteFailureOf(const RestReply& reply, std::string_view what) const;

  // Waits; false when the client was stopped. For operations that the service carries out later.
  bool Pause(std::chrono::milliseconds wait);
  // Ends waits at once: requests between attempts fail with their last error.
  void Stop();

 private:
  struct Attempt;
  Attempt TryOnce(const HttpCall& request);
  // Whether there is time for another attempt.
  bool Wait(int attempts_made, std::chrono::milliseconds asked_for,
            std::chrono::steady_clock::time_point deadline);
  std::string Redacted(std::string text) const;

  HttpClient http_;
  const RetryPolicy retry_;
  const RestAuth auth_;
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopped_ = false;
  std::mt19937_64 random_;
};

}  // namespace varve
