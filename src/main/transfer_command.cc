#include "main/transfer_command.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <fmt/core.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <utility>
#include <vector>

#include "base/units.h"
#include "main/local_connection.h"
#include "main/local_host.h"
#include "main/remote_connection.h"
#include "main/statement_runner.h"
#include "protect/export_source.h"
#include "protect/place.h"
#include "protect/retries.h"
#include "protect/snapshot_error.h"
#include "protect/snapshot_folder.h"
#include "protect/transfer_options.h"
#include "protect/verify.h"
#include "query/name_text.h"

namespace varve {
namespace {

constexpr std::chrono::milliseconds kAskInterval{500};
constexpr std::string_view kFileScheme = "file://";
constexpr CopyPolicy::Reach kAnywhere = CopyPolicy::Reach::kEverywhere;

// The only row of an answer, by the names of its columns.
class OneRow final : public RowSink {
 public:
  Status Begin(const arrow::Schema&) override { return {}; }
  Status Rows(const arrow::RecordBatch& batch) override {
    for (int i = 0; i < batch.num_columns() && batch.num_rows() > 0; ++i) {
      const arrow::Array& column = *batch.column(i);
      std::string& value = values_[batch.column_name(i)];
      if (column.IsNull(0)) {
        value.clear();
      } else if (column.type_id() == arrow::Type::STRING) {
        value = static_cast<const arrow::StringArray&>(column).GetString(0);
      } else if (column.type_id() == arrow::Type::UINT64) {
        value = std::to_string(static_cast<const arrow::UInt64Array&>(column).Value(0));
      }
    }
    return {};
  }
  std::string Text(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? "" : found->second;
  }
  uint64_t Number(const std::string& name) const {
    const std::string text = Text(name);
    return text.empty() ? 0 : std::stoull(text);
  }

