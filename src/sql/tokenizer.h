// Tokenizer: the only place that knows where a token of Varve's dialect begins and ends. The tokens
// of whatever is handed on to DuckDB end where DuckDB's own scanner ends them; that is what keeps a
// string from turning into SQL.
#pragma once

#include <string_view>

#include "sql/token.h"

namespace varve {

// Values: a copy looks ahead without moving the original. The text must outlive it and its tokens,
// and be valid UTF-8 without NUL (see CheckText). Linear in the text as long as tokens are asked
// for once. One thread.
class Tokenizer {
 public:
  explicit Tokenizer(std::string_view text) : text_(text) {}

  // kEnd at the end, and kInvalid where no token begins; both again and again.
  Token Next();

 private:
  struct Blanks {
    Gap gap = Gap::kNone;
    bool unterminated = false;  // a comment that starts at offset_
  };
  Blanks SkipBlanks();
  Token TokenAtOffset() const;

  std::string_view text_;
  size_t offset_ = 0;
};

}  // namespace varve
