#include "main/remote_connection.h"

#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>
#include <curl/curl.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "main/statement_runner.h"
#include "sql/keywords.h"
#include "sql/tokenizer.h"

namespace varve {
namespace {

constexpr const char* kWarningHeader = "X-Varve-Warning";
constexpr long kConnectTimeoutMs = 10'000;  // a machine that does not answer at all
constexpr size_t kPlainAnswerBytesMax = 16
                                        << 20;  // of answers that are not rows: counts and errors
constexpr std::string_view kArrowType = "application/vnd.apache.arrow.stream";

struct FreeCurl {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// Hands what the decoder finds to the sink. Arrow's status cannot carry our error, so it is kept
// here.
class SinkListener final : public arrow::ipc::Listener {
 public:
  explicit SinkListener(RowSink& sink) : sink_(sink) {}
  arrow::Status OnSchemaDecoded(std::shared_ptr<arrow::Schema> schema) override {
    return Keep(sink_.Begin(*schema));
  }
  arrow::Status OnRecordBatchDecoded(std::shared_ptr<arrow::RecordBatch> batch) override {
    return Keep(sink_.Rows(*batch));
  }
  arrow::Status OnEOS() override {
    ended_ = true;
    return arrow::Status::OK();
  }
  bool ended() const { return ended_; }
  const Status& status() const { return status_; }

 private:
  arrow::Status Keep(Status status) {
    status_ = std::move(status);
    return status_ ? arrow::Status::OK() : arrow::Status::Cancelled("the rows cannot be printed");
  }
  RowSink& sink_;
  Status status_;
  bool ended_ = false;
};

// One request and its answer, fed by libcurl piece by piece.
class Exchange {
 public:
  Exchange(CURL* curl, RowSink& sink, const std::atomic<bool>& cancelled)
      : curl_(curl),
        cancelled_(cancelled),
        listener_(std::make_shared<SinkListener>(sink)),
        decoder_(listener_) {}

  size_t Take(const char* bytes, size_t size) {
    if (IsRows()) {
      const arrow::Status fed =
          decoder_.Consume(reinterpret_cast<const uint8_t*>(bytes), static_cast<int64_t>(size));
      if (!fed.ok() && problem_) {
        problem_ = listener_->status() ? Corruption("the server's answer: {}", fed.message())
                                       : listener_->status();
      }
      return fed.ok() ? size : 0;  // another number than `size` ends the transfer
    }
    if (plain_.size() + size > kPlainAnswerBytesMax) {
      problem_ = ResourceExhausted("the answer is larger than {} bytes and holds no rows",
                                   kPlainAnswerBytesMax);
      return 0;
    }
    plain_.append(bytes, size);
    return size;
  }

  bool cancelled() const { return cancelled_; }

  Result<std::optional<uint64_t>> Answer() const {
    long status = 0;
    curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
    const auto document = nlohmann::json::parse(plain_, nullptr, /*allow_exceptions=*/false);
    if (status != 200) {
      return Failure(status, document);
    }
    if (IsRows()) {
      if (!listener_->ended()) {
        return Io("the answer of the server ended before its last row");
      }
      return std::nullopt;
    }
    if (document.is_object() && document.contains("affected_rows") &&
        document["affected_rows"].is_number_unsigned()) {
      PrintWarnings();
      return document["affected_rows"].get<uint64_t>();
    }
    return Io("what answers there is no Varve server: {}", plain_.substr(0, 200));
  }

  const Status& problem() const { return problem_; }

 private:
  // An error comes before any row or not at all, so the first piece decides.
  bool IsRows() const {
    const char* type = nullptr;
    long status = 0;
    curl_easy_getinfo(curl_, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
    return status == 200 && type != nullptr && std::string_view(type).starts_with(kArrowType);
  }

  void PrintWarnings() const {
    curl_header* header = nullptr;
    for (size_t i = 0;
         curl_easy_header(curl_, kWarningHeader, i, CURLH_HEADER, -1, &header) == CURLHE_OK; ++i) {
      PrintWarning(header->value);
    }
  }

  std::unexpected<Error> Failure(long status, const nlohmann::json& document) const {
    std::string message = fmt::format("the server answered with HTTP status {}", status);
    if (document.is_object() && document.contains("message") && document["message"].is_string()) {
      message = document["message"].get<std::string>();
    }
    const bool later = status == 503 || status == 429;
    return later ? std::unexpected(Error{ErrorKind::kUnavailable, std::move(message)})
                 : std::unexpected(Error{ErrorKind::kInvalidArgument, std::move(message)});
  }

  CURL* const curl_;
  const std::atomic<bool>& cancelled_;
  std::shared_ptr<SinkListener> listener_;
  arrow::ipc::StreamDecoder decoder_;
  std::string plain_;
  Status problem_;
};

size_t OnBody(char* bytes, size_t one, size_t count, void* exchange) {
  return static_cast<Exchange*>(exchange)->Take(bytes, one * count);
}

int OnProgress(void* exchange, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Exchange*>(exchange)->cancelled() ? 1 : 0;
}

// libcurl wants to be set up once, before threads use it.
void SetUpCurlOnce() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)done;
}

bool IsCopy(std::string_view statement) {
  return IsKeyword(Tokenizer(statement).Next().text, "COPY");
}

}  // namespace

Result<std::unique_ptr<SqlConnection>> RemoteConnection::Open(std::string url) {
  if (url.find("://") == std::string::npos) {
    url = "http://" + url;
  }
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    return InvalidArgument("'{}' is not the address of a server, as in http://127.0.0.1:5440", url);
  }
  while (url.ends_with('/')) {
    url.pop_back();
  }
  SetUpCurlOnce();
  return std::unique_ptr<SqlConnection>(new RemoteConnection(std::move(url)));
}

Result<std::optional<uint64_t>> RemoteConnection::Execute(std::string_view statement,
                                                          RowSink& sink) {
  cancelled_ = false;
  const std::unique_ptr<CURL, FreeCurl> curl(curl_easy_init());
  const std::unique_ptr<curl_slist, FreeList> headers(
      curl_slist_append(nullptr, "Content-Type: text/plain"));
  if (curl == nullptr || headers == nullptr) {
    return Internal("libcurl cannot be started");
  }
  Exchange exchange(curl.get(), sink, cancelled_);
  const std::string address = url_ + "/sql?format=arrow";
  char reason[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl.get(), CURLOPT_URL, address.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_POST, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, statement.data());
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE,
                   static_cast<curl_off_t>(statement.size()));
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, OnProgress);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, &exchange);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, reason);
  const CURLcode code = curl_easy_perform(curl.get());
  if (cancelled_) {
    return Cancelled("the statement was interrupted; a change may have happened all the same");
  }
  VARVE_TRY(exchange.problem());
  if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST) {
    return Unavailable(
        "no server answers at {}: {}; start one with `varve server`, name another one with --url, "
        "or "
        "open a folder without a server with --data DIR",
        url_, reason);
  }
  if (code != CURLE_OK) {
    return Io("the connection to {} broke: {}", url_,
              reason[0] ? reason : curl_easy_strerror(code));
  }
  Result<std::optional<uint64_t>> answer = exchange.Answer();
  if (!answer && IsCopy(statement)) {
    answer.error().message +=
        "\nA server reads files on its own side, from the folders that its setting "
        "copy.allowed_folders names. To "
        "load a file of this machine, end the server and run the COPY with `varve sql --data DIR`.";
  }
  return answer;
}

}  // namespace varve
