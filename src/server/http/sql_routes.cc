#include "server/http/sql_routes.h"

#include <utility>

#include "server/http/session_pool.h"
#include "server/http/sql_answer.h"
#include "server/http/sql_request.h"
#include "server/http/warning_header.h"
#include "sql/statement_splitter.h"

namespace varve {
namespace {

// Of the rows of all but the last of several statements, which are held until all have ended.
constexpr size_t kHeldRowsBytesMax = 64 << 20;

// CeresDB answers 400 to whatever is wrong with a statement, a missing table included; 404 would
// say that there is no /sql. What is wrong with the server keeps its own status.
HttpResponse SqlError(const Error& error) {
  const int status = HttpStatusOf(error.kind);
  return status < 499 ? ErrorResponse(400, error.message) : ErrorResponse(error);
}

// The statements of the text. More than one are parsed before any is run, so that a slip in the
// last does not leave the others done.
Result<std::vector<std::string>> SplitSql(const SqlText& text) {
  StatementSplitter splitter;
  splitter.Add(text.sql);
  std::vector<std::string> statements;
  while (auto statement = splitter.Next()) {
    statements.push_back(std::move(statement->text));
  }
  if (auto last = splitter.Last()) {
    statements.push_back(std::move(last->text));
  }
  if (statements.size() < 2) {
    return std::vector{text.sql};  // as it is, so that errors show the client's lines
  }
  VARVE_ASSIGN(const auto parsed, ParseSql(text.sql));
  if (parsed.size() < 2) {
    return std::vector{text.sql};
  }
  if (!text.parameters.empty()) {
    return InvalidArgument("parameters are for one statement, and there are {}", parsed.size());
  }
  return statements;
}

bool OnlyReads(const Statement& statement) {
  return std::visit(
      []<class Kind>(const Kind&) {
        return std::is_same_v<Kind, QueryStatement> || std::is_same_v<Kind, ExplainStatement> ||
               std::is_same_v<Kind, DescribeStatement> || std::is_same_v<Kind, ExistsStatement> ||
               std::is_same_v<Kind, ShowTablesStatement> ||
               std::is_same_v<Kind, ShowSavepointsStatement> ||
               std::is_same_v<Kind, ShowDatabasesStatement> ||
               std::is_same_v<Kind, ShowCreateTableStatement> ||
               std::is_same_v<Kind, ShowCreateViewStatement> ||
               std::is_same_v<Kind, ShowSettingsStatement>;
      },
      statement);
}

// GET must not change anything: browsers and proxies repeat it and fetch it ahead.
Status CheckMethod(const HttpRequest& request, std::string_view sql) {
  if (request.method == "POST") {
    return {};
  }
  VARVE_ASSIGN(const auto statements, ParseSql(sql));
  for (const Statement& statement : statements) {
    if (!OnlyReads(statement)) {
      return InvalidArgument(
          "GET /sql runs queries, EXPLAIN, SHOW, DESCRIBE and EXISTS only; send "
          "this statement with POST");
    }
  }
  return {};
}

std::string AffectedText(const AffectedRows& affected) {
  return fmt::format(R"({{"affected_rows":{}}})", affected.rows);
}

bool IsJson(ResultFormat format) {
  return format == ResultFormat::kJson || format == ResultFormat::kJsonColumns;
}

// One request to /sql.
class SqlRun {
 public:
  SqlRun(const HttpRequest& request, SessionPool::Lease session, ResultFormat format)
      : request_(request), session_(std::move(session)), format_(format) {}

  Result<HttpResponse> One(std::string_view sql, std::span<const Parameter> parameters) {
    VARVE_ASSIGN(QueryResult result, Execute(sql, parameters));
    return Answer(std::move(result), {});
  }

  Result<HttpResponse> Several(const std::vector<std::string>& statements) {
    for (size_t i = 0; i < statements.size(); ++i) {
      const bool last = i + 1 == statements.size();
      Result<std::optional<HttpResponse>> response = Next(statements[i], last);
      if (!response) {
        return std::unexpected(response.error().WithContext(
            fmt::format("statement {} of {}{}", i + 1, statements.size(),
                        i == 0 ? "" : " (the ones before it are done)")));
      }
      if (*response) {
        return **std::move(response);
      }
    }
    return Internal("{} statements have no last one", statements.size());
  }

