// SET and RESET.
#include <utility>

#include "sql/keywords.h"
#include "sql/statement_parsers.h"

namespace varve {
namespace {

Result<std::string> SettingName(Cursor& cursor) {
  if (cursor.AtKeywords("TIME", "ZONE")) {  // as in the SQL standard
    cursor.Advance();
    cursor.Advance();
    return std::string("time_zone");
  }
  return cursor.ExpectName("setting");
}

// A string, a number or a bare word; nullopt for DEFAULT.
Result<std::optional<std::string>> SettingValue(Cursor& cursor) {
  if (cursor.TakeKeyword("DEFAULT")) {
    return std::optional<std::string>();
  }
  if (cursor.AtString()) {
    VARVE_ASSIGN(std::string text, cursor.ExpectString("a value"));
    return std::optional(std::move(text));
  }
  const Token token = cursor.token();
  if (token.kind != TokenKind::kNumber && token.kind != TokenKind::kWord) {
    return cursor.Expected("a value in single quotes, a number or DEFAULT");
  }
  cursor.Advance();
  return std::optional(std::string(token.text));
}

}  // namespace

Result<Statement> ParseSet(Cursor& cursor) {
  cursor.TakeKeyword("SESSION");
  const bool time_zone = cursor.AtKeywords("TIME", "ZONE");
  SetStatement out;
  VARVE_ASSIGN(out.name, SettingName(cursor));
  if (!cursor.TakeSymbol('=') && !cursor.TakeKeyword("TO") && !time_zone) {
    return cursor.Expected("'=' or TO");
  }
  VARVE_ASSIGN(out.value, SettingValue(cursor));
  return out;
}

Result<Statement> ParseReset(Cursor& cursor) {
  SetStatement out;
  VARVE_ASSIGN(out.name, SettingName(cursor));
  return out;
}

}  // namespace varve
