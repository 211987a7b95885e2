// A statement's text as it may stand in a log.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace varve {

// On one line, at most `bytes_max` bytes of the text and then "…", with '***' in the place of every
// literal that is a secret by the word before it (password, key_secret, token, IDENTIFIED BY, …) or
// holds one ("…password=…"). Valid UTF-8 whatever the text is.
std::string MaskedText(std::string_view sql, size_t bytes_max);

// What a statement was answered, as it may stand in a log: "***" in the place of every secret of
// the statement, as above.
std::string MaskedMessage(std::string message, std::string_view sql);

}  // namespace varve
