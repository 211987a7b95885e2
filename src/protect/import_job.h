// ImportJob: the rows and tables of a snapshot into a database.
//
// Checksums come before everything; then schemas and tables; then every chunk of every table as one
// commit with an identity of its own, which the table's log remembers. So an import may end
// anywhere, and may be run again or twice at once: nothing is added twice.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/database.h"
#include "engine/rate_limit.h"
#include "protect/data_file_copy.h"
#include "protect/import_request.h"
#include "protect/import_tables.h"
#include "protect/retries.h"
#include "query/row_files.h"
#include "store/object_store.h"

namespace varve {

struct ImportServices {
  Database* database = nullptr;     // all pointers outlive the job
  ObjectStore* snapshot = nullptr;  // its root is the snapshot
  RowFiles* rows = nullptr;         // reads CSV, JSON and Parquet that is not Varve's
  std::string temp_folder;          // of this machine
  RetryLimits retry;
  std::stop_token stop;
};

struct ImportReport {
  Uuid snapshot_id;
  uint64_t tables = 0;
  uint64_t skipped_tables = 0;  // left as they are, or imported before
  uint64_t chunks = 0;          // of all tables
  uint64_t chunks_before = 0;   // that an earlier run has committed
  uint64_t files = 0;
  uint64_t rows = 0;
  uint64_t replaced_rows = 0;
  uint64_t bytes = 0;
  std::vector<std::string> warnings;
};

// One thread; works on `parallelism` threads of its own.
class ImportJob {
 public:
  ImportJob(ImportServices services, ImportRequest request, TransferProgress& progress);

  // All rows are durable and visible when it returns ok. Errors: those of VerifySnapshot and its
  // findings, of PlanImport or PlanIncrement: nothing has changed then; those of WriteImportFiles
  // and Table::Import; kCancelled when it is stopped: what has been committed stays, for another
  // run.
  Result<ImportReport> Run();

  // Verifies, and says what would be done.
  Result<ImportReport> Plan();

 private:
  // One table, or partition of one, in one chunk.
  struct Task {
    const TablePlan* table = nullptr;
    std::optional<uint32_t> partition;
    const Chunk* chunk = nullptr;
    TimeRange range;
    std::vector<const SnapshotFile*> files;
    ChunkChange change = ChunkChange::kWhole;
  };

  Status Prepare();
  void CollectTasks();
  // Those of a table in a chunk, with the bytes of their files.
  uint64_t AddTasks(const TablePlan& table, const Chunk& chunk);
  Status RunTasks();
  Status RunTask(const Task& task);
  Status Pace(uint64_t bytes);

  const ImportServices services_;
  const ImportRequest request_;
  TransferProgress& progress_;
  RateLimit rate_;
  Manifest manifest_;
  SnapshotSchema schema_;
  ImportPlan plan_;
  std::map<std::string, HashedObject> verified_;  // by path
  MadeTables tables_;
  std::vector<Task> tasks_;
  std::mutex report_mutex_;
  ImportReport report_;
};

}  // namespace varve
