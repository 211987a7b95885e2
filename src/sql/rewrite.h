// From Varve's spelling of a query to DuckDB's, token by token:
//   `name`           -> "name"
//   "text"           -> 'text' (DoubleQuotes::kString), but a name where only a name can stand:
//   after AS, FROM, JOIN,
//                       INTO, WITH, before and after a dot, and in USING ( )
//   x'0a'            -> CAST('\x0A' AS BLOB)
//   $$text$$         -> 'text'
//   array(1, 2)      -> make_array(1, 2)
//   t VERSION AS OF 4, t TIMESTAMP AS OF now() - INTERVAL 1 HOUR, t FOR SYSTEM_TIME AS OF '...'
//                    -> t AT (VERSION => 4), t AT (TIMESTAMP => now() - INTERVAL 1 HOUR), ...
//   LIMIT o, n       -> OFFSET o LIMIT n (in this order, as DuckDB reads both)
//   ?, ?1            -> $1, by their order in the statement
//   comments         -> one blank
// Everything else stays byte for byte. What comes out is one statement for DuckDB's scanner,
// whatever went in.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "sql/cursor.h"
#include "sql/parser.h"

namespace varve {

inline constexpr size_t kBracketsDeepMax =
    1000;  // DuckDB's own limit of the depth of an expression

// A whole text that is one query or one expression, like the DEFAULT of a column. Errors:
// kInvalidArgument with the place for anything that is no token, brackets that do not match or are
// too deep, a second statement.
Result<std::string> RewriteForDuckDb(std::string_view sql, ParseOptions options = {});

// From the cursor to the end of the statement. Same errors.
Result<std::string> RewriteQuery(Cursor& cursor);
// From the cursor to the comma or closing parenthesis that ends a value of a list. Same errors.
Result<std::string> RewriteValue(Cursor& cursor);

// From the cursor to the closing parenthesis that is not opened behind it. Same errors.
Result<std::string> RewriteQueryInParentheses(Cursor& cursor);
// From the cursor to the end of the statement, in Varve's spelling, to be kept: the same whatever
// double quotes were (strings in single, names in back quotes), without comments. Same errors, and
// kInvalidArgument for a parameter, which would have no value later.
Result<std::string> RewriteForKeeping(Cursor& cursor);

// 'text', with single quotes doubled.
std::string QuoteString(std::string_view value);

}  // namespace varve
