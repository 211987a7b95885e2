// DataFolder: everything that works on one data folder, opened in the right order: the lock, the
// objects, the log, the database, the query engine. Closed in the reverse order.
//
// A data folder holds LOCK, wal/ (RocksDB), spill/ (what large queries put aside; emptied at the
// start), tmp/ (unfinished files) and beside these the objects: catalogue/ and tables/.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/ids.h"
#include "base/machine.h"
#include "engine/database.h"
#include "main/memory_plan.h"
#include "protect/transfer_service.h"
#include "query/limiter.h"
#include "query/session.h"
#include "query/statement_log.h"
#include "store/folder_lock.h"
#include "store/object_store.h"
#include "wal/wal.h"

namespace varve {

struct DataFolderOptions {
  std::string folder;
  std::string wal_folder;  // "" = `wal` in the folder
  bool wal_sync = true;
  MemoryPlan memory = PlanMemory({}, MachineMemoryBytes());
  BlockLists blocked;            // at the start
  bool persist_blocked = false;  // changes of it; what has been kept goes before `blocked`
  StatementLog::Options log;     // clock is filled in
  DatabaseOptions database;      // store, wal, clock, ids and limits of memory are filled in
  QueryEngineOptions engine;     // database, limiter, log, temp_folder and limits of memory are too
};

class DataFolder {
 public:
  // When it returns, all acknowledged rows can be read. Errors: kUnavailable (another process has
  // it open: names it), kIo and kResourceExhausted (cannot be written), kCorruption (names the
  // file), kNotSupported (a newer format).
  static Result<std::unique_ptr<DataFolder>> Open(DataFolderOptions options);
  // What Close does, with errors in the log only.
  ~DataFolder();

  Database& database() { return *database_; }
  QueryEngine& engine() { return *engine_; }
  const Clock& clock() const { return clock_; }
  Limiter& limiter() { return *limiter_; }
  StatementLog& log() { return *log_; }

  // Sessions must be gone. What is in memory stays in the log. A second call does nothing.
  Status Close();

 private:
  DataFolder() = default;
  Status OpenAll(DataFolderOptions options);
  Status OpenLimiter(DataFolderOptions& options);

  SystemClock clock_;
  RandomIdSource ids_;
  // In the order of opening; destroyed in the reverse order.
  std::unique_ptr<FolderLock> lock_;
  std::unique_ptr<ObjectStore> store_;
  std::unique_ptr<Wal> wal_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Limiter> limiter_;
  std::unique_ptr<StatementLog> log_;
  std::unique_ptr<TransferService> transfers_;
  std::unique_ptr<QueryEngine> engine_;
};

}  // namespace varve
