#include "protect/import_job.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>
#include <tuple>

#include "base/log.h"
#include "protect/import_files.h"
#include "protect/import_increment.h"
#include "protect/snapshot_folder.h"
#include "protect/verify.h"
#include "query/session.h"

namespace varve {
namespace {

// Rows in memory that all threads of an import sort at once. With the copies that sorting and
// encoding make of them, and what reads the files, it stays below half a gigabyte.
constexpr uint64_t kSortBytesTotal = uint64_t{48} << 20;
// Of one thread: smaller files would cost more to compact than to write.
constexpr uint64_t kSortBytesMin = uint64_t{2} << 20;

// Checksums are compared while the disk that is written has nothing to do: two threads halve that.
constexpr uint64_t kVerifyThreadsMin = 2;

}  // namespace

ImportJob::ImportJob(ImportServices services, ImportRequest request, TransferProgress& progress)
    : services_(std::move(services)),
      request_(std::move(request)),
      progress_(progress),
      rate_(request_.bytes_per_second) {}

Status ImportJob::Pace(uint64_t bytes) {
  progress_.AddBytes(bytes);
  const auto wait = rate_.Take(bytes, services_.database->clock().Steady());
  if (services_.stop.stop_requested() ||
      (wait > std::chrono::nanoseconds(0) && !WaitFor(wait, services_.stop))) {
    return Cancelled("the import was stopped; run it again to go on");
  }
  return {};
}

Status ImportJob::Prepare() {
  if (request_.catalog && *request_.catalog != kDefaultCatalogName) {
    return NotFound("Catalog not found, catalog_name:{}", *request_.catalog);
  }
  if (request_.parallelism == 0 || request_.parallelism > kParallelismMax) {
    return InvalidArgument("parallelism is 1 to {}, not {}", kParallelismMax, request_.parallelism);
  }
  const SnapshotFolder folder(*services_.snapshot);
  // What does not fit shows before all bytes are read.
  VARVE_ASSIGN(manifest_, folder.LoadComplete());
  VARVE_ASSIGN(schema_, folder.ReadSchema(manifest_));
  const auto plan = manifest_.base ? PlanIncrement : PlanImport;
  VARVE_ASSIGN(plan_, plan(*services_.database, manifest_, schema_, request_));
  VARVE_ASSIGN(
      VerifyReport verified,
      VerifySnapshot(*services_.snapshot,
                     {.parallelism = std::max(request_.parallelism, kVerifyThreadsMin),
                      .pace = [this](uint64_t) {
                        return services_.stop.stop_requested()
                                   ? Status(Cancelled("the import was stopped before it had begun"))
                                   : Status();
                      }}));
  VARVE_TRY(ToStatus(verified));
  verified_ = std::move(verified.hashes);
  CollectTasks();
  return {};
}

uint64_t ImportJob::AddTasks(const TablePlan& table, const Chunk& chunk) {
  const TableDefinition& definition = *table.definition;
  TimeRange range = chunk.range;
  if (request_.range) {
    range.start = std::max(range.start, request_.range->start);
    range.end = std::min(range.end, request_.range->end);
  }
  uint64_t bytes = 0;
  std::map<std::optional<uint32_t>, Task> parts;
  for (const SnapshotFile& file : chunk.files) {
    if (file.schema == definition.schema && file.table == definition.name &&
        range.Overlaps(file.time_min, file.time_max)) {
      parts[file.partition].files.push_back(&file);
      bytes += file.size_bytes;
    }
  }
  for (const ChunkSource& source : chunk.sources) {
    // Also where nothing has come into the place of what goes.
    if (source.change == ChunkChange::kReplace && source.schema == definition.schema &&
        source.table == definition.name) {
      parts[source.partition].change = ChunkChange::kReplace;
    }
  }
  for (auto& [partition, task] : parts) {
    tasks_.push_back({&table, partition, &chunk, range, std::move(task.files), task.change});
  }
  return bytes;
}

void ImportJob::CollectTasks() {
  report_.snapshot_id = manifest_.snapshot_id;
  report_.warnings = plan_.warnings;
  uint64_t bytes = 0;
  for (const TablePlan& table : plan_.tables) {
    ++report_.tables;
    if (table.action == TableAction::kSkip || table.action == TableAction::kDoneBefore) {
      ++report_.skipped_tables;
      continue;
    }
    for (const Chunk& chunk : manifest_.chunks) {
      bytes += AddTasks(table, chunk);
    }
  }
  // By chunk, so that an import that ends early has whole days of all tables.
  std::ranges::stable_sort(tasks_, {}, [](const Task& task) { return task.chunk->id; });
  report_.chunks = tasks_.size();
  progress_.SetTotals(tasks_.size(), bytes);
}

Result<ImportReport> ImportJob::Plan() {
  VARVE_TRY(Prepare());
  for (const Task& task : tasks_) {
    for (const SnapshotFile* file : task.files) {
      ++report_.files;
      report_.rows += file->rows;
      report_.bytes += file->size_bytes;
    }
  }
  return report_;
}

Result<ImportReport> ImportJob::Run() {
  VARVE_TRY(Prepare());
  VARVE_ASSIGN(tables_, MakeTables(*services_.database, manifest_, plan_));
  VARVE_TRY(RunTasks());
  VARVE_TRY(MakeViews(*services_.database, plan_));
  VARVE_TRY(NoteDone(*services_.database, manifest_, request_, plan_, tables_));
  return report_;
}

Status ImportJob::RunTasks() {
  std::atomic<size_t> next = 0;
  std::atomic<bool> failed = false;
  std::mutex mutex;
  Status first;
  const auto work = [&] {
    while (!failed) {
      const size_t i = next++;
      if (i >= tasks_.size()) {
        return;
      }
      const Task& task = tasks_[i];
      const Status status = Retry(
          services_.retry, services_.stop, [&] { return RunTask(task); },
          [&](int tries, const Error& error) {
            progress_.AddRetry();
            LogWarn("importing chunk {} of table {} failed (try {}), it is tried again: {}",
                    task.chunk->id, task.table->definition->name, tries, error.message);
          });
      if (!status) {
        failed = true;
        const std::lock_guard lock(mutex);
        if (first) {
          first = status;
        }
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (size_t i = 1; i < request_.parallelism; ++i) {
      threads.emplace_back(work);
    }
    work();
  }
  return first;
}

Status ImportJob::RunTask(const Task& task) {
  Database& database = *services_.database;
  const TableDefinition& definition = *task.table->definition;
  std::shared_ptr<Table> table = tables_.at(task.table);
  if (table->dropped()) {
    return DroppedMeanwhile(*task.table);
  }
  if (task.partition) {
    const auto partitions = database.PartitionsOf(*table);
    if (*task.partition >= partitions.size()) {
      return Corruption("the snapshot has rows of partition {} of table {}, which has {}",
                        *task.partition, definition.name, partitions.size());
    }
    table = partitions[*task.partition];
  }
  TableImport import;
  import.operation_id = ChunkOperation(manifest_, *task.chunk, task.range);
  if (const auto duration = definition.options.segment_duration) {
    import.segment_duration = *duration;
  }
  if (task.change == ChunkChange::kReplace) {
    import.replaces = task.range;
  }
  import.write = [&](const ImportPlace& place) {
    return WriteImportFiles(
        {.snapshot = services_.snapshot,
         .rows = services_.rows,
         .verified = &verified_,
         .temp_folder = services_.temp_folder,
         .format = manifest_.format,
         .definition = &definition,
         .files = task.files,
         .range = task.range,
         .threads = std::max<size_t>(1, request_.parallelism / tasks_.size()),
         .sort_bytes_max = std::max(kSortBytesTotal / request_.parallelism, kSortBytesMin),
         .pace = [this](uint64_t bytes) { return Pace(bytes); }},
        place);
  };
  VARVE_ASSIGN(const ImportOutcome outcome, table->Import(import));
  progress_.AddChunk();
  progress_.AddRows(outcome.rows);
  const std::lock_guard lock(report_mutex_);
  report_.chunks_before += outcome.kind == ImportOutcome::Kind::kDoneBefore ? 1 : 0;
  report_.files += outcome.files;
  report_.rows += outcome.rows;
  report_.replaced_rows += outcome.replaced_rows;
  for (const SnapshotFile* file : task.files) {
    report_.bytes += file->size_bytes;
  }
  return {};
}

}  // namespace varve
