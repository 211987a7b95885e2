// Wal: what has been accepted but is not yet in files. Each table has its own sequence of records;
// an append may span several tables and is all or nothing.
//
// The caller gives the sequences: unique and rising within a table, gaps allowed. Appends of one
// table may run at the same time from several threads and become durable in any order.
//
// Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"

namespace varve {

// What one call of Append may carry: a log holds and replays it as one piece, in memory.
inline constexpr uint64_t kAppendBytesMax = uint64_t{1} << 30;

struct WalEntry {
  TableId table;
  Sequence sequence;
  std::string_view payload;  // valid for the duration of the call
};

struct WalStats {
  uint64_t appends = 0;         // calls of Append that returned ok
  uint64_t appended_bytes = 0;  // payload bytes of these
  uint64_t size_bytes = 0;      // what the log holds on its medium now
};

class Wal {
 public:
  virtual ~Wal() = default;

  // When this returns ok, all entries survive kill -9 and (with sync) power loss; a crash in the
  // middle keeps all of them or none. Errors: kResourceExhausted (disk full), kIo, kUnavailable (an
  // earlier failure has not been repaired yet): not acknowledged, though a later replay may still
  // bring all entries of the call. The caller must not use their sequences again. kInvalidArgument
  // when the payloads exceed kAppendBytesMax (nothing was written); kCancelled after Close. After a
  // failure the log repairs itself in a later call, as soon as it can: no restart is needed.
  virtual Status Append(std::span<const WalEntry> entries) = 0;

  // Calls `apply` for each record of the table with sequence > `after`, in order of sequence, and
  // returns its first error. The payload is valid during the call only. `apply` must not call the
  // log. Errors: kCorruption that names the file and the offset, or the record; kNotSupported for a
  // record that a newer Varve wrote; kIo; kUnavailable; kCancelled after Close.
  virtual Status Replay(TableId table, Sequence after,
                        const std::function<Status(Sequence, std::string_view payload)>& apply) = 0;

  // Forgets the records with sequence <= `up_to`: they are in committed files. Idempotent; need not
  // be durable (after a crash they may be replayed again, and the caller skips them by its flushed
  // sequence). Gives the medium's space back from time to time, and may take as long as writing
  // what is left in the log. Errors: as Append; the caller may go on and truncate further the next
  // time.
  virtual Status Truncate(TableId table, Sequence up_to) = 0;

  // Forgets everything of a dropped table. As Truncate otherwise.
  virtual Status Drop(TableId table) = 0;

  // Gives all space back that truncated records take, now instead of from time to time. Takes as
  // long as writing what is left in the log. Errors: as Truncate.
  virtual Status ReleaseSpace() = 0;

  virtual WalStats stats() const = 0;

  // Waits for the calls that are under way; later ones are kCancelled. Called once. Errors: kIo
  // (what was acknowledged is safe all the same).
  virtual Status Close() = 0;
};

}  // namespace varve
