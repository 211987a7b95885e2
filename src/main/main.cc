// The `varve` program: one subcommand each for the server, the shell and the check.
//
// CLI11 reports by exceptions what the command line says; they do not leave this file.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <clocale>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/machine.h"
#include "main/check_command.h"
#include "main/configuration_page.h"
#include "main/gc_command.h"
#include "main/memory_plan.h"
#include "main/savepoint_command.h"
#include "main/server_command.h"
#include "main/server_config.h"
#include "main/sql_command.h"
#include "main/transfer_options_cli.h"

namespace {

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

constexpr char kServerExamples[] = R"(Examples:
  varve server                                 serves ./varve-data on http://127.0.0.1:5440
  varve server --data /var/lib/varve --bind 0.0.0.0
  varve server --config varve.toml --http-port 0    any free port, which is printed
  varve server --config varve.toml --check-config   what it means, without serving anything

Settings come from the defaults, the file, the environment (VARVE_HTTP_PORT, VARVE_DATA_DIR, ...)
and the command line; the later wins. A running server shows what it uses at GET /debug/config.)";

constexpr char kSqlExamples[] = R"(Examples:
  varve sql                                    a shell on the server at http://127.0.0.1:5440
  varve sql -c 'SHOW TABLES' --format csv
  varve sql --url http://db.example:5440 -f report.sql
  varve sql --data ./varve-data -c "COPY weather FROM 'weather.parquet'"    without a server)";

constexpr char kCheckExamples[] = R"(Examples:
  varve check ./varve-data                     end its server first

Reads every file and compares it with the checksums in the manifests; prints what is wrong on
standard error. Exit code 1 when something is.)";

constexpr char kGcExamples[] = R"(Examples:
  varve gc ./varve-data --dry-run              what would be deleted; end its server first
  varve gc ./varve-data
  varve gc --url http://127.0.0.1:5440         a server does it while it works

Deletes the files that no version of a table names, and those of tables that have been dropped. A
server does so by itself; see housekeeping_interval.)";

constexpr char kSavepointExamples[] = R"(Examples:
  varve savepoint create before_upgrade                         of all tables, one point in time
  varve savepoint create nightly --table cpu --retain 30d
  varve savepoint create audit --table cpu --as-of 42 --lock-until 2030-01-01
  varve savepoint list --table cpu
  varve savepoint delete nightly
  varve savepoint delete 7 --table cpu --data ./varve-data      without a server

A savepoint keeps a version of a table until it is dropped; SELECT ... FROM cpu VERSION AS OF
'savepoint.nightly' reads it.)";

constexpr char kExamples[] = R"(Examples:
  varve server --data ./varve-data
  varve sql -c 'SELECT 1'
  varve check ./varve-data

Exit codes: 0 done, 1 failed, 2 wrong usage.)";

// Options of `varve server` that stand for settings: nullopt = not given.
struct ServerArguments {
  std::optional<std::string> config_file;
  bool check_only = false;
  bool print_docs = false;
  std::vector<std::pair<std::string, std::optional<std::string>>> settings = {
      {"analytic.storage.object_store.data_dir", {}},
      {"server.bind_addr", {}},
      {"server.http_port", {}},
      {"logger.level", {}},
      {"server.memory_limit", {}},
  };
};

int Fail(const varve::Error& error, int code) {
  std::fflush(stdout);
  fmt::print(stderr, "varve: {}\n", error.message);
  return code;
}

varve::Result<varve::ServerConfig> Configure(const ServerArguments& arguments) {
  varve::ServerConfig config;
  if (arguments.config_file) {
    VARVE_ASSIGN(config, varve::ReadServerConfig(*arguments.config_file));
  }
  VARVE_ASSIGN(config, varve::WithEnvironment(std::move(config), varve::ProcessEnvironment));
  for (const auto& [key, value] : arguments.settings) {
    if (value) {
      VARVE_ASSIGN(config, varve::WithSetting(std::move(config), key, *value));
    }
  }
  return config;
}

int ShowConfig(const varve::ServerConfig& config) {
  for (const std::string& warning : config.warnings) {
    fmt::print(stderr, "varve: warning: {}\n", warning);
  }
  fmt::print("{}", varve::ToToml(varve::WithMemory(
                       config, varve::PlanMemory(config, varve::MachineMemoryBytes()))));
  return kDone;
}

