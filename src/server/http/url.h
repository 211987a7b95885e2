// The text forms of a request's target: percent-encoding and name=value lists.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace varve {

enum class PlusSign { kLiteral, kSpace };

// Errors: kInvalidArgument for a '%' that two hexadecimal digits do not follow.
Result<std::string> PercentDecode(std::string_view text, PlusSign plus);

// "a=1&b=x+y", as in a query and in a form's body; the last of equal names wins. Errors: as
// PercentDecode.
Result<std::map<std::string, std::string>> ParseParameters(std::string_view text);

}  // namespace varve
