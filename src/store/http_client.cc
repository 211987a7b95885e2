#include "store/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>

#include "base/check.h"
#include "store/encoding_internal.h"

namespace varve {
namespace {

// More idle connections than this are closed; flush, compaction and queries rarely have more
// requests under way at once.
constexpr size_t kIdleConnectionsMax = 32;
// Error bodies are a few hundred bytes; what is longer is no service's answer.
constexpr size_t kHeaderBytesMax = size_t{256} << 10;

struct CurlDeleter {
  void operator()(CURL* curl) const { ::curl_easy_cleanup(curl); }
};
using CurlHandle = std::unique_ptr<CURL, CurlDeleter>;

struct HeaderListDeleter {
  void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, HeaderListDeleter>;

// One request under way, as libcurl's callbacks see it.
struct Transfer {
  CURL* curl = nullptr;
  const HttpCall* request = nullptr;
  HttpAnswer answer;
  size_t header_bytes = 0;
  size_t sunk_bytes = 0;
  size_t sent_bytes = 0;
  bool too_long = false;
  bool head_ended = false;
  int times_sent = 0;
};

size_t OnBody(char* data, size_t size, size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  const size_t bytes = size * count;
  long status = 0;
  ::curl_easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &status);
  const HttpCall& request = *transfer.request;
  if (request.sink != nullptr && status < 300) {
    if (bytes > request.sink_bytes - transfer.sunk_bytes) {
      transfer.too_long = true;
      return CURL_WRITEFUNC_ERROR;
    }
    std::memcpy(request.sink + transfer.sunk_bytes, data, bytes);
    transfer.sunk_bytes += bytes;
    return bytes;
  }
  if (bytes > request.answer_bytes_max - transfer.answer.body.size()) {
    transfer.too_long = true;
    return CURL_WRITEFUNC_ERROR;
  }
  transfer.answer.body.append(data, bytes);
  return bytes;
}

size_t OnHeader(char* data, size_t size, size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  const std::string_view line(data, size * count);
  transfer.header_bytes += line.size();
  if (transfer.header_bytes > kHeaderBytesMax) {
    transfer.too_long = true;
    return 0;
  }
  if (line.starts_with("HTTP/")) {  // what came before was a 100 or a proxy's
    transfer.answer.headers.clear();
    transfer.head_ended = false;
    return line.size();
  }
  transfer.head_ended = transfer.head_ended || line == "\r\n" || line == "\n";
  const size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    transfer.answer.headers.emplace_back(LowerCase(line.substr(0, colon)),
                                         std::string(Trimmed(line.substr(colon + 1))));
  }
  return line.size();
}

size_t OnUpload(char* out, size_t size, size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  const std::string_view rest = transfer.request->body.substr(transfer.sent_bytes);
  const size_t bytes = std::min(rest.size(), size * count);
  std::memcpy(out, rest.data(), bytes);
  transfer.sent_bytes += bytes;
  return bytes;
}

// libcurl sends the body anew when a kept connection turns out to be dead.
int OnSeek(void* context, curl_off_t offset, int origin) {
  auto& transfer = *static_cast<Transfer*>(context);
  if (origin != SEEK_SET || offset < 0 ||
      static_cast<size_t>(offset) > transfer.request->body.size()) {
    return CURL_SEEKFUNC_FAIL;
  }
  transfer.sent_bytes = static_cast<size_t>(offset);
  return CURL_SEEKFUNC_OK;
}

// Counts how often the request was sent; libcurl does not say otherwise.
int OnTrace(CURL*, curl_infotype type, char* data, size_t size, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  if (type == CURLINFO_HEADER_OUT &&
      std::string_view(data, size).starts_with(transfer.request->method + " ")) {
    ++transfer.times_sent;
  }
  return 0;
}

HeaderList MakeHeaders(const HttpCall& request) {
  curl_slist* list = nullptr;
  const auto add = [&list](const std::string& line) {
    curl_slist* longer = ::curl_slist_append(list, line.c_str());
    VARVE_CHECK(longer != nullptr, "out of memory for a request's headers");
    list = longer;
  };
  for (const auto& [name, value] : request.headers) {
    add(value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
  }
  // Waiting for "100 Continue" costs a round trip on each upload.
  add("Expect:");
  return HeaderList(list);
}

void SetMethodAndBody(CURL* curl, Transfer& transfer) {
  const HttpCall& request = *transfer.request;
  ::curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (request.method == "HEAD") {
    ::curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (request.method == "PUT" || request.method == "POST") {
    ::curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    ::curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE,
                       static_cast<curl_off_t>(request.body.size()));
    ::curl_easy_setopt(curl, CURLOPT_READFUNCTION, &OnUpload);
    ::curl_easy_setopt(curl, CURLOPT_READDATA, &transfer);
    ::curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, &OnSeek);
    ::curl_easy_setopt(curl, CURLOPT_SEEKDATA, &transfer);
  }
}

void SetTransport(CURL* curl, const HttpOptions& options) {
  ::curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  ::curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);  // a signature holds for one host only
  ::curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);      // what is sent is what was signed
  ::curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  ::curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(options.connect_timeout.count()));
  ::curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(options.request_timeout.count()));
  ::curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, long{1} << 20);
  ::curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, long{256} << 10);
  ::curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
  ::curl_easy_setopt(curl, CURLOPT_USERAGENT, "varve");
  if (!options.ca_file.empty()) {
    ::curl_easy_setopt(curl, CURLOPT_CAINFO, options.ca_file.c_str());
  }
}