int ServerMain(const ServerArguments& arguments) {
  if (arguments.print_docs) {
    fmt::print("{}", varve::ConfigurationPage());
    return kDone;
  }
  const varve::Result<varve::ServerConfig> config = Configure(arguments);
  if (!config) {
    return Fail(config.error(), arguments.check_only ? kFailed : kWrongUsage);
  }
  if (arguments.check_only) {
    return ShowConfig(*config);
  }
  const varve::Status served = varve::RunServer(*config);
  return served ? kDone : Fail(served.error(), kFailed);
}

int SqlMain(varve::SqlCommandOptions options, const std::string& format) {
  const varve::Result<varve::OutputFormat> parsed = varve::ParseOutputFormat(format);
  if (!parsed) {
    return Fail(parsed.error(), kWrongUsage);
  }
  options.format = *parsed;
  const varve::Status done = varve::RunSql(options);
  return done ? kDone : Fail(done.error(), kFailed);
}

int GcMain(varve::GcCommandOptions options, const std::string& format) {
  const varve::Result<varve::OutputFormat> parsed = varve::ParseOutputFormat(format);
  if (!parsed) {
    return Fail(parsed.error(), kWrongUsage);
  }
  options.format = *parsed;
  const varve::Status done = varve::RunGc(options);
  return done ? kDone : Fail(done.error(), kFailed);
}

int SavepointMain(varve::SqlCommandOptions options, const std::string& format,
                  varve::Result<std::string> statement) {
  if (!statement) {
    return Fail(statement.error(), kWrongUsage);
  }
  options.commands = {*std::move(statement)};
  return SqlMain(std::move(options), format);
}

int CheckMain(const std::string& folder) {
  const varve::CheckOutput output = {
      .progress = [](std::string_view line) { fmt::print("{}\n", line); },
      .finding = [](std::string_view line) { fmt::print(stderr, "varve: {}\n", line); },
  };
  const varve::Status checked = varve::CheckDataFolder(folder, output);
  if (!checked) {
    return Fail(checked.error(), kFailed);
  }
  fmt::print("all is well\n");
  return kDone;
}

CLI::App* AddServerCommand(CLI::App& app, ServerArguments& arguments) {
  CLI::App* const server = app.add_subcommand("server", "Serves a data folder.");
  server->add_option("-c,--config", arguments.config_file, "settings, a TOML file");
  server->add_flag("--check-config", arguments.check_only,
                   "prints the settings in force, or what is wrong with them, and ends");
  server->add_flag("--print-config-docs", arguments.print_docs,
                   "prints all settings as a page of documentation, and ends");
  auto& settings = arguments.settings;
  server->add_option("--data", settings[0].second, "the data folder [./varve-data]");
  server->add_option("--bind", settings[1].second, "the address to listen on [127.0.0.1]");
  server->add_option("--http-port", settings[2].second,
                     "0 = any free one, off = not served [5440]");
  server->add_option("--log-level", settings[3].second,
                     "trace, debug, info, warn, error, off [info]");
  server->add_option("--memory-limit", settings[4].second,
                     "of everything together: 8GiB, 50% [60% of the machine's]");
  server->footer(kServerExamples);
  return server;
}

// `varve savepoint` and what it was told.
struct SavepointCommand {
  varve::SavepointArguments arguments;
  varve::SqlCommandOptions connection{.url = "http://127.0.0.1:5440"};
  std::string format = "table";
  CLI::App* create = nullptr;
  CLI::App* list = nullptr;
  CLI::App* drop = nullptr;

  int Run() const {
    if (create->parsed()) {
      return SavepointMain(connection, format, varve::CreateSavepointSql(arguments));
    }
    return list->parsed() ? SavepointMain(connection, format, varve::ListSavepointsSql(arguments))
                          : SavepointMain(connection, format, varve::DropSavepointSql(arguments));
  }
};

