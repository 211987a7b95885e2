// COPY, in both directions.
#include <utility>

#include "sql/options_parser.h"
#include "sql/rewrite.h"
#include "sql/statement_parsers.h"

namespace varve {
namespace {

// [WITH] (FORMAT csv, ...)
Result<OptionMap> TakeOptions(Cursor& cursor) {
  const bool with = cursor.TakeKeyword("WITH");
  if (with || cursor.AtSymbol('(')) {
    return ParseCopyOptions(cursor);
  }
  return OptionMap();
}

Result<Statement> ParseTarget(Cursor& cursor, CopyToStatement out) {
  VARVE_ASSIGN(out.path, cursor.ExpectString("the path of a file in single quotes"));
  VARVE_ASSIGN(out.options, TakeOptions(cursor));
  return out;
}

// (query) TO 'path'
Result<Statement> ParseCopyQuery(Cursor& cursor) {
  CopyToStatement out;
  VARVE_TRY(cursor.ExpectSymbol('('));
  if (!cursor.AtQuery()) {
    return cursor.Expected("a query (SELECT, WITH, FROM, VALUES)");
  }
  VARVE_ASSIGN(out.query, RewriteQueryInParentheses(cursor));
  VARVE_TRY(cursor.ExpectSymbol(')'));
  VARVE_TRY(cursor.ExpectKeyword("TO"));
  return ParseTarget(cursor, std::move(out));
}

// Behind COPY DATABASE.
Result<Statement> ParseCopyDatabase(Cursor& cursor) {
  CopyDatabaseStatement out;
  VARVE_ASSIGN(out.name, ExpectSchemaName(cursor));
  VARVE_TRY(cursor.ExpectKeyword("TO"));
  VARVE_ASSIGN(out.folder, cursor.ExpectString("the path of a folder in single quotes"));
  VARVE_ASSIGN(out.options, TakeOptions(cursor));
  return out;
}

// A table may be called `database`.
bool AtDatabase(const Cursor& cursor) {
  if (!cursor.AtKeyword("DATABASE") && !cursor.AtKeyword("SCHEMA")) {
    return false;
  }
  const Token next = cursor.Peek();
  return next.kind != TokenKind::kSymbol && !IsKeyword(next, "FROM") && !IsKeyword(next, "TO");
}

}  // namespace

Result<Statement> ParseCopy(Cursor& cursor) {
  if (cursor.AtSymbol('(')) {
    return ParseCopyQuery(cursor);
  }
  if (AtDatabase(cursor)) {
    cursor.Advance();
    return ParseCopyDatabase(cursor);
  }
  CopyFromStatement out;
  VARVE_ASSIGN(out.name, cursor.ExpectTableName());
  if (cursor.AtSymbol('(')) {
    VARVE_ASSIGN(out.columns, ParseNameList(cursor, "column"));
  }
  if (cursor.TakeKeyword("TO")) {
    return ParseTarget(
        cursor, CopyToStatement{.name = std::move(out.name), .columns = std::move(out.columns)});
  }
  if (!cursor.TakeKeyword("FROM")) {
    return cursor.Expected("FROM or TO");
  }
  VARVE_ASSIGN(out.path, cursor.ExpectString("the path of a file in single quotes"));
  VARVE_ASSIGN(out.options, TakeOptions(cursor));
  return out;
}

}  // namespace varve