 private:
  std::map<std::string, std::string> values_;
};

Result<std::unique_ptr<SqlConnection>> Connect(const TransferCommandOptions& options) {
  if (options.data_folder) {
    return LocalConnection::Open(*options.data_folder);
  }
  const auto since = options.options.find("since");
  const bool since_file = since != options.options.end() && since->second.starts_with(kFileScheme);
  if (since_file || options.location.starts_with(kFileScheme)) {
    VARVE_ASSIGN(const bool here, IsThisMachine(options.url));
    if (!here) {
      return Named(ErrorKind::kInvalidArgument, kInvalidLocation,
                   "not co-located: {} is a folder of this machine, and the server at {} is on "
                   "another one: name a place that both reach, or run this on the server's machine",
                   since_file ? since->second : options.location, options.url);
    }
  }
  return RemoteConnection::Open(options.url);
}

std::string StatementOf(const TransferCommandOptions& options) {
  std::string sql =
      options.kind == TransferKind::kExport ? "EXPORT DATABASE TO " : "IMPORT DATABASE FROM ";
  sql += QuotedText(options.location) + " WITH (wait = 'false'";
  for (const auto& [name, value] : options.options) {
    sql += fmt::format(", {} = {}", name, QuotedText(value));
  }
  return sql + ")";
}

void ShowProgress(const OneRow& row) {
  const std::string left = row.Text("seconds_left");
  const std::string time =
      left.empty() ? "" : ", " + FormatDuration(std::chrono::seconds(row.Number("seconds_left")));
  fmt::print(stderr, "\r{}/{} chunks, {} of {}, {} rows, {}/s{}{}   ", row.Number("chunks_done"),
             row.Number("chunks"), FormatSize(row.Number("bytes_done")),
             FormatSize(row.Number("bytes")), row.Number("rows"),
             FormatSize(row.Number("bytes_per_second")), time, left.empty() ? "" : " left");
  std::fflush(stderr);
}

bool ShowsProgress(ProgressLines progress) {
  return progress == ProgressLines::kAlways ||
         (progress == ProgressLines::kAuto && ::isatty(STDERR_FILENO) == 1);
}

// Asks until it has ended; its last state.
Result<OneRow> Await(SqlConnection& connection, const TransferCommandOptions& options,
                     const std::string& id) {
  const std::string question =
      fmt::format("SELECT * FROM system.public.{} WHERE id = {}",
                  options.kind == TransferKind::kExport ? "exports" : "imports", QuotedText(id));
  const bool shows = ShowsProgress(options.progress);
  while (true) {
    OneRow row;
    VARVE_TRY(connection.Execute(question, row));
    if (row.Text("id") != id) {
      return Unavailable(
          "the server was started again and has forgotten this: run it again, which "
          "goes on where it stopped");
    }
    if (shows) {
      ShowProgress(row);
    }
    if (row.Text("state") != "running") {
      if (shows) {
        fmt::print(stderr, "\n");
      }
      return row;
    }
    WaitFor(kAskInterval, {});
  }
}

Result<std::unique_ptr<ObjectStore>> Open(const SnapshotCommandOptions& options, const Clock& clock,
                                          PlaceUse use) {
  VARVE_ASSIGN(StoreCredentials credentials, ParseCredentialOptions(options.credentials));
  return OpenPlace(options.location,
                   {.policy = {.allowed_folders = {}, .reach = kAnywhere},
                    .clock = &clock,
                    .credentials = std::move(credentials)},
                   use);
}

std::string StateOf(const SnapshotListing& listing) {
  if (!listing.manifest) {
    return "unreadable: " + listing.problem;
  }
  if (!listing.complete) {
    const std::string failure = listing.failure.empty() ? "" : "; " + listing.failure;
    return fmt::format("incomplete: {} of {} chunks{}", listing.done_chunks,
                       listing.manifest->chunks.size(), failure);
  }
  return listing.manifest->schema_only ? "schema-only" : "complete";
}

// Has the database let go of what an export that never came to its end keeps there.
void Release(const SnapshotCommandOptions& options, const Manifest& manifest) {
  const std::string call =
      fmt::format("CALL varve_release_export({})", QuotedText(manifest.snapshot_id.ToString()));
  const auto release = [&]() -> Status {
    VARVE_ASSIGN(const auto connection,
                 Connect({.data_folder = options.data_folder, .url = options.url}));
    OneRow row;
    VARVE_TRY(connection->Execute(call, row));
    return {};
  };
  if (const Status released = release(); !released) {
    PrintWarning(
        fmt::format("the database that it was made of keeps its savepoints for up to {} days ({}); "
                    "{} there drops them",
                    kPinDays.count(), released.error().message, call));
  }
}

}  // namespace

Result<ProgressLines> ParseProgressLines(const std::string& text) {
  if (text == "auto") {
    return ProgressLines::kAuto;
  }
  if (text == "always") {
    return ProgressLines::kAlways;
  }
  if (text == "never") {
    return ProgressLines::kNever;
  }
  return InvalidArgument("progress is auto, always or never, not '{}'", text);
}

Status RunTransfer(const TransferCommandOptions& options) {
  VARVE_ASSIGN(const auto connection, Connect(options));
  OneRow begun;
  VARVE_TRY(connection->Execute(StatementOf(options), begun));
  VARVE_ASSIGN(const OneRow ended, Await(*connection, options, begun.Text("id")));
  if (ended.Text("state") == "failed") {
    return std::unexpected(Error{ErrorKind::kIo, ended.Text("error")});
  }
  if (const std::string warnings = ended.Text("warnings"); !warnings.empty()) {
    PrintWarning(warnings);
  }
  return PrintText(fmt::format("{}: {} rows, {}, {} chunks, snapshot {}\n", ended.Text("state"),
                               ended.Number("rows"), FormatSize(ended.Number("bytes")),
                               ended.Number("chunks"), ended.Text("snapshot_id")));
}

Status ListSnapshots(const SnapshotCommandOptions& options) {
  const SystemClock clock;
  VARVE_ASSIGN(const auto store, Open(options, clock, PlaceUse::kRead));
  VARVE_ASSIGN(const auto listings, SnapshotFolder::List(*store));
  std::string text;
  for (const SnapshotListing& listing : listings) {
    text += fmt::format("{}\t{}", listing.name.empty() ? "." : listing.name, StateOf(listing));
    if (const auto& manifest = listing.manifest) {
      text += fmt::format("\t{}\t{}\t{} rows\t{}", FormatTimestamp(manifest->created_at.value()),
                          DataFormatName(manifest->format), manifest->row_count(),
                          FormatSize(manifest->data_bytes()));
      if (manifest->base) {
        text += fmt::format("\tincrement of {}", manifest->base->snapshot_id.ToString());
      }
    }
    text += "\n";
  }
  return PrintText(text);
}

Status VerifySnapshotAt(const SnapshotCommandOptions& options) {
  VARVE_ASSIGN(const VerifyMode mode, ParseVerifyMode(options.mode));
  const SystemClock clock;
  VARVE_ASSIGN(const auto store, Open(options, clock, PlaceUse::kRead));
  VARVE_ASSIGN(const VerifyReport report, VerifySnapshot(*store, {.mode = mode}));
  VARVE_TRY(ToStatus(report));
  return PrintText(
      fmt::format("all is well: {} files, {} read\n", report.files, FormatSize(report.bytes_read)));
}

Status DeleteSnapshot(const SnapshotCommandOptions& options) {
  const SystemClock clock;
  VARVE_ASSIGN(const auto store, Open(options, clock, PlaceUse::kDelete));
  const SnapshotFolder folder(*store);
  VARVE_ASSIGN(const Manifest manifest, folder.LoadManifest());
  if (options.ask == SnapshotCommandOptions::Ask::kYes) {
    fmt::print(stderr, "deletes snapshot {} of {}, {} rows; write yes to go on: ",
               manifest.snapshot_id.ToString(), FormatTimestamp(manifest.created_at.value()),
               manifest.row_count());
    std::string answer;
    if (!std::getline(std::cin, answer) || answer != "yes") {
      return Cancelled("nothing was deleted");
    }
  }
  VARVE_ASSIGN(const auto foreign, folder.Delete());
  for (const std::string& path : foreign) {
    PrintWarning(fmt::format("{} belongs to no snapshot and stays", path));
  }
  VARVE_TRY(PrintText(fmt::format("deleted snapshot {}\n", manifest.snapshot_id.ToString())));
  if (!manifest.completed_at) {
    Release(options, manifest);
  }
  return {};
}

}  // namespace varve
