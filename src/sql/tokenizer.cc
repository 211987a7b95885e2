#include "sql/tokenizer.h"

#include <array>
#include <cstring>

namespace varve {
namespace {

constexpr uint8_t kWordStart = 1;
constexpr uint8_t kWordPart = 2;
constexpr uint8_t kDigit = 4;
constexpr uint8_t kSymbolStart = 8;
constexpr uint8_t kBlank = 16;
constexpr uint8_t kHexDigit = 32;

constexpr std::array<uint8_t, 256> MakeClasses() {
  std::array<uint8_t, 256> classes{};
  for (int c = 0; c < 256; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
    const bool digit = c >= '0' && c <= '9';
    classes[c] |= letter ? kWordStart | kWordPart : 0;
    classes[c] |= digit ? kDigit | kWordPart | kHexDigit : 0;
    classes[c] |= (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ? kHexDigit : 0;
    classes[c] |= c == ' ' || (c >= '\t' && c <= '\r') ? kBlank : 0;
  }
  classes['$'] |= kWordPart;
  for (const char c : std::string_view("()[]{},;.:+-*/%<>=~!@#^&|")) {
    classes[static_cast<uint8_t>(c)] |= kSymbolStart;
  }
  return classes;
}
constexpr std::array<uint8_t, 256> kClasses = MakeClasses();

bool Is(char c, uint8_t classes) { return (kClasses[static_cast<uint8_t>(c)] & classes) != 0; }

// The operators of more than one character, longest first.
constexpr std::array<std::string_view, 29> kOperators = {"!~~*", "->>", "<=>", "<->", "!~~", "~~~",
                                                         "~~*",  "!~*", "^@",  "::",  "->",  "=>",
                                                         "||",   "**",  "@>",  "<@",  "<=",  ">=",
                                                         "<>",   "!=",  "==",  "<<",  ">>",  "&&",
                                                         ":=",   "//",  "~~",  "~*",  "!~"};
constexpr std::string_view kAlwaysAlone = "()[]{},;.";

// Unicode's blanks, which DuckDB's scanner takes for blanks too: people paste them from web pages.
size_t UnicodeBlankSize(std::string_view rest) {
  if (rest.empty() || static_cast<uint8_t>(rest[0]) < 0xc2) {
    return 0;
  }
  if (rest.starts_with("\xc2\xa0")) {
    return 2;
  }
  if (rest.starts_with("\xe2\x80") && rest.size() > 2) {
    const auto last = static_cast<uint8_t>(rest[2]);
    return last <= 0x8a || last == 0xa8 || last == 0xa9 || last == 0xaf ? 3 : 0;
  }
  const bool other = rest.starts_with("\xe2\x81\x9f") || rest.starts_with("\xe3\x80\x80") ||
                     rest.starts_with("\xef\xbb\xbf");
  return other ? 3 : 0;
}

// From `end` on, the first place whose character is not of the classes.
size_t SkipClasses(std::string_view text, size_t end, uint8_t classes) {
  while (end < text.size() && Is(text[end], classes)) {
    ++end;
  }
  return end;
}

size_t WordEnd(std::string_view text, size_t end) {
  while (end < text.size() && Is(text[end], kWordPart) && UnicodeBlankSize(text.substr(end)) == 0) {
    ++end;
  }
  return end;
}

Token Invalid(size_t offset, const char* problem) {
  Token token;
  token.kind = TokenKind::kInvalid;
  token.offset = offset;
  token.problem = problem;
  return token;
}

Token Make(TokenKind kind, std::string_view text, size_t offset, size_t end) {
  Token token;
  token.kind = kind;
  token.offset = offset;
  token.text = text.substr(offset, end - offset);
  return token;
}

const char* UnterminatedProblem(char quote) {
  switch (quote) {
    case '`':
      return "A name in back quotes has no closing back quote";
    case '"':
      return "A text in double quotes has no closing double quote";
    default:
      return "A string has no closing single quote (a single quote in a string is written twice)";
  }
}

// `open` is the place of the opening quote, `offset` that of the token.
Token Quoted(TokenKind kind, std::string_view text, size_t offset, size_t open) {
  const char quote = text[open];
  bool doubled = false;
  size_t from = open + 1;
  while (from < text.size()) {
    const void* found = std::memchr(text.data() + from, quote, text.size() - from);
    if (found == nullptr) {
      break;
    }
    const size_t end = static_cast<size_t>(static_cast<const char*>(found) - text.data()) + 1;
    if (end < text.size() && text[end] == quote) {
      doubled = true;
      from = end + 1;
      continue;
    }
    Token token = Make(kind, text, offset, end);
    token.doubled = doubled;
    return token;
  }
  return Invalid(offset, UnterminatedProblem(quote));
}

Token EscapeString(std::string_view text, size_t offset) {
  for (size_t at = offset + 2; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '\'') {
      if (at + 1 >= text.size() || text[at + 1] != '\'') {
        return Make(TokenKind::kEscapeString, text, offset, at + 1);
      }
      ++at;
    }
  }
  return Invalid(offset, UnterminatedProblem('\''));
}

Token Hex(std::string_view text, size_t offset) {
  const size_t end = SkipClasses(text, offset + 2, kHexDigit);
  if (end >= text.size() || text[end] != '\'') {
    return Invalid(offset, "A hex literal is x'..' with hexadecimal digits only");
  }
  if ((end - offset) % 2 != 0) {
    return Invalid(offset, "A hex literal has two hexadecimal digits for each byte");
  }
  return Make(TokenKind::kHex, text, offset, end + 1);
}

Token Word(std::string_view text, size_t offset) {
  const size_t end = WordEnd(text, offset);
  if (end == offset + 1 && end < text.size() && text[end] == '\'') {
    if ((text[offset] | 0x20) == 'x') {
      return Hex(text, offset);
    }
    if ((text[offset] | 0x20) == 'e') {
      return EscapeString(text, offset);
    }
  }
  return Make(TokenKind::kWord, text, offset, end);
}

size_t DigitsEnd(std::string_view text, size_t end) {
  while (end < text.size() &&
         (Is(text[end], kDigit) ||
          (text[end] == '_' && end + 1 < text.size() && Is(text[end + 1], kDigit)))) {
    ++end;
  }
  return end;
}

Token Number(std::string_view text, size_t offset) {
  size_t end = DigitsEnd(text, offset);
  if (end < text.size() && text[end] == '.') {
    end = SkipClasses(text, end + 1, kDigit);
  }
  if (end < text.size() && (text[end] | 0x20) == 'e') {
    size_t exponent = end + 1;
    if (exponent < text.size() && (text[exponent] == '+' || text[exponent] == '-')) {
      ++exponent;
    }
    if (exponent < text.size() && Is(text[exponent], kDigit)) {
      end = SkipClasses(text, exponent, kDigit);
    }
  }
  if (WordEnd(text, end) != end) {
    return Invalid(offset,
                   "A number goes on with letters: write a name that begins with a digit in back "
                   "quotes (`7d`), a value in single quotes ('7d')");
  }
  return Make(TokenKind::kNumber, text, offset, end);
}

// $1, $name, $$text$$, $tag$text$tag$
Token Dollar(std::string_view text, size_t offset) {
  size_t end = offset + 1;
  while (end < text.size() && text[end] != '$' && Is(text[end], kWordPart) &&
         UnicodeBlankSize(text.substr(end)) == 0) {
    ++end;
  }
  const bool tag = end == offset + 1 || !Is(text[offset + 1], kDigit);
  if (tag && end < text.size() && text[end] == '$') {
    const std::string_view fence = text.substr(offset, end + 1 - offset);
    const size_t close = text.find(fence, end + 1);
    if (close == std::string_view::npos) {
      return Invalid(offset, "A dollar-quoted string has no end");
    }
    return Make(TokenKind::kDollarQuoted, text, offset, close + fence.size());
  }
  if (end == offset + 1) {
    return Invalid(offset, "A '$' stands before the number or the name of a parameter");
  }
  return Make(TokenKind::kParameter, text, offset, end);
}

bool CommentAt(std::string_view text, size_t offset) {
  const std::string_view two = text.substr(offset, 2);
  return two == "--" || two == "/*";
}

// No operator reaches into a comment: `1 //* x */` is a division and a comment, as DuckDB reads it.
Token Symbol(std::string_view text, size_t offset) {
  const Token alone = Make(TokenKind::kSymbol, text, offset, offset + 1);
  const bool more = alone.end() < text.size() && Is(text[alone.end()], kSymbolStart);
  if (!more || kAlwaysAlone.find(text[offset]) != std::string_view::npos) {
    return alone;
  }
  for (const std::string_view symbol : kOperators) {
    if (!text.substr(offset).starts_with(symbol)) {
      continue;
    }
    bool whole = true;
    for (size_t at = 1; at < symbol.size(); ++at) {
      whole = whole && !CommentAt(text, offset + at);
    }
    if (whole) {
      return Make(TokenKind::kSymbol, text, offset, offset + symbol.size());
    }
  }
  return alone;
}

}  // namespace

std::string QuotedValue(const Token& token) {
  if (token.kind == TokenKind::kDollarQuoted) {
    const size_t fence = token.text.find('$', 1) + 1;
    return std::string(token.text.substr(fence, token.text.size() - 2 * fence));
  }
  const std::string_view inside = token.text.substr(1, token.text.size() - 2);
  if (!token.doubled) {
    return std::string(inside);
  }
  std::string value;
  value.reserve(inside.size());
  for (size_t at = 0; at < inside.size(); ++at) {
    value.push_back(inside[at]);
    at += inside[at] == token.text[0] ? 1 : 0;
  }
  return value;
}

std::string HexValue(const Token& token) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  const std::string_view inside = token.text.substr(2, token.text.size() - 3);
  std::string value;
  value.reserve(inside.size() / 2);
  for (size_t at = 0; at < inside.size(); at += 2) {
    value.push_back(static_cast<char>(digit(inside[at]) * 16 + digit(inside[at + 1])));
  }
  return value;
}

