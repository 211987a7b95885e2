// How errors of SQL texts are shown: what is wrong, then the place as line, column, the line itself
// and a caret.
//
//   Expected ')', found 'c'
//   line 1, column 19:
//     CREATE TABLE t (a b c)
//                       ^
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace varve {

// Lines and columns count from 1, columns in characters; a long line is shown in part. `offset` <=
// text.size(). The message is valid UTF-8 without control characters but line feeds, whatever the
// text is.
std::unexpected<Error> ErrorAt(ErrorKind kind, std::string_view text, size_t offset,
                               std::string_view what);

// A piece of the text for the middle of a message: short, on one line, valid UTF-8.
std::string Excerpt(std::string_view piece);

// Errors: kInvalidArgument for a text that is too long (parser.h), has a NUL byte or is not UTF-8.
Status CheckText(std::string_view text);

}  // namespace varve
