// Words with a meaning. Any case.
#pragma once

#include <string>
#include <string_view>

namespace varve {

// Whether the word is the keyword, which is given in upper case.
bool IsKeyword(std::string_view word, std::string_view upper);

// ASCII letters only; names in other scripts stay as they are.
std::string ToUpper(std::string_view word);
std::string ToLower(std::string_view word);

// Whether the word needs quotes to be a name: what DuckDB reserves, so that a table that was made
// can be asked for.
bool IsReserved(std::string_view word);

// Whether the name can be written without quotes: letters, digits and underscores, not reserved.
bool IsBareName(std::string_view name);

// Whether statements that begin with the word are known, here or from other databases, but are not
// done by Varve.
bool BeginsUnsupportedStatement(std::string_view word);

// What a statement may begin with, for messages.
inline constexpr std::string_view kStatementBeginnings =
    "SELECT, WITH, FROM, VALUES, INSERT, DELETE, TRUNCATE, CREATE, DROP, ALTER, SHOW, DESCRIBE, "
    "EXISTS, EXPLAIN, "
    "USE, COPY, EXPORT, IMPORT, COMPACT, CALL, ROLLBACK and UNDROP";

}  // namespace varve
