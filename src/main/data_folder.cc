#include "main/data_folder.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "query/limiter_file.h"
#include "store/local_store.h"
#include "wal/rocksdb_wal.h"

namespace varve {
namespace {

// What the last run's queries have spilled is of no use any more; the lock says that no other
// process uses it.
Status EmptyFolder(const std::string& folder) {
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  if (error) {
    return Io("cannot empty {}: {}", folder, error.message());
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<DataFolder>> DataFolder::Open(DataFolderOptions options) {
  std::unique_ptr<DataFolder> folder(new DataFolder());
  VARVE_TRY(folder->OpenAll(std::move(options)));
  return folder;
}

Status DataFolder::OpenAll(DataFolderOptions options) {
  VARVE_ASSIGN(lock_, FolderLock::Acquire(options.folder));
  const std::string spill = options.folder + "/" + std::string(kSpillFolder);
  VARVE_TRY(EmptyFolder(spill));
  VARVE_ASSIGN(store_, LocalObjectStore::Open({.root = options.folder}));
  if (options.wal_folder.empty()) {
    options.wal_folder = options.folder + "/" + std::string(kWalFolder);
  }
  VARVE_ASSIGN(wal_, RocksDbWal::Open({.folder = options.wal_folder,
                                       .sync = options.wal_sync,
                                       .buffer_bytes = options.memory.wal_buffer_bytes}));
  options.database.store = store_.get();
  options.database.wal = wal_.get();
  options.database.clock = &clock_;
  options.database.ids = &ids_;
  options.database.write_memory_bytes_max = options.memory.write_bytes;
  options.database.file_cache_bytes_max = options.memory.file_cache_bytes;
  VARVE_ASSIGN(database_, Database::Open(std::move(options.database)));
  VARVE_TRY(OpenLimiter(options));
  options.log.clock = &clock_;
  VARVE_ASSIGN(log_, StatementLog::Open(std::move(options.log)));
  transfers_ = TransferService::Make({.database = database_.get(),
                                      .policy = options.engine.copy,
                                      .temp_folder = spill + "/transfers"});
  options.engine.transfers = transfers_.get();
  options.engine.limiter = limiter_.get();
  options.engine.log = log_.get();
  options.engine.database = database_.get();
  options.engine.temp_folder = spill;
  options.engine.memory_bytes_max = options.memory.query_bytes;
  VARVE_ASSIGN(engine_, QueryEngine::Open(std::move(options.engine)));
  return {};
}

Status DataFolder::OpenLimiter(DataFolderOptions& options) {
  Limiter::Save save;
  if (options.persist_blocked) {
    VARVE_ASSIGN(auto kept, LoadBlockLists(*store_));
    if (kept) {
      options.blocked = *std::move(kept);
    }
    save = [store = store_.get()](const BlockLists& lists) {
      return SaveBlockLists(*store, lists);
    };
  }
  limiter_ = std::make_unique<Limiter>(std::move(options.blocked), std::move(save));
  return {};
}

DataFolder::~DataFolder() {
  if (const Status closed = Close(); !closed) {
    LogError("closing the data folder: {}", closed.error().message);
  }
}

Status DataFolder::Close() {
  engine_.reset();
  transfers_.reset();
  log_.reset();
  limiter_.reset();
  Status first;
  if (database_ != nullptr) {
    first = database_->Close();
    database_.reset();
  }
  if (wal_ != nullptr) {
    const Status closed = wal_->Close();
    if (first && !closed) {
      first = closed;
    }
    wal_.reset();
  }
  store_.reset();
  lock_.reset();
  return first;
}

}  // namespace varve
