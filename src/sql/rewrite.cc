#include "sql/rewrite.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "sql/error_text.h"
#include "sql/keywords.h"

namespace varve {
namespace {

enum class RewriteEnd : uint8_t { kStatement, kListItem, kParenthesis };
enum class Spelling : uint8_t { kDuckDb, kVarve };

std::string Quote(std::string_view value, char quote) {
  std::string out;
  out.reserve(value.size() + 2);
  out.push_back(quote);
  for (const char c : value) {
    out.append(c == quote ? 2 : 1, c);
  }
  out.push_back(quote);
  return out;
}

std::string BlobLiteral(const Token& token) {
  std::string out = "CAST('";
  for (size_t at = 2; at + 1 < token.text.size(); at += 2) {
    out += "\\x";
    out += ToUpper(token.text.substr(at, 2));
  }
  return out + "' AS BLOB)";
}

bool IsQuoted(TokenKind kind) {
  switch (kind) {
    case TokenKind::kBackQuoted:
    case TokenKind::kDoubleQuoted:
    case TokenKind::kSingleQuoted:
    case TokenKind::kEscapeString:
    case TokenKind::kDollarQuoted:
    case TokenKind::kHex:
      return true;
    default:
      return false;
  }
}

bool IsQuestionMark(const Token& token) {
  return token.kind == TokenKind::kParameter && token.text.starts_with('?');
}

bool IsLimitOperand(const Token& token) {
  return token.kind == TokenKind::kNumber || token.kind == TokenKind::kParameter;
}

class Rewriter {
 public:
  Rewriter(Cursor& cursor, RewriteEnd end, Spelling spelling = Spelling::kDuckDb)
      : cursor_(cursor), end_(end), spelling_(spelling) {}

  Result<std::string> Run() {
    out_.reserve(end_ == RewriteEnd::kStatement ? cursor_.text().size() - cursor_.token().offset
                                                : 0);
    while (!Ended()) {
      VARVE_TRY(TrackBrackets());
      if (spelling_ == Spelling::kVarve && cursor_.token().kind == TokenKind::kParameter) {
        return cursor_.Invalid(cursor_.token().offset, "A view has no parameters");
      }
      if (RewriteLimit()) {
        continue;
      }
      if (AtAsOf()) {
        VARVE_TRY(RewriteAsOf());
        continue;
      }
      Take();
    }
    if (cursor_.token().kind == TokenKind::kInvalid) {
      return cursor_.Invalid(cursor_.token().offset, cursor_.token().problem);
    }
    if (!open_.empty()) {
      const size_t offset = open_.back().offset;
      return cursor_.Invalid(offset, fmt::format("'{}' is never closed", cursor_.text()[offset]));
    }
    return std::move(out_);
  }

 private:
  enum class Inside : uint8_t {
    kAnything,
    kFromArgument,  // EXTRACT(year FROM x): what stands after this FROM is a value
    kNames,         // USING (a, b)
  };
  struct Bracket {
    char closes;
    Inside inside;
    size_t offset;
  };

  bool Ended() const {
    if (cursor_.AtEnd() || cursor_.token().kind == TokenKind::kInvalid) {
      return true;
    }
    if (end_ == RewriteEnd::kStatement || !open_.empty()) {
      return false;
    }
    return cursor_.AtSymbol(')') || (end_ == RewriteEnd::kListItem && cursor_.AtSymbol(','));
  }

  Inside InsideOfBracket() const {
    if (previous_.kind != TokenKind::kWord) {
      return Inside::kAnything;
    }
    if (IsKeyword(previous_, "USING")) {
      return Inside::kNames;
    }
    const bool from_argument = IsKeyword(previous_, "EXTRACT") || IsKeyword(previous_, "TRIM") ||
                               IsKeyword(previous_, "SUBSTRING") || IsKeyword(previous_, "OVERLAY");
    return from_argument ? Inside::kFromArgument : Inside::kAnything;
  }

