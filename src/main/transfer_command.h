// `varve export` and `varve import`: snapshots of a database, made and read by a server or, on a
// data folder without one, by this process.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "query/transfers.h"

namespace varve {

enum class ProgressLines : uint8_t { kAuto, kAlways, kNever };
// Errors: kInvalidArgument.
Result<ProgressLines> ParseProgressLines(const std::string& text);

struct TransferCommandOptions {
  TransferKind kind = TransferKind::kExport;
  std::string location;
  std::map<std::string, std::string> options;  // of the statement
  std::optional<std::string> data_folder;      // opened in this process; else `url`
  std::string url;                             // of a server
  ProgressLines progress = ProgressLines::kAuto;
};

// Runs it, with its progress on standard error (kAuto: when that is a terminal) and what was done
// on standard output. Errors: those of the statement; kInvalidArgument INVALID_LOCATION for a
// file location with a server on another machine; kUnavailable when the server does not answer any
// more: it may go on with it.
Status RunTransfer(const TransferCommandOptions& options);

struct SnapshotCommandOptions {
  std::string location;
  std::map<std::string, std::string> credentials;  // ParseCredentialOptions
  // Of the database that made it, for delete: a data folder, else a server.
  std::optional<std::string> data_folder;
  std::string url;
  std::string mode = "full";                               // of verify: head, sample, full
  enum class Ask : uint8_t { kYes, kNo } ask = Ask::kYes;  // before delete
};

// Prints a line for each snapshot of the location. Errors: those of the place.
Status ListSnapshots(const SnapshotCommandOptions& options);
// Errors: kCorruption that names each file which is not as it was written; those of VerifySnapshot.
Status VerifySnapshotAt(const SnapshotCommandOptions& options);
// Asks for a "yes" on standard input. The savepoints of an export that was not complete go too; a
// database that cannot be asked for that is a warning. Errors: kCancelled; those of the place.
Status DeleteSnapshot(const SnapshotCommandOptions& options);

}  // namespace varve
