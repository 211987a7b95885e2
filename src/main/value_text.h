// Values of results as text: for people (tables), for other programs (CSV, JSON).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace arrow {
class Array;
class DataType;
}  // namespace arrow

namespace varve {

enum class TextStyle : uint8_t {
  kPlain,  // timestamps in ISO 8601, bytes as \x0a0b, numbers as short as they can be read back
  kJson,   // a JSON value: timestamps as milliseconds, as the HTTP API gives them; not finite
           // numbers and NULL: null
};

// The value at `row`, which is not NULL (kJson: it may be). Types without an own form are shown as
// Arrow shows them.
std::string ValueText(const arrow::Array& array, int64_t row, TextStyle style);

// Whether a column of the type stands at the right side of its place in a table.
bool IsNumberType(const arrow::DataType& type);

// With quotes and escapes; bytes that are not UTF-8 become U+FFFD.
std::string JsonString(std::string_view text);

}  // namespace varve
