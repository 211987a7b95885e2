// Cursor: where the parser stands in a text, and the questions that all statements ask there.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "sql/parser.h"
#include "sql/tokenizer.h"

namespace varve {

// Values: a copy looks ahead, and assigning it back returns. Take* moves on and answers true when
// the thing is there; Expect* answers kInvalidArgument with the place otherwise. One thread.
class Cursor {
 public:
  // The text must outlive the cursor and have passed CheckText.
  Cursor(std::string_view text, DoubleQuotes double_quotes)
      : text_(text), double_quotes_(double_quotes), tokenizer_(text), token_(tokenizer_.Next()) {}

  std::string_view text() const { return text_; }
  DoubleQuotes double_quotes() const { return double_quotes_; }
  const Token& token() const { return token_; }
  Token Peek() const {
    Tokenizer ahead = tokenizer_;
    return ahead.Next();
  }
  // Stays at the end and at a place that is no token.
  void Advance() { token_ = tokenizer_.Next(); }

  // Parameters without a number count from 1 again.
  void BeginStatement() { parameters_ = 0; }
  // Of the next such parameter.
  size_t TakeParameterNumber() { return ++parameters_; }

  // The end of the text, or a semicolon.
  bool AtEnd() const { return token_.kind == TokenKind::kEnd || AtSymbol(';'); }
  bool AtSymbol(char symbol) const {
    return token_.kind == TokenKind::kSymbol && token_.text.size() == 1 && token_.text[0] == symbol;
  }
  bool AtKeyword(std::string_view upper) const;
  // This keyword, then that one.
  bool AtKeywords(std::string_view upper, std::string_view next_upper) const;
  // The beginning of a query: SELECT, WITH, FROM, VALUES ( or an opening parenthesis.
  bool AtQuery() const;
  // A token that can only be, or in this dialect is, a string.
  bool AtString() const;

  bool TakeSymbol(char symbol);
  bool TakeKeyword(std::string_view upper);

  Status ExpectSymbol(char symbol);
  Status ExpectKeyword(std::string_view upper);
  Status ExpectEnd();
  // A bare name that is not reserved, or a quoted one. `kind` names it in errors: "table",
  // "column".
  Result<std::string> ExpectName(std::string_view kind);
  // `what` completes "Expected ...".
  Result<std::string> ExpectString(std::string_view what);
  // [[catalog.]schema.]table
  Result<TableName> ExpectTableName();

  // kInvalidArgument: "Expected <what>, found <token>" at this place, or what is wrong with the
  // text here.
  std::unexpected<Error> Expected(std::string_view what) const;
  std::unexpected<Error> Invalid(size_t offset, std::string_view what) const;
  std::unexpected<Error> Unsupported(size_t offset, std::string_view what) const;

 private:
  std::string_view text_;
  DoubleQuotes double_quotes_;
  Tokenizer tokenizer_;
  Token token_;
  size_t parameters_ = 0;  // without a number, taken so far
};

bool IsKeyword(const Token& token, std::string_view upper);

}  // namespace varve
