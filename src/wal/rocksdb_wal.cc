#include "wal/rocksdb_wal.h"

#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "wal/record_format.h"
#include "wal/rocksdb_setup_internal.h"

namespace varve {
namespace {

// What a batch needs besides keys and values, per entry and in all.
constexpr size_t kBatchEntryBytes = 16;
constexpr size_t kReplayReadAheadBytes = size_t{2} << 20;
// Each flush leaves at most one small file of records that were not truncated yet; reading merges
// them all.
constexpr uint64_t kTableFilesMax = 8;

rocksdb::Slice AsSlice(const auto& bytes) { return {bytes.data(), bytes.size()}; }

std::string_view AsView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

uint64_t IntProperty(rocksdb::DB& db, const std::string& name) {
  uint64_t value = 0;
  db.GetIntProperty(name, &value);
  return value;
}

uint64_t PayloadBytes(std::span<const WalEntry> entries) {
  uint64_t bytes = 0;
  for (const WalEntry& entry : entries) {
    bytes += entry.payload.size();
  }
  return bytes;
}

rocksdb::Status BuildBatch(std::span<const WalEntry> entries, rocksdb::WriteBatch& batch) {
  for (const WalEntry& entry : entries) {
    VARVE_CHECK(entry.sequence.value() > 0, "sequences count from 1");
    const WalKey key = EncodeWalKey(entry.table, entry.sequence);
    const WalRecordHeader header =
        EncodeWalRecordHeader(entry.table, entry.sequence, entry.payload);
    const rocksdb::Slice key_part = AsSlice(key);
    const rocksdb::Slice value_parts[] = {AsSlice(header), AsSlice(entry.payload)};
    const rocksdb::Status status =
        batch.Put(rocksdb::SliceParts(&key_part, 1), rocksdb::SliceParts(value_parts, 2));
    if (!status.ok()) {
      return status;
    }
  }
  return rocksdb::Status::OK();
}

// Truncations are synced too, although they need not be durable: a torn tail can only be told from
// damage when no write begins before the one in front of it is safe.
rocksdb::WriteOptions WriteOptionsFor(const RocksDbWalOptions& options) {
  rocksdb::WriteOptions out;
  out.sync = options.sync;
  return out;
}

// The key behind the table's record `sequence`.
WalKey KeyBehind(TableId table, Sequence sequence) {
  if (sequence.value() == UINT64_MAX) {
    return EncodeWalKey(TableId(table.value() + 1), Sequence(0));
  }
  return EncodeWalKey(table, Sequence(sequence.value() + 1));
}

rocksdb::Status DeleteRecords(rocksdb::DB& db, const rocksdb::WriteOptions& write, TableId table,
                              Sequence begin, Sequence up_to) {
  const WalKey begin_key = EncodeWalKey(table, begin);
  const WalKey end_key = KeyBehind(table, up_to);
  const rocksdb::Status status =
      db.DeleteRange(write, db.DefaultColumnFamily(), AsSlice(begin_key), AsSlice(end_key));
  if (!status.ok() || IntProperty(db, rocksdb::DB::Properties::kTotalSstFilesSize) == 0) {
    return status;
  }
  const rocksdb::Slice begin_slice = AsSlice(begin_key);
  const rocksdb::Slice end_slice = AsSlice(end_key);
  constexpr bool kIncludeEnd = false;
  return rocksdb::DeleteFilesInRange(&db, db.DefaultColumnFamily(), &begin_slice, &end_slice,
                                     kIncludeEnd);
}

}  // namespace

Result<std::unique_ptr<Wal>> RocksDbWal::Open(RocksDbWalOptions options) {
  VARVE_ASSIGN(auto db, OpenRocksDbLog(options));
  return std::unique_ptr<Wal>(new RocksDbWal(std::move(options), std::move(db)));
}

RocksDbWal::RocksDbWal(RocksDbWalOptions options, std::unique_ptr<rocksdb::DB> db)
    : options_(std::move(options)), db_(std::move(db)) {}

RocksDbWal::~RocksDbWal() = default;

Status RocksDbWal::Append(std::span<const WalEntry> entries) {
  const uint64_t bytes = PayloadBytes(entries);
  if (bytes > kAppendBytesMax) {
    return InvalidArgument("{} bytes in one append, at most {} are allowed", bytes,
                           kAppendBytesMax);
  }
  rocksdb::WriteBatch batch(bytes +
                            entries.size() * (kWalKeyBytes + kWalHeaderBytes + kBatchEntryBytes) +
                            kBatchEntryBytes);
  VARVE_TRY(FromRocksDb(BuildBatch(entries, batch), options_.folder));
  NoteAppended(entries);
  VARVE_TRY(Run([&](rocksdb::DB& db) { return db.Write(WriteOptionsFor(options_), &batch); }));
  ++appends_;
  appended_bytes_ += bytes;
  return {};
}

Status RocksDbWal::Replay(TableId table, Sequence after,
                          const std::function<Status(Sequence, std::string_view payload)>& apply) {
  if (after.value() == UINT64_MAX) {
    return {};
  }
  const std::shared_lock lock(db_mutex_);
  if (closed_) {
    return Cancelled("the log '{}' is closed", options_.folder);
  }
  if (db_ == nullptr) {
    return Unavailable("the log '{}' could not be opened again after an error", options_.folder);
  }
  const WalKey begin = KeyBehind(table, after);
  const WalKey end = KeyBehind(table, Sequence(UINT64_MAX));
  const rocksdb::Slice end_slice = AsSlice(end);
  rocksdb::ReadOptions read;
  read.iterate_upper_bound = &end_slice;
  read.readahead_size = kReplayReadAheadBytes;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(read));
  for (it->Seek(AsSlice(begin)); it->Valid(); it->Next()) {
    VARVE_ASSIGN(const WalRecord record, DecodeWalRecord(AsView(it->key()), AsView(it->value())));
    VARVE_TRY(apply(record.sequence, record.payload));
  }
  return FromRocksDb(it->status(), options_.folder);
}

