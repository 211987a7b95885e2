// Names and texts as they stand in statements: for DuckDB, and for users to read and send again.
#pragma once

#include <string>
#include <string_view>

namespace varve {

// "name", as DuckDB reads it.
std::string DuckDbName(std::string_view name);

// `name`, as Varve reads it.
std::string QuotedName(std::string_view name);
// The name itself where it needs no quotes, else as QuotedName.
std::string BareName(std::string_view name);

// 'text', as both read it.
std::string QuotedText(std::string_view text);

}  // namespace varve
