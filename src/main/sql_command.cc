#include "main/sql_command.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>

#include "base/clock.h"
#include "main/local_connection.h"
#include "main/remote_connection.h"
#include "main/shell.h"
#include "main/statement_runner.h"
#include "sql/statement_splitter.h"
#include "sql/parser.h"

namespace varve {
namespace {

constexpr size_t kReadBytes =
    1 << 20;  // at least; a statement that is longer is read in growing pieces

Result<std::unique_ptr<SqlConnection>> Connect(const SqlCommandOptions& options) {
  return options.data_folder ? LocalConnection::Open(*options.data_folder)
                             : RemoteConnection::Open(options.url);
}

Status RunStatement(StatementRunner& runner, const SplitStatement& statement,
                    std::string_view origin) {
  const Status done = runner.Run(statement.text);
  if (!done && !origin.empty()) {
    return std::unexpected(done.error().WithContext(fmt::format("{}:{}", origin, statement.line)));
  }
  return done;
}

Status RunWhole(StatementRunner& runner, StatementSplitter& splitter, std::string_view origin) {
  while (const std::optional<SplitStatement> statement = splitter.Next()) {
    VARVE_TRY(RunStatement(runner, *statement, origin));
  }
  return {};
}

Status RunCommandText(StatementRunner& runner, const std::string& command) {
  if (command.starts_with('\\')) {
    VARVE_ASSIGN(const std::string statement, StatementOfCommand(command));
    return runner.Run(statement);
  }
  StatementSplitter splitter;
  splitter.Add(command);
  VARVE_TRY(RunWhole(runner, splitter, ""));
  const std::optional<SplitStatement> last = splitter.Last();
  return last ? RunStatement(runner, *last, "") : Status();
}

Status RunStream(StatementRunner& runner, std::istream& stream, std::string_view origin) {
  StatementSplitter splitter;
  std::string piece;
  while (stream) {
    piece.resize(std::max(kReadBytes, splitter.pending_bytes()));
    stream.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    splitter.Add(std::string_view(piece.data(), static_cast<size_t>(stream.gcount())));
    VARVE_TRY(RunWhole(runner, splitter, origin));
    if (splitter.pending_bytes() > kStatementBytesMax) {
      return InvalidArgument("{}: a statement has more than {} bytes, or a quote is not closed",
                             origin, kStatementBytesMax);
    }
  }
  if (stream.bad()) {
    return Io("{} cannot be read: {}", origin, std::strerror(errno));
  }
  const std::optional<SplitStatement> last = splitter.Last();
  return last ? RunStatement(runner, *last, origin) : Status();
}

Status RunFile(StatementRunner& runner, const std::string& path) {
  if (path == "-") {
    return RunStream(runner, std::cin, "standard input");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return NotFound("cannot open {}: {}", path, std::strerror(errno));
  }
  return RunStream(runner, file, path);
}

}  // namespace

Status RunSql(const SqlCommandOptions& options) {
  const SystemClock clock;
  VARVE_ASSIGN(const std::unique_ptr<SqlConnection> connection, Connect(options));
  StatementRunner runner(*connection, clock, options.format);
  for (const std::string& command : options.commands) {
    VARVE_TRY(RunCommandText(runner, command));
  }
  if (options.file) {
    return RunFile(runner, *options.file);
  }
  if (!options.commands.empty()) {
    return {};
  }
  return ::isatty(STDIN_FILENO) == 1 ? RunShell(*connection, runner)
                                     : RunStream(runner, std::cin, "standard input");
}

}  // namespace varve
