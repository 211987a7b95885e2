// Lists of options: key = value.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "sql/cursor.h"

namespace varve {

using OptionMap = std::map<std::string, std::string>;

// key = value [, key = value]... up to what is no comma: WITH of CREATE TABLE, MODIFY SETTING. A
// value is a string, a number or a word; NULL leaves its option out. Keys stay as written. Errors:
// kInvalidArgument with the place, also for an option that is given twice.
Result<OptionMap> ParseTableOptions(Cursor& cursor);

// ( key [=] [value] [, ...] ), as COPY takes them: keys in lower case, a key alone is "true". Same
// errors.
Result<OptionMap> ParseCopyOptions(Cursor& cursor);

}  // namespace varve
