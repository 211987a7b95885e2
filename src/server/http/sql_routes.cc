#include "server/http/sql_routes.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "server/http/result_encoder.h"
#include "server/http/session_pool.h"
#include "server/http/sql_request.h"
#include "server/http/warning_header.h"

namespace varve {
namespace {

// Answers up to this size are sent whole, with a Content-Length and a status that knows about every
// error.
constexpr size_t kPlainBodyBytesMax = 256 << 10;

// CeresDB answers 400 to whatever is wrong with a statement, a missing table included; 404 would
// say that there is no /sql. What is wrong with the server keeps its own status.
HttpResponse SqlError(const Error& error) {
  const int status = HttpStatusOf(error.kind);
  return status < 499 ? ErrorResponse(400, error.message) : ErrorResponse(error);
}

class SqlAnswer final : public HttpBodyStream {
 public:
  SqlAnswer(SessionPool::Lease session, std::unique_ptr<ResultStream> rows, ResultFormat format)
      : session_(std::move(session)), rows_(std::move(rows)), encoder_(format) {}
  ~SqlAnswer() override {
    if (!ended_) {
      session_->Cancel();
    }
    rows_.reset();  // before the session is lent again
  }

  Status Start() { return encoder_.Start(rows_->schema()); }

  // Encodes until `bytes` wait to be taken, or the rows end.
  Status Fill(size_t bytes) {
    while (!ended_) {
      const auto progress = encoder_.Encode(bytes);
      if (progress == ResultEncoder::Progress::kRowsLeft || encoder_.size_bytes() >= bytes) {
        return {};
      }
      VARVE_ASSIGN(auto batch, rows_->Next());
      if (batch == nullptr) {
        ended_ = true;
        return encoder_.Finish();
      }
      VARVE_TRY(encoder_.Append(std::move(batch)));
    }
    return {};
  }

  Result<std::string> Next() override {
    if (encoder_.size_bytes() < kPieceBytes) {
      VARVE_TRY(Fill(kPieceBytes));
    }
    return encoder_.Take();
  }

  bool ended() const { return ended_; }

 private:
  SessionPool::Lease session_;
  std::unique_ptr<ResultStream> rows_;
  ResultEncoder encoder_;
  bool ended_ = false;
};

Result<HttpResponse> AnswerRows(SessionPool::Lease session, std::unique_ptr<ResultStream> rows,
                                ResultFormat format) {
  auto answer = std::make_unique<SqlAnswer>(std::move(session), std::move(rows), format);
  VARVE_TRY(answer->Start());
  VARVE_TRY(answer->Fill(kPlainBodyBytesMax));
  HttpResponse response;
  response.content_type = ContentTypeOf(format);
  if (answer->ended()) {
    VARVE_ASSIGN(response.body, answer->Next());
  } else {
    response.stream = std::move(answer);
  }
  return response;
}

Result<HttpResponse> RunSql(SessionPool& sessions, const HttpRequest& request) {
  VARVE_ASSIGN(const std::string sql, SqlOf(request));
  VARVE_ASSIGN(const ResultFormat format, FormatOf(request));
  VARVE_ASSIGN(std::string schema, SchemaOf(request));
  VARVE_ASSIGN(auto session, sessions.Take(std::move(schema)));
  VARVE_ASSIGN(QueryResult result, session->Execute(sql));
  if (const auto* const affected = std::get_if<AffectedRows>(&result)) {
    HttpResponse response;
    response.body = fmt::format(R"({{"affected_rows":{}}})", affected->rows);
    AddWarnings(response, affected->warnings);
    return response;
  }
  auto rows = std::get<std::unique_ptr<ResultStream>>(std::move(result));
  return AnswerRows(std::move(session), std::move(rows), format);
}

}  // namespace

void AddSqlRoutes(Router& router, QueryEngine& engine) {
  auto sessions = std::make_shared<SessionPool>(engine);
  router.Add("POST", "/sql", [sessions](const HttpRequest& request) {
    auto response = RunSql(*sessions, request);
    return response ? *std::move(response) : SqlError(response.error());
  });
}

}  // namespace varve