 private:
  Result<QueryResult> Execute(std::string_view sql, std::span<const Parameter> parameters) {
    return session_->Execute(
        sql, {.parameters = parameters, .request_id = request_.id, .stop = request_.stop});
  }

  // nullopt unless it is the last.
  Result<std::optional<HttpResponse>> Next(const std::string& sql, bool last) {
    VARVE_ASSIGN(QueryResult result, Execute(sql, {}));
    if (last) {
      const bool json = IsJson(format_);
      VARVE_ASSIGN(HttpResponse response,
                   Answer(std::move(result), json ? Envelope{held_, "]}"} : Envelope{}));
      return std::optional(std::move(response));
    }
    VARVE_TRY(Hold(std::move(result)));
    return std::nullopt;
  }

  Result<HttpResponse> Answer(QueryResult result, Envelope envelope) {
    if (const auto* const affected = std::get_if<AffectedRows>(&result)) {
      HttpResponse response;
      response.body = envelope.before + AffectedText(*affected) + envelope.after;
      warnings_.insert(warnings_.end(), affected->warnings.begin(), affected->warnings.end());
      AddWarnings(response, warnings_);
      return response;
    }
    auto rows = std::get<std::unique_ptr<ResultStream>>(std::move(result));
    VARVE_ASSIGN(HttpResponse response,
                 AnswerRows(std::move(session_), std::move(rows), format_, std::move(envelope)));
    AddWarnings(response, warnings_);
    return response;
  }

  Status Hold(QueryResult result) {
    if (const auto* const affected = std::get_if<AffectedRows>(&result)) {
      warnings_.insert(warnings_.end(), affected->warnings.begin(), affected->warnings.end());
      held_ += AffectedText(*affected) + ",";
      return {};
    }
    if (!IsJson(format_)) {
      return InvalidArgument(
          "only the last of several statements may return rows in this format; "
          "use json or json_columns, or send this statement alone");
    }
    const auto rows = std::get<std::unique_ptr<ResultStream>>(std::move(result));
    VARVE_ASSIGN(
        const std::string text,
        RowsAsText(*rows, format_, kHeldRowsBytesMax - std::min(held_.size(), kHeldRowsBytesMax)));
    held_ += text + ",";
    return {};
  }

  const HttpRequest& request_;
  SessionPool::Lease session_;
  const ResultFormat format_;
  std::string held_ = R"({"results":[)";
  std::vector<std::string> warnings_;
};

Result<HttpResponse> RunSql(SessionPool& sessions, const HttpRequest& request) {
  VARVE_ASSIGN(const SqlText text, SqlOf(request));
  VARVE_ASSIGN(const ResultFormat format, FormatOf(request));
  VARVE_ASSIGN(std::string schema, SchemaOf(request));
  VARVE_TRY(CheckMethod(request, text.sql));
  VARVE_ASSIGN(const std::vector<std::string> statements, SplitSql(text));
  VARVE_ASSIGN(auto session, sessions.Take(std::move(schema)));
  VARVE_ASSIGN(SessionSettings settings, SettingsOf(request, session->settings()));
  if (settings != session->settings()) {
    VARVE_TRY(session->ChangeSettings(std::move(settings)));
  }
  SqlRun run(request, std::move(session), format);
  return statements.size() == 1 ? run.One(statements.front(), text.parameters)
                                : run.Several(statements);
}

}  // namespace

void AddSqlRoutes(Router& router, QueryEngine& engine) {
  const auto sessions = std::make_shared<SessionPool>(engine);
  for (const std::string_view method : {"POST", "GET"}) {
    router.Add(method, "/sql", [sessions](const HttpRequest& request) {
      auto response = RunSql(*sessions, request);
      return response ? *std::move(response) : SqlError(response.error());
    });
  }
}

}  // namespace varve