  Status TrackBrackets() {
    const Token& token = cursor_.token();
    if (token.kind != TokenKind::kSymbol || token.text.size() != 1) {
      return {};
    }
    const char symbol = token.text[0];
    if (symbol == '(' || symbol == '[' || symbol == '{') {
      if (open_.size() == kBracketsDeepMax) {
        return cursor_.Invalid(
            token.offset, fmt::format("Brackets are more than {} deep here", kBracketsDeepMax));
      }
      const char closes = symbol == '(' ? ')' : symbol == '[' ? ']' : '}';
      open_.push_back({closes, InsideOfBracket(), token.offset});
    } else if (symbol == ')' || symbol == ']' || symbol == '}') {
      if (open_.empty() || open_.back().closes != symbol) {
        return cursor_.Invalid(token.offset,
                               fmt::format("'{}' closes nothing that is open here", symbol));
      }
      open_.pop_back();
    }
    return {};
  }

  void Take() {
    Append(cursor_.token());
    cursor_.Advance();
  }

  static bool IsNameToken(const Token& token) {
    return token.kind == TokenKind::kBackQuoted || token.kind == TokenKind::kDoubleQuoted ||
           (token.kind == TokenKind::kWord && !IsReserved(token.text));
  }

  static bool BeginsValue(const Token& token) {
    return token.kind == TokenKind::kNumber || token.kind == TokenKind::kParameter ||
           IsQuoted(token.kind) || token.text == "(" ||
           (token.kind == TokenKind::kWord && !IsReserved(token.text)) || IsKeyword(token, "CAST");
  }

  // Behind the name of a table; `version AS of` of a list of columns has none before it.
  bool AtAsOf() const {
    const bool may_be =
        cursor_.AtKeyword("VERSION") || cursor_.AtKeyword("TIMESTAMP") || cursor_.AtKeyword("FOR");
    if (!may_be || spelling_ == Spelling::kVarve || !IsNameToken(previous_)) {
      return false;
    }
    Cursor ahead = cursor_;
    const bool has_for = ahead.TakeKeyword("FOR");
    const bool unit =
        ahead.TakeKeyword("VERSION") || ahead.TakeKeyword("TIMESTAMP") ||
        (has_for && (ahead.TakeKeyword("SYSTEM_TIME") || ahead.TakeKeyword("SYSTEM_VERSION")));
    return unit && ahead.TakeKeyword("AS") && ahead.TakeKeyword("OF") && BeginsValue(ahead.token());
  }

  // DuckDB has the alias first.
  Status RewriteAsOf() {
    AppendGap(cursor_.token());
    const size_t begin = out_.size();
    cursor_.TakeKeyword("FOR");
    const bool version = cursor_.AtKeyword("VERSION") || cursor_.AtKeyword("SYSTEM_VERSION");
    out_ += version ? "AT (VERSION =>" : "AT (TIMESTAMP =>";
    cursor_.Advance();
    cursor_.Advance();
    previous_ = cursor_.token();  // OF
    cursor_.Advance();
    name_next_ = false;
    VARVE_TRY(TakeOperand());
    while (cursor_.AtSymbol('+') || cursor_.AtSymbol('-')) {
      Take();
      VARVE_TRY(TakeOperand());
    }
    out_ += ')';
    if (!AtAlias()) {
      return {};
    }
    const std::string clause = out_.substr(begin);
    out_.resize(begin);
    while (out_.ends_with(' ')) {
      out_.pop_back();
    }
    if (cursor_.AtKeyword("AS")) {
      Take();
    }
    Take();
    if (cursor_.AtSymbol('(')) {
      VARVE_TRY(TakeParentheses());
    }
    out_ += " " + clause;
    return {};
  }

  // Whether a name for the table follows, and not what comes after it.
  bool AtAlias() const {
    if (cursor_.AtKeyword("AS")) {
      return true;
    }
    static constexpr std::string_view kAfterTable[] = {
        "JOIN",    "LEFT",       "RIGHT", "FULL", "INNER",       "CROSS",
        "NATURAL", "POSITIONAL", "ASOF",  "SEMI", "TABLESAMPLE", "ANTI"};
    const Token& token = cursor_.token();
    return IsNameToken(token) && std::ranges::none_of(kAfterTable, [&](std::string_view word) {
             return IsKeyword(token, word);
           });
  }

