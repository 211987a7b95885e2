#include "sql/parameters.h"

#include <algorithm>
#include <charconv>

#include "sql/error_text.h"
#include "sql/tokenizer.h"

namespace varve {
namespace {

constexpr std::string_view kAllowed = "A parameter is ?, or a number from $1 to $65535";

std::optional<size_t> Number(std::string_view digits) {
  size_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  return whole && number > 0 && number <= kParametersMax ? std::optional(number) : std::nullopt;
}

}  // namespace

Result<size_t> CountParameters(std::string_view statement) {
  VARVE_TRY(CheckText(statement));
  Tokenizer tokens(statement);
  size_t unnumbered = 0;
  size_t highest = 0;
  for (Token token = tokens.Next();
       token.kind != TokenKind::kEnd && token.kind != TokenKind::kInvalid; token = tokens.Next()) {
    if (token.kind != TokenKind::kParameter) {
      continue;
    }
    const bool bare = token.text == "?";
    const auto number = bare ? std::optional(unnumbered + 1) : Number(token.text.substr(1));
    if (!number || *number > kParametersMax) {
      return ErrorAt(ErrorKind::kInvalidArgument, statement, token.offset, kAllowed);
    }
    (bare ? unnumbered : highest) = bare ? *number : std::max(highest, *number);
    if (unnumbered > 0 && highest > 0) {
      return ErrorAt(ErrorKind::kInvalidArgument, statement, token.offset,
                     "Parameters are either all ? or all numbered");
    }
  }
  return std::max(unnumbered, highest);
}

std::optional<size_t> ParameterNumber(std::string_view text) {
  return text.starts_with('$') ? Number(text.substr(1)) : std::nullopt;
}

}  // namespace varve
