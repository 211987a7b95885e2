// JSON strings, written by hand where a document is built piece by piece.
#pragma once

#include <string>
#include <string_view>

namespace varve {

// The text between quotes, with quotes, backslashes and control characters escaped. UTF-8 stays as
// it is.
void AppendJsonString(std::string& out, std::string_view text);
std::string JsonString(std::string_view text);

}  // namespace varve