  // A literal, a parameter, a call, something in parentheses.
  Status TakeOperand() {
    const Token first = cursor_.token();
    if (cursor_.AtSymbol('(')) {
      return TakeParentheses();
    }
    if (Ended()) {
      return cursor_.Expected("a version or a time");
    }
    Take();
    const bool literal = IsKeyword(first, "TIMESTAMP") || IsKeyword(first, "DATE") ||
                         IsKeyword(first, "TIMESTAMPTZ");
    if (literal && cursor_.AtString()) {
      Take();
      return {};
    }
    if (IsKeyword(first, "INTERVAL")) {
      VARVE_TRY(TakeOperand());
      if (cursor_.token().kind == TokenKind::kWord && IsIntervalUnit(cursor_.token().text)) {
        Take();
      }
      return {};
    }
    return first.kind == TokenKind::kWord && cursor_.AtSymbol('(') ? TakeParentheses() : Status();
  }

  static bool IsIntervalUnit(std::string_view word) {
    std::string unit = ToUpper(word);
    if (unit.ends_with('S')) {
      unit.pop_back();
    }
    static constexpr std::string_view kUnits[] = {"MICROSECOND", "MILLISECOND", "SECOND", "MINUTE",
                                                  "HOUR",        "DAY",         "WEEK",   "MONTH",
                                                  "QUARTER",     "YEAR"};
    return std::ranges::find(kUnits, std::string_view(unit)) != std::end(kUnits);
  }

  Status TakeParentheses() {
    const size_t outside = open_.size();
    do {
      if (cursor_.AtEnd() || cursor_.token().kind == TokenKind::kInvalid) {
        return {};  // what is missing is said at the end
      }
      VARVE_TRY(TrackBrackets());
      Take();
    } while (open_.size() > outside);
    return {};
  }

  bool RewriteLimit() {
    if (!cursor_.AtKeyword("LIMIT") || spelling_ == Spelling::kVarve) {
      return false;
    }
    Cursor ahead = cursor_;
    ahead.Advance();
    const Token offset = ahead.token();
    ahead.Advance();
    if (!IsLimitOperand(offset) || !ahead.TakeSymbol(',') || !IsLimitOperand(ahead.token())) {
      return false;
    }
    AppendGap(cursor_.token());
    const std::string offset_text = OperandText(offset);
    out_ += fmt::format("OFFSET {} LIMIT {}", offset_text, OperandText(ahead.token()));
    previous_ = ahead.token();
    // Assigning `ahead` would forget the parameters that have been counted since.
    while (cursor_.token().offset != previous_.offset) {
      cursor_.Advance();
    }
    cursor_.Advance();
    return true;
  }

  std::string OperandText(const Token& token) {
    if (!IsQuestionMark(token)) {
      return std::string(token.text);
    }
    return token.text.size() > 1 ? "$" + std::string(token.text.substr(1))
                                 : fmt::format("${}", cursor_.TakeParameterNumber());
  }

  void AppendGap(const Token& token) {
    if (out_.empty()) {
      return;
    }
    if (token.gap == Gap::kBlanks) {
      out_ += cursor_.text().substr(previous_.end(), token.offset - previous_.end());
    } else if (token.gap == Gap::kOther || (IsQuoted(token.kind) && !StandsApart(previous_)) ||
               WouldJoin(token)) {
      out_ += ' ';
    }
  }

  // Unlike ?, $1 is part of a name that ends right before it, and takes in what follows it.
  bool WouldJoin(const Token& token) const {
    return (IsQuestionMark(token) && !StandsApart(previous_)) ||
           (IsQuestionMark(previous_) && token.kind != TokenKind::kSymbol);
  }

  // Whether a quote right after the token stays a token of its own: not so in a"b" and in U&'b',
  // and not for two quoted tokens that get the same quotes here, which would become one with a
  // doubled quote in it.
  static bool StandsApart(const Token& before) {
    return before.kind == TokenKind::kSymbol && before.text != "&";
  }

