// StatementRunner: runs statements on a connection and prints what they answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "main/sql_connection.h"
#include "main/table_printer.h"

namespace varve {

enum class Timing : uint8_t { kOff, kOn };

// One thread.
class StatementRunner {
 public:
  // Both outlive the runner.
  StatementRunner(SqlConnection& connection, const Clock& clock, OutputFormat format)
      : connection_(connection), clock_(clock), format_(format) {}

  // Errors: those of the statement, and kIo when standard output cannot be written.
  Status Run(std::string_view statement);

  // The values of the first column, for completion; empty when the statement fails.
  std::vector<std::string> FirstColumn(std::string_view statement);

  Timing timing() const { return timing_; }
  void set_timing(Timing timing) { timing_ = timing; }

 private:
  SqlConnection& connection_;
  const Clock& clock_;
  const OutputFormat format_;
  Timing timing_ = Timing::kOff;
};

// All of the text, to standard output. Errors: kIo.
Status PrintText(std::string_view text);
// On standard error, as what the statement did although nothing is wrong with it.
void PrintWarning(std::string_view warning);

}  // namespace varve
