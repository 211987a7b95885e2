// Answers in gzip.
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "server/http/content_encoding.h"

namespace varve {
namespace {

constexpr size_t kBytesMin = 1024;  // below, the answer is one packet anyway
// The fastest level: about a tenth of the size for rows as JSON, at a fifth of the time of the
// usual one.
constexpr int kLevel = 1;
constexpr int kGzip = 15 + 16;  // zlib: the largest window, with gzip's header
constexpr int kMemory = 8;      // zlib's default
constexpr size_t kOutBytes = 64 << 10;

std::string_view Trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

bool IsWord(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, {}, [](unsigned char c) { return std::tolower(c); });
}

// "q=0", "q=0.000"
bool IsRefused(std::string_view weight) {
  weight = Trimmed(weight);
  return weight.size() >= 3 && IsWord(weight.substr(0, 2), "q=") &&
         weight.find_first_not_of("0.", 2) == std::string_view::npos;
}

bool AcceptsGzip(std::string_view accepted) {
  while (!accepted.empty()) {
    const size_t end = std::min(accepted.find(','), accepted.size());
    const std::string_view entry = accepted.substr(0, end);
    accepted.remove_prefix(std::min(end + 1, accepted.size()));
    const size_t semicolon = std::min(entry.find(';'), entry.size());
    const std::string_view name = Trimmed(entry.substr(0, semicolon));
    if (IsWord(name, "gzip") || name == "*") {
      return semicolon == entry.size() || !IsRefused(entry.substr(semicolon + 1));
    }
  }
  return false;
}

bool IsText(std::string_view content_type) {
  return content_type.starts_with("text/") || content_type.find("json") != std::string_view::npos;
}

class Deflater {
 public:
  Deflater() {
    ready_ = deflateInit2(&z_, kLevel, Z_DEFLATED, kGzip, kMemory, Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~Deflater() {
    if (ready_) {
      deflateEnd(&z_);
    }
  }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  bool ready() const { return ready_; }

  // What comes out of the bytes so far; with Z_FINISH all of it.
  std::string Add(std::string_view bytes, int flush) {
    z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    z_.avail_in = static_cast<uInt>(bytes.size());
    std::string out;
    do {
      const size_t before = out.size();
      out.resize(before + kOutBytes);
      z_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
      z_.avail_out = kOutBytes;
      deflate(&z_, flush);
      out.resize(out.size() - z_.avail_out);
    } while (z_.avail_out == 0);
    return out;
  }

 private:
  z_stream z_{};
  bool ready_ = false;
};

class GzipStream final : public HttpBodyStream {
 public:
  GzipStream(std::unique_ptr<Deflater> deflater, std::unique_ptr<HttpBodyStream> plain)
      : deflater_(std::move(deflater)), plain_(std::move(plain)) {}

  Result<std::string> Next() override {
    while (!ended_) {
      VARVE_ASSIGN(const std::string piece, plain_->Next());
      wait_ = piece.empty() ? plain_->Wait() : std::nullopt;
      if (wait_) {
        // What there is reaches the client now, not with what comes later.
        return std::exchange(held_back_, false) ? deflater_->Add({}, Z_SYNC_FLUSH) : std::string();
      }
      held_back_ = true;
      ended_ = piece.empty();
      std::string out = deflater_->Add(piece, ended_ ? Z_FINISH : Z_NO_FLUSH);
      if (!out.empty()) {
        return out;
      }
    }
    return std::string();
  }
  std::optional<std::chrono::milliseconds> Wait() const override { return wait_; }

 private:
  const std::unique_ptr<Deflater> deflater_;
  const std::unique_ptr<HttpBodyStream> plain_;
  bool ended_ = false;
  bool held_back_ = false;  // the compressor may hold bytes
  std::optional<std::chrono::milliseconds> wait_;
};

}  // namespace

void CompressAnswer(const HttpRequest& request, HttpResponse& response) {
  const std::string* const accepted = request.Header("accept-encoding");
  const bool large = response.stream != nullptr || response.body.size() >= kBytesMin;
  if (accepted == nullptr || !large || !IsText(response.content_type) ||
      response.headers.contains("Content-Encoding") || !AcceptsGzip(*accepted)) {
    return;
  }
  auto deflater = std::make_unique<Deflater>();
  if (!deflater->ready()) {
    return;  // no memory for it: as it is
  }
  response.headers.insert_or_assign("Content-Encoding", "gzip");
  response.headers.insert_or_assign("Vary", "Accept-Encoding");
  if (response.stream != nullptr) {
    response.stream = std::make_unique<GzipStream>(std::move(deflater), std::move(response.stream));
  } else {
    response.body = deflater->Add(response.body, Z_FINISH);
  }
}

}  // namespace varve
