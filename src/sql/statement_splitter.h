// StatementSplitter: text as it is typed or read, piece by piece, in; whole statements out.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace varve {

struct SplitStatement {
  std::string text;  // without the semicolon and without blanks around it
  size_t line = 1;   // of its first token, counted from 1 over all that was added
  bool operator==(const SplitStatement&) const = default;
};

// A semicolon ends a statement unless it stands in quotes or in a comment, by the rules of the
// dialect's tokenizer. Each statement is read again with every piece that is added before it ends:
// add large pieces. One thread.
class StatementSplitter {
 public:
  void Add(std::string_view text) { pending_ += text; }

  // The next whole statement; nullopt: more text is needed. Empty statements are left out.
  std::optional<SplitStatement> Next();

  // The end of the text ends the last statement too.
  std::optional<SplitStatement> Last();

  // Whether more than blanks and comments is waiting for its end.
  bool HasPending() const;
  size_t pending_bytes() const { return pending_.size(); }
  void Clear() { pending_.clear(); }

 private:
  // Takes the text up to `end`, and drops it up to `rest`.
  std::optional<SplitStatement> Take(size_t first, size_t end, size_t rest);

  std::string pending_;
  size_t line_ = 1;  // of the first byte of pending_
};

}  // namespace varve