std::string HostOf(std::string_view url) {
  const size_t begin = url.find("://");
  const std::string_view rest = begin == std::string_view::npos ? url : url.substr(begin + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  return OneLine(authority.substr(authority.rfind('@') + 1));
}

HttpFailure FailureOf(CURLcode code, const Transfer& transfer, std::string_view detail) {
  using Reach = HttpFailure::Reach;
  using Again = HttpFailure::Again;
  const std::string host = HostOf(transfer.request->url);
  if (transfer.too_long) {
    return {Reach::kMaybeDone, Again::kWorthIt,
            fmt::format("{} answered with more bytes than were asked for", host)};
  }
  const std::string message =
      fmt::format("{}: {}", host, detail.empty() ? ::curl_easy_strerror(code) : OneLine(detail));
  // Connecting may fail after the request has gone out over a connection that died.
  const Reach before = transfer.times_sent > 0 ? Reach::kMaybeDone : Reach::kNotSent;
  switch (code) {
    case CURLE_FILESIZE_EXCEEDED:
      return {
          Reach::kMaybeDone, Again::kPointless,
          fmt::format("{} wants to send more than {} bytes", host,
                      std::max(transfer.request->answer_bytes_max, transfer.request->sink_bytes))};
    case CURLE_UNSUPPORTED_PROTOCOL:  // also what libcurl makes of an answer that is no HTTP
      return {before, before == Reach::kMaybeDone ? Again::kWorthIt : Again::kPointless, message};
    case CURLE_URL_MALFORMAT:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
      return {before, Again::kPointless, message};
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
      return {before, Again::kWorthIt, message};
    default:
      return {Reach::kMaybeDone, Again::kWorthIt, message};
  }
}

}  // namespace

std::string_view HttpAnswer::Header(std::string_view name) const {
  for (const auto& [known, value] : headers) {
    if (known == name) {
      return value;
    }
  }
  return {};
}

bool HttpAnswer::IsRange(uint64_t offset, uint64_t size, uint64_t object_bytes) const {
  if (status == 200) {
    return offset == 0 && size == object_bytes;
  }
  return status == 206 && Header("content-range")
                              .starts_with(fmt::format("bytes {}-{}/", offset, offset + size - 1));
}

// Handles that are not in use, each with its open connections.
class HttpClient::Pool {
 public:
  Pool() {
    static const CURLcode global = ::curl_global_init(CURL_GLOBAL_DEFAULT);
    VARVE_CHECK(global == CURLE_OK, "libcurl cannot start: {}", ::curl_easy_strerror(global));
  }

