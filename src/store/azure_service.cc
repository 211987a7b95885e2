#include "store/azure_service.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "store/encoding_internal.h"
#include "store/rest_service_internal.h"
#include "store/sigv4.h"
#include "store/xml_internal.h"

namespace varve {
namespace {

using Effect = RestClient::Effect;

constexpr std::string_view kApiVersion = "2021-12-02";
constexpr std::string_view kWriterHeader = "x-ms-meta-varve_writer";
// A copy within an account is done when the request is answered, but for rare large ones.
constexpr std::chrono::milliseconds kCopyPoll{500};
constexpr int kCopyPollsMax = 7'200;  // an hour

std::string HeaderOf(const HttpCall& request, std::string_view name) {
  for (const auto& [known, value] : request.headers) {
    if (known == name) {
      return value;
    }
  }
  return "";
}

class AzureService final : public RestService {
 public:
  AzureService(AzureOptions options, Secret key, const Clock* clock);

  Status Put(const PutRequest& request) override;
  Status Copy(std::string_view from, std::string_view to, const WriterName& writer) override;
  Result<std::unique_ptr<Upload>> StartUpload(std::string_view key,
                                              const WriterName& writer) override;
  size_t part_bytes() const override { return options_.part_bytes; }
  size_t parts_max() const override { return kAzureBlocksMax; }

 private:
  friend class AzureUpload;

  HttpCall HeadRequest(std::string_view key) const override;
  std::optional<Stat> ReadStat(const HttpAnswer& answer) const override;
  HttpCall ReadRequest(std::string_view key, const Stat* stat) const override;
  HttpCall ListRequest(std::string_view prefix, const std::string& token) const override;
  Result<Page> ReadPage(std::string_view body, std::string_view what) const override;
  HttpCall DeleteRequest(std::string_view key) const override;
  bool IsMissing(const RestReply& reply) const override {
    return reply.answer.status == 404 && reply.error.code != "ContainerNotFound";
  }
  std::string BlobUrl(std::string_view key) const {
    return fmt::format("{}/{}{}{}", options_.endpoint, options_.container, key.empty() ? "" : "/",
                       PercentEncode(key, Slash::kKeep));
  }
  HttpCall Request(std::string method, std::string_view key, const Query& query, Headers headers,
                   std::string_view body) const;
  Status Sign(HttpCall& request) const;
  Status WaitForCopy(std::string_view to, std::string_view what);

  const AzureOptions options_;
  const Secret key_;  // decoded
  const Clock* const clock_;
};

// Blocks that become a blob when they are listed.
class AzureUpload final : public RemoteService::Upload {
 public:
  AzureUpload(AzureService* service, std::string key, WriterName writer)
      : service_(service), key_(std::move(key)), writer_(std::move(writer)) {}

  Status AddPart(std::string_view bytes) override;
  Status Finish(std::string_view bytes) override;
  // Blocks that no list names are forgotten by the service after a week, and cannot be deleted.
  void Abort() override {}

