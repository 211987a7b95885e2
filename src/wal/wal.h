// Wal: what has been accepted but is not yet in files. Each table has its own sequence of records; an append may span
// several tables and is all or nothing.
//
// The caller gives the sequences: unique and rising within a table, gaps allowed. Appends of one table may run at the
// same time from several threads and become durable in any order.
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

  // When this returns ok, all entries survive kill -9 and (with sync) power loss; a crash in the middle keeps all of
  // them or none. Errors: kResourceExhausted (disk full), kIo, kUnavailable (an earlier failure has not been repaired
  // yet): not acknowledged, though a later replay may still bring all entries of the call. The caller must not use
  // their sequences again.
  virtual Status Append(std::span<const WalEntry> entries) = 0;

  // Calls `apply` for each record of the table with sequence > `after`, in order of sequence, and returns its first
  // error. The payload is valid during the call only.
  // Errors: kCorruption that names the file (or record) and the offset.
  virtual Status Replay(TableId table, Sequence after,
                        const std::function<Status(Sequence, std::string_view payload)>& apply) = 0;

  // Forgets the records with sequence <= `up_to`: they are in committed files. Idempotent; need not be durable (after
  // a crash they may be replayed again, and the caller skips them by its flushed sequence).
  virtual Status Truncate(TableId table, Sequence up_to) = 0;

  // Forgets everything of a dropped table.
  virtual Status Drop(TableId table) = 0;

  virtual WalStats stats() const = 0;

  // Appends that are under way end; later ones are kCancelled. Replay is not allowed any more. Called once.
  virtual Status Close() = 0;
};

}  // namespace varve
