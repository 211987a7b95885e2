#include "store/s3_service.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>

#include "base/checksum.h"
#include "base/log.h"
#include "store/encoding_internal.h"
#include "store/rest_service_internal.h"
#include "store/xml_internal.h"

namespace varve {
namespace {

using Effect = RestClient::Effect;

constexpr std::string_view kWriterHeader = "x-amz-meta-varve-writer";
constexpr std::string_view kContentHash = "x-amz-content-sha256";
// Some operations answer 200 and say in the body that they failed.
constexpr int kHiddenFailuresMax = 3;

class S3Service final : public RestService {
 public:
  S3Service(S3Options options, const Clock* clock);

  Status Put(const PutRequest& request) override;
  Status Copy(std::string_view from, std::string_view to, const WriterName& writer) override;
  Result<std::unique_ptr<Upload>> StartUpload(std::string_view key,
                                              const WriterName& writer) override;
  size_t part_bytes() const override { return options_.part_bytes; }
  size_t parts_max() const override { return kS3PartsMax; }

 private:
  friend class S3Upload;

  HttpCall HeadRequest(std::string_view key) const override;
  std::optional<Stat> ReadStat(const HttpAnswer& answer) const override;
  HttpCall ReadRequest(std::string_view key, const Stat* stat) const override;
  HttpCall ListRequest(std::string_view prefix, const std::string& token) const override;
  Result<Page> ReadPage(std::string_view body, std::string_view what) const override;
  HttpCall DeleteRequest(std::string_view key) const override;
  bool IsMissing(const RestReply& reply) const override {
    return reply.answer.status == 404 && reply.error.code != "NoSuchBucket";
  }
  HttpCall Request(std::string method, std::string_view key, const Query& query, Headers headers,
                   std::string_view body) const;
  Status Sign(HttpCall& request) const;
  SigV4Key Key() const;
  // Whether there is another key than before.
  bool RenewKey();
  std::string CopySource(std::string_view key) const;
  // Sends a write whose answer has `root` when it has been done.
  Result<RestReply> SendUntil(const HttpCall& request, std::string_view root,
                              std::string_view what);
  Status CopyWhole(std::string_view from, std::string_view to, const WriterName& writer);
  Status CopyInParts(std::string_view from, const Stat& stat, std::string_view to,
                     const WriterName& writer);

  const S3Options options_;
  const Clock* const clock_;
  const std::string scheme_;     // "https"
  const std::string host_;       // as the Host header has it
  const std::string base_path_;  // "" or "/bucket"
  mutable std::mutex key_mutex_;
  SigV4Key key_;
};

// One multipart upload.
class S3Upload final : public RemoteService::Upload {
 public:
  S3Upload(S3Service* service, std::string key, std::string id)
      : service_(service), key_(std::move(key)), id_(std::move(id)) {}

  Status AddPart(std::string_view bytes) override;
  Status Finish(std::string_view bytes) override;
  void Abort() override;
  // A part from `size` bytes of another object.
  Status CopyPart(std::string_view from, std::string_view etag, uint64_t offset, uint64_t size);
  Status Complete();

 private:
  Query PartQuery() const {
    return {{"partNumber", fmt::format("{}", etags_.size() + 1)}, {"uploadId", id_}};
  }

