#include "sql/masked_text.h"

#include <algorithm>
#include <array>

#include "sql/error_text.h"
#include "sql/keywords.h"
#include "sql/tokenizer.h"

namespace varve {
namespace {

constexpr std::array<std::string_view, 9> kSecretWords = {
    "PASSWORD",   "PASSWD",      "SECRET", "TOKEN",     "CREDENTIAL",
    "ACCESS_KEY", "ACCOUNT_KEY", "KEY_ID", "IDENTIFIED"};
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

// Reads tokens and says of each whether it is a secret.
class SecretFinder {
 public:
  explicit SecretFinder(std::string_view sql) : tokens_(sql) {}

  Token Next() {
    const Token token = tokens_.Next();
    is_secret_ = IsLiteral(token) && (secret_next_ || HoldsSecret(token.text));
    const bool between =
        secret_next_ && !IsLiteral(token) &&
        std::ranges::find(kBetween, std::string_view(ToUpper(token.text))) != kBetween.end();
    const bool names = token.kind == TokenKind::kWord || token.kind == TokenKind::kBackQuoted ||
                       (IsLiteral(token) && !is_secret_);
    secret_next_ = between || (names && NamesSecret(token.text));
    return token;
  }
  bool is_secret() const { return is_secret_; }

 private:
  Tokenizer tokens_;
  bool secret_next_ = false;
  bool is_secret_ = false;
};

// What the quotes of a literal hold, as it is written.
std::string_view Inside(const Token& token) {
  const std::string_view quoted = token.text;
  const size_t open = quoted.find_first_of("'\"$");
  const size_t close = quoted.find_last_of("'\"$");
  return open < close ? quoted.substr(open + 1, close - open - 1) : quoted;
}

// Also where the message shows only how the secret begins.
void MaskAll(std::string& message, std::string_view secret) {
  constexpr std::string_view kStars = "***";
  constexpr size_t kBeginning = 4;
  const std::string_view beginning = secret.substr(0, kBeginning);
  for (size_t at = message.find(beginning); at != std::string::npos;
       at = message.find(beginning, at + kStars.size())) {
    const auto shown = std::ranges::mismatch(std::string_view(message).substr(at), secret);
    message.replace(at, static_cast<size_t>(shown.in2 - secret.begin()), kStars);
  }
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
  SecretFinder tokens(sql);
  std::string out;
  Token token = tokens.Next();
  while (token.kind != TokenKind::kEnd && out.size() <= bytes_max) {
    if (token.kind == TokenKind::kInvalid) {
      // What follows may be the rest of a secret.
      out += out.empty() ? "…" : " …";
      return out;
    }
    out += out.empty() || token.gap == Gap::kNone ? "" : " ";
    out += tokens.is_secret() ? kMask : token.text;
    token = tokens.Next();
  }
  std::ranges::replace_if(out, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  const std::string_view cut = Cut(out, bytes_max);
  return std::string(cut) + (cut.size() < out.size() || token.kind != TokenKind::kEnd ? "…" : "");
}

std::string MaskedMessage(std::string message, std::string_view sql) {
  SecretFinder tokens(sql);
  for (Token token = tokens.Next(); token.kind != TokenKind::kEnd; token = tokens.Next()) {
    if (token.kind == TokenKind::kInvalid) {
      // What follows may be the rest of a secret, and stand in the message.
      return NamesSecret(sql) ? "(not shown: the statement ends within what may be a secret)"
                              : message;
    }
    if (tokens.is_secret() && !Inside(token).empty()) {
      MaskAll(message, Inside(token));
    }
  }
  return message;
}

}  // namespace varve
