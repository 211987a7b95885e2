#include "main/shell.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "main/line_editor.h"
#include "sql/statement_splitter.h"
#include "sql/keywords.h"

namespace varve {
namespace {

constexpr std::array kKeywords = {
    "ADD",    "ALTER",   "AND",       "AS",       "ASC",     "BETWEEN", "BY",       "CASE",
    "COLUMN", "COMMENT", "COPY",      "CREATE",   "DEFAULT", "DESC",    "DESCRIBE", "DISTINCT",
    "DROP",   "ELSE",    "END",       "ENGINE",   "EXISTS",  "EXPLAIN", "FROM",     "GROUP",
    "HAVING", "IN",      "INSERT",    "INTERVAL", "INTO",    "IS",      "JOIN",     "KEY",
    "LEFT",   "LIKE",    "LIMIT",     "MODIFY",   "NOT",     "NULL",    "OFFSET",   "ON",
    "OR",     "ORDER",   "PRIMARY",   "SELECT",   "SETTING", "SHOW",    "TABLE",    "TABLES",
    "TAG",    "THEN",    "TIMESTAMP", "UNION",    "VALUES",  "WHEN",    "WHERE",    "WITH"};

constexpr std::string_view kHelp =
    "Statements end with a semicolon and may take several lines.\n"
    "  \\d         the tables\n"
    "  \\d TABLE   the columns of a table\n"
    "  \\timing    shows how long each statement takes, or stops that\n"
    "  \\q         ends the shell (as Ctrl-D does)\n"
    "Tab completes keywords and names of tables; Ctrl-C ends a statement that runs.\n";

// Ctrl-C as a readable file descriptor: the only thing that a signal handler may safely do is to
// write.
class InterruptFlag {
 public:
  InterruptFlag() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    interrupt_fd = fd_;
    struct sigaction action = {};
    action.sa_handler = [](int) {
      const uint64_t one = 1;
      [[maybe_unused]] const ssize_t written = ::write(interrupt_fd, &one, sizeof(one));
    };
    ::sigaction(SIGINT, &action, &before_);
  }
  ~InterruptFlag() {
    ::sigaction(SIGINT, &before_, nullptr);
    ::close(fd_);
  }
  InterruptFlag(const InterruptFlag&) = delete;
  InterruptFlag& operator=(const InterruptFlag&) = delete;

  int fd() const { return fd_; }
  void Clear() {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t taken = ::read(fd_, &count, sizeof(count));
  }

 private:
  static inline std::atomic<int> interrupt_fd = -1;
  const int fd_;
  struct sigaction before_ = {};
};

// While it lives, Ctrl-C cancels what the connection does.
class CancelOnInterrupt {
 public:
  CancelOnInterrupt(SqlConnection& connection, InterruptFlag& flag)
      : done_(::eventfd(0, EFD_CLOEXEC)), thread_([this, &connection, &flag] {
          pollfd waiting[2] = {{flag.fd(), POLLIN, 0}, {done_, POLLIN, 0}};
          while (::poll(waiting, 2, -1) < 0 || waiting[1].revents == 0) {
            if ((waiting[0].revents & POLLIN) != 0) {
              flag.Clear();
              connection.Cancel();
            }
            waiting[0].revents = waiting[1].revents = 0;
          }
        }) {}
  ~CancelOnInterrupt() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(done_, &one, sizeof(one));
    thread_.join();
    ::close(done_);
  }
  CancelOnInterrupt(const CancelOnInterrupt&) = delete;
  CancelOnInterrupt& operator=(const CancelOnInterrupt&) = delete;

 private:
  const int done_;
  std::thread thread_;
};

std::string HistoryFile() {
  const char* const home = std::getenv("HOME");
  return home == nullptr ? "" : std::string(home) + "/.varve_history";
}

