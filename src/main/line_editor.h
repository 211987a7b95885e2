// LineEditor: lines from a terminal, with history and completion (libedit).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace varve {

struct EndOfInput {};
struct Interrupted {};  // Ctrl-C: what was typed is to be forgotten
using EditedLine = std::variant<std::string, EndOfInput, Interrupted>;

// The words that may stand where the given, unfinished one stands.
using Completer = std::function<std::vector<std::string>(std::string_view word)>;

// One thread. At most one in a process, as there is one terminal.
class LineEditor {
 public:
  // The history is read from `history_file` ("" = none) when it is there. Errors: kIo when the
  // terminal cannot be used.
  static Result<std::unique_ptr<LineEditor>> Open(std::string history_file, Completer completer);
  // Saves the history.
  virtual ~LineEditor() = default;

  // Without the line break. `interrupt_fd` becomes readable when Ctrl-C was pressed; the caller
  // empties it.
  virtual EditedLine ReadLine(const std::string& prompt, int interrupt_fd) = 0;
  // A whole statement, on one line.
  virtual void AddToHistory(const std::string& text) = 0;
};

// What all words that begin with `word` have in common beyond it; "" when there is nothing or no
// word.
std::string CommonRest(std::string_view word, const std::vector<std::string>& words);

}  // namespace varve