Status RocksDbWal::Truncate(TableId table, Sequence up_to) {
  const std::optional<Sequence> begin = TakeBegin(table, up_to);
  if (!begin) {
    return {};
  }
  const Status done = Run([&](rocksdb::DB& db) {
    const rocksdb::Status status =
        DeleteRecords(db, WriteOptionsFor(options_), table, *begin, up_to);
    return status.ok() ? GiveSpaceBack(db) : status;
  });
  if (!done) {
    const std::lock_guard lock(begins_mutex_);
    begins_.erase(table);
  }
  return done;
}

Status RocksDbWal::Drop(TableId table) {
  VARVE_TRY(Truncate(table, Sequence(UINT64_MAX)));
  const std::lock_guard lock(begins_mutex_);
  begins_.erase(table);
  return {};
}

WalStats RocksDbWal::stats() const {
  WalStats out{.appends = appends_, .appended_bytes = appended_bytes_};
  std::error_code error;
  for (std::filesystem::directory_iterator it(options_.folder, error), end; !error && it != end;
       it.increment(error)) {
    const auto extension = it->path().extension();
    if (extension == ".log" || extension == ".sst") {
      std::error_code gone;  // RocksDB may remove it just now
      const uintmax_t size = it->file_size(gone);
      out.size_bytes += gone ? 0 : size;
    }
  }
  return out;
}

Status RocksDbWal::Close() {
  const std::unique_lock lock(db_mutex_);
  closed_ = true;
  if (db_ == nullptr) {
    return {};
  }
  // What was appended without sync is safe after an orderly end.
  rocksdb::Status status = failed_ ? rocksdb::Status::OK() : db_->SyncWAL();
  const rocksdb::Status closed = db_->Close();
  db_.reset();
  return FromRocksDb(status.ok() ? closed : status, options_.folder);
}

