// The command lines of `varve export` and `varve import`.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "main/transfer_command.h"

namespace varve {

// Holds what the options of both commands write to; lives until the line has been parsed and run.
class TransferCommandLine {
 public:
  explicit TransferCommandLine(CLI::App& app);

  // Whether one of its commands was given.
  bool parsed() const;
  // Errors: those of the command.
  Status Run();

 private:
  void AddExport(CLI::App& app);
  void AddImport(CLI::App& app);
  // An option of the statement.
  void AddOption(CLI::App& command, const std::string& flag, const std::string& text);
  void AddFlag(CLI::App& command, const std::string& flag, const std::string& text);
  void AddDatabase(CLI::App& command);
  void AddSelection(CLI::App& command);
  void AddSnapshot(CLI::App& command, const std::string& flag, const std::string& text);

  CLI::App* export_ = nullptr;
  CLI::App* create_ = nullptr;
  CLI::App* list_ = nullptr;
  CLI::App* verify_ = nullptr;
  CLI::App* delete_ = nullptr;
  CLI::App* import_ = nullptr;
  TransferCommandOptions transfer_;
  SnapshotCommandOptions snapshot_;
  std::optional<std::string> data_folder_;
  std::string url_ = "http://127.0.0.1:5440";
  std::string progress_ = "auto";
  bool yes_ = false;
};

}  // namespace varve
