#include "sql/options_parser.h"

#include <optional>
#include <set>
#include <utility>

#include "sql/error_text.h"
#include "sql/keywords.h"

namespace varve {
namespace {

// The rest of a name of words: the ".num-retained.min" of "snapshot.num-retained.min".
std::string TakeNameTail(Cursor& cursor) {
  std::string tail;
  while ((cursor.AtSymbol('.') || cursor.AtSymbol('-')) && cursor.Peek().kind == TokenKind::kWord) {
    tail += cursor.token().text;
    cursor.Advance();
    tail += cursor.token().text;
    cursor.Advance();
  }
  return tail;
}

// Any word may be a key or a value, reserved or not: `compaction_strategy = default`.
Result<std::string> ExpectKey(Cursor& cursor) {
  const Token token = cursor.token();
  std::string key;
  if (token.kind == TokenKind::kWord) {
    key = token.text;
    cursor.Advance();
    return key + TakeNameTail(cursor);
  }
  if (token.kind == TokenKind::kBackQuoted || token.kind == TokenKind::kDoubleQuoted ||
      token.kind == TokenKind::kSingleQuoted) {
    key = QuotedValue(token);
  } else {
    return cursor.Expected("the name of an option");
  }
  cursor.Advance();
  return key;
}

// nullopt: NULL.
Result<std::optional<std::string>> ExpectValue(Cursor& cursor) {
  if (cursor.TakeKeyword("NULL")) {
    return std::nullopt;
  }
  if (cursor.AtString()) {
    VARVE_ASSIGN(std::string value, cursor.ExpectString("a value"));
    return value;
  }
  std::string value;
  if (cursor.TakeSymbol('-')) {
    value = "-";
  } else {
    cursor.TakeSymbol('+');
  }
  const Token token = cursor.token();
  const bool word = token.kind == TokenKind::kWord && value.empty();
  if (token.kind != TokenKind::kNumber && !word) {
    return cursor.Expected(
        "the value of the option: a string in single quotes, a number or a word");
  }
  value += token.text;
  cursor.Advance();
  return value;
}

Status CheckNew(const Cursor& cursor, size_t offset, const std::string& key,
                std::set<std::string>& seen) {
  if (!seen.insert(key).second) {
    return cursor.Invalid(offset, fmt::format("Option {} is given twice", Excerpt(key)));
  }
  return {};
}

}  // namespace

Result<OptionMap> ParseTableOptions(Cursor& cursor) {
  OptionMap options;
  std::set<std::string> seen;
  do {
    const size_t offset = cursor.token().offset;
    VARVE_ASSIGN(std::string key, ExpectKey(cursor));
    VARVE_TRY(CheckNew(cursor, offset, key, seen));
    VARVE_TRY(cursor.ExpectSymbol('='));
    VARVE_ASSIGN(std::optional<std::string> value, ExpectValue(cursor));
    if (value) {
      options.emplace(std::move(key), *std::move(value));
    }
  } while (cursor.TakeSymbol(','));
  return options;
}

Result<OptionMap> ParseCopyOptions(Cursor& cursor) {
  VARVE_TRY(cursor.ExpectSymbol('('));
  OptionMap options;
  std::set<std::string> seen;
  do {
    const size_t offset = cursor.token().offset;
    VARVE_ASSIGN(const std::string key_as_written, ExpectKey(cursor));
    std::string key = ToLower(key_as_written);
    VARVE_TRY(CheckNew(cursor, offset, key, seen));
    const bool equals = cursor.TakeSymbol('=');
    if (!equals && (cursor.AtSymbol(',') || cursor.AtSymbol(')'))) {
      options.emplace(std::move(key), "true");
      continue;
    }
    VARVE_ASSIGN(std::optional<std::string> value, ExpectValue(cursor));
    if (value) {
      options.emplace(std::move(key), *std::move(value));
    }
  } while (cursor.TakeSymbol(','));
  VARVE_TRY(cursor.ExpectSymbol(')'));
  return options;
}

}  // namespace varve