  S3Service* const service_;
  const std::string key_;
  const std::string id_;
  std::vector<std::string> etags_;
};

std::string SchemeOf(std::string_view endpoint) {
  return std::string(endpoint.substr(0, endpoint.find("://")));
}

std::string HostOf(const S3Options& options) {
  const std::string_view endpoint = options.endpoint;
  const std::string host(endpoint.substr(endpoint.find("://") + 3));
  return options.address_style == S3AddressStyle::kVirtualHost
             ? fmt::format("{}.{}", options.bucket, host)
             : host;
}

S3Service::S3Service(S3Options options, const Clock* clock)
    : RestService(options.http, options.retry,
                  {.sign = [this](HttpCall& request) { return Sign(request); },
                   .secrets =
                       [this] {
                         const SigV4Key key = Key();
                         return std::vector{key.secret_access_key, key.session_token};
                       },
                   .renew = [this] { return RenewKey(); }}),
      options_(std::move(options)),
      clock_(clock),
      scheme_(SchemeOf(options_.endpoint)),
      host_(HostOf(options_)),
      base_path_(options_.address_style == S3AddressStyle::kPath ? "/" + options_.bucket : ""),
      key_(options_.key) {}

SigV4Key S3Service::Key() const {
  const std::lock_guard lock(key_mutex_);
  return key_;
}

bool S3Service::RenewKey() {
  if (!options_.renew_key) {
    return false;
  }
  Result<SigV4Key> key = options_.renew_key();
  const std::lock_guard lock(key_mutex_);
  if (!key || *key == key_) {
    return false;
  }
  key_ = *std::move(key);
  return true;
}

HttpCall S3Service::Request(std::string method, std::string_view key, const Query& query,
                            Headers headers, std::string_view body) const {
  std::string url =
      fmt::format("{}://{}{}/{}", scheme_, host_, base_path_, PercentEncode(key, Slash::kKeep));
  if (!query.empty()) {
    url += "?" + CanonicalQuery(query);
  }
  headers.emplace_back("host", host_);
  headers.emplace_back(kContentHash, Sha256Hex(body));
  // Without a signature nothing makes the server check the hash above.
  if (options_.key.access_key_id.empty() && !body.empty()) {
    headers.emplace_back("content-md5", Base64(Md5(body)));
  }
  return {.method = std::move(method),
          .url = std::move(url),
          .headers = std::move(headers),
          .body = body};
}

Status S3Service::Sign(HttpCall& request) const {
  if (options_.key.access_key_id.empty()) {
    return {};
  }
  const std::string_view url = request.url;
  const size_t path = url.find('/', url.find("://") + 3);
  const size_t query = url.find('?');
  SigV4Request to_sign = {
      .method = request.method,
      .path = std::string(url.substr(path, query - path)),
      .query = query == std::string_view::npos ? "" : std::string(url.substr(query + 1)),
      .headers = {},
      .payload_sha256 = ""};
  for (const auto& [name, value] : request.headers) {
    to_sign.headers.emplace(name, value);
  }
  to_sign.payload_sha256 = to_sign.headers.at(std::string(kContentHash));
  for (auto& [name, value] : SignV4(Key(), to_sign, clock_->Now())) {
    request.headers.emplace_back(name, value);
  }
  return {};
}

std::string S3Service::CopySource(std::string_view key) const {
  return PercentEncode(fmt::format("/{}/{}", options_.bucket, key), Slash::kKeep);
}

HttpCall S3Service::HeadRequest(std::string_view key) const {
  return Request("HEAD", key, {}, {}, "");
}

std::optional<RemoteService::Stat> S3Service::ReadStat(const HttpAnswer& answer) const {
  const std::optional<uint64_t> size = ParseByteCount(answer.Header("content-length"));
  if (!size) {
    return std::nullopt;
  }
  const std::string_view version = answer.Header("x-amz-version-id");
  return Stat{.size_bytes = *size,
              .etag = std::string(answer.Header("etag")),
              .version = std::string(version == "null" ? "" : version),
              .writer = std::string(answer.Header(kWriterHeader))};
}

HttpCall S3Service::ReadRequest(std::string_view key, const Stat* stat) const {
  auto [query, headers] = SameObject(stat, "versionId");
  return Request("GET", key, query, std::move(headers), "");
}

HttpCall S3Service::DeleteRequest(std::string_view key) const {
  return Request("DELETE", key, {}, {}, "");
}

Status S3Service::Put(const PutRequest& request) {
  const bool if_absent = request.if_present == PutRequest::IfPresent::kFail;
  const std::string what = fmt::format("write the object '{}'", request.key);
  Headers headers = {{std::string(kWriterHeader), request.writer}};
  if (if_absent && options_.condition == S3Condition::kIfNoneMatch) {
    headers.emplace_back("if-none-match", "*");
  } else if (if_absent) {
    headers.emplace_back("x-oss-forbid-overwrite", "true");
  }
  VARVE_ASSIGN(const RestReply reply,
               client_.Send(Request("PUT", request.key, {}, std::move(headers), request.bytes),
                            Effect::kWrite, what));
  if (reply.ok()) {
    return {};
  }
  const bool taken = reply.answer.status == 412 || reply.error.code == "FileAlreadyExists";
  if (if_absent && taken) {
    return AlreadyThere(reply, request.key);
  }
  if (if_absent && (reply.answer.status == 501 || reply.error.code == "NotImplemented")) {
    return NotSupported("{}; use this place for exports and repositories, not for live tables",
                        client_.FailureOf(reply, what).message);
  }
  return std::unexpected(client_.FailureOf(reply, what));
}

HttpCall S3Service::ListRequest(std::string_view prefix, const std::string& token) const {
  Query query = {{"list-type", "2"}, {"prefix", std::string(prefix)}, {"encoding-type", "url"}};
  if (!token.empty()) {
    query["continuation-token"] = token;
  }
  return Request("GET", "", query, {}, "");
}

Result<RemoteService::Page> S3Service::ReadPage(std::string_view body,
                                                std::string_view what) const {
  const auto roots = XmlElements(body, "ListBucketResult");
  if (roots.size() != 1) {
    return Io("cannot {}: the answer is no list of objects", what);
  }
  const bool encoded = XmlText(roots[0], "EncodingType") == "url";
  Page page;
  for (const std::string_view entry : XmlElements(roots[0], "Contents")) {
    std::optional<std::string> key = XmlText(entry, "Key");
    key = encoded ? PercentDecode(*key) : std::move(key);
    const std::optional<uint64_t> size = ParseByteCount(XmlText(entry, "Size"));
    const std::optional<TimestampUs> modified = ParseServiceTime(XmlText(entry, "LastModified"));
    if (!key || key->empty() || !size || !modified) {
      return Io("cannot {}: an entry of the list is not readable: {}", what, OneLine(entry));
    }
    page.objects.push_back({.path = *std::move(key), .size_bytes = *size, .modified = *modified});
  }
  if (XmlText(roots[0], "IsTruncated") == "true") {
    page.next = XmlText(roots[0], "NextContinuationToken");
    if (page.next.empty()) {
      return Io("cannot {}: the list is cut and does not say how to go on", what);
    }
  }
  return page;
}

Result<RestReply> S3Service::SendUntil(const HttpCall& request, std::string_view root,
                                       std::string_view what) {
  bool doubt = false;
  for (int failures = 0;; ++failures) {
    VARVE_ASSIGN(RestReply reply, client_.Send(request, Effect::kWrite, what));
    doubt |= reply.doubt == Doubt::kMaybeDone;
    if (reply.ok() && XmlElements(reply.answer.body, root).empty()) {
      doubt = true;
      if (failures < kHiddenFailuresMax) {
        continue;
      }
      const ServiceError error = ReadServiceError(reply.answer);
      return UnknownOutcome("cannot {}: {} {} (after {} attempts)", what, error.code, error.message,
                            failures + 1);
    }
    reply.doubt = doubt ? Doubt::kMaybeDone : Doubt::kNone;
    return reply;
  }
}

Status S3Service::Copy(std::string_view from, std::string_view to, const WriterName& writer) {
  VARVE_ASSIGN(const Stat stat, Head(from));
  return stat.size_bytes <= options_.copy_bytes_max ? CopyWhole(from, to, writer)
                                                    : CopyInParts(from, stat, to, writer);
}

Status S3Service::CopyWhole(std::string_view from, std::string_view to, const WriterName& writer) {
  const std::string what = fmt::format("copy the object '{}' to '{}'", from, to);
  Headers headers = {{"x-amz-copy-source", CopySource(from)},
                     {"x-amz-metadata-directive", "REPLACE"},
                     {std::string(kWriterHeader), writer}};
  VARVE_ASSIGN(const RestReply reply,
               SendUntil(Request("PUT", to, {}, std::move(headers), ""), "CopyObjectResult", what));
  if (reply.ok()) {
    return {};
  }
  if (IsMissing(reply)) {
    return NotFound("there is no object '{}'", from);
  }
  return std::unexpected(client_.FailureOf(reply, what));
}

Status S3Service::CopyInParts(std::string_view from, const Stat& stat, std::string_view to,
                              const WriterName& writer) {
  VARVE_ASSIGN(const std::unique_ptr<Upload> upload, StartUpload(to, writer));
  auto& parts = static_cast<S3Upload&>(*upload);
  for (uint64_t offset = 0; offset < stat.size_bytes; offset += options_.copy_bytes_max) {
    const Status copied = parts.CopyPart(
        from, stat.etag, offset, std::min(options_.copy_bytes_max, stat.size_bytes - offset));
    if (!copied) {
      parts.Abort();
      return PartStatus(copied);
    }
  }
  Status done = parts.Complete();
  if (!done && done.error().kind != ErrorKind::kUnknownOutcome) {
    parts.Abort();
  }
  return done;
}

Result<std::unique_ptr<RemoteService::Upload>> S3Service::StartUpload(std::string_view key,
                                                                      const WriterName& writer) {
  const std::string what = fmt::format("begin to write the object '{}'", key);
  const Result<RestReply> reply =
      SendUntil(Request("POST", key, {{"uploads", ""}}, {{std::string(kWriterHeader), writer}}, ""),
                "UploadId", what);
  if (!reply) {
    return std::unexpected(PartStatus(std::unexpected(reply.error())).error());
  }
  if (!reply->ok()) {
    return std::unexpected(client_.FailureOf(*reply, what));
  }
  const std::string id = XmlText(reply->answer.body, "UploadId");
  return std::make_unique<S3Upload>(this, std::string(key), id);
}

Status S3Upload::AddPart(std::string_view bytes) {
  const std::string what = fmt::format("write part {} of the object '{}'", etags_.size() + 1, key_);
  VARVE_ASSIGN(const RestReply reply,
               service_->client_.Send(service_->Request("PUT", key_, PartQuery(), {}, bytes),
                                      Effect::kWrite, what));
  const std::string_view etag = reply.answer.Header("etag");
  if (!reply.ok() || etag.empty()) {
    return std::unexpected(service_->client_.FailureOf(reply, what));
  }
  etags_.emplace_back(etag);
  return {};
}

Status S3Upload::CopyPart(std::string_view from, std::string_view etag, uint64_t offset,
                          uint64_t size) {
  const std::string what =
      fmt::format("copy part {} of the object '{}' to '{}'", etags_.size() + 1, from, key_);
  Headers headers = {
      {"x-amz-copy-source", service_->CopySource(from)},
      {"x-amz-copy-source-if-match", std::string(etag)},
      {"x-amz-copy-source-range", fmt::format("bytes={}-{}", offset, offset + size - 1)}};
  VARVE_ASSIGN(
      const RestReply reply,
      service_->SendUntil(service_->Request("PUT", key_, PartQuery(), std::move(headers), ""),
                          "CopyPartResult", what));
  const std::string part = XmlText(reply.answer.body, "ETag");
  if (!reply.ok() || part.empty()) {
    return std::unexpected(service_->client_.FailureOf(reply, what));
  }
  etags_.push_back(part);
  return {};
}

Status S3Upload::Finish(std::string_view bytes) {
  VARVE_TRY(PartStatus(AddPart(bytes)));
  return Complete();
}

Status S3Upload::Complete() {
  std::string body = "<CompleteMultipartUpload>";
  for (size_t i = 0; i < etags_.size(); ++i) {
    body += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", i + 1,
                        XmlEscape(etags_[i]));
  }
  body += "</CompleteMultipartUpload>";
  const std::string what = fmt::format("finish the object '{}'", key_);
  VARVE_ASSIGN(const RestReply reply,
               service_->SendUntil(service_->Request("POST", key_, {{"uploadId", id_}}, {}, body),
                                   "CompleteMultipartUploadResult", what));
  if (reply.ok()) {
    return {};
  }
  return std::unexpected(service_->client_.WriteFailureOf(reply, what));
}

void S3Upload::Abort() {
  const std::string what = fmt::format("give up the unfinished object '{}'", key_);
  const Result<RestReply> reply = service_->client_.Send(
      service_->Request("DELETE", key_, {{"uploadId", id_}}, {}, ""), Effect::kRead, what);
  if (!reply || (!reply->ok() && reply->answer.status != 404)) {
    LogWarn("{}; its parts cost space until the bucket's lifecycle rule removes them",
            reply ? service_->client_.FailureOf(*reply, what).message : reply.error().message);
  }
}

}  // namespace

std::unique_ptr<RemoteService> MakeS3Service(S3Options options, const Clock* clock) {
  return std::make_unique<S3Service>(std::move(options), clock);
}

}  // namespace varve
