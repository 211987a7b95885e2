// The parser: text of Varve's dialect (CeresDB's, and what users get beyond it) to Statements.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "sql/statement.h"

namespace varve {

// What a token in double quotes is.
enum class DoubleQuotes : uint8_t {
  kString,      // as in CeresDB and MySQL; an identifier only where nothing else can stand
  kIdentifier,  // as in PostgreSQL and Flight SQL
};

struct ParseOptions {
  DoubleQuotes double_quotes = DoubleQuotes::kString;
};

inline constexpr size_t kStatementBytesMax = 64 << 20;  // of one request's text
inline constexpr size_t kStatementsMax = 1024;          // in one request

// The statements of the text, in order; empty for an empty text or comments only. Errors:
// kInvalidArgument with line, column, the line itself and a caret under the place; kNotSupported
// for a statement that Varve knows of but does not do. Thread-safe: it has no state.
Result<std::vector<Statement>> ParseSql(std::string_view text, ParseOptions options = {});

}  // namespace varve