CLI::App* AddSavepointCommand(CLI::App& app, SavepointCommand& command) {
  CLI::App* const savepoint =
      app.add_subcommand("savepoint", "Makes, lists and deletes savepoints.");
  savepoint->require_subcommand(1);
  savepoint->footer(kSavepointExamples);
  command.create = savepoint->add_subcommand("create", "Keeps what tables are now, or were.");
  command.list = savepoint->add_subcommand("list", "Lists savepoints.");
  command.drop = savepoint->add_subcommand("delete", "Drops a savepoint.");
  varve::SavepointArguments& arguments = command.arguments;
  for (CLI::App* const each : {command.create, command.list, command.drop}) {
    auto* const url =
        each->add_option("--url", command.connection.url, "the server [http://127.0.0.1:5440]");
    each->add_option("--data", command.connection.data_folder,
                     "opens this folder, without a server")
        ->excludes(url);
    each->add_option("--table", arguments.tables, "[schema.]table [all]");
    each->add_option("--format", command.format, "table, csv or json [table]");
    each->footer(kSavepointExamples);
  }
  command.create->add_option("name", arguments.name, "its name");
  command.create->add_option("--schema", arguments.schema, "all tables of this schema");
  auto* const as_of =
      command.create->add_option("--as-of", arguments.as_of, "a snapshot or savepoint [now]");
  command.create->add_option("--as-of-time", arguments.as_of_time, "what was there at this time")
      ->excludes(as_of);
  command.create->add_option("--retain", arguments.retain, "how long it stays [for ever]");
  command.create->add_option("--lock-until", arguments.lock_until, "not to be dropped before");
  command.drop->add_option("name", arguments.name, "its name, or with --table its number")
      ->required();
  return savepoint;
}

}  // namespace

int main(int argc, char** argv) {
  // The widths of characters in tables; nothing else of a locale may change what is printed.
  std::setlocale(LC_CTYPE, "C.UTF-8");
  CLI::App app("A time-series database.", "varve");
  app.set_version_flag("--version", "varve " VARVE_VERSION);
  app.require_subcommand(1);
  app.footer(kExamples);

  ServerArguments server_arguments;
  CLI::App* const server = AddServerCommand(app, server_arguments);

  varve::SqlCommandOptions sql_options{.url = "http://127.0.0.1:5440"};
  std::string format = "table";
  CLI::App* const sql = app.add_subcommand("sql", "Runs SQL, on a server or on a data folder.");
  auto* const url = sql->add_option("--url", sql_options.url, "the server [http://127.0.0.1:5440]");
  sql->add_option("--data", sql_options.data_folder, "opens this folder, without a server")
      ->excludes(url);
  auto* const command = sql->add_option("-c,--command", sql_options.commands, "statements to run");
  command->allow_extra_args(false);
  sql->add_option("-f,--file", sql_options.file, "a file of statements, - = standard input")
      ->excludes(command);
  sql->add_option("--format", format, "table, csv or json [table]");
  sql->footer(kSqlExamples);

  std::string checked_folder;
  CLI::App* const check = app.add_subcommand("check", "Verifies a data folder, without a server.");
  check->add_option("folder", checked_folder, "the data folder")->required();
  check->footer(kCheckExamples);

  varve::GcCommandOptions gc_options{.folder = std::nullopt, .url = "http://127.0.0.1:5440"};
  std::string gc_format = "table";
  bool gc_dry_run = false;
  CLI::App* const gc = app.add_subcommand("gc", "Deletes files that nothing needs any more.");
  auto* const gc_url =
      gc->add_option("--url", gc_options.url, "the server [http://127.0.0.1:5440]");
  gc->add_option("folder,--data", gc_options.folder, "the data folder, without a server")
      ->excludes(gc_url);
  gc->add_flag("--dry-run", gc_dry_run, "deletes nothing");
  gc->add_option("--grace", gc_options.grace, "how old a file must be to be deleted [1h]");
  gc->add_option("--format", gc_format, "table, csv or json [table]");
  gc->footer(kGcExamples);

  SavepointCommand savepoint_command;
  CLI::App* const savepoint = AddSavepointCommand(app, savepoint_command);
  varve::TransferCommandLine transfers(app);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kWrongUsage;
  }
  if (server->parsed()) {
    return ServerMain(server_arguments);
  }
  if (transfers.parsed()) {
    const varve::Status done = transfers.Run();
    return done ? kDone : Fail(done.error(), kFailed);
  }
  if (gc->parsed()) {
    gc_options.run = gc_dry_run ? varve::GcRun::kDryRun : varve::GcRun::kDelete;
    return GcMain(std::move(gc_options), gc_format);
  }
  if (savepoint->parsed()) {
    return savepoint_command.Run();
  }
  return check->parsed() ? CheckMain(checked_folder) : SqlMain(std::move(sql_options), format);
}
