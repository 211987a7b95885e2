#include "main/transfer_options_cli.h"

#include <algorithm>

namespace varve {
namespace {

constexpr char kExportExamples[] = R"(Examples:
  varve export create --to file:///backup/monday           the server at http://127.0.0.1:5440
  varve export create --to file:///backup/csv --format csv --tables cpu,public.weather
  varve export create --to file:///backup/may --start-time 2024-05-01 --end-time 2024-06-01
  varve export create --to file:///backup/tuesday --since file:///backup/monday
                                                           only what is new since monday
  varve export create --to file:///backup/x --data DIR    a data folder without a server
  varve export create --to s3://bucket/monday --endpoint https://minio.example:9000 \
      --access-key-id ID --secret-access-key SECRET
  varve export list --location file:///backup
  varve export verify --snapshot file:///backup/monday --mode head
  varve export delete --snapshot file:///backup/monday

An export that was interrupted goes on where it stopped when it is run again.)";

constexpr char kImportExamples[] = R"(Examples:
  varve import --from file:///backup/monday --dry-run      verifies, and says what it would do
  varve import --from file:///backup/monday
  varve import --from file:///backup/monday --rename-schema public=restored --tables cpu
  varve import --from file:///backup/tuesday               an increment: after its base
  varve import --from file:///backup/x --time-range 2024-05-01..2024-05-02 --on-conflict append

An import that was interrupted goes on where it stopped when it is run again.)";

// "--chunk-time-window" -> "chunk_time_window"
std::string StatementName(const std::string& flag) {
  std::string name = flag.substr(2);
  std::ranges::replace(name, '-', '_');
  return name;
}

using OptionMap = std::map<std::string, std::string>;

CLI::Option* AddText(CLI::App& command, OptionMap& options, const std::string& flag,
                     const std::string& text) {
  return command.add_option_function<std::string>(
      flag,
      [&options, name = StatementName(flag)](const std::string& value) { options[name] = value; },
      text);
}

// How the place is reached. What is not given is looked for in the environment and in files of the
// process that reaches it.
void AddCredentials(CLI::App& command, OptionMap& options) {
  constexpr const char* kGroup = "Credentials of the place (else from the environment and files)";
  const auto add = [&](const std::string& flag, const std::string& text) {
    AddText(command, options, flag, text)->group(kGroup);
  };
  add("--endpoint", "https://host:port of the service");
  add("--region", "s3, oss [us-east-1]");
  add("--access-key-id", "s3, oss");
  add("--secret-access-key", "s3, oss");
  add("--session-token", "s3, oss");
  add("--profile", "s3: of the AWS files");
  add("--address-style", "s3: path or virtual");
  add("--access-token", "gs");
  add("--key-file", "gs: JSON of a service account");
  add("--account", "azblob");
  add("--account-key", "azblob");
  add("--sas-token", "azblob");
  add("--ca-file", "PEM of authorities to trust");
  command
      .add_flag_callback(
          "--anonymous", [&options] { options["anonymous"] = "true"; }, "asks without credentials")
      ->group(kGroup);
}

}  // namespace

TransferCommandLine::TransferCommandLine(CLI::App& app) {
  AddExport(app);
  AddImport(app);
}

void TransferCommandLine::AddOption(CLI::App& command, const std::string& flag,
                                    const std::string& text) {
  AddText(command, transfer_.options, flag, text);
}

void TransferCommandLine::AddFlag(CLI::App& command, const std::string& flag,
                                  const std::string& text) {
  command.add_flag_callback(
      flag, [this, name = StatementName(flag)] { transfer_.options[name] = "true"; }, text);
}

void TransferCommandLine::AddDatabase(CLI::App& command) {
  auto* const url = command.add_option("--url", url_, "the server [http://127.0.0.1:5440]");
  command.add_option("--data", data_folder_, "the data folder, without a server")->excludes(url);
}

void TransferCommandLine::AddSnapshot(CLI::App& command, const std::string& flag,
                                      const std::string& text) {
  command.add_option(flag, snapshot_.location, text)->required();
  AddCredentials(command, snapshot_.credentials);
}

void TransferCommandLine::AddSelection(CLI::App& command) {
  AddDatabase(command);
  AddOption(command, "--catalog", "the catalog [varve]");
  AddOption(command, "--schemas", "a,b: only these schemas [all]");
  AddOption(command, "--tables", "t,s.u: only these tables [all]");
  AddOption(command, "--parallelism",
            "how much at once, of chunks, tables and files, up to 64 [1]");
  AddOption(command, "--rate-limit", "bytes a second, as in 50MiB [no limit]");
  AddFlag(command, "--dry-run", "says what would be done");
  command.add_option("--progress", progress_, "auto, always or never [auto]");
  AddCredentials(command, transfer_.options);
}

void TransferCommandLine::AddExport(CLI::App& app) {
  export_ = app.add_subcommand("export", "Snapshots of a database that others can read.");
  export_->require_subcommand(1);
  export_->footer(kExportExamples);
  create_ = export_->add_subcommand("create", "Makes a snapshot, or goes on with one.");
  create_->add_option("--to", transfer_.location, "where the snapshot is to be")->required();
  AddSelection(*create_);
  AddOption(*create_, "--start-time", "rows from then on [the earliest]");
  AddOption(*create_, "--end-time", "rows before then [now]");
  AddOption(*create_, "--chunk-time-window", "how much time a chunk holds [1d]");
  AddOption(*create_, "--format", "parquet, csv or json [parquet]");
  AddOption(*create_, "--as-of", "a savepoint, snapshot or time of the tables [now]");
  AddOption(*create_, "--since",
            "an earlier snapshot, or increment: only files and rows that are new since then");
  AddFlag(*create_, "--schema-only", "no rows");
  AddFlag(*create_, "--force", "replaces the snapshot that is there");
  list_ = export_->add_subcommand("list", "Lists the snapshots in a folder.");
  AddSnapshot(*list_, "--location", "the folder");
  verify_ = export_->add_subcommand("verify", "Compares a snapshot with its checksums.");
  AddSnapshot(*verify_, "--snapshot", "the snapshot");
  verify_->add_option("--mode", snapshot_.mode,
                      "head (sizes), sample (a tenth of the files) or full [full]");
  delete_ = export_->add_subcommand("delete", "Deletes a snapshot.");
  AddSnapshot(*delete_, "--snapshot", "the snapshot");
  AddDatabase(*delete_);
  delete_->add_flag("--yes", yes_, "does not ask");
}

void TransferCommandLine::AddImport(CLI::App& app) {
  import_ = app.add_subcommand("import", "Brings a snapshot into a database.");
  import_->footer(kImportExamples);
  import_->add_option("--from", transfer_.location, "the snapshot")->required();
  AddSelection(*import_);
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
    snapshot_.data_folder = data_folder_;
    snapshot_.url = url_;
    snapshot_.ask = yes_ ? SnapshotCommandOptions::Ask::kNo : SnapshotCommandOptions::Ask::kYes;
    return DeleteSnapshot(snapshot_);
  }
  transfer_.data_folder = data_folder_;
  transfer_.url = url_;
  VARVE_ASSIGN(transfer_.progress, ParseProgressLines(progress_));
  transfer_.kind = import_->parsed() ? TransferKind::kImport : TransferKind::kExport;
  return RunTransfer(transfer_);
}

}  // namespace varve
