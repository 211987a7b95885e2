#include "sql/keywords.h"

#include <algorithm>
#include <array>

namespace varve {
namespace {

// Both lists are sorted.
constexpr std::array<std::string_view, 75> kReserved = {
    "ALL",          "ANALYSE",     "ANALYZE", "AND",       "ANY",        "ARRAY",      "AS",
    "ASC",          "ASYMMETRIC",  "BOTH",    "CASE",      "CAST",       "CHECK",      "COLLATE",
    "COLUMN",       "CONSTRAINT",  "CREATE",  "DEFAULT",   "DEFERRABLE", "DESC",       "DESCRIBE",
    "DISTINCT",     "DO",          "ELSE",    "END",       "EXCEPT",     "FALSE",      "FETCH",
    "FOR",          "FOREIGN",     "FROM",    "GROUP",     "HAVING",     "IN",         "INITIALLY",
    "INTERSECT",    "INTO",        "LAMBDA",  "LATERAL",   "LEADING",    "LIMIT",      "NOT",
    "NULL",         "OFFSET",      "ON",      "ONLY",      "OR",         "ORDER",      "PIVOT",
    "PIVOT_LONGER", "PIVOT_WIDER", "PLACING", "PRIMARY",   "QUALIFY",    "REFERENCES", "RETURNING",
    "SELECT",       "SHOW",        "SOME",    "SUMMARIZE", "SYMMETRIC",  "TABLE",      "THEN",
    "TO",           "TRAILING",    "TRUE",    "UNION",     "UNIQUE",     "UNPIVOT",    "USING",
    "VARIADIC",     "WHEN",        "WHERE",   "WINDOW",    "WITH"};
static_assert(std::ranges::is_sorted(kReserved));

constexpr std::array<std::string_view, 38> kUnsupported = {
    "ABORT",   "ANALYSE",    "ANALYZE",   "ATTACH",  "BEGIN",  "CHECKPOINT", "COMMENT",
    "COMMIT",  "DEALLOCATE", "DETACH",    "DO",      "END",    "EXECUTE",    "FORCE",
    "GRANT",   "INSTALL",    "KILL",      "LOAD",    "LOCK",   "MERGE",      "OPTIMIZE",
    "PIVOT",   "PRAGMA",     "PREPARE",   "RELEASE", "RENAME", "REPLACE",    "RESET",
    "REVOKE",  "ROLLBACK",   "SAVEPOINT", "SET",     "START",  "SUMMARIZE",  "TABLE",
    "UNPIVOT", "UPDATE",     "VACUUM"};
static_assert(std::ranges::is_sorted(kUnsupported));

char Upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr size_t kLongestKeyword = 16;

bool Among(std::string_view word, auto& sorted) {
  return word.size() <= kLongestKeyword &&
         std::ranges::binary_search(sorted, std::string_view(ToUpper(word)));
}

}  // namespace

bool IsKeyword(std::string_view word, std::string_view upper) {
  return word.size() == upper.size() &&
         std::ranges::equal(word, upper, [](char a, char b) { return Upper(a) == b; });
}

std::string ToUpper(std::string_view word) {
  std::string out(word);
  std::ranges::transform(out, out.begin(), Upper);
  return out;
}

std::string ToLower(std::string_view word) {
  std::string out(word);
  std::ranges::transform(out, out.begin(), Lower);
  return out;
}

bool IsReserved(std::string_view word) { return Among(word, kReserved); }

bool IsBareName(std::string_view name) {
  const auto part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::ranges::all_of(name, part) &&
         !IsReserved(name);
}

bool BeginsUnsupportedStatement(std::string_view word) { return Among(word, kUnsupported); }

}  // namespace varve
