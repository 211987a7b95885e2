// RocksDbWal: the Wal of a single node, in a RocksDB of its own.
//
// An append is one write batch, which RocksDB's recovery brings back whole or not at all;
// concurrent appends share one write and one sync (group commit). Records are in the form of
// record_format.h. Truncated records leave the disk when the log holds more than `flush_log_bytes`:
// only then what is left is written to a table file and the log files go.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>

#include "wal/wal.h"

namespace rocksdb {
class DB;
class Env;
class Status;
}  // namespace rocksdb

namespace varve {

struct RocksDbWalOptions {
  std::string folder;  // its own; made if it is missing
  // Whether Append waits until the disk has the bytes. Without, they are in the operating system's
  // hands when it returns: they survive kill -9, but not power loss.
  bool sync = true;
  // RocksDB keeps what is not flushed in memory, at most three times this. More than a usual burst
  // between two truncates, so that records need not be written twice.
  size_t buffer_bytes = size_t{256} << 20;
  // Truncate lets log files go once they hold this much: at most this much disk is given away for
  // fewer flushes.
  uint64_t flush_log_bytes = uint64_t{64} << 20;
  rocksdb::Env* env = nullptr;  // for tests; null = the operating system. Outlives the log.
};

// Thread-safe.
class RocksDbWal final : public Wal {
 public:
  // Cuts a torn tail off (a write that was never acknowledged), with a warning. Errors: kCorruption
  // that names the file and the offset of damage in front of acknowledged records (nothing was
  // changed); kUnavailable when another process has it open; kIo, kResourceExhausted.
  static Result<std::unique_ptr<Wal>> Open(RocksDbWalOptions options);
  ~RocksDbWal() override;

  Status Append(std::span<const WalEntry> entries) override;
  Status Replay(TableId table, Sequence after,
                const std::function<Status(Sequence, std::string_view payload)>& apply) override;
  Status Truncate(TableId table, Sequence up_to) override;
  Status Drop(TableId table) override;
  Status ReleaseSpace() override;
  WalStats stats() const override;
  Status Close() override;

 private:
  RocksDbWal(RocksDbWalOptions options, std::unique_ptr<rocksdb::DB> db);

  // Runs `write` on the open database, after a repair if an earlier write failed.
  template <class Write>
  Status Run(Write write);
  Status Failed(const rocksdb::Status& status);
  Status Repair();
  // Where the records that the table may have begin, given that those up to `up_to` go. Nothing =
  // there are none.
  std::optional<Sequence> TakeBegin(TableId table, Sequence up_to);
  void NoteAppended(std::span<const WalEntry> entries);
  rocksdb::Status GiveSpaceBack(rocksdb::DB& db);
  // Writes out what is left of the log, so that its files can go. Requires space_mutex_.
  rocksdb::Status WriteOut(rocksdb::DB& db, uint64_t table_bytes_max);

  const RocksDbWalOptions options_;

  // Guards the life of `db_`, not its use: shared for calls into it (also while they wait for the
  // disk), exclusive to close and reopen it.
  mutable std::shared_mutex db_mutex_;
  std::unique_ptr<rocksdb::DB> db_;  // null after Close, and after a repair that failed
  bool closed_ = false;
  // A write failed: the log file may end in half a record, behind which nothing may be written.
  std::atomic<bool> failed_ = false;

  // The lowest sequence that each table may have in the log; not listed = unknown, from the
  // beginning. Spares tombstones for what is gone already.
  std::mutex begins_mutex_;
  std::map<TableId, Sequence> begins_;

  // Held across flush and compaction: one thread does that at a time.
  std::mutex space_mutex_;
  uint64_t compacted_bytes_ = 0;  // of table files, after the last compaction

  std::atomic<uint64_t> appends_ = 0;
  std::atomic<uint64_t> appended_bytes_ = 0;
};

}  // namespace varve