std::string OnOneLine(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

class Dialogue {
 public:
  Dialogue(SqlConnection& connection, StatementRunner& runner)
      : connection_(connection), runner_(runner) {}

  Status Run() {
    VARVE_ASSIGN(
        const std::unique_ptr<LineEditor> editor,
        LineEditor::Open(HistoryFile(), [this](std::string_view word) { return Words(word); }));
    fmt::print("Type \\? for help, \\q to end.\n");
    while (true) {
      const EditedLine line =
          editor->ReadLine(splitter_.HasPending() ? "    -> " : "varve> ", interrupt_.fd());
      if (std::holds_alternative<EndOfInput>(line)) {
        fmt::print("\n");
        return {};
      }
      if (std::holds_alternative<Interrupted>(line)) {
        interrupt_.Clear();
        splitter_.Clear();
        fmt::print("^C\n");
        continue;
      }
      if (TakeLine(*editor, std::get<std::string>(line)) == Next::kEnd) {
        return {};
      }
    }
  }

 private:
  enum class Next : uint8_t { kGoOn, kEnd };

  Next TakeLine(LineEditor& editor, const std::string& line) {
    if (!splitter_.HasPending() && line.starts_with('\\')) {
      editor.AddToHistory(line);
      return RunCommand(line);
    }
    splitter_.Add(line + "\n");
    while (const std::optional<SplitStatement> statement = splitter_.Next()) {
      editor.AddToHistory(OnOneLine(statement->text) + ";");
      RunStatement(statement->text);
    }
    if (!splitter_.HasPending()) {
      splitter_.Clear();
    }
    return Next::kGoOn;
  }

  Next RunCommand(std::string_view command) {
    command = command.substr(0, command.find_last_not_of(" \t;") + 1);
    if (command == "\\q" || command == "\\quit") {
      return Next::kEnd;
    }
    if (command == "\\?" || command == "\\h" || command == "\\help") {
      fmt::print("{}", kHelp);
    } else if (command == "\\timing") {
      runner_.set_timing(runner_.timing() == Timing::kOn ? Timing::kOff : Timing::kOn);
      fmt::print("Timing is {}.\n", runner_.timing() == Timing::kOn ? "on" : "off");
    } else if (const Result<std::string> statement = StatementOfCommand(command)) {
      RunStatement(*statement);
    } else {
      fmt::print(stderr, "error: {}\n", statement.error().message);
    }
    return Next::kGoOn;
  }

  void RunStatement(std::string_view statement) {
    interrupt_.Clear();
    tables_.reset();
    const CancelOnInterrupt cancel(connection_, interrupt_);
    if (const Status done = runner_.Run(statement); !done) {
      std::fflush(stdout);
      fmt::print(stderr, "error: {}\n", done.error().message);
    }
  }

  std::vector<std::string> Words(std::string_view word) {
    if (!tables_) {
      tables_ = runner_.FirstColumn("SHOW TABLES");
    }
    std::vector<std::string> words;
    for (const std::string& table : *tables_) {
      if (table.starts_with(word)) {
        words.push_back(table);
      }
    }
    const bool lower = !word.empty() && word.front() >= 'a' && word.front() <= 'z';
    for (const std::string_view keyword : kKeywords) {
      if (!word.empty() && keyword.starts_with(ToUpper(word))) {
        words.push_back(lower ? ToLower(keyword) : std::string(keyword));
      }
    }
    return words;
  }

  SqlConnection& connection_;
  StatementRunner& runner_;
  InterruptFlag interrupt_;
  StatementSplitter splitter_;
  std::optional<std::vector<std::string>> tables_;  // nullopt: to be asked for
};

}  // namespace

Status RunShell(SqlConnection& connection, StatementRunner& runner) {
  return Dialogue(connection, runner).Run();
}

Result<std::string> StatementOfCommand(std::string_view command) {
  const size_t blank = command.find(' ');
  const std::string_view word = command.substr(0, blank);
  if (word != "\\d" && word != "\\dt") {
    return InvalidArgument("there is no command {}; \\? lists them", word);
  }
  const size_t name_at =
      blank == std::string_view::npos ? blank : command.find_first_not_of(' ', blank);
  if (name_at == std::string_view::npos) {
    return std::string("SHOW TABLES");
  }
  const std::string_view name = command.substr(name_at);
  return name.starts_with('`') || IsBareName(name) ? fmt::format("DESCRIBE {}", name)
                                                   : fmt::format("DESCRIBE `{}`", name);
}

}  // namespace varve
