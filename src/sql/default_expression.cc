#include "sql/default_expression.h"

#include <algorithm>
#include <array>
#include <utility>

#include "sql/error_text.h"
#include "sql/keywords.h"
#include "sql/rewrite.h"

namespace varve {
namespace {

// Words after which an operand is expected, as after a binary operator.
constexpr std::array<std::string_view, 19> kOperatorWords = {
    "AND",  "OR",   "NOT", "IS",   "IN",      "LIKE",   "ILIKE",    "BETWEEN", "CASE", "WHEN",
    "THEN", "ELSE", "AS",  "FROM", "COLLATE", "ESCAPE", "DISTINCT", "SIMILAR", "GLOB"};
// Words that end an operand or stand before one, and are printed in upper case too.
constexpr std::array<std::string_view, 4> kOtherWords = {"NULL", "END", "CAST", "INTERVAL"};
constexpr std::array<std::string_view, 2> kLowerWords = {"TRUE", "FALSE"};
constexpr std::array<std::string_view, 10> kOptionWords = {
    "NOT",      "NULL",      "TAG",     "DICTIONARY", "UNSIGN",
    "UNSIGNED", "TIMESTAMP", "PRIMARY", "DEFAULT",    "COMMENT"};

bool IsOneOf(std::string_view word, const auto& upper_words) {
  return std::ranges::any_of(upper_words,
                             [&](std::string_view upper) { return IsKeyword(word, upper); });
}

// What a token is for the blanks around it.
enum class Role : uint8_t {
  kNone,
  kOperand,
  kOperatorWord,
  kUnary,
  kBinary,
  kOpen,
  kClose,
  kTight,
  kComma
};

class Normalizer {
 public:
  explicit Normalizer(Cursor& cursor) : cursor_(cursor) {}

  Result<std::string> Run() {
    while (!Ended()) {
      const Role role = RoleOf(cursor_.token());
      VARVE_TRY(TrackBrackets(role));
      if (BlankBefore(role)) {
        out_ += ' ';
      }
      out_ += Spelling(cursor_.token());
      previous_ = cursor_.token();
      previous_role_ = role;
      cursor_.Advance();
    }
    if (cursor_.token().kind == TokenKind::kInvalid || out_.empty()) {
      return cursor_.Expected("an expression");
    }
    if (!closes_.empty()) {
      return cursor_.Expected(fmt::format("'{}'", closes_.back()));
    }
    return std::move(out_);
  }

 private:
  bool OperandEnded() const {
    return previous_role_ == Role::kOperand || previous_role_ == Role::kClose;
  }

  bool Ended() const {
    const Token& token = cursor_.token();
    if (cursor_.AtEnd() || token.kind == TokenKind::kInvalid) {
      return true;
    }
    if (!closes_.empty()) {
      return false;
    }
    return cursor_.AtSymbol(',') || cursor_.AtSymbol(')') || (OperandEnded() && AtOption());
  }

  bool AtOption() const {
    const Token& token = cursor_.token();
    if (token.kind != TokenKind::kWord || !IsOneOf(token.text, kOptionWords)) {
      return false;
    }
    return !IsKeyword(token, "NOT") || IsKeyword(cursor_.Peek(), "NULL");  // x NOT IN (...)
  }

  Role RoleOf(const Token& token) const {
    if (token.kind == TokenKind::kWord) {
      const bool name = previous_.text == ".";
      return !name && IsOneOf(token.text, kOperatorWords) ? Role::kOperatorWord : Role::kOperand;
    }
    if (token.kind != TokenKind::kSymbol) {
      return Role::kOperand;
    }
    if (token.text == "(" || token.text == "[" || token.text == "{") {
      return Role::kOpen;
    }
    if (token.text == ")" || token.text == "]" || token.text == "}") {
      return Role::kClose;
    }
    if (token.text == "." || token.text == "::") {
      return Role::kTight;
    }
    if (token.text == ",") {
      return Role::kComma;
    }
    return OperandEnded() ? Role::kBinary : Role::kUnary;
  }

  Status TrackBrackets(Role role) {
    const Token& token = cursor_.token();
    if (role == Role::kOpen) {
      if (closes_.size() == kBracketsDeepMax) {
        return cursor_.Invalid(
            token.offset, fmt::format("Brackets are more than {} deep here", kBracketsDeepMax));
      }
      closes_ += token.text == "(" ? ')' : token.text == "[" ? ']' : '}';
    } else if (role == Role::kClose) {
      if (closes_.empty() || closes_.back() != token.text[0]) {
        return cursor_.Invalid(token.offset,
                               fmt::format("'{}' closes nothing that is open here", token.text));
      }
      closes_.pop_back();
    }
    return {};
  }

  bool BlankBefore(Role role) const {
    const bool number_beside_dot =
        (previous_.kind == TokenKind::kNumber && cursor_.AtSymbol('.')) ||
        (cursor_.token().kind == TokenKind::kNumber && previous_.text == ".");
    switch (previous_role_) {
      case Role::kNone:
      case Role::kOpen:
        return false;
      case Role::kUnary:
        return role == Role::kUnary || role == Role::kTight;  // `- -1` must not become a comment
      case Role::kTight:
        return number_beside_dot || role == Role::kUnary;
      default:
        break;
    }
    switch (role) {
      case Role::kClose:
      case Role::kComma:
        return false;
      case Role::kTight:
        return number_beside_dot || !OperandEnded();
      case Role::kOpen:
        return !OperandEnded() || cursor_.AtSymbol('{');
      default:
        return true;
    }
  }

  std::string Spelling(const Token& token) const {
    switch (token.kind) {
      case TokenKind::kWord:
        return WordSpelling(token.text);
      case TokenKind::kBackQuoted:
        return NameSpelling(token);
      case TokenKind::kDoubleQuoted:
        return cursor_.AtString() ? QuoteString(QuotedValue(token)) : NameSpelling(token);
      case TokenKind::kDollarQuoted:
        return QuoteString(QuotedValue(token));
      default:
        return std::string(token.text);
    }
  }

  std::string WordSpelling(std::string_view word) const {
    if (previous_.text != "." && (IsOneOf(word, kOperatorWords) || IsOneOf(word, kOtherWords))) {
      return ToUpper(word);
    }
    return IsOneOf(word, kLowerWords) ? ToLower(word) : std::string(word);
  }

  static std::string NameSpelling(const Token& token) {
    const std::string name = QuotedValue(token);
    const bool meaning =
        IsOneOf(name, kOperatorWords) || IsOneOf(name, kOtherWords) || IsOneOf(name, kOptionWords);
    if (IsBareName(name) && !meaning) {
      return name;
    }
    std::string quoted = "`";
    for (const char c : name) {
      quoted.append(c == '`' ? 2 : 1, c);
    }
    return quoted + "`";
  }

  Cursor& cursor_;
  std::string out_;
  std::string closes_;  // the brackets that are open, as what closes them
  Token previous_;
  Role previous_role_ = Role::kNone;
};

}  // namespace

Result<std::string> ParseDefaultExpression(Cursor& cursor) { return Normalizer(cursor).Run(); }

Result<std::string> NormalizeExpression(std::string_view sql, ParseOptions options) {
  VARVE_TRY(CheckText(sql));
  Cursor cursor(sql, options.double_quotes);
  VARVE_ASSIGN(std::string out, ParseDefaultExpression(cursor));
  if (cursor.token().kind != TokenKind::kEnd) {
    return cursor.Expected("the end of the expression");
  }
  return out;
}

}  // namespace varve
