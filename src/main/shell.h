// Shell: the dialogue on a terminal. Statements end with a semicolon; words after a backslash are
// the shell's own.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "main/sql_connection.h"
#include "main/statement_runner.h"

namespace varve {

// Reads, runs and prints until \q or the end of the input. Ctrl-C ends the statement that runs, or
// forgets what was typed. Errors of statements are shown and do not end it. Errors: kIo when the
// terminal cannot be used.
Status RunShell(SqlConnection& connection, StatementRunner& runner);

// The statement that a backslash command stands for: "\d" and "\d t". Errors: kInvalidArgument for
// an unknown command.
Result<std::string> StatementOfCommand(std::string_view command);

}  // namespace varve
