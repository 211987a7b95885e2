#include "store/gcs_service.h"

#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/log.h"
#include "store/encoding_internal.h"
#include "store/gcs_auth.h"
#include "store/rest_service_internal.h"
#include "store/sigv4.h"

namespace varve {
namespace {

using Effect = RestClient::Effect;
using nlohmann::json;

constexpr const char* kWriterName = "varve-writer";
// The service may keep only the beginning of a chunk, and says how much.
constexpr int kChunkPiecesMax = 100;
// One rewrite call moves as much as it can in some 30 s.
constexpr int kRewriteCallsMax = 1000;

std::string TextOf(const json& document, const char* name) {
  const auto found = document.find(name);
  return found != document.end() && found->is_string() ? found->get<std::string>() : "";
}

class GcsService final : public RestService {
 public:
  GcsService(GcsOptions options, std::unique_ptr<GcsTokens> tokens);

  Status Put(const PutRequest& request) override;
  Status Copy(std::string_view from, std::string_view to, const WriterName& writer) override;
  Result<std::unique_ptr<Upload>> StartUpload(std::string_view key,
                                              const WriterName& writer) override;
  size_t part_bytes() const override { return options_.part_bytes; }
  size_t parts_max() const override { return kGcsPartsMax; }

 private:
  friend class GcsUpload;

  HttpCall HeadRequest(std::string_view key) const override;
  std::optional<Stat> ReadStat(const HttpAnswer& answer) const override;
  HttpCall ReadRequest(std::string_view key, const Stat* stat) const override;
  HttpCall ListRequest(std::string_view prefix, const std::string& token) const override;
  Result<Page> ReadPage(std::string_view body, std::string_view what) const override;
  HttpCall DeleteRequest(std::string_view key) const override;
  bool IsMissing(const RestReply& reply) const override {
    return reply.answer.status == 404 && reply.error.message.find("bucket") == std::string::npos;
  }
  std::string ObjectPath(std::string_view key) const {
    return fmt::format("/storage/v1/b/{}/o/{}", options_.bucket,
                       PercentEncode(key, Slash::kEncode));
  }
  std::string UploadPath() const {
    return fmt::format("/upload/storage/v1/b/{}/o", options_.bucket);
  }
  HttpCall Request(std::string method, std::string_view path, const Query& query) const {
    return {.method = std::move(method),
            .url = fmt::format("{}{}{}{}", options_.endpoint, path, query.empty() ? "" : "?",
                               CanonicalQuery(query))};
  }
  Status Sign(HttpCall& request) const;

  const GcsOptions options_;
  const std::unique_ptr<GcsTokens> tokens_;
};

// A resumable upload.
class GcsUpload final : public RemoteService::Upload {
 public:
  GcsUpload(GcsService* service, std::string key, std::string id)
      : service_(service), key_(std::move(key)), id_(std::move(id)) {}

  Status AddPart(std::string_view bytes) override;
  Status Finish(std::string_view bytes) override;
  void Abort() override;

 private:
  HttpCall Request(std::string method) const {
    return service_->Request(std::move(method), service_->UploadPath(),
                             {{"uploadType", "resumable"}, {"name", key_}, {"upload_id", id_}});
  }
  // Sends all of `bytes`. `total` is "*" while it is not known.
  Status Send(std::string_view bytes, std::string_view total, std::string_view what);

