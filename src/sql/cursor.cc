#include "sql/cursor.h"

#include <utility>
#include <vector>

#include "sql/error_text.h"
#include "sql/keywords.h"

namespace varve {

bool IsKeyword(const Token& token, std::string_view upper) {
  return token.kind == TokenKind::kWord && IsKeyword(token.text, upper);
}

bool Cursor::AtKeyword(std::string_view upper) const { return IsKeyword(token_, upper); }

bool Cursor::AtKeywords(std::string_view upper, std::string_view next_upper) const {
  return AtKeyword(upper) && IsKeyword(Peek(), next_upper);
}

bool Cursor::AtQuery() const {
  if (AtSymbol('(') || AtKeyword("SELECT") || AtKeyword("WITH") || AtKeyword("FROM")) {
    return true;
  }
  return AtKeyword("VALUES") && Peek().text == "(";
}

bool Cursor::AtString() const {
  return token_.kind == TokenKind::kSingleQuoted || token_.kind == TokenKind::kDollarQuoted ||
         (token_.kind == TokenKind::kDoubleQuoted && double_quotes_ == DoubleQuotes::kString);
}

bool Cursor::TakeSymbol(char symbol) {
  const bool there = AtSymbol(symbol);
  if (there) {
    Advance();
  }
  return there;
}

bool Cursor::TakeKeyword(std::string_view upper) {
  const bool there = AtKeyword(upper);
  if (there) {
    Advance();
  }
  return there;
}

Status Cursor::ExpectSymbol(char symbol) {
  if (!TakeSymbol(symbol)) {
    return Expected(fmt::format("'{}'", symbol));
  }
  return {};
}

Status Cursor::ExpectKeyword(std::string_view upper) {
  if (!TakeKeyword(upper)) {
    return Expected(upper);
  }
  return {};
}

Status Cursor::ExpectEnd() {
  if (!AtEnd()) {
    return Expected("';' or the end of the statement");
  }
  return {};
}

Result<std::string> Cursor::ExpectName(std::string_view kind) {
  std::string name;
  switch (token_.kind) {
    case TokenKind::kWord:
      if (IsReserved(token_.text)) {
        return Invalid(token_.offset, fmt::format("Expected the name of a {0}, found the reserved "
                                                  "word {1}: as a name it is written `{1}`",
                                                  kind, token_.text));
      }
      name = token_.text;
      break;
    case TokenKind::kBackQuoted:
    case TokenKind::kDoubleQuoted:
      name = QuotedValue(token_);
      break;
    default:
      return Expected(fmt::format("the name of a {}", kind));
  }
  if (const Status status = CheckIdentifier(kind, name); !status) {
    return Invalid(token_.offset, status.error().message);
  }
  Advance();
  return name;
}

Result<std::string> Cursor::ExpectString(std::string_view what) {
  if (!AtString()) {
    return Expected(what);
  }
  std::string value = QuotedValue(token_);
  Advance();
  return value;
}

Result<TableName> Cursor::ExpectTableName() {
  constexpr size_t kPartsMax = 3;  // catalog.schema.table
  const size_t offset = token_.offset;
  std::vector<std::string> parts;
  do {
    if (parts.size() == kPartsMax) {
      return Invalid(offset, "A table's name has at most three parts: catalog.schema.table");
    }
    VARVE_ASSIGN(std::string part, ExpectName("table"));
    parts.push_back(std::move(part));
  } while (TakeSymbol('.'));
  TableName name;
  name.table = std::move(parts.back());
  name.schema = parts.size() > 1 ? std::move(parts[parts.size() - 2]) : "";
  name.catalog = parts.size() > 2 ? std::move(parts[0]) : "";
  return name;
}

std::unexpected<Error> Cursor::Expected(std::string_view what) const {
  if (token_.kind == TokenKind::kInvalid) {
    return Invalid(token_.offset, token_.problem);
  }
  const std::string found = token_.kind == TokenKind::kEnd
                                ? "the end of the text"
                                : fmt::format("'{}'", Excerpt(token_.text));
  return Invalid(token_.offset, fmt::format("Expected {}, found {}", what, found));
}

std::unexpected<Error> Cursor::Invalid(size_t offset, std::string_view what) const {
  return ErrorAt(ErrorKind::kInvalidArgument, text_, offset, what);
}

std::unexpected<Error> Cursor::Unsupported(size_t offset, std::string_view what) const {
  return ErrorAt(ErrorKind::kNotSupported, text_, offset, what);
}

}  // namespace varve
