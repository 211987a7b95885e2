// Secret: a string that does not print. It has no formatter and no `<<`, so that a message, a log
// line or a test failure cannot show it by mistake; whoever needs the bytes says so with Reveal.
#pragma once

#include <string>
#include <utility>

namespace varve {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  bool empty() const { return value_.empty(); }
  // For signing and for sending only.
  const std::string& Reveal() const { return value_; }
  bool operator==(const Secret&) const = default;

 private:
  std::string value_;
};

}  // namespace varve