template <class Write>
Status RocksDbWal::Run(Write write) {
  if (failed_) {
    VARVE_TRY(Repair());
  }
  const std::shared_lock lock(db_mutex_);
  if (closed_) {
    return Cancelled("the log '{}' is closed", options_.folder);
  }
  if (failed_) {
    return Unavailable("the log '{}' failed and is not repaired yet; try again", options_.folder);
  }
  const rocksdb::Status status = write(*db_);
  return status.ok() ? Status() : Failed(status);
}

Status RocksDbWal::Failed(const rocksdb::Status& status) {
  if (!failed_.exchange(true)) {
    LogError("the log '{}' refuses writes until it is repaired: {}", options_.folder,
             status.ToString());
  }
  return FromRocksDb(status, options_.folder);
}

// Reopening rather than DB::Resume: that would have to write all memory to a full disk first, and
// leaves the half record in the file. Reopening cuts it off by the rules of every start, and needs
// next to no room.
Status RocksDbWal::Repair() {
  const std::unique_lock lock(db_mutex_);
  if (closed_) {
    return Cancelled("the log '{}' is closed", options_.folder);
  }
  if (!failed_) {
    return {};  // another thread has done it
  }
  VARVE_TRY(ProbeRoom(options_));
  if (db_ != nullptr) {
    db_->Close().PermitUncheckedError();  // it is broken: what it says does not matter
    db_.reset();
  }
  VARVE_ASSIGN(db_, OpenRocksDbLog(options_));
  failed_ = false;
  LogInfo("the log '{}' takes writes again", options_.folder);
  return {};
}

std::optional<Sequence> RocksDbWal::TakeBegin(TableId table, Sequence up_to) {
  const std::lock_guard lock(begins_mutex_);
  const auto [it, unknown] = begins_.try_emplace(table, Sequence(0));
  if (it->second > up_to) {
    return std::nullopt;
  }
  const Sequence begin = it->second;
  it->second = Sequence(up_to.value() == UINT64_MAX ? UINT64_MAX : up_to.value() + 1);
  return begin;
}

void RocksDbWal::NoteAppended(std::span<const WalEntry> entries) {
  const std::lock_guard lock(begins_mutex_);
  for (const WalEntry& entry : entries) {
    if (const auto it = begins_.find(entry.table); it != begins_.end()) {
      it->second = std::min(it->second, entry.sequence);
    }
  }
}

rocksdb::Status RocksDbWal::GiveSpaceBack(rocksdb::DB& db) {
  const std::unique_lock lock(space_mutex_, std::try_to_lock);
  if (!lock.owns_lock()) {
    return rocksdb::Status::OK();  // another Truncate is at it
  }
  if (IntProperty(db, rocksdb::DB::Properties::kCurSizeAllMemTables) < options_.flush_log_bytes) {
    return rocksdb::Status::OK();
  }
  return WriteOut(db, compacted_bytes_ + options_.flush_log_bytes);
}

Status RocksDbWal::ReleaseSpace() {
  return Run([&](rocksdb::DB& db) {
    const std::lock_guard lock(space_mutex_);
    return WriteOut(db, 0);
  });
}

rocksdb::Status RocksDbWal::WriteOut(rocksdb::DB& db, uint64_t table_bytes_max) {
  // The flush leaves out what was truncated, and ends the log files.
  rocksdb::FlushOptions flush;
  flush.allow_write_stall = true;
  rocksdb::Status status = db.Flush(flush);
  const uint64_t files = IntProperty(db, rocksdb::DB::Properties::kNumFilesAtLevelPrefix + "0");
  const uint64_t bytes = IntProperty(db, rocksdb::DB::Properties::kTotalSstFilesSize);
  if (!status.ok() || (files <= kTableFilesMax && bytes <= table_bytes_max)) {
    return status;
  }
  status = db.CompactRange(rocksdb::CompactRangeOptions(), nullptr, nullptr);
  compacted_bytes_ = IntProperty(db, rocksdb::DB::Properties::kTotalSstFilesSize);
  return status;
}

}  // namespace varve