  CurlHandle Take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        CurlHandle handle = std::move(idle_.back());
        idle_.pop_back();
        return handle;
      }
    }
    CurlHandle handle(::curl_easy_init());
    VARVE_CHECK(handle != nullptr, "out of memory for a connection");
    return handle;
  }

  void GiveBack(CurlHandle handle) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kIdleConnectionsMax) {
      idle_.push_back(std::move(handle));
    }
  }

 private:
  std::mutex mutex_;
  std::vector<CurlHandle> idle_;
};

HttpClient::HttpClient(HttpOptions options)
    : options_(std::move(options)), pool_(std::make_unique<Pool>()) {}
HttpClient::~HttpClient() = default;

namespace {

// libcurl's own limit on slow transfers asks for a rate; a transfer may be slow, but not stand
// still.
struct StallWatch {
  std::chrono::milliseconds limit{};
  std::chrono::steady_clock::time_point last_move = std::chrono::steady_clock::now();
  curl_off_t moved_bytes = 0;
};

int OnProgress(void* context, curl_off_t, curl_off_t down, curl_off_t, curl_off_t up) {
  auto& watch = *static_cast<StallWatch*>(context);
  const auto now = std::chrono::steady_clock::now();
  if (down + up != watch.moved_bytes) {
    watch.moved_bytes = down + up;
    watch.last_move = now;
  }
  return now - watch.last_move > watch.limit ? 1 : 0;
}

HttpOutcome LostAnswer(const HttpCall& request, std::string_view why) {
  return std::unexpected(HttpFailure{HttpFailure::Reach::kMaybeDone, HttpFailure::Again::kWorthIt,
                                     fmt::format("{}: {}", HostOf(request.url), why)});
}

void SetCallbacks(CURL* curl, Transfer& transfer) {
  const HttpCall& request = *transfer.request;
  if (request.method == "GET") {
    const size_t bytes_max = std::max(request.answer_bytes_max, request.sink_bytes);
    ::curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(bytes_max));
  }
  ::curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &OnBody);
  ::curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  ::curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &OnHeader);
  ::curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  ::curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, &OnTrace);
  ::curl_easy_setopt(curl, CURLOPT_DEBUGDATA, &transfer);
  ::curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);  // to OnTrace, not to the terminal
}

}  // namespace

HttpOutcome HttpClient::Perform(const HttpCall& request) {
  CurlHandle handle = pool_->Take();
  CURL* curl = handle.get();
  ::curl_easy_reset(curl);  // keeps the connections
  Transfer transfer{.curl = curl, .request = &request};
  StallWatch watch{.limit = options_.stall_timeout};
  std::array<char, CURL_ERROR_SIZE> detail{};
  const HeaderList headers = MakeHeaders(request);
  SetTransport(curl, options_);
  SetMethodAndBody(curl, transfer);
  SetCallbacks(curl, transfer);
  ::curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  ::curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  ::curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail.data());
  ::curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  ::curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &OnProgress);
  ::curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &watch);
  const CURLcode code = ::curl_easy_perform(curl);
  if (code == CURLE_ABORTED_BY_CALLBACK) {
    return LostAnswer(
        request, fmt::format("nothing came or went for {} ms", options_.stall_timeout.count()));
  }
  if (code != CURLE_OK) {
    return std::unexpected(FailureOf(code, transfer, detail.data()));
  }
  if (!transfer.head_ended) {
    return LostAnswer(request, "the answer ends in its head");
  }
  long status = 0;
  ::curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  pool_->GiveBack(std::move(handle));
  if (request.sink != nullptr && status < 300 && transfer.sunk_bytes != request.sink_bytes) {
    return LostAnswer(request, fmt::format("the answer has {} of {} bytes", transfer.sunk_bytes,
                                           request.sink_bytes));
  }
  transfer.answer.status = static_cast<int>(status);
  transfer.answer.sent =
      transfer.times_sent > 1 ? HttpAnswer::Sent::kMoreThanOnce : HttpAnswer::Sent::kOnce;
  return std::move(transfer.answer);
}

}  // namespace varve
