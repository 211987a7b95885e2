// Transfers: the exports and imports of a database, as statements ask for them and system tables
// show them. What does them stands above this folder (protect/transfer_service.h).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace varve {

enum class TransferKind : uint8_t { kExport, kImport };
enum class TransferState : uint8_t { kPlanned, kRunning, kDone, kFailed };
// "planned", "running", "done", "failed".
std::string_view TransferStateName(TransferState state);

// How far one is.
struct TransferStatus {
  std::string id;
  std::string location;     // without secrets
  std::string snapshot_id;  // "": not known yet
  TransferState state = TransferState::kRunning;
  uint64_t chunks = 0;
  uint64_t chunks_done = 0;
  uint64_t rows = 0;
  uint64_t bytes = 0;  // in all, an estimate while it runs
  uint64_t bytes_done = 0;
  uint64_t bytes_per_second = 0;
  std::optional<uint64_t> seconds_left = {};
  uint64_t retries = 0;
  TimestampUs started_at;
  std::optional<TimestampUs> ended_at = {};
  std::string error;
  std::vector<std::string> warnings = {};
};

struct TransferRequest {
  TransferKind kind = TransferKind::kExport;
  std::string location;
  std::map<std::string, std::string> options;  // keys in lower case
};

// Thread-safe.
class Transfers {
 public:
  virtual ~Transfers() = default;

  // Runs it. Asks `go_on` from time to time; its error ends the transfer, which may be begun again.
  // With the option wait = false it returns when the transfer has begun. Errors: kInvalidArgument
  // for options and locations; those of the transfer.
  virtual Result<TransferStatus> Run(const TransferRequest& request,
                                     const std::function<Status()>& go_on) = 0;

  // Drops the savepoints of an export that will not be gone on with; how many tables had one.
  // Errors: kInvalidArgument for what is no id; kUnavailable OPERATION_LOCKED while it runs; those
  // of Database::DropSavepoint.
  virtual Result<uint64_t> ReleaseExport(const std::string& snapshot_id) = 0;

  // Those of this process, oldest first.
  virtual std::vector<TransferStatus> List(TransferKind kind) const = 0;
};

}  // namespace varve
