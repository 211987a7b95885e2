#include <fcntl.h>
#include <rocksdb/env.h>
#include <rocksdb/table.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/sync.h"
#include "wal/rocksdb_log_check.h"
#include "wal/rocksdb_setup_internal.h"

namespace varve {
namespace {

namespace fs = std::filesystem;

// One is filled while others are written to disk; more would only hide a disk that cannot follow.
constexpr int kBuffersMax = 3;
// Writers that meet while another one syncs are written together. RocksDB's default of 1 MiB would
// keep two batches of 10,000 rows apart.
constexpr uint64_t kWriteGroupBytesMax = uint64_t{8} << 20;
// RocksDB reserves this much disk in front of a log file's end, or more than a whole buffer if it
// is not told. (What the option says else, when to flush, does not apply to a database of one
// column family.)
constexpr uint64_t kReserveBytes = uint64_t{16} << 20;
constexpr size_t kManifestReserveBytes = size_t{64} << 10;
// RocksDB's own diagnostics: enough to see what happened, never a reason for a full disk.
constexpr size_t kInfoLogBytesMax = size_t{4} << 20;
constexpr size_t kInfoLogFiles = 4;
constexpr size_t kBlockBytes = size_t{64} << 10;
// More than RocksDB needs to open: it must not succeed just to fail at the next small file.
constexpr size_t kProbeBytes = size_t{1} << 20;

// RocksDB syncs what is in its folder, but not the entry that leads to it.
Status MakeFolder(const fs::path& folder) {
  std::error_code error;
  if (fs::is_directory(folder, error)) {
    return {};
  }
  const fs::path parent = folder.has_parent_path() ? folder.parent_path() : fs::path(".");
  if (parent != folder) {
    VARVE_TRY(MakeFolder(parent));
  }
  error.clear();
  fs::create_directory(folder, error);
  if (error == std::errc::no_space_on_device) {
    return ResourceExhausted(
        "cannot create the log folder '{}': the disk is full; free space on it", folder.string());
  }
  if (error) {
    return Io(
        "cannot create the log folder '{}': {}; let the user that runs Varve write there or use "
        "another folder",
        folder.string(), error.message());
  }
  return SyncPath(parent.string());
}

}  // namespace

rocksdb::Options RocksDbLogOptions(const RocksDbWalOptions& options) {
  rocksdb::Options out;
  if (options.env != nullptr) {
    out.env = options.env;
  }
  out.create_if_missing = true;
  // CheckRocksDbLogs has cut what may be missing; whatever else RocksDB stumbles over must stop it.
  out.wal_recovery_mode = rocksdb::WALRecoveryMode::kAbsoluteConsistency;
  // A start must not wait for hundreds of MiB to be written again.
  out.avoid_flush_during_recovery = true;
  out.write_buffer_size = options.buffer_bytes;
  out.max_write_buffer_number = kBuffersMax;
  out.max_write_batch_group_size_bytes = kWriteGroupBytesMax;
  out.max_total_wal_size = kReserveBytes;
  // RocksDB's own notes are a few KiB; what it reserves for them by default is the size of a small
  // database.
  out.manifest_preallocation_size = kManifestReserveBytes;
  out.enable_pipelined_write = true;
  // Nearly all records are gone before a compaction would pay; Truncate compacts when it is worth
  // it.
  out.disable_auto_compactions = true;
  out.compression = rocksdb::kNoCompression;  // payloads come compressed or not worth it
  // A failed write is repaired by reopening, which cuts what it left behind.
  out.max_bgerror_resume_count = 0;
  out.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  out.max_log_file_size = kInfoLogBytesMax;
  out.keep_log_file_num = kInfoLogFiles;
  out.stats_dump_period_sec = 0;
  out.stats_persist_period_sec = 0;
  rocksdb::BlockBasedTableOptions table;
  table.block_size = kBlockBytes;
  table.no_block_cache = true;  // a record is read once, at the start
  out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return out;
}

Status FromRocksDb(const rocksdb::Status& status, const std::string& folder) {
  if (status.ok()) {
    return {};
  }
  const std::string text = status.ToString();
  if (status.IsNoSpace()) {
    return ResourceExhausted(
        "the disk of the log '{}' is full; free space on it or move the log to a larger one: "
        "writing goes on by itself "
        "then ({})",
        folder, text);
  }
  if (status.IsCorruption()) {
    return Corruption(
        "the log '{}' is damaged: {}. Restore it from a copy; or, to start without the rows that "
        "were "
        "not yet in table files, move that folder away",
        folder, text);
  }
  if (status.IsShutdownInProgress() || status.IsAborted()) {
    return Cancelled("the log '{}' is closed: {}", folder, text);
  }
  if (status.IsBusy() || status.IsTryAgain() || status.IsTimedOut() || status.IsIncomplete()) {
    return Unavailable("the log '{}' is busy: {}", folder, text);
  }
  return Io("the log '{}' failed: {}", folder, text);
}

Result<std::unique_ptr<rocksdb::DB>> OpenRocksDbLog(const RocksDbWalOptions& options) {
  VARVE_TRY(MakeFolder(fs::absolute(options.folder).lexically_normal()));
  VARVE_TRY(CheckRocksDbLogs(options.folder));
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(RocksDbLogOptions(options), options.folder, &db);
  if (!status.ok()) {
    // RocksDB has no code of its own for this.
    if (status.IsIOError() && status.ToString().find("lock") != std::string::npos) {
      return Unavailable(
          "the log '{}' is in use by another process; stop it first or use another folder ({})",
          options.folder, status.ToString());
    }
    VARVE_TRY(FromRocksDb(status, options.folder));
  }
  return std::unique_ptr<rocksdb::DB>(db);
}

Status ProbeRoom(const RocksDbWalOptions& options) {
  rocksdb::Env* const env = options.env != nullptr ? options.env : rocksdb::Env::Default();
  const std::string path = options.folder + "/varve-probe.tmp";
  std::unique_ptr<rocksdb::WritableFile> file;
  rocksdb::Status status = env->NewWritableFile(path, &file, rocksdb::EnvOptions());
  if (status.ok()) {
    status = file->Append(std::string(kProbeBytes, '\0'));
    status = status.ok() ? file->Sync() : status;
    file.reset();
    env->DeleteFile(path).PermitUncheckedError();
  }
  return FromRocksDb(status, options.folder);
}

}  // namespace varve
