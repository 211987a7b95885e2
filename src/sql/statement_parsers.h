// One function per first word of a statement. The cursor stands behind that word; it is left where
// the statement should end. Errors: as ParseSql's.
#pragma once

#include <optional>

#include "base/result.h"
#include "sql/cursor.h"
#include "sql/statement.h"

namespace varve {

Result<Statement> ParseCreate(Cursor& cursor);  // ddl_parser.cc
Result<Statement> ParseDrop(Cursor& cursor);
Result<Statement> ParseAlter(Cursor& cursor);   // alter_parser.cc
Result<Statement> ParseDelete(Cursor& cursor);  // delete_parser.cc
Result<Statement> ParseTruncate(Cursor& cursor);
Result<Statement> ParseInsert(Cursor& cursor);    // insert_parser.cc
Result<Statement> ParseDescribe(Cursor& cursor);  // utility_parser.cc
Result<Statement> ParseShow(Cursor& cursor);
Result<Statement> ParseExists(Cursor& cursor);
Result<Statement> ParseUse(Cursor& cursor);
Result<Statement> ParseSet(Cursor& cursor);  // settings_parser.cc
Result<Statement> ParseReset(Cursor& cursor);
Result<Statement> ParseCopy(Cursor& cursor);  // copy_parser.cc
Result<Statement> ParseExport(Cursor& cursor);  // transfer_parser.cc
Result<Statement> ParseImport(Cursor& cursor);
Result<Statement> ParseCompact(Cursor& cursor);
Result<Statement> ParseCall(Cursor& cursor);  // call_parser.cc
// After the procedure's name (consumer_call_parser.cc).
Result<Statement> ParseConsumerCall(Cursor& cursor, ConsumerStatement::Action action);
Result<Statement> ParseExplain(Cursor& cursor);

// Behind CREATE [OR REPLACE] VIEW, DROP VIEW (view_parser.cc).
Result<Statement> ParseCreateView(Cursor& cursor, IfTaken if_taken);
Result<Statement> ParseDropView(Cursor& cursor);

// Behind CREATE SAVEPOINT and the like (savepoint_parser.cc).
Result<Statement> ParseCreateSavepoint(Cursor& cursor);
Result<Statement> ParseDropSavepoint(Cursor& cursor);
Result<Statement> ParseAlterSavepoint(Cursor& cursor);
Result<Statement> ParseShowSavepoints(Cursor& cursor);
Result<Statement> ParseRollback(Cursor& cursor);
Result<Statement> ParseUndrop(Cursor& cursor);
// VERSION AS OF n, FOR SYSTEM_TIME AS OF ts and the like, if one stands here.
Result<std::optional<VersionText>> ParseAsOf(Cursor& cursor);

// IF EXISTS; IF NOT EXISTS, and as CeresDB's first manual writes it: IF NOT EXIST.
Result<IfMissing> ParseIfExists(Cursor& cursor);
Result<IfPresent> ParseIfNotExists(Cursor& cursor);
// [catalog.]schema
Result<SchemaName> ExpectSchemaName(Cursor& cursor);

// kNotSupported "Unsupported SQL statement: CREATE INDEX": `words` and then the word that the
// cursor is at, if any.
std::unexpected<Error> UnsupportedStatement(const Cursor& cursor, std::string_view words);

// (name [, name]...). `kind` as in Cursor::ExpectName.
Result<std::vector<std::string>> ParseNameList(Cursor& cursor, std::string_view kind);

}  // namespace varve
