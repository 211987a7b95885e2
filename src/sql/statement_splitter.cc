#include "sql/statement_splitter.h"

#include <algorithm>

#include "sql/tokenizer.h"

namespace varve {
namespace {

// Whether more text can turn the place where no token begins into one: the closing quote is still
// to come.
bool IsUnfinished(const Token& token) {
  const std::string_view problem = token.problem;
  return problem.find("has no closing") != std::string_view::npos ||
         problem.find("has no end") != std::string_view::npos;
}

}  // namespace

std::optional<SplitStatement> StatementSplitter::Next() {
  while (true) {
    Tokenizer tokens(pending_);
    Token token = tokens.Next();
    const size_t first = token.offset;
    while (token.kind != TokenKind::kEnd && token.kind != TokenKind::kInvalid &&
           !(token.kind == TokenKind::kSymbol && token.text == ";")) {
      token = tokens.Next();
    }
    if (token.kind == TokenKind::kEnd ||
        (token.kind == TokenKind::kInvalid && IsUnfinished(token))) {
      return std::nullopt;
    }
    size_t end = token.offset;
    if (token.kind == TokenKind::kInvalid) {
      // The parser will say what is wrong with it; what follows the next semicolon is another
      // statement.
      end = pending_.find(';', token.offset);
      if (end == std::string::npos) {
        return std::nullopt;
      }
    }
    if (std::optional<SplitStatement> statement = Take(first, end, end + 1)) {
      return statement;
    }
  }
}

std::optional<SplitStatement> StatementSplitter::Last() {
  return Take(Tokenizer(pending_).Next().offset, pending_.size(), pending_.size());
}

bool StatementSplitter::HasPending() const {
  return Tokenizer(pending_).Next().kind != TokenKind::kEnd;
}

std::optional<SplitStatement> StatementSplitter::Take(size_t first, size_t end, size_t rest) {
  SplitStatement statement;
  statement.line =
      line_ + static_cast<size_t>(std::count(
                  pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(first), '\n'));
  statement.text = pending_.substr(first, end - first);
  statement.text.erase(statement.text.find_last_not_of(" \t\r\n") + 1);
  line_ += static_cast<size_t>(
      std::count(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(rest), '\n'));
  pending_.erase(0, rest);
  return statement.text.empty() ? std::nullopt : std::optional(std::move(statement));
}

}  // namespace varve
