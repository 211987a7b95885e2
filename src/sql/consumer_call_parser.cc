// CALL create_consumer('t', 'name' [, version]), reset_consumer('t', 'name', version),
// delete_consumer('t', 'name').
#include "sql/statement_parsers.h"

namespace varve {
namespace {

using Action = ConsumerStatement::Action;

constexpr std::string_view kVersion =
    "a version: a number, or a text like 'snapshot.7' or 'savepoint.name'";

// The argument after the first ones.
Result<std::string> NextText(Cursor& cursor, std::string_view what) {
  VARVE_TRY(cursor.ExpectSymbol(','));
  return cursor.ExpectString(what);
}

Result<std::string> ParseVersion(Cursor& cursor) {
  VARVE_TRY(cursor.ExpectSymbol(','));
  if (cursor.AtString()) {
    return cursor.ExpectString(kVersion);
  }
  if (cursor.token().kind != TokenKind::kNumber) {
    return cursor.Expected(kVersion);
  }
  std::string text(cursor.token().text);
  cursor.Advance();
  return text;
}

}  // namespace

Result<Statement> ParseConsumerCall(Cursor& cursor, ConsumerStatement::Action action) {
  ConsumerStatement out;
  out.action = action;
  VARVE_TRY(cursor.ExpectSymbol('('));
  VARVE_ASSIGN(const std::string table, cursor.ExpectString("the table's name in quotes"));
  // The text holds a name as it would stand in a statement.
  Cursor name(table, cursor.double_quotes());
  VARVE_ASSIGN(out.name, name.ExpectTableName());
  VARVE_TRY(name.ExpectEnd());
  VARVE_ASSIGN(out.consumer, NextText(cursor, "the consumer's name in quotes"));
  if (action == Action::kReset || (action == Action::kCreate && cursor.AtSymbol(','))) {
    VARVE_ASSIGN(out.version, ParseVersion(cursor));
  }
  VARVE_TRY(cursor.ExpectSymbol(')'));
  return out;
}

}  // namespace varve
