// `varve sql`: statements from the command line, a file, a pipe or a terminal; answers on standard
// output.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "main/sql_connection.h"
#include "main/table_printer.h"

namespace varve {

struct SqlCommandOptions {
  std::string url;                         // of a server; used when there is no data folder
  std::optional<std::string> data_folder;  // opened in this process
  std::vector<std::string> commands;       // -c
  std::optional<std::string> file;         // -f; "-" = standard input
  OutputFormat format = OutputFormat::kTable;
};

// Runs the statements in order and stops at the first that fails (on a terminal: goes on). Errors:
// those of opening and of the statement, with its place for files.
Status RunSql(const SqlCommandOptions& options);

}  // namespace varve