 private:
  AzureService* const service_;
  const std::string key_;
  const WriterName writer_;
  std::vector<std::string> blocks_;
};

AzureService::AzureService(AzureOptions options, Secret key, const Clock* clock)
    : RestService(
          options.http, options.retry,
          {.sign = [this](HttpCall& request) { return Sign(request); },
           .secrets = [this] { return std::vector{options_.account_key, options_.sas_token}; }}),
      options_(std::move(options)),
      key_(std::move(key)),
      clock_(clock) {}

HttpCall AzureService::Request(std::string method, std::string_view key, const Query& query,
                               Headers headers, std::string_view body) const {
  std::string url = BlobUrl(key);
  if (!query.empty()) {
    url += "?" + CanonicalQuery(query);
  }
  headers.emplace_back("x-ms-version", kApiVersion);
  if (!body.empty()) {
    headers.emplace_back("content-md5", Base64(Md5(body)));
  }
  return {.method = std::move(method),
          .url = std::move(url),
          .headers = std::move(headers),
          .body = body};
}

Status AzureService::Sign(HttpCall& request) const {
  request.headers.emplace_back("x-ms-date", HttpTime(clock_->Now()));
  if (!key_.empty()) {
    const std::string signature =
        Base64(HmacSha256(key_.Reveal(), AzureStringToSign(request, options_.account)));
    request.headers.emplace_back("authorization",
                                 fmt::format("SharedKey {}:{}", options_.account, signature));
  } else if (!options_.sas_token.empty()) {
    request.url +=
        (request.url.find('?') == std::string::npos ? "?" : "&") + options_.sas_token.Reveal();
  }
  return {};
}

HttpCall AzureService::HeadRequest(std::string_view key) const {
  return Request("HEAD", key, {}, {}, "");
}

std::optional<RemoteService::Stat> AzureService::ReadStat(const HttpAnswer& answer) const {
  const std::optional<uint64_t> size = ParseByteCount(answer.Header("content-length"));
  if (!size) {
    return std::nullopt;
  }
  return Stat{.size_bytes = *size,
              .etag = std::string(answer.Header("etag")),
              .version = std::string(answer.Header("x-ms-version-id")),
              .writer = std::string(answer.Header(kWriterHeader))};
}

HttpCall AzureService::ReadRequest(std::string_view key, const Stat* stat) const {
  auto [query, headers] = SameObject(stat, "versionid");
  return Request("GET", key, query, std::move(headers), "");
}

HttpCall AzureService::DeleteRequest(std::string_view key) const {
  return Request("DELETE", key, {}, {{"x-ms-delete-snapshots", "include"}}, "");
}

Status AzureService::Put(const PutRequest& request) {
  const bool if_absent = request.if_present == PutRequest::IfPresent::kFail;
  const std::string what = fmt::format("write the object '{}'", request.key);
  Headers headers = {{"x-ms-blob-type", "BlockBlob"}, {std::string(kWriterHeader), request.writer}};
  if (if_absent) {
    headers.emplace_back("if-none-match", "*");
  }
  VARVE_ASSIGN(const RestReply reply,
               client_.Send(Request("PUT", request.key, {}, std::move(headers), request.bytes),
                            Effect::kWrite, what));
  if (reply.ok()) {
    return {};
  }
  if (if_absent && (reply.answer.status == 412 || reply.error.code == "BlobAlreadyExists")) {
    return AlreadyThere(reply, request.key);
  }
  return std::unexpected(client_.FailureOf(reply, what));
}

HttpCall AzureService::ListRequest(std::string_view prefix, const std::string& token) const {
  Query query = {{"restype", "container"}, {"comp", "list"}, {"maxresults", "1000"}};
  if (!prefix.empty()) {
    query["prefix"] = prefix;
  }
  if (!token.empty()) {
    query["marker"] = token;
  }
  return Request("GET", "", query, {}, "");
}

Result<RemoteService::Page> AzureService::ReadPage(std::string_view body,
                                                   std::string_view what) const {
  const auto roots = XmlElements(body, "EnumerationResults");
  if (roots.size() != 1) {
    return Io("cannot {}: the answer is no list of objects", what);
  }
  Page page = {.objects = {}, .next = XmlText(roots[0], "NextMarker")};
  for (const std::string_view entry : XmlElements(roots[0], "Blob")) {
    std::string name = XmlText(entry, "Name");
    const std::optional<uint64_t> size = ParseByteCount(XmlText(entry, "Content-Length"));
    const std::optional<TimestampUs> modified = ParseServiceTime(XmlText(entry, "Last-Modified"));
    if (name.empty() || !size || !modified) {
      return Io("cannot {}: an entry of the list is not readable: {}", what, OneLine(entry));
    }
    page.objects.push_back({.path = std::move(name), .size_bytes = *size, .modified = *modified});
  }
  return page;
}

Status AzureService::Copy(std::string_view from, std::string_view to, const WriterName& writer) {
  const std::string what = fmt::format("copy the object '{}' to '{}'", from, to);
  std::string source = BlobUrl(from);
  if (key_.empty() && !options_.sas_token.empty()) {
    source += "?" + options_.sas_token.Reveal();
  }
  VARVE_ASSIGN(const RestReply reply, client_.Send(Request("PUT", to, {},
                                                           {{"x-ms-copy-source", std::move(source)},
                                                            {std::string(kWriterHeader), writer}},
                                                           ""),
                                                   Effect::kWrite, what));
  if (IsMissing(reply)) {
    return NotFound("there is no object '{}'", from);
  }
  if (!reply.ok()) {
    return std::unexpected(client_.FailureOf(reply, what));
  }
  return reply.answer.Header("x-ms-copy-status") == "pending" ? WaitForCopy(to, what) : Status();
}

Status AzureService::WaitForCopy(std::string_view to, std::string_view what) {
  for (int polls = 0; polls < kCopyPollsMax && client_.Pause(kCopyPoll); ++polls) {
    VARVE_ASSIGN(const RestReply reply, client_.Send(HeadRequest(to), Effect::kRead, what));
    if (!reply.ok()) {
      return std::unexpected(client_.FailureOf(reply, what));
    }
    const std::string_view status = reply.answer.Header("x-ms-copy-status");
    if (status != "pending") {
      return status == "success" ? Status()
                                 : Io("cannot {}: the service says '{}'", what, OneLine(status));
    }
  }
  return UnknownOutcome("cannot {}: the service has not finished it yet", what);
}

Result<std::unique_ptr<RemoteService::Upload>> AzureService::StartUpload(std::string_view key,
                                                                         const WriterName& writer) {
  return std::make_unique<AzureUpload>(this, std::string(key), writer);
}

Status AzureUpload::AddPart(std::string_view bytes) {
  const std::string what =
      fmt::format("write part {} of the object '{}'", blocks_.size() + 1, key_);
  // Writers of one blob share its blocks, so the names are those of the writer. All are of one
  // length, which the service asks for.
  std::string block = Base64(fmt::format("{}-{:05}", writer_, blocks_.size()));
  VARVE_ASSIGN(
      const RestReply reply,
      service_->client_.Send(
          service_->Request("PUT", key_, {{"comp", "block"}, {"blockid", block}}, {}, bytes),
          Effect::kWrite, what));
  if (!reply.ok()) {
    return std::unexpected(service_->client_.FailureOf(reply, what));
  }
  blocks_.push_back(std::move(block));
  return {};
}

Status AzureUpload::Finish(std::string_view bytes) {
  VARVE_TRY(PartStatus(AddPart(bytes)));
  const std::string what = fmt::format("finish the object '{}'", key_);
  std::string body = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>";
  for (const std::string& block : blocks_) {
    body += fmt::format("<Latest>{}</Latest>", block);
  }
  body += "</BlockList>";
  VARVE_ASSIGN(
      const RestReply reply,
      service_->client_.Send(service_->Request("PUT", key_, {{"comp", "blocklist"}},
                                               {{std::string(kWriterHeader), writer_}}, body),
                             Effect::kWrite, what));
  if (reply.ok()) {
    return {};
  }
  return std::unexpected(service_->client_.WriteFailureOf(reply, what));
}

}  // namespace

std::string AzureStringToSign(const HttpCall& request, std::string_view account) {
  constexpr std::array kPlainHeaders = {std::string_view("content-encoding"),
                                        std::string_view("content-language"),
                                        std::string_view("content-length"),
                                        std::string_view("content-md5"),
                                        std::string_view("content-type"),
                                        std::string_view("date"),
                                        std::string_view("if-modified-since"),
                                        std::string_view("if-match"),
                                        std::string_view("if-none-match"),
                                        std::string_view("if-unmodified-since"),
                                        std::string_view("range")};
  std::string out = request.method + "\n";
  for (const std::string_view name : kPlainHeaders) {
    const bool length = name == "content-length" && !request.body.empty();
    out += (length ? fmt::format("{}", request.body.size()) : HeaderOf(request, name)) + "\n";
  }
  std::map<std::string, std::string> own;
  for (const auto& [name, value] : request.headers) {
    if (name.starts_with("x-ms-")) {
      own.emplace(name, value);
    }
  }
  for (const auto& [name, value] : own) {
    out += fmt::format("{}:{}\n", name, Trimmed(value));
  }
  const std::string_view url = request.url;
  const size_t path = url.find('/', url.find("://") + 3);
  const size_t question = url.find('?');
  out += fmt::format("/{}{}", account, url.substr(path, question - path));
  std::map<std::string, std::string> query;
  std::string_view rest =
      question == std::string_view::npos ? std::string_view() : url.substr(question + 1);
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    const size_t equals = part.find('=');
    query.emplace(LowerCase(part.substr(0, equals)),
                  equals == std::string_view::npos
                      ? ""
                      : PercentDecode(part.substr(equals + 1)).value_or(""));
  }
  for (const auto& [name, value] : query) {
    out += fmt::format("\n{}:{}", name, value);
  }
  return out;
}

Result<std::unique_ptr<RemoteService>> MakeAzureService(AzureOptions options, const Clock* clock) {
  Secret key;
  if (!options.account_key.empty()) {
    std::optional<std::string> decoded = Base64Decode(options.account_key.Reveal());
    if (!decoded) {
      return InvalidArgument("the key of the Azure account '{}' is not base64", options.account);
    }
    key = Secret(*std::move(decoded));
  }
  if (options.sas_token.Reveal().starts_with('?')) {
    options.sas_token = Secret(options.sas_token.Reveal().substr(1));
  }
  return std::make_unique<AzureService>(std::move(options), std::move(key), clock);
}

}  // namespace varve