  void Append(const Token& token) {
    AppendGap(token);
    switch (token.kind) {
      case TokenKind::kBackQuoted:
        out_ += Quote(QuotedValue(token), NameQuote());
        break;
      case TokenKind::kDoubleQuoted:
        out_ += IsString(token) ? QuoteString(QuotedValue(token))
                                : Quote(QuotedValue(token), NameQuote());
        break;
      case TokenKind::kDollarQuoted:
        out_ += QuoteString(QuotedValue(token));
        break;
      case TokenKind::kHex:
        out_ += spelling_ == Spelling::kVarve ? std::string(token.text) : BlobLiteral(token);
        break;
      case TokenKind::kWord:
        out_ += IsArrayCall(token) ? std::string_view("make_array") : token.text;
        break;
      case TokenKind::kParameter:
        out_ += OperandText(token);
        break;
      default:
        out_ += token.text;
    }
    TrackNames(token);
    previous_ = token;
  }

  char NameQuote() const { return spelling_ == Spelling::kVarve ? '`' : '"'; }

  // array(1, 2), which is a function to CeresDB and the beginning of ARRAY (SELECT …) to DuckDB.
  bool IsArrayCall(const Token& token) const {
    if (!IsKeyword(token, "ARRAY") || token.offset != cursor_.token().offset) {
      return false;
    }
    Cursor ahead = cursor_;
    ahead.Advance();
    return ahead.TakeSymbol('(') && !ahead.AtQuery();
  }

  // Of a token in double quotes.
  bool IsString(const Token& token) const {
    if (cursor_.double_quotes() == DoubleQuotes::kIdentifier || name_next_) {
      return false;
    }
    const bool in_names = !open_.empty() && open_.back().inside == Inside::kNames;
    return !in_names && !(token.offset == cursor_.token().offset && cursor_.Peek().text == ".");
  }

  void TrackNames(const Token& token) {
    name_next_ = false;
    if (token.kind == TokenKind::kSymbol) {
      name_next_ = token.text == ".";
    } else if (IsKeyword(token, "FROM")) {
      const bool argument = !open_.empty() && open_.back().inside == Inside::kFromArgument;
      name_next_ = !argument && !IsKeyword(previous_, "DISTINCT");  // x IS DISTINCT FROM "y"
    } else if (token.kind == TokenKind::kWord) {
      for (const std::string_view word : {"AS", "JOIN", "INTO", "WITH", "RECURSIVE"}) {
        name_next_ = name_next_ || IsKeyword(token, word);
      }
    }
  }

  Cursor& cursor_;
  const RewriteEnd end_;
  const Spelling spelling_;
  std::string out_;
  std::vector<Bracket> open_;
  Token previous_;
  bool name_next_ = false;
};

}  // namespace

std::string QuoteString(std::string_view value) { return Quote(value, '\''); }

Result<std::string> RewriteQuery(Cursor& cursor) {
  return Rewriter(cursor, RewriteEnd::kStatement).Run();
}

Result<std::string> RewriteQueryInParentheses(Cursor& cursor) {
  return Rewriter(cursor, RewriteEnd::kParenthesis).Run();
}

Result<std::string> RewriteForKeeping(Cursor& cursor) {
  return Rewriter(cursor, RewriteEnd::kStatement, Spelling::kVarve).Run();
}

Result<std::string> RewriteValue(Cursor& cursor) {
  return Rewriter(cursor, RewriteEnd::kListItem).Run();
}

Result<std::string> RewriteForDuckDb(std::string_view sql, ParseOptions options) {
  VARVE_TRY(CheckText(sql));
  Cursor cursor(sql, options.double_quotes);
  VARVE_ASSIGN(std::string out, RewriteQuery(cursor));
  cursor.TakeSymbol(';');
  if (cursor.token().kind != TokenKind::kEnd) {
    return cursor.Expected("one statement only, and the end of the text after it");
  }
  return out;
}

}  // namespace varve
