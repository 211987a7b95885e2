#include "server/http/change_routes.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <atomic>
#include <charconv>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/units.h"
#include "query/change_feed.h"
#include "query/change_names.h"
#include "server/http/json_text.h"
#include "server/http/result_encoder.h"
#include "server/http/sql_request.h"

namespace varve {
namespace {

constexpr int kGone = 410;

// One of kFollowersMax.
class FollowerPlace {
 public:
  explicit FollowerPlace(std::shared_ptr<std::atomic<size_t>> count) : count_(std::move(count)) {}
  ~FollowerPlace() { --*count_; }
  FollowerPlace(const FollowerPlace&) = delete;
  FollowerPlace& operator=(const FollowerPlace&) = delete;

  // nullptr: all are taken.
  static std::unique_ptr<FollowerPlace> Take(const std::shared_ptr<std::atomic<size_t>>& count) {
    if (++*count > kFollowersMax) {
      --*count;
      return nullptr;
    }
    return std::make_unique<FollowerPlace>(count);
  }

 private:
  const std::shared_ptr<std::atomic<size_t>> count_;
};

// What a feed has to say, in a format.
class ChangeAnswer final : public HttpBodyStream {
 public:
  ChangeAnswer(std::unique_ptr<ChangeFeed> feed, std::unique_ptr<FollowerPlace> place,
               ResultFormat format)
      : place_(std::move(place)), feed_(std::move(feed)), format_(format) {}

  Status Start() {
    schema_ = feed_->schema();
    encoder_ = std::make_unique<ResultEncoder>(format_);
    return encoder_->Start(schema_);
  }

  Result<std::string> Next() override {
    waits_ = false;
    std::string piece = encoder_->Take();
    while (!ended_ && piece.size() < kPieceBytes) {
      VARVE_ASSIGN(const ChangeFeed::Step step, feed_->Next());
      if (step.kind == ChangeFeed::Step::Kind::kNothingYet) {
        waits_ = piece.empty();
        break;
      }
      VARVE_TRY(Write(step, piece));
    }
    if (waits_ && clock_.Steady() - said_at_ >= kFollowHeartbeat) {
      waits_ = false;
      VARVE_ASSIGN(piece, Heartbeat());
    }
    if (!piece.empty()) {
      said_at_ = clock_.Steady();
    }
    return piece;
  }

  std::optional<std::chrono::milliseconds> Wait() const override {
    return waits_ ? std::optional(kFollowInterval) : std::nullopt;
  }

 private:
  Status Write(const ChangeFeed::Step& step, std::string& piece) {
    switch (step.kind) {
      case ChangeFeed::Step::Kind::kEnd:
        return End(piece);
      case ChangeFeed::Step::Kind::kEndOfVersion:
        if (format_ == ResultFormat::kNdjson) {
          piece += fmt::format("{{\"_end_of_version\":{}}}\n", step.version);
        }
        return {};
      default:
        break;
    }
    if (!step.rows->schema()->Equals(*schema_)) {
      if (format_ == ResultFormat::kArrow) {
        return End(piece);
      }
      VARVE_TRY(Start());
    }
    VARVE_TRY(Encode(step.rows));
    piece += encoder_->Take();
    return {};
  }

  Status Encode(std::shared_ptr<arrow::RecordBatch> rows) {
    VARVE_TRY(encoder_->Append(std::move(rows)));
    while (encoder_->Encode(encoder_->size_bytes() + kPieceBytes) ==
           ResultEncoder::Progress::kRowsLeft) {
    }
    return {};
  }

  Status End(std::string& piece) {
    ended_ = true;
    VARVE_TRY(encoder_->Finish());
    piece += encoder_->Take();
    return {};
  }

  // An empty line, or a batch without rows.
  Result<std::string> Heartbeat() {
    if (format_ == ResultFormat::kNdjson) {
      return "\n";
    }
    const auto none = arrow::RecordBatch::MakeEmpty(schema_);
    if (!none.ok()) {
      return Internal("{}", none.status().message());
    }
    VARVE_TRY(Encode(*none));
    return encoder_->Take();
  }

