#include "server/http/sql_answer.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <utility>

#include "base/units.h"
#include "server/http/read_ahead.h"

namespace varve {
namespace {

constexpr size_t kPlainBodyBytesMax = 256 << 10;

// Rows into an encoder, as many as fill a piece.
class RowEncoding {
 public:
  RowEncoding(ResultStream& rows, ResultFormat format) : rows_(rows), encoder_(format) {}

  Status Start() { return encoder_.Start(rows_.schema()); }

  // Encodes until `bytes` wait to be taken, or the rows end.
  Status Fill(size_t bytes) {
    while (!ended_) {
      const auto progress = encoder_.Encode(bytes);
      if (progress == ResultEncoder::Progress::kRowsLeft || encoder_.size_bytes() >= bytes) {
        return {};
      }
      VARVE_ASSIGN(auto batch, rows_.Next());
      if (batch == nullptr) {
        ended_ = true;
        return encoder_.Finish();
      }
      VARVE_TRY(encoder_.Append(std::move(batch)));
    }
    return {};
  }

  size_t size_bytes() const { return encoder_.size_bytes(); }
  std::string Take() { return encoder_.Take(); }
  bool ended() const { return ended_; }

 private:
  ResultStream& rows_;
  ResultEncoder encoder_;
  bool ended_ = false;
};

class SqlAnswer final : public HttpBodyStream {
 public:
  SqlAnswer(SessionPool::Lease session, std::unique_ptr<ResultStream> rows, ResultFormat format,
            Envelope envelope)
      : session_(std::move(session)),
        rows_(std::make_unique<ReadAhead>(std::move(rows))),
        encoding_(*rows_, format),
        envelope_(std::move(envelope)) {}
  ~SqlAnswer() override {
    if (!encoding_.ended()) {
      session_->Cancel();
    }
    rows_.reset();  // before the session is lent again
  }

  Status Start() {
    VARVE_TRY(encoding_.Start());
    VARVE_TRY(encoding_.Fill(kPlainBodyBytesMax));
    if (!encoding_.ended()) {
      rows_->Begin();
    }
    return {};
  }

  Result<std::string> Next() override {
    if (encoding_.size_bytes() < kPieceBytes) {
      VARVE_TRY(encoding_.Fill(kPieceBytes));
    }
    std::string piece = std::exchange(envelope_.before, {}) + encoding_.Take();
    if (encoding_.ended()) {
      piece += std::exchange(envelope_.after, {});
    }
    return piece;
  }

  bool ended() const { return encoding_.ended(); }

 private:
  SessionPool::Lease session_;
  std::unique_ptr<ReadAhead> rows_;
  RowEncoding encoding_;
  Envelope envelope_;
};

}  // namespace

Result<HttpResponse> AnswerRows(SessionPool::Lease session, std::unique_ptr<ResultStream> rows,
                                ResultFormat format, Envelope envelope) {
  auto answer =
      std::make_unique<SqlAnswer>(std::move(session), std::move(rows), format, std::move(envelope));
  VARVE_TRY(answer->Start());
  HttpResponse response;
  response.content_type = ContentTypeOf(format);
  if (answer->ended()) {
    VARVE_ASSIGN(response.body, answer->Next());
  } else {
    response.stream = std::move(answer);
  }
  return response;
}

Result<std::string> RowsAsText(ResultStream& rows, ResultFormat format, size_t bytes_max) {
  RowEncoding encoding(rows, format);
  VARVE_TRY(encoding.Start());
  VARVE_TRY(encoding.Fill(bytes_max));
  if (!encoding.ended()) {
    return ResourceExhausted("its rows are more than {}; send this statement last, or alone",
                             FormatSize(bytes_max));
  }
  return encoding.Take();
}

}  // namespace varve
