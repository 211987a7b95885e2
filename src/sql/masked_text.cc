#include "sql/masked_text.h"

#include <algorithm>
#include <array>

#include "sql/error_text.h"
#include "sql/keywords.h"
#include "sql/tokenizer.h"

namespace varve {
namespace {

constexpr std::array<std::string_view, 8> kSecretWords = {
    "PASSWORD", "PASSWD", "SECRET", "TOKEN", "CREDENTIAL", "ACCESS_KEY", "KEY_ID", "IDENTIFIED"};
// Between the word and its literal.
constexpr std::array<std::string_view, 7> kBetween = {"=", ":", "=>", "(", "BY", "WITH", "TO"};
constexpr std::string_view kMask = "'***'";

bool NamesSecret(std::string_view text) {
  const std::string upper = ToUpper(text);
  return std::ranges::any_of(
      kSecretWords, [&](std::string_view word) { return upper.find(word) != std::string::npos; });
}

bool HoldsSecret(std::string_view literal) {
  return literal.find('=') != std::string_view::npos && NamesSecret(literal);
}

bool IsLiteral(const Token& token) {
  return token.kind == TokenKind::kDoubleQuoted || token.kind == TokenKind::kSingleQuoted ||
         token.kind == TokenKind::kEscapeString || token.kind == TokenKind::kDollarQuoted ||
         token.kind == TokenKind::kHex;
}

// Whole characters only, so that what is cut stays UTF-8.
std::string_view Cut(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) {
    return text;
  }
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xC0) == 0x80) {
    --bytes_max;
  }
  return text.substr(0, bytes_max);
}

}  // namespace

std::string MaskedText(std::string_view sql, size_t bytes_max) {
  if (!CheckText(sql)) {
    return "(no text: too long, not UTF-8, or with NUL)";
  }
  Tokenizer tokens(sql);
  std::string out;
  bool secret_next = false;
  Token token = tokens.Next();
  while (token.kind != TokenKind::kEnd && out.size() <= bytes_max) {
    if (token.kind == TokenKind::kInvalid) {
      // What follows may be the rest of a secret.
      out += out.empty() ? "…" : " …";
      return out;
    }
    out += out.empty() || token.gap == Gap::kNone ? "" : " ";
    const bool masked = IsLiteral(token) && (secret_next || HoldsSecret(token.text));
    out += masked ? kMask : token.text;
    const bool between =
        secret_next && !IsLiteral(token) &&
        std::ranges::find(kBetween, std::string_view(ToUpper(token.text))) != kBetween.end();
    const bool names = token.kind == TokenKind::kWord || token.kind == TokenKind::kBackQuoted ||
                       (IsLiteral(token) && !masked);
    secret_next = between || (names && NamesSecret(token.text));
    token = tokens.Next();
  }
  std::ranges::replace_if(out, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  const std::string_view cut = Cut(out, bytes_max);
  return std::string(cut) + (cut.size() < out.size() || token.kind != TokenKind::kEnd ? "…" : "");
}

}  // namespace varve
