// GC: deletes the files that nothing needs any more. One pass, in this order:
//   1. what files there are
//   2. what is being written now, and after that what all versions that are kept, and those that
//      readers hold, name; which tables the catalogue names, read anew
//   3. candidates: files of 1 that 2 does not name, older than the grace time
//   4. 2 once more, for the tables that have candidates
//   5. the deletion, within a budget
// A file never comes back once no version names it, so what is true in 2 stays true. It fails
// closed: what cannot be listed or read ends the pass with nothing deleted. It touches only names
// that Varve gives (what else there is, it reports), and of a table that is there only data files
// and deletion vectors: its log is expired by TableLog::Expire.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "engine/table.h"
#include "store/object_store.h"

namespace varve {

// Longer than any commit whose answer was lost can still be under way. What this process writes
// needs no grace: it is known (Table::unfinished_files).
inline constexpr std::chrono::milliseconds kGcGrace = std::chrono::hours(1);

enum class GcMode : uint8_t { kPlan, kDelete };

enum class GcReason : uint8_t {
  kUnreferenced,  // no version that is kept names it
  kDroppedTable,  // the catalogue does not name its table
  kNotOurs,       // left: not a name that Varve gives
};
std::string_view GcReasonText(GcReason reason);

enum class GcOutcome : uint8_t {
  kPlanned,  // would be deleted
  kDeleted,
  kFailed,    // could not be deleted; the next pass tries again
  kDeferred,  // beyond the budget; the next pass goes on
  kLeft,
};
std::string_view GcOutcomeText(GcOutcome outcome);

struct GcFile {
  std::string path;
  uint64_t bytes = 0;
  GcReason reason = GcReason::kUnreferenced;
  GcOutcome outcome = GcOutcome::kPlanned;
};

struct GcReport {
  std::vector<GcFile> files;
  uint64_t young = 0;       // unreferenced, but within the grace time or being written
  uint64_t held = 0;        // of dropped tables that somebody still reads
  std::string first_error;  // of deletions that failed

  uint64_t Count(GcOutcome outcome) const;
  uint64_t Bytes(GcOutcome outcome) const;
  // Whether a later pass may find more to do with nothing having been committed meanwhile.
  bool complete() const;
};

// What happens to one pass at most; the rest is for the next.
struct GcBudget {
  uint64_t files = 1'000'000;
  uint64_t bytes = uint64_t{1} << 50;
  std::chrono::milliseconds time = std::chrono::minutes(10);
};

// A table that the catalogue does not name.
enum class DroppedState : uint8_t {
  kUnknown,  // not dropped by this process: a former one did, or a CREATE came to nothing
  kInUse,    // somebody still reads or writes it
  kFree,
};

// What GC needs of its database. Thread-safe functions.
struct GcServices {
  ObjectStore* store = nullptr;
  const Clock* clock = nullptr;
  // The tables that the catalogue names, dropped ones that are kept among them, from the store.
  // Errors: those of Catalogue::Open.
  std::function<Result<std::set<Uuid>>()> named_tables;
  // The files under the folder of this table that other tables need: its clones. Errors: any; the
  // pass ends with nothing deleted. nullptr: there are no clones.
  std::function<Result<std::set<std::string>>(const Uuid&)> shared_files;
  // The catalogue forgets the dropped tables that are not kept any more; they are returned.
  // nullptr: there are none.
  std::function<Result<std::vector<Uuid>>()> purge_dropped;
  std::function<DroppedState(const Uuid&)> dropped;
};

struct GcRequest {
  GcMode mode = GcMode::kDelete;
  // Which folder is looked at: "tables", or that of one table.
  std::string folder = "tables";
  // The open tables. Files of others that the catalogue names are not looked at.
  std::vector<std::shared_ptr<Table>> tables;
  std::chrono::milliseconds grace = kGcGrace;
  GcBudget budget;
  // Asked between tables and between deletions; true: ends the pass. nullptr: never.
  std::function<bool()> cancelled;
};

// One pass. Several at once do no harm. Errors: kIo, kCorruption, …: something could not be read,
// nothing was deleted; kCancelled before the first deletion (after it, the rest is deferred).
Result<GcReport> CollectGarbage(const GcServices& services, const GcRequest& request);

}  // namespace varve
