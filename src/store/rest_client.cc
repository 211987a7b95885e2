#include "store/rest_client.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "store/encoding_internal.h"
#include "store/xml_internal.h"

namespace varve {
namespace {

// Codes of failures that pass, and that say that nothing was done. The last one is what versitygw
// says when another delete takes the folder away from under a write.
constexpr std::array kRefusedForNow = {std::string_view("SlowDown"),
                                       std::string_view("ServerBusy"),
                                       std::string_view("RequestTimeout"),
                                       std::string_view("ConditionalRequestConflict"),
                                       std::string_view("OperationAborted"),
                                       std::string_view("TooManyRequests"),
                                       std::string_view("XMinioServerNotInitialized"),
                                       std::string_view("ExistingObjectIsDirectory")};

constexpr std::array kFullCodes = {std::string_view("QuotaExceeded"),
                                   std::string_view("XMinioStorageFull"),
                                   std::string_view("XMinioAdminBucketQuotaExceeded"),
                                   std::string_view("InsufficientStorage"),
                                   std::string_view("EntityTooLarge"),
                                   std::string_view("AccountStorageLimitExceeded")};

// What is said of keys that were good once.
constexpr std::array kStaleKeyCodes = {
    std::string_view("ExpiredToken"), std::string_view("InvalidToken"),
    std::string_view("InvalidAccessKeyId"), std::string_view("TokenRefreshRequired")};

struct Advice {
  std::string_view code;
  std::string_view advice;
};
constexpr std::array kAdvice = {
    Advice{"NoSuchBucket", "create the bucket, or correct its name in the location"},
    Advice{"ContainerNotFound", "create the container, or correct its name in the location"},
    Advice{"InvalidAccessKeyId", "check the access key and that it belongs to this service"},
    Advice{"SignatureDoesNotMatch", "check the secret key, the region and the address style"},
    Advice{"AuthorizationHeaderMalformed", "set the bucket's region"},
    Advice{"PermanentRedirect", "set the bucket's region"},
    Advice{"AuthenticationFailed", "check the account key, or whether the SAS token has expired"},
    Advice{"ExpiredToken", "the session token has expired: get a new one"},
    Advice{"RequestTimeTooSkewed", "set this machine's clock"},
    Advice{"AccessDenied", "let this user read, list, write and delete in the bucket"},
    Advice{"AuthorizationFailure", "let this user read, list, write and delete in the container"},
};

template <size_t N>
bool IsOneOf(const std::array<std::string_view, N>& codes, std::string_view code) {
  return std::ranges::find(codes, code) != codes.end();
}

// GCS: {"error": {"code": 412, "message": "…", "errors": [{"reason": "conditionNotMet"}]}}.
std::optional<ServiceError> JsonError(std::string_view body) {
  const nlohmann::json document = nlohmann::json::parse(body, nullptr, false);
  if (!document.is_object() || !document.contains("error")) {
    return std::nullopt;
  }
  const nlohmann::json& error = document["error"];
  if (error.is_string()) {  // what token services answer
    const auto description = document.find("error_description");
    return ServiceError{error.get<std::string>(),
                        description != document.end() && description->is_string()
                            ? OneLine(description->get<std::string>())
                            : ""};
  }
  if (!error.is_object()) {
    return std::nullopt;
  }
  ServiceError out;
  if (const auto message = error.find("message"); message != error.end() && message->is_string()) {
    out.message = OneLine(message->get<std::string>());
  }
  if (const auto errors = error.find("errors");
      errors != error.end() && errors->is_array() && !errors->empty() && (*errors)[0].is_object()) {
    const auto reason = (*errors)[0].find("reason");
    out.code =
        reason != (*errors)[0].end() && reason->is_string() ? reason->get<std::string>() : "";
  }
  return out;
}

// A write that met this status may have been carried out behind the server that gave up on it.
bool LeavesDoubt(int status, std::string_view code) {
  return status >= 500 && !IsOneOf(kRefusedForNow, code);
}

bool IsWorthAgain(int status, std::string_view code) {
  constexpr std::array kPassing = {408, 429, 500, 502, 503, 504};
  return std::ranges::find(kPassing, status) != kPassing.end() || IsOneOf(kRefusedForNow, code);
}

std::chrono::milliseconds RetryAfter(const HttpAnswer& answer) {
  const std::string_view text = answer.Header("retry-after");
  int seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  return error == std::errc() && seconds > 0 ? std::chrono::seconds(seconds)
                                             : std::chrono::seconds(0);
}

std::string Describe(const RestReply& reply) {
  std::string out = fmt::format("status {}", reply.answer.status);
  if (!reply.error.code.empty()) {
    out += " " + reply.error.code;
  }
  if (!reply.error.message.empty()) {
    out += fmt::format(" ({})", reply.error.message);
  }
  const auto advice = std::ranges::find(kAdvice, reply.error.code, &Advice::code);
  if (advice != kAdvice.end()) {
    out += fmt::format("; {}", advice->advice);
  }
  if (const std::string_view region = reply.answer.Header("x-amz-bucket-region");
      !region.empty() && reply.answer.status < 404) {
    out += fmt::format("; the bucket's region is '{}'", OneLine(region));
  }
  return out;
}

}  // namespace

ServiceError ReadServiceError(const HttpAnswer& answer) {
  if (const std::string_view body = Trimmed(answer.body); body.starts_with('{')) {
    if (std::optional<ServiceError> error = JsonError(body)) {
      return *std::move(error);
    }
  } else if (body.starts_with('<')) {
    return {OneLine(XmlText(body, "Code")), OneLine(XmlText(body, "Message"))};
  }
  return {OneLine(answer.Header("x-ms-error-code")), ""};
}

struct RestClient::Attempt {
  std::optional<RestReply> reply;
  std::string failure;  // when there is no reply
  bool again = false;
  bool doubt = false;
  std::chrono::milliseconds wait{0};
};

RestClient::RestClient(HttpOptions http, RetryPolicy retry, RestAuth auth)
    : http_(std::move(http)),
      retry_(retry),
      auth_(std::move(auth)),
      random_(std::random_device()()) {}

RestClient::Attempt RestClient::TryOnce(const HttpCall& request) {
  HttpCall signed_request = request;
  if (Status status = auth_.sign(signed_request); !status) {
    return {.reply = std::nullopt, .failure = status.error().message};
  }
  HttpOutcome outcome = http_.Perform(signed_request);
  if (!outcome) {
    return {.reply = std::nullopt,
            .failure = outcome.error().message,
            .again = outcome.error().again == HttpFailure::Again::kWorthIt,
            .doubt = outcome.error().reach == HttpFailure::Reach::kMaybeDone};
  }
  RestReply reply{.answer = *std::move(outcome)};
  if (reply.answer.sent == HttpAnswer::Sent::kMoreThanOnce) {
    reply.doubt = Doubt::kMaybeDone;
  }
  if (!reply.ok()) {
    reply.error = ReadServiceError(reply.answer);
  }
  const int status = reply.answer.status;
  const bool again = IsWorthAgain(status, reply.error.code);
  if (!again) {
    return {.reply = std::move(reply)};
  }
  return {.reply = std::nullopt,
          .failure = Describe(reply),
          .again = true,
          .doubt = reply.doubt == Doubt::kMaybeDone || LeavesDoubt(status, reply.error.code),
          .wait = RetryAfter(reply.answer)};
}

bool RestClient::Wait(int attempts_made, std::chrono::milliseconds asked_for,
                      std::chrono::steady_clock::time_point deadline) {
  if (attempts_made >= retry_.attempts_max) {
    return false;
  }
  std::unique_lock lock(mutex_);
  // The shift is bounded: a policy with many attempts must not overflow.
  const auto full =
      std::min(retry_.wait_max, retry_.first_wait * (1 << std::min(attempts_made, 16)));
  const auto wait = std::max(
      std::min(asked_for, retry_.wait_max),
      std::chrono::milliseconds(std::uniform_int_distribution<int64_t>(1, full.count())(random_)));
  if (std::chrono::steady_clock::now() + wait > deadline) {
    return false;
  }
  return !stop_.wait_for(lock, wait, [this] { return stopped_; });
}

bool RestClient::Pause(std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  return !stop_.wait_for(lock, wait, [this] { return stopped_; });
}

Result<RestReply> RestClient::Send(const HttpCall& request, Effect effect,
                                   std::string_view what) {
  const auto deadline = std::chrono::steady_clock::now() + retry_.total_max;
  bool doubt = false;
  bool renewed = false;
  for (int attempts = 1;; ++attempts) {
    Attempt attempt = TryOnce(request);
    if (attempt.reply && !renewed && IsOneOf(kStaleKeyCodes, attempt.reply->error.code) &&
        auth_.renew && auth_.renew()) {
      renewed = true;
      continue;
    }
    if (attempt.reply) {
      doubt |= attempt.reply->doubt == Doubt::kMaybeDone;
      attempt.reply->doubt = doubt && effect == Effect::kWrite ? Doubt::kMaybeDone : Doubt::kNone;
      return *std::move(attempt.reply);
    }
    doubt |= attempt.doubt;
    if (attempt.again && Wait(attempts, attempt.wait, deadline)) {
      continue;
    }
    const std::string message =
        Redacted(fmt::format("cannot {}: {} (after {} attempt{})", what, attempt.failure, attempts,
                             attempts == 1 ? "" : "s"));
    if (doubt && effect == Effect::kWrite) {
      return UnknownOutcome("{}; it may have been done all the same", message);
    }
    return Io("{}", message);
  }
}

Error RestClient::FailureOf(const RestReply& reply, std::string_view what) const {
  const bool full = reply.answer.status == 507 || IsOneOf(kFullCodes, reply.error.code);
  return Error{full ? ErrorKind::kResourceExhausted : ErrorKind::kIo,
               Redacted(fmt::format("cannot {}: {}", what, Describe(reply)))};
}

Error RestClient::WriteFailureOf(const RestReply& reply, std::string_view what) const {
  Error failure = FailureOf(reply, what);
  if (reply.doubt == Doubt::kMaybeDone) {
    failure = {
        ErrorKind::kUnknownOutcome,
        fmt::format("an attempt to {} was not answered, and now: {}", what, failure.message)};
  }
  return failure;
}

void RestClient::Stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  stop_.notify_all();
}

std::string RestClient::Redacted(std::string text) const {
  const std::vector<Secret> secrets = auth_.secrets();
  for (const Secret& secret : secrets) {
    if (secret.empty()) {
      continue;
    }
    for (size_t at = text.find(secret.Reveal()); at != std::string::npos;
         at = text.find(secret.Reveal())) {
      text.replace(at, secret.Reveal().size(), "***");
    }
  }
  return text;
}

}  // namespace varve
