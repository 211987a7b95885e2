// ExportJob: writes a snapshot of a database, or goes on with one.
//
// Every chunk is done on its own and noted when it is; the same pins give the same bytes. So a job
// may end anywhere, and the next one with the same request ends in the same snapshot.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/database.h"
#include "engine/rate_limit.h"
#include "protect/export_base.h"
#include "protect/export_request.h"
#include "protect/export_source.h"
#include "protect/manifest.h"
#include "protect/retries.h"
#include "protect/snapshot_folder.h"
#include "query/row_files.h"
#include "store/object_store.h"

namespace varve {

class ChunkWriter;

struct ExportServices {
  Database* database = nullptr;   // all pointers outlive the job
  ObjectStore* target = nullptr;  // its root is the snapshot
  ObjectStore* since = nullptr;   // its root is what the request names as `since`
  RowFiles* text = nullptr;       // writes CSV and JSON
  std::string temp_folder;        // of this machine, for such files until they are uploaded
  RetryLimits retry;
  std::stop_token stop;
  // Told the id as soon as it is known; nullptr: nobody wants to know.
  std::function<void(const Uuid& snapshot_id)> begun = nullptr;
};

struct ExportReport {
  Uuid snapshot_id;
  enum class Begun : uint8_t { kNew, kResumed, kCompleteBefore } begun = Begun::kNew;
  uint64_t chunks = 0;
  uint64_t skipped_chunks = 0;
  uint64_t files = 0;
  uint64_t rows = 0;
  uint64_t bytes = 0;  // of a plan: of the database's files
  std::vector<std::string> warnings;
};

// One thread; works on `parallelism` threads of its own.
class ExportJob {
 public:
  ExportJob(ExportServices services, ExportRequest request, TransferProgress& progress);

  // The snapshot is complete when it returns ok. Errors: kInvalidArgument RESUME_MISMATCH,
  // BASE_MISMATCH, SCHEMA_ONLY_MISMATCH, LOCATION_NOT_EMPTY and for requests that contradict
  // themselves; those of PinSources, ReopenSources and ChunkWriter; kCancelled when it is stopped.
  // What has been done stays, for another job. Also kConflict OPERATION_LOCKED when what it has
  // written is gone: somebody has deleted the snapshot meanwhile, or begun another one in its
  // place.
  Result<ExportReport> Run();

  // What a new export would do; writes nothing to the target.
  Result<ExportReport> Plan();

 private:
  struct Task;
  struct ChunkWork;
  class Queue;

  Status CheckRequest() const;
  Status Prepare();
  void TellId() const;
  Status BeginNew();
  Status Resume(Manifest manifest);
  Status CheckResume(const Manifest& manifest) const;
  Status CheckResumedBase(const Manifest& manifest) const;
  // Of a new export (export_plan.cc).
  Status LoadBase();
  Status PlanManifest(const SnapshotSchema& schema);
  Status PlanRange();
  Status PlanSchemaFiles(const SnapshotSchema& schema);
  // Where the first chunk of an increment begins.
  TimestampUs StartOfIncrement(TimestampUs earliest) const;
  Status PlanChunkList();
  // Of an export that was begun by a Varve that did not note what chunks are made of.
  void NoteMissingSources();
  void SetTotals();
  // Of the database's files that are read.
  uint64_t BytesToRead() const;
  Status RunChunks();
  Status Work(Queue& queue, const ChunkWriter& writer);
  Status FinishChunk(ChunkWork& work);
  Status Finish();
  // Before that many bytes are read: waits, and keeps the sources pinned.
  Status Pace(uint64_t bytes);
  void KeepPinned();
  // Takes over what earlier runs have finished.
  Status TakeDoneChunks();
  // That all that has been written is still there, as the manifest says, and nobody has begun
  // another snapshot in the same place.
  Status CheckWritten() const;
  ExportReport Report() const;

  const ExportServices services_;
  ExportRequest request_;  // with what an increment has of its base
  TransferProgress& progress_;
  const SnapshotFolder folder_;
  const std::unique_ptr<RateLimit> rate_;
  Manifest manifest_;
  std::optional<ExportBase> base_;        // of a new increment
  std::vector<SchemaText> schema_texts_;  // of a new export
  std::vector<PinnedTable> tables_;
  std::mutex pin_mutex_;
  std::chrono::steady_clock::time_point pinned_at_;
  ExportReport::Begun begun_ = ExportReport::Begun::kNew;
  std::vector<std::string> warnings_;
};

}  // namespace varve
