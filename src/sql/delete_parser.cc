// DELETE, TRUNCATE.
#include <utility>

#include "sql/rewrite.h"
#include "sql/statement_parsers.h"

namespace varve {

Result<Statement> ParseDelete(Cursor& cursor) {
  VARVE_TRY(cursor.ExpectKeyword("FROM"));
  DeleteStatement out;
  VARVE_ASSIGN(out.name, cursor.ExpectTableName());
  if (cursor.AtEnd()) {
    return out;
  }
  VARVE_TRY(cursor.ExpectKeyword("WHERE"));
  if (cursor.AtEnd() || (cursor.AtQuery() && !cursor.AtSymbol('('))) {
    return cursor.Expected("a condition");
  }
  VARVE_ASSIGN(out.where, RewriteQuery(cursor));
  return out;
}

Result<Statement> ParseTruncate(Cursor& cursor) {
  cursor.TakeKeyword("TABLE");
  TruncateStatement out;
  VARVE_ASSIGN(out.name, cursor.ExpectTableName());
  return out;
}

}  // namespace varve
