#include "main/transfer_options_cli.h"

#include <algorithm>

namespace varve {
namespace {

constexpr char kExportExamples[] = R"(Examples:
  varve export create --to file:///backup/monday           the server at http://127.0.0.1:5440
  varve export create --to file:///backup/csv --format csv --tables cpu,public.weather
  varve export create --to file:///backup/may --start-time 2024-05-01 --end-time 2024-06-01
  varve export create --to file:///backup/x --data DIR    a data folder without a server
  varve export list --location file:///backup
  varve export verify --snapshot file:///backup/monday --mode head
  varve export delete --snapshot file:///backup/monday

An export that was interrupted goes on where it stopped when it is run again.)";

constexpr char kImportExamples[] = R"(Examples:
  varve import --from file:///backup/monday --dry-run      verifies, and says what it would do
  varve import --from file:///backup/monday
  varve import --from file:///backup/monday --rename-schema public=restored --tables cpu
  varve import --from file:///backup/x --time-range 2024-05-01..2024-05-02 --on-conflict append

An import that was interrupted goes on where it stopped when it is run again.)";

// "--chunk-time-window" -> "chunk_time_window"
std::string StatementName(const std::string& flag) {
  std::string name = flag.substr(2);
  std::ranges::replace(name, '-', '_');
  return name;
}

}  // namespace

TransferCommandLine::TransferCommandLine(CLI::App& app) {
  transfer_.url = "http://127.0.0.1:5440";
  AddExport(app);
  AddImport(app);
}

void TransferCommandLine::AddOption(CLI::App& command, const std::string& flag,
                                    const std::string& text) {
  command.add_option_function<std::string>(
      flag,
      [this, name = StatementName(flag)](const std::string& value) {
        transfer_.options[name] = value;
      },
      text);
}

void TransferCommandLine::AddFlag(CLI::App& command, const std::string& flag,
                                  const std::string& text) {
  command.add_flag_callback(
      flag, [this, name = StatementName(flag)] { transfer_.options[name] = "true"; }, text);
}

void TransferCommandLine::AddPlace(CLI::App& command) {
  auto* const url =
      command.add_option("--url", transfer_.url, "the server [http://127.0.0.1:5440]");
  command.add_option("--data", transfer_.data_folder, "the data folder, without a server")
      ->excludes(url);
  AddOption(command, "--catalog", "the catalog [varve]");
  AddOption(command, "--schemas", "a,b: only these schemas [all]");
  AddOption(command, "--tables", "t,s.u: only these tables [all]");
  AddOption(command, "--parallelism", "how many chunks and tables at once, up to 64 [1]");
  AddOption(command, "--rate-limit", "bytes a second, as in 50MiB [no limit]");
  AddFlag(command, "--dry-run", "says what would be done");
  command.add_option("--progress", progress_, "auto, always or never [auto]");
}

void TransferCommandLine::AddExport(CLI::App& app) {
  export_ = app.add_subcommand("export", "Snapshots of a database that others can read.");
  export_->require_subcommand(1);
  export_->footer(kExportExamples);
  create_ = export_->add_subcommand("create", "Makes a snapshot, or goes on with one.");
  create_->add_option("--to", transfer_.location, "where the snapshot is to be")->required();
  AddPlace(*create_);
  AddOption(*create_, "--start-time", "rows from then on [the earliest]");
  AddOption(*create_, "--end-time", "rows before then [now]");
  AddOption(*create_, "--chunk-time-window", "how much time a chunk holds [1d]");
  AddOption(*create_, "--format", "parquet, csv or json [parquet]");
  AddOption(*create_, "--as-of", "a savepoint, snapshot or time of the tables [now]");
  AddFlag(*create_, "--schema-only", "no rows");
  AddFlag(*create_, "--force", "replaces the snapshot that is there");
  list_ = export_->add_subcommand("list", "Lists the snapshots in a folder.");
  list_->add_option("--location", snapshot_.location, "the folder")->required();
  verify_ = export_->add_subcommand("verify", "Compares a snapshot with its checksums.");
  verify_->add_option("--snapshot", snapshot_.location, "the snapshot")->required();
  verify_->add_option("--mode", snapshot_.mode,
                      "head (sizes), sample (a tenth of the files) or full [full]");
  delete_ = export_->add_subcommand("delete", "Deletes a snapshot.");
  delete_->add_option("--snapshot", snapshot_.location, "the snapshot")->required();
  delete_->add_flag("--yes", yes_, "does not ask");
}

void TransferCommandLine::AddImport(CLI::App& app) {
  import_ = app.add_subcommand("import", "Brings a snapshot into a database.");
  import_->footer(kImportExamples);
  import_->add_option("--from", transfer_.location, "the snapshot")->required();
  AddPlace(*import_);
  AddOption(*import_, "--time-range", "from..to: only these rows [all]");
  AddOption(*import_, "--rename-schema", "old=new,…");
  AddOption(*import_, "--on-conflict",
            "for tables that have rows: fail, skip, append or overwrite [fail]");
  AddOption(*import_, "--ttl-hold",
            "false: rows that are past their table's ttl may go at once [true]");
}

bool TransferCommandLine::parsed() const { return export_->parsed() || import_->parsed(); }

Status TransferCommandLine::Run() {
  if (list_->parsed()) {
    return ListSnapshots(snapshot_);
  }
  if (verify_->parsed()) {
    return VerifySnapshotAt(snapshot_);
  }
  if (delete_->parsed()) {
    snapshot_.ask = yes_ ? SnapshotCommandOptions::Ask::kNo : SnapshotCommandOptions::Ask::kYes;
    return DeleteSnapshot(snapshot_);
  }
  VARVE_ASSIGN(transfer_.progress, ParseProgressLines(progress_));
  transfer_.kind = import_->parsed() ? TransferKind::kImport : TransferKind::kExport;
  return RunTransfer(transfer_);
}

}  // namespace varve
