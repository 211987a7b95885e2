// The normal form of DEFAULT expressions: how SHOW CREATE TABLE prints them and how they are kept.
//
// One blank around operators (`c3*2 + 1` -> `c3 * 2 + 1`), words of the language in upper case,
// true and false in lower case, strings in single quotes, names bare or in back quotes. It is
// Varve's spelling, so that it may stand in a CREATE TABLE again; for DuckDB it goes through
// RewriteForDuckDb, with DoubleQuotes::kString or kIdentifier alike.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "sql/cursor.h"
#include "sql/parser.h"

namespace varve {

// Errors: kInvalidArgument with the place when it is empty, has brackets that do not match, or goes
// on behind its end. The normal form of a normal form is itself.
Result<std::string> NormalizeExpression(std::string_view sql, ParseOptions options = {});

// The expression that the cursor is at, in normal form. It ends before a comma, a closing
// parenthesis, the end of the statement, or a column option (NOT NULL, TAG, ...) where an operand
// has ended. Same errors.
Result<std::string> ParseDefaultExpression(Cursor& cursor);

}  // namespace varve
