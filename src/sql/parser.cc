#include "sql/parser.h"

#include <array>
#include <utility>

#include "sql/cursor.h"
#include "sql/error_text.h"
#include "sql/keywords.h"
#include "sql/rewrite.h"
#include "sql/statement_parsers.h"

namespace varve {
namespace {

struct Entry {
  std::string_view word;
  Result<Statement> (*parse)(Cursor&);
};
constexpr std::array kStatements = {
    Entry{"INSERT", ParseInsert},     Entry{"CREATE", ParseCreate},
    Entry{"DROP", ParseDrop},         Entry{"ALTER", ParseAlter},
    Entry{"DELETE", ParseDelete},     Entry{"TRUNCATE", ParseTruncate},
    Entry{"DESCRIBE", ParseDescribe}, Entry{"DESC", ParseDescribe},
    Entry{"SHOW", ParseShow},         Entry{"EXISTS", ParseExists},
    Entry{"USE", ParseUse},           Entry{"SET", ParseSet},
    Entry{"RESET", ParseReset},       Entry{"EXPLAIN", ParseExplain},
    Entry{"COPY", ParseCopy},         Entry{"COMPACT", ParseCompact},
    Entry{"CALL", ParseCall},         Entry{"UNDROP", ParseUndrop},
    Entry{"EXPORT", ParseExport},     Entry{"IMPORT", ParseImport}};

Result<Statement> ParseStatement(Cursor& cursor) {
  if (cursor.AtQuery() || cursor.AtKeyword("VALUES")) {
    VARVE_ASSIGN(std::string sql, RewriteQuery(cursor));
    return QueryStatement{std::move(sql)};
  }
  // Of transactions, which there are not, it is another statement.
  if (cursor.AtKeywords("ROLLBACK", "TABLE")) {
    cursor.Advance();
    return ParseRollback(cursor);
  }
  for (const Entry& entry : kStatements) {
    if (cursor.TakeKeyword(entry.word)) {
      return entry.parse(cursor);
    }
  }
  const Token& token = cursor.token();
  if (token.kind == TokenKind::kWord && BeginsUnsupportedStatement(token.text)) {
    return UnsupportedStatement(cursor, "");
  }
  return cursor.Expected(fmt::format("a statement ({})", kStatementBeginnings));
}

}  // namespace

Result<std::vector<Statement>> ParseSql(std::string_view text, ParseOptions options) {
  VARVE_TRY(CheckText(text));
  Cursor cursor(text, options.double_quotes);
  std::vector<Statement> statements;
  while (cursor.token().kind != TokenKind::kEnd) {
    if (cursor.TakeSymbol(';')) {
      continue;
    }
    if (statements.size() == kStatementsMax) {
      return cursor.Invalid(
          cursor.token().offset,
          fmt::format("At most {} statements can be sent in one request", kStatementsMax));
    }
    cursor.BeginStatement();
    VARVE_ASSIGN(Statement statement, ParseStatement(cursor));
    VARVE_TRY(cursor.ExpectEnd());
    statements.push_back(std::move(statement));
  }
  return statements;
}

}  // namespace varve
