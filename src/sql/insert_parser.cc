#include <utility>

#include "model/row_batch.h"
#include "sql/keywords.h"
#include "sql/rewrite.h"
#include "sql/statement_parsers.h"

namespace varve {
namespace {

bool AtValueEnd(const Cursor& cursor) { return cursor.AtSymbol(',') || cursor.AtSymbol(')'); }

// 1_000 is a number for DuckDB only.
bool IsPlainNumber(const Token& token) {
  return token.kind == TokenKind::kNumber && token.text.find('_') == std::string_view::npos;
}

// The literal of one token, or of a sign and a number; nullopt when the cursor is at something
// else.
std::optional<InsertValue> TakeLiteral(Cursor& cursor) {
  const Token token = cursor.token();
  std::optional<InsertValue> value;
  if (cursor.AtString()) {
    value = StringLiteral{QuotedValue(token)};
  } else if (IsPlainNumber(token)) {
    value = NumberLiteral{std::string(token.text)};
  } else if (token.kind == TokenKind::kHex) {
    value = BytesLiteral{HexValue(token)};
  } else if (IsKeyword(token, "NULL")) {
    value = NullLiteral{};
  } else if (IsKeyword(token, "TRUE") || IsKeyword(token, "FALSE")) {
    value = BooleanLiteral{IsKeyword(token, "TRUE")};
  } else if (cursor.AtSymbol('-') || cursor.AtSymbol('+')) {
    cursor.Advance();
    if (IsPlainNumber(cursor.token())) {
      std::string text = token.text == "-" ? "-" : "";
      text += cursor.token().text;
      value = NumberLiteral{std::move(text)};
    }
  }
  if (value) {
    cursor.Advance();
  }
  return value;
}

Result<InsertValue> ParseValue(Cursor& cursor) {
  const Cursor start = cursor;
  std::optional<InsertValue> literal = TakeLiteral(cursor);
  if (literal && AtValueEnd(cursor)) {
    return *std::move(literal);
  }
  cursor = start;
  if (cursor.AtEnd() || AtValueEnd(cursor)) {
    return cursor.Expected("a value");
  }
  if (cursor.AtKeyword("DEFAULT")) {
    return cursor.Unsupported(cursor.token().offset,
                              "DEFAULT is no value here: leave its column out of the column list");
  }
  VARVE_ASSIGN(std::string sql, RewriteValue(cursor));
  return ExpressionText{std::move(sql)};
}

Status ParseRow(Cursor& cursor, std::vector<InsertValue>& row) {
  VARVE_TRY(cursor.ExpectSymbol('('));
  do {
    VARVE_ASSIGN(InsertValue value, ParseValue(cursor));
    row.push_back(std::move(value));
  } while (cursor.TakeSymbol(','));
  if (!cursor.TakeSymbol(')')) {
    return cursor.Expected("',' or ')'");
  }
  return {};
}

Result<std::vector<std::vector<InsertValue>>> ParseRows(Cursor& cursor) {
  std::vector<std::vector<InsertValue>> rows;
  do {
    if (rows.size() == static_cast<size_t>(kBatchRowsMax)) {
      return cursor.Invalid(
          cursor.token().offset,
          fmt::format("Too many rows to write: at most {} with one statement", kBatchRowsMax));
    }
    std::vector<InsertValue> row;
    row.reserve(rows.empty() ? 0 : rows.back().size());
    VARVE_TRY(ParseRow(cursor, row));
    rows.push_back(std::move(row));
  } while (cursor.TakeSymbol(','));
  return rows;
}

// INSERT INTO t (SELECT ...) and not INSERT INTO t (a, b) ...
bool AtQueryInParentheses(const Cursor& cursor) {
  Cursor ahead = cursor;
  return ahead.TakeSymbol('(') && ahead.AtQuery();
}

}  // namespace

Result<Statement> ParseInsert(Cursor& cursor) {
  if (cursor.AtKeyword("OR")) {
    return UnsupportedStatement(cursor, "INSERT");
  }
  cursor.TakeKeyword("INTO");
  cursor.TakeKeyword("TABLE");
  InsertStatement out;
  VARVE_ASSIGN(out.name, cursor.ExpectTableName());
  if (cursor.AtSymbol('(') && !AtQueryInParentheses(cursor)) {
    VARVE_ASSIGN(out.columns, ParseNameList(cursor, "column"));
  }
  if (cursor.TakeKeyword("VALUES")) {
    VARVE_ASSIGN(out.source, ParseRows(cursor));
    if (cursor.AtKeyword("ON") || cursor.AtKeyword("RETURNING")) {
      return UnsupportedStatement(cursor, "INSERT ...");
    }
    return out;
  }
  if (!cursor.AtQuery()) {
    return cursor.Expected("VALUES or a query (SELECT, WITH, FROM)");
  }
  VARVE_ASSIGN(out.source, RewriteQuery(cursor));
  return out;
}

}  // namespace varve