  GcsService* const service_;
  const std::string key_;
  const std::string id_;
  uint64_t sent_bytes_ = 0;
};

GcsService::GcsService(GcsOptions options, std::unique_ptr<GcsTokens> tokens)
    : RestService(options.http, options.retry,
                  {.sign = [this](HttpCall& request) { return Sign(request); },
                   .secrets = [this] { return std::vector{options_.access_token}; }}),
      options_(std::move(options)),
      tokens_(std::move(tokens)) {}

Status GcsService::Sign(HttpCall& request) const {
  VARVE_ASSIGN(const Secret token, tokens_->Token());
  if (!token.empty()) {
    request.headers.emplace_back("authorization", fmt::format("Bearer {}", token.Reveal()));
  }
  return {};
}

HttpCall GcsService::HeadRequest(std::string_view key) const {
  return Request("GET", ObjectPath(key), {});
}

std::optional<RemoteService::Stat> GcsService::ReadStat(const HttpAnswer& answer) const {
  const json document = json::parse(answer.body, nullptr, false);
  if (!document.is_object()) {
    return std::nullopt;
  }
  const std::optional<uint64_t> size = ParseByteCount(TextOf(document, "size"));
  const std::string generation = TextOf(document, "generation");
  if (!size || generation.empty()) {
    return std::nullopt;
  }
  Stat stat = {.size_bytes = *size, .etag = generation};
  if (const auto metadata = document.find("metadata");
      metadata != document.end() && metadata->is_object()) {
    stat.writer = TextOf(*metadata, kWriterName);
  }
  return stat;
}

HttpCall GcsService::ReadRequest(std::string_view key, const Stat* stat) const {
  Query query = {{"alt", "media"}};
  if (stat != nullptr) {
    query.emplace("generation", stat->etag);
  }
  return Request("GET", ObjectPath(key), query);
}

HttpCall GcsService::DeleteRequest(std::string_view key) const {
  return Request("DELETE", ObjectPath(key), {});
}

Status GcsService::Put(const PutRequest& request) {
  const std::string what = fmt::format("write the object '{}'", request.key);
  const bool if_absent = request.if_present == PutRequest::IfPresent::kFail;
  Query query = {{"uploadType", "multipart"}, {"name", std::string(request.key)}};
  if (if_absent) {
    query.emplace("ifGenerationMatch", "0");
  }
  // Its 36 random characters are in no object that was there before.
  const std::string boundary = fmt::format("varve-{}", request.writer);
  const json about = {{"name", request.key},
                      {"md5Hash", Base64(Md5(request.bytes))},
                      {"metadata", {{kWriterName, request.writer}}}};
  const std::string body = fmt::format(
      "--{0}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{1}\r\n--{0}\r\n"
      "Content-Type: application/octet-stream\r\n\r\n{2}\r\n--{0}--\r\n",
      boundary, about.dump(), request.bytes);
  HttpCall post = Request("POST", UploadPath(), query);
  post.headers.emplace_back("content-type",
                            fmt::format("multipart/related; boundary={}", boundary));
  post.body = body;
  VARVE_ASSIGN(const RestReply reply, client_.Send(post, Effect::kWrite, what));
  if (reply.ok()) {
    return {};
  }
  if (if_absent && reply.answer.status == 412) {
    return AlreadyThere(reply, request.key);
  }
  return std::unexpected(client_.FailureOf(reply, what));
}

HttpCall GcsService::ListRequest(std::string_view prefix, const std::string& token) const {
  Query query = {{"prefix", std::string(prefix)},
                 {"fields", "kind,nextPageToken,items(name,size,updated)"}};
  if (!token.empty()) {
    query["pageToken"] = token;
  }
  return Request("GET", fmt::format("/storage/v1/b/{}/o", options_.bucket), query);
}

Result<RemoteService::Page> GcsService::ReadPage(std::string_view body,
                                                 std::string_view what) const {
  const json document = json::parse(body, nullptr, false);
  if (!document.is_object() || TextOf(document, "kind") != "storage#objects") {
    return Io("cannot {}: the answer is no list of objects", what);
  }
  Page page = {.objects = {}, .next = TextOf(document, "nextPageToken")};
  const auto items = document.find("items");
  if (items == document.end()) {
    return page;
  }
  for (const json& item : *items) {
    const std::optional<uint64_t> size =
        item.is_object() ? ParseByteCount(TextOf(item, "size")) : std::nullopt;
    const std::optional<TimestampUs> modified =
        item.is_object() ? ParseServiceTime(TextOf(item, "updated")) : std::nullopt;
    if (!size || !modified || TextOf(item, "name").empty()) {
      return Io("cannot {}: an entry of the list is not readable", what);
    }
    page.objects.push_back(
        {.path = TextOf(item, "name"), .size_bytes = *size, .modified = *modified});
  }
  return page;
}

Status GcsService::Copy(std::string_view from, std::string_view to, const WriterName& writer) {
  const std::string what = fmt::format("copy the object '{}' to '{}'", from, to);
  const std::string body = json{{"metadata", {{kWriterName, writer}}}}.dump();
  const std::string path = fmt::format("{}/rewriteTo/b/{}/o/{}", ObjectPath(from), options_.bucket,
                                       PercentEncode(to, Slash::kEncode));
  Query query;
  for (int calls = 0; calls < kRewriteCallsMax; ++calls) {
    HttpCall request = Request("POST", path, query);
    request.headers.emplace_back("content-type", "application/json");
    request.body = body;
    VARVE_ASSIGN(const RestReply reply, client_.Send(request, Effect::kWrite, what));
    if (IsMissing(reply)) {
      return NotFound("there is no object '{}'", from);
    }
    if (!reply.ok()) {
      return std::unexpected(client_.FailureOf(reply, what));
    }
    const json document = json::parse(reply.answer.body, nullptr, false);
    const bool readable = document.is_object();
    if (readable && document.value("done", json()) == true) {
      return {};
    }
    query["rewriteToken"] = readable ? TextOf(document, "rewriteToken") : "";
    if (query["rewriteToken"].empty()) {
      return UnknownOutcome("cannot {}: the answer does not say how far it came", what);
    }
  }
  return Io("cannot {}: the service did not finish in {} calls", what, kRewriteCallsMax);
}

Result<std::unique_ptr<RemoteService::Upload>> GcsService::StartUpload(std::string_view key,
                                                                       const WriterName& writer) {
  const std::string what = fmt::format("begin to write the object '{}'", key);
  const std::string body = json{{"name", key}, {"metadata", {{kWriterName, writer}}}}.dump();
  HttpCall request =
      Request("POST", UploadPath(), {{"uploadType", "resumable"}, {"name", std::string(key)}});
  request.headers.emplace_back("content-type", "application/json; charset=UTF-8");
  request.body = body;
  VARVE_ASSIGN(const RestReply reply, client_.Send(request, Effect::kRead, what));
  if (!reply.ok()) {
    return std::unexpected(client_.FailureOf(reply, what));
  }
  // Only the id is taken from the address: a token must not go to a host that an answer names.
  std::string_view id = reply.answer.Header("location");
  const size_t at = id.find("upload_id=");
  id = at == std::string_view::npos ? std::string_view() : id.substr(at + 10);
  const std::optional<std::string> decoded = PercentDecode(id.substr(0, id.find('&')));
  if (!decoded || decoded->empty()) {
    return Io("cannot {}: the service does not say where to send the parts", what);
  }
  return std::make_unique<GcsUpload>(this, std::string(key), *decoded);
}

Status GcsUpload::Send(std::string_view bytes, std::string_view total, std::string_view what) {
  for (int pieces = 0; pieces < kChunkPiecesMax; ++pieces) {
    HttpCall request = Request("PUT");
    request.headers.emplace_back(
        "content-range",
        fmt::format("bytes {}-{}/{}", sent_bytes_, sent_bytes_ + bytes.size() - 1, total));
    request.body = bytes;
    VARVE_ASSIGN(const RestReply reply, service_->client_.Send(request, Effect::kWrite, what));
    if (reply.ok() && total != "*") {
      return {};
    }
    constexpr int kGoOn = 308;
    if (reply.answer.status != kGoOn) {
      return std::unexpected(service_->client_.WriteFailureOf(reply, what));
    }
    const std::string_view range = reply.answer.Header("range");  // "bytes=0-524287"
    const std::optional<uint64_t> last =
        range.empty() ? std::nullopt : ParseByteCount(range.substr(range.rfind('-') + 1));
    const uint64_t kept = last ? *last + 1 : 0;
    if (kept < sent_bytes_ || kept > sent_bytes_ + bytes.size()) {
      return Io("cannot {}: the service has kept {} bytes, {} were sent", what, kept,
                sent_bytes_ + bytes.size());
    }
    bytes.remove_prefix(kept - sent_bytes_);
    sent_bytes_ = kept;
    if (bytes.empty()) {
      return {};
    }
  }
  return Io("cannot {}: the service keeps too little of what it is sent", what);
}

Status GcsUpload::AddPart(std::string_view bytes) {
  return Send(bytes, "*", fmt::format("write a part of the object '{}'", key_));
}

Status GcsUpload::Finish(std::string_view bytes) {
  return Send(bytes, fmt::format("{}", sent_bytes_ + bytes.size()),
              fmt::format("finish the object '{}'", key_));
}

void GcsUpload::Abort() {
  const std::string what = fmt::format("give up the unfinished object '{}'", key_);
  const Result<RestReply> reply = service_->client_.Send(Request("DELETE"), Effect::kRead, what);
  if (!reply) {  // unfinished uploads cost nothing and are forgotten after a week
    LogWarn("{}", reply.error().message);
  }
}

}  // namespace

Result<std::unique_ptr<RemoteService>> MakeGcsService(GcsOptions options, const Clock* clock) {
  VARVE_ASSIGN(std::unique_ptr<GcsTokens> tokens,
               GcsTokens::Open({.identity = options.identity,
                                .access_token = options.access_token,
                                .key_file = options.key_file,
                                .http = options.http,
                                .retry = options.retry},
                               clock));
  return std::make_unique<GcsService>(std::move(options), std::move(tokens));
}

}  // namespace varve