Tokenizer::Blanks Tokenizer::SkipBlanks() {
  Blanks blanks;
  while (offset_ < text_.size()) {
    if (Is(text_[offset_], kBlank)) {
      offset_ = SkipClasses(text_, offset_, kBlank);
      blanks.gap = blanks.gap == Gap::kNone ? Gap::kBlanks : blanks.gap;
      continue;
    }
    size_t end = offset_ + UnicodeBlankSize(text_.substr(offset_));
    if (CommentAt(text_, offset_)) {
      const bool line = text_[offset_] == '-';
      end = line ? text_.find_first_of("\r\n", offset_) : text_.find("*/", offset_ + 2);
      if (end == std::string_view::npos && !line) {
        blanks.unterminated = true;
        return blanks;
      }
      end = end == std::string_view::npos ? text_.size() : end + (line ? 0 : 2);
    }
    if (end == offset_) {
      break;
    }
    blanks.gap = Gap::kOther;
    offset_ = end;
  }
  return blanks;
}

Token Tokenizer::TokenAtOffset() const {
  if (offset_ == text_.size()) {
    return Make(TokenKind::kEnd, text_, offset_, offset_);
  }
  const char first = text_[offset_];
  const bool digit_next = offset_ + 1 < text_.size() && Is(text_[offset_ + 1], kDigit);
  if (Is(first, kWordStart)) {
    return Word(text_, offset_);
  }
  if (Is(first, kDigit) || (first == '.' && digit_next)) {
    return Number(text_, offset_);
  }
  switch (first) {
    case '\'':
      return Quoted(TokenKind::kSingleQuoted, text_, offset_, offset_);
    case '"':
      return Quoted(TokenKind::kDoubleQuoted, text_, offset_, offset_);
    case '`':
      return Quoted(TokenKind::kBackQuoted, text_, offset_, offset_);
    case '$':
      return Dollar(text_, offset_);
    case '?':
      return Make(TokenKind::kParameter, text_, offset_, SkipClasses(text_, offset_ + 1, kDigit));
    default:
      break;
  }
  if (Is(first, kSymbolStart)) {
    return Symbol(text_, offset_);
  }
  return Invalid(offset_, "This character has no meaning in SQL outside quotes");
}

Token Tokenizer::Next() {
  const Blanks blanks = SkipBlanks();
  Token token =
      blanks.unterminated ? Invalid(offset_, "A comment /* has no end */") : TokenAtOffset();
  token.gap = blanks.gap;
  offset_ = token.end();
  return token;
}

}  // namespace varve
