// CREATE VIEW, DROP VIEW.
#include <utility>

#include "sql/rewrite.h"
#include "sql/statement_parsers.h"

namespace varve {

Result<Statement> ParseCreateView(Cursor& cursor, IfTaken if_taken) {
  CreateViewStatement out{.if_taken = if_taken};
  const size_t offset = cursor.token().offset;
  VARVE_ASSIGN(const IfPresent if_present, ParseIfNotExists(cursor));
  if (if_present == IfPresent::kIgnore) {
    if (if_taken == IfTaken::kReplace) {
      return cursor.Invalid(offset, "OR REPLACE and IF NOT EXISTS exclude each other");
    }
    out.if_taken = IfTaken::kKeep;
  }
  VARVE_ASSIGN(out.name, cursor.ExpectTableName());
  if (cursor.AtSymbol('(')) {
    VARVE_ASSIGN(out.columns, ParseNameList(cursor, "column"));
  }
  VARVE_TRY(cursor.ExpectKeyword("AS"));
  if (!cursor.AtQuery()) {
    return cursor.Expected("a query (SELECT, WITH, FROM, VALUES)");
  }
  VARVE_ASSIGN(out.query, RewriteForKeeping(cursor));
  return out;
}

Result<Statement> ParseDropView(Cursor& cursor) {
  DropViewStatement out;
  VARVE_ASSIGN(out.if_missing, ParseIfExists(cursor));
  VARVE_ASSIGN(out.name, cursor.ExpectTableName());
  return out;
}

}  // namespace varve
