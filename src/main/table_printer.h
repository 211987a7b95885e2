// TablePrinter: the rows of results on a stream of text, as an aligned table, as CSV or as JSON.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "main/sql_connection.h"

namespace varve {

enum class OutputFormat : uint8_t {
  kTable,  // aligned columns, a line with the number of rows at the end
  kCsv,    // RFC 4180 with a header; NULL is empty, an empty string is ""
  kJson,   // {"rows":[{"column":value,…},…]}, as the HTTP API gives it
};

// Where text goes. The function takes all of it or says why not (kIo: nobody reads any more, the
// disk is full).
using TextOutput = std::function<Status(std::string_view)>;

// The widths of a table are those of its first rows; later, wider values move the columns behind
// them in their line.
inline constexpr size_t kRowsMeasured = 10'000;

// Makes one for each statement. Finish writes what is left: call it after the last row.
class TablePrinter : public RowSink {
 public:
  virtual Status Finish() = 0;
};

std::unique_ptr<TablePrinter> MakeTablePrinter(OutputFormat format, TextOutput output);

// Errors: kInvalidArgument.
Result<OutputFormat> ParseOutputFormat(std::string_view name);

// How many columns of a terminal the text takes: East Asian characters take two, combining ones
// none.
size_t DisplayWidth(std::string_view text);

}  // namespace varve
