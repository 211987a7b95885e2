// Token: one word, literal or symbol of an SQL text. Tokens are views into the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace varve {

enum class TokenKind : uint8_t {
  kEnd,           // of the text
  kInvalid,       // no token begins here: `problem` says why
  kWord,          // a bare name or a keyword
  kBackQuoted,    // `name`, a back quote in it is doubled
  kDoubleQuoted,  // "text", a double quote in it is doubled; string or name, see DoubleQuotes
  kSingleQuoted,  // 'text', a single quote in it is doubled; a backslash is a backslash
  kEscapeString,  // E'text' with backslash escapes, as in PostgreSQL
  kDollarQuoted,  // $$text$$ or $tag$text$tag$
  kHex,           // x'0a'
  kNumber,        // 12, 1.5e3, .5, 1_000
  kParameter,     // ?, ?1, $1, $name
  kSymbol,        // punctuation and operators, the longest that fits
};

// What stands before a token.
enum class Gap : uint8_t {
  kNone,
  kBlanks,  // ASCII blanks only
  kOther,   // at least one comment or one blank that is not ASCII
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  Gap gap = Gap::kNone;
  bool doubled = false;      // quoted kinds: a doubled quote is in it
  size_t offset = 0;         // of the token in the text
  std::string_view text;     // as written, with its quotes
  const char* problem = "";  // kInvalid: a sentence for the user

  size_t end() const { return offset + text.size(); }
};

// What a token in quotes stands for: kBackQuoted, kDoubleQuoted, kSingleQuoted, kDollarQuoted.
std::string QuotedValue(const Token& token);

// The bytes of a kHex token.
std::string HexValue(const Token& token);

}  // namespace varve
