// SqlAnswer: the rows of a query as the body of an answer, whole when they are few, else piece by
// piece as the client takes them.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "query/session.h"
#include "server/http/http_server.h"
#include "server/http/result_encoder.h"
#include "server/http/session_pool.h"

namespace varve {

// What stands around the rows in the body.
struct Envelope {
  std::string before;
  std::string after;
};

// Up to 256 KiB are sent whole, with a status that knows about every error; beyond, an error ends
// the connection. The session is lent until the rows have ended. Errors: those of the query.
Result<HttpResponse> AnswerRows(SessionPool::Lease session, std::unique_ptr<ResultStream> rows,
                                ResultFormat format, Envelope envelope = {});

// All rows as text. Errors: those of the query; kResourceExhausted for more than `bytes_max`.
Result<std::string> RowsAsText(ResultStream& rows, ResultFormat format, size_t bytes_max);

}  // namespace varve