  const std::unique_ptr<FollowerPlace> place_;
  const std::unique_ptr<ChangeFeed> feed_;
  const ResultFormat format_;
  const SystemClock clock_;
  std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<ResultEncoder> encoder_;
  bool ended_ = false;
  bool waits_ = false;
  std::chrono::steady_clock::time_point said_at_ = clock_.Steady();
};

std::string ParameterOr(const HttpRequest& request, std::string_view name,
                        std::string otherwise = "") {
  const std::string* const given = request.Parameter(name);
  return given == nullptr ? std::move(otherwise) : *given;
}

Result<Follow> FollowOf(const HttpRequest& request) {
  const std::string text = ParameterOr(request, "follow", "true");
  if (text != "true" && text != "false") {
    return InvalidArgument("follow is true or false, not '{}'", text);
  }
  return text == "true" ? Follow::kYes : Follow::kNo;
}

Result<ResultFormat> StreamFormatOf(const HttpRequest& request) {
  const std::string text = ParameterOr(request, "format", "ndjson");
  if (text == "ndjson") {
    return ResultFormat::kNdjson;
  }
  if (text == "arrow") {
    return ResultFormat::kArrow;
  }
  return InvalidArgument("changes come as ndjson or arrow, not '{}'", text);
}

Result<std::shared_ptr<Table>> TableOf(const HttpRequest& request, const Database& database) {
  VARVE_ASSIGN(std::string schema, SchemaOf(request));
  schema = ParameterOr(request, "schema", std::move(schema));
  return FindTableWithChanges(database, schema.empty() ? kDefaultSchema : std::string_view(schema),
                              *request.Parameter("table"));
}

std::string JsonOf(const Consumer& consumer) {
  return fmt::format(
      R"({{"name":{},"position":{},"next_snapshot_id":{},"create_time":"{}","update_time":"{}"}})",
      JsonString(consumer.name), consumer.position(), consumer.next_snapshot_id,
      FormatTimestamp(consumer.create_time.value()), FormatTimestamp(consumer.update_time.value()));
}

HttpResponse JsonResponse(std::string body) {
  HttpResponse response;
  response.body = std::move(body);
  return response;
}

// The table is there; what else is not found has been there.
HttpResponse GoneOr(const Error& error) {
  return error.kind == ErrorKind::kNotFound ? ErrorResponse(kGone, error.message)
                                            : ErrorResponse(error);
}

using FollowerCount = std::shared_ptr<std::atomic<size_t>>;

Result<HttpResponse> Answer(const HttpRequest& request, Database& database, Limiter& limiter,
                            const FollowerCount& followers) {
  VARVE_ASSIGN(auto table, TableOf(request, database));
  VARVE_TRY(AllowReadingChanges(limiter, database, *table));
  VARVE_ASSIGN(const ResultFormat format, StreamFormatOf(request));
  ChangeFeedOptions options{.from = ParameterOr(request, "from"),
                            .to = ParameterOr(request, "to"),
                            .consumer = ParameterOr(request, "consumer")};
  VARVE_ASSIGN(options.follow, FollowOf(request));
  auto place = FollowerPlace::Take(followers);
  if (place == nullptr) {
    return ResourceExhausted("{} clients read changes already, which is the limit: try again later",
                             kFollowersMax);
  }
  auto feed = ChangeFeed::Open(std::move(table), options);
  if (!feed) {
    return GoneOr(feed.error());
  }
  auto answer = std::make_unique<ChangeAnswer>(*std::move(feed), std::move(place), format);
  VARVE_TRY(answer->Start());
  HttpResponse response;
  response.content_type = ContentTypeOf(format);
  response.headers["Cache-Control"] = "no-store";
  response.stream = std::move(answer);
  return response;
}

Result<HttpResponse> ListConsumers(const HttpRequest& request, Database& database) {
  VARVE_ASSIGN(const auto table, TableOf(request, database));
  VARVE_ASSIGN(const auto consumers, table->ListConsumers());
  std::string body = R"({"consumers":[)";
  for (size_t i = 0; i < consumers.size(); ++i) {
    body += (i == 0 ? "" : ",") + JsonOf(consumers[i]);
  }
  return JsonResponse(body + "]}");
}

Result<HttpResponse> AdvanceConsumer(const HttpRequest& request, Database& database) {
  VARVE_ASSIGN(const auto table, TableOf(request, database));
  const std::string text = ParameterOr(request, "version");
  uint64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return InvalidArgument(
        "version={} is no number: say the last version whose changes have been read", text);
  }
  const std::string& name = *request.Parameter("name");
  VARVE_TRY(table->FindConsumer(name));
  const auto consumer = table->AdvanceConsumer(name, VersionId(version));
  return consumer ? JsonResponse(JsonOf(*consumer)) : GoneOr(consumer.error());
}

Result<HttpResponse> DropConsumer(const HttpRequest& request, Database& database) {
  VARVE_ASSIGN(const auto table, TableOf(request, database));
  VARVE_TRY(table->DropConsumer(*request.Parameter("name")));
  return JsonResponse("{}");
}

template <class Handle>
HttpHandler Handler(Handle handle) {
  return [handle = std::move(handle)](const HttpRequest& request) {
    Result<HttpResponse> response = handle(request);
    return response ? *std::move(response) : ErrorResponse(response.error());
  };
}

}  // namespace

void AddChangeRoutes(Router& router, Database& database, Limiter& limiter) {
  const auto followers = std::make_shared<std::atomic<size_t>>(0);
  router.Add("GET", "/v1/changes/{table}", Handler([&, followers](const HttpRequest& request) {
               return Answer(request, database, limiter, followers);
             }));
  router.Add("GET", "/v1/changes/{table}/consumers",
             Handler([&](const HttpRequest& request) { return ListConsumers(request, database); }));
  router.Add(
      "POST", "/v1/changes/{table}/consumers/{name}",
      Handler([&](const HttpRequest& request) { return AdvanceConsumer(request, database); }));
  router.Add("DELETE", "/v1/changes/{table}/consumers/{name}",
             Handler([&](const HttpRequest& request) { return DropConsumer(request, database); }));
}

}  // namespace varve
