#include "protect/export_job.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <thread>

#include "base/checksum.h"
#include "base/log.h"
#include "base/units.h"
#include "protect/chunk_sources.h"
#include "protect/chunk_writer.h"
#include "protect/snapshot_error.h"
#include "query/session.h"

namespace varve {
namespace {

std::unexpected<Error> ResumeMismatch(std::string_view field, std::string_view existing,
                                      std::string_view requested) {
  return Named(ErrorKind::kInvalidArgument, kResumeMismatch,
               "{}: the snapshot there was begun with '{}', this export asks for '{}': leave the "
               "option out to go on with it, name another location, or begin again with --force",
               field, existing, requested);
}

std::string Joined(std::vector<std::string> names) {
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  return fmt::format("{}", fmt::join(names, ","));
}

std::string TimeText(TimestampUs time) { return FormatTimestamp(time.value()); }

using WrittenSizes = std::map<std::string, uint64_t, std::less<>>;

Result<WrittenSizes> SizesIn(ObjectStore& store) {
  VARVE_ASSIGN(const auto objects, store.List(""));
  WrittenSizes sizes;
  for (const ObjectInfo& object : objects) {
    sizes.emplace(object.path, object.size_bytes);
  }
  return sizes;
}

bool IsThere(const WrittenSizes& sizes, std::string_view path, uint64_t size_bytes) {
  const auto found = sizes.find(path);
  return found != sizes.end() && found->second == size_bytes;
}

}  // namespace

// One part of one table in one chunk.
struct ExportJob::Task {
  ChunkWork* chunk = nullptr;
  size_t source = 0;  // of the chunk
  const PinnedTable* table = nullptr;
  ChunkPart part;
};

struct ExportJob::ChunkWork {
  Chunk* chunk = nullptr;                                   // of the manifest
  std::map<std::pair<size_t, size_t>, SnapshotFile> files;  // by source and part
  size_t open_tasks = 0;
};

// What is left to do, in the order of chunks; the first error ends it.
class ExportJob::Queue {
 public:
  // All outlive it.
  Queue(std::vector<Chunk>& chunks, const std::vector<PinnedTable>& tables,
        const ChunkWriter& writer)
      : chunks_(chunks), tables_(tables), writer_(writer) {}

  // nullopt: nothing is left, or somebody has failed.
  std::optional<Task> Take() {
    const std::lock_guard lock(mutex_);
    while (status_ && tasks_.empty() && next_chunk_ < chunks_.size()) {
      AddChunkLocked(chunks_[next_chunk_++]);
    }
    if (!status_ || tasks_.empty()) {
      return std::nullopt;
    }
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    return task;
  }

  // The chunk, when this was the last of its tasks.
  ChunkWork* Done(const Task& task, std::optional<SnapshotFile> file) {
    const std::lock_guard lock(mutex_);
    if (file) {
      task.chunk->files[{task.source, task.part.number}] = *std::move(file);
    }
    return --task.chunk->open_tasks == 0 ? task.chunk : nullptr;
  }

  void Fail(Error error) {
    const std::lock_guard lock(mutex_);
    if (status_) {
      status_ = std::unexpected(std::move(error));
    }
  }
  const Status& status() const { return status_; }

 private:
  void AddChunkLocked(Chunk& chunk) {
    if (chunk.status != ChunkStatus::kPending) {
      return;
    }
    ChunkWork& work = works_.emplace_back(ChunkWork{.chunk = &chunk, .files = {}});
    for (size_t i = 0; i < chunk.sources.size(); ++i) {
      const PinnedTable* table = tables_.Find(chunk.sources[i]);
      if (table == nullptr || !chunk.sources[i].HasRows()) {
        continue;
      }
      for (ChunkPart& part : writer_.Plan(*table, chunk, chunk.sources[i])) {
        tasks_.push_back({&work, i, table, std::move(part)});
        ++work.open_tasks;
      }
    }
    if (work.open_tasks == 0) {
      chunk.status = ChunkStatus::kSkipped;
    } else {
      chunk.status = ChunkStatus::kInProgress;
    }
  }

  std::mutex mutex_;
  std::vector<Chunk>& chunks_;
  const TableIndex tables_;
  const ChunkWriter& writer_;
  size_t next_chunk_ = 0;
  std::deque<ChunkWork> works_;
  std::deque<Task> tasks_;
  Status status_;
};

ExportJob::ExportJob(ExportServices services, ExportRequest request, TransferProgress& progress)
    : services_(std::move(services)),
      request_(std::move(request)),
      progress_(progress),
      folder_(*services_.target),
      rate_(std::make_unique<RateLimit>(request_.bytes_per_second)) {}

Status ExportJob::CheckRequest() const {
  if (request_.catalog && *request_.catalog != kDefaultCatalogName) {
    return NotFound("Catalog not found, catalog_name:{}", *request_.catalog);
  }
  if (request_.parallelism == 0 || request_.parallelism > kParallelismMax) {
    return InvalidArgument("parallelism is 1 to {}, not {}", kParallelismMax, request_.parallelism);
  }
  if (request_.contents == ExportRequest::Contents::kSchemaOnly) {
    std::string flags;
    const auto add = [&](bool given, std::string_view flag) {
      flags += given ? fmt::format("{}{}", flags.empty() ? "" : ", ", flag) : "";
    };
    add(request_.start.has_value(), "start_time");
    add(request_.end.has_value(), "end_time");
    add(request_.chunk_window.has_value(), "chunk_time_window");
    add(request_.format.has_value(), "format");
    add(request_.since.has_value(), "since");
    if (!flags.empty()) {
      return InvalidArgument("schema_only exports no rows: leave out {}", flags);
    }
  }
  return {};
}

Result<ExportReport> ExportJob::Run() {
  VARVE_TRY(CheckRequest());
  VARVE_TRY(Prepare());
  if (begun_ != ExportReport::Begun::kCompleteBefore) {
    VARVE_TRY(RunChunks());
    VARVE_TRY(Finish());
  }
  return Report();
}

Result<ExportReport> ExportJob::Plan() {
  VARVE_TRY(CheckRequest());
  VARVE_TRY(LoadBase());
  manifest_.snapshot_id = services_.database->ids().NewUuid();
  VARVE_ASSIGN(ExportSources sources,
               PinSources(*services_.database, request_, manifest_.snapshot_id));
  tables_ = std::move(sources.tables);
  const Status planned = PlanManifest(sources.schema);
  VARVE_TRY(ReleaseSources(*services_.database, manifest_.snapshot_id));
  VARVE_TRY(planned);
  ExportReport report = Report();
  report.bytes = progress_.numbers().bytes;
  return report;
}

Status ExportJob::Prepare() {
  pinned_at_ = services_.database->clock().Steady();
  if (request_.existing == ExportRequest::Existing::kReplace) {
    return BeginNew();
  }
  VARVE_ASSIGN(auto manifest, folder_.FindManifest());
  if (manifest) {
    return Resume(*std::move(manifest));
  }
  VARVE_TRY(folder_.CheckEmpty());
  return BeginNew();
}

void ExportJob::TellId() const {
  if (services_.begun) {
    services_.begun(manifest_.snapshot_id);
  }
}

Status ExportJob::BeginNew() {
  VARVE_TRY(LoadBase());
  manifest_.snapshot_id = services_.database->ids().NewUuid();
  TellId();
  VARVE_ASSIGN(ExportSources sources,
               PinSources(*services_.database, request_, manifest_.snapshot_id));
  tables_ = std::move(sources.tables);
  const auto begin = [&]() -> Status {
    VARVE_TRY(PlanManifest(sources.schema));
    if (request_.existing == ExportRequest::Existing::kReplace) {
      // Not before everything is ready for the new one.
      const auto former = folder_.FindManifest();
      VARVE_TRY(folder_.Delete());
      if (former && *former) {
        VARVE_TRY(ReleaseSources(*services_.database, (*former)->snapshot_id));
      }
    }
    return folder_.Begin(manifest_, schema_texts_);
  };
  if (const Status begun = begin(); !begun) {
    if (begun.error().kind != ErrorKind::kUnknownOutcome) {
      VARVE_TRY(ReleaseSources(*services_.database, manifest_.snapshot_id));
    }
    if (begun.error().kind != ErrorKind::kAlreadyExists) {
      return begun;
    }
    VARVE_ASSIGN(Manifest manifest, folder_.LoadManifest());
    return Resume(std::move(manifest));
  }
  return folder_.CompleteSchema(manifest_);
}

Status ExportJob::CheckResume(const Manifest& manifest) const {
  if (manifest.db_uuid != services_.database->uuid()) {
    return ResumeMismatch("db_uuid", manifest.db_uuid.ToString(),
                          services_.database->uuid().ToString());
  }
  const bool schema_only = request_.contents == ExportRequest::Contents::kSchemaOnly;
  if (manifest.schema_only != schema_only) {
    return Named(ErrorKind::kInvalidArgument, kSchemaOnlyMismatch,
                 "the snapshot there holds {}, this export asks for {}: name another location, or "
                 "begin again with --force",
                 manifest.schema_only ? "no rows" : "rows", schema_only ? "none" : "rows");
  }
  const auto check = [](std::string_view field, bool given, const std::string& existing,
                        const std::string& requested) -> Status {
    return given && existing != requested ? ResumeMismatch(field, existing, requested) : Status();
  };
  VARVE_TRY(CheckResumedBase(manifest));
  if (request_.schemas) {
    VARVE_TRY(check("schemas", true, Joined(manifest.selection.schemas.value_or(manifest.schemas)),
                    Joined(*request_.schemas)));
  }
  if (request_.tables && request_.tables != manifest.selection.tables) {
    std::vector<std::string> requested;
    for (const std::string& name : *request_.tables) {
      const auto known = std::ranges::find_if(manifest.tables, [&](const std::string& table) {
        return table == name || table.ends_with("." + name);
      });
      requested.push_back(known == manifest.tables.end() ? name : *known);
    }
    VARVE_TRY(check("tables", true, Joined(manifest.tables), Joined(requested)));
  }
  VARVE_TRY(check("start_time", request_.start.has_value(), TimeText(manifest.range.start),
                  TimeText(request_.start.value_or(TimestampUs()))));
  VARVE_TRY(check("end_time", request_.end.has_value(), TimeText(manifest.range.end),
                  TimeText(request_.end.value_or(TimestampUs()))));
  VARVE_TRY(check("chunk_time_window", request_.chunk_window.has_value(),
                  FormatDuration(manifest.chunk_window),
                  FormatDuration(request_.chunk_window.value_or(kChunkWindowDefault))));
  return check("format", request_.format.has_value(), std::string(DataFormatName(manifest.format)),
               std::string(DataFormatName(request_.format.value_or(DataFormat::kParquet))));
}

Status ExportJob::CheckResumedBase(const Manifest& manifest) const {
  if (!request_.since) {
    return {};
  }
  if (!manifest.base) {
    return ResumeMismatch("since", "", *request_.since);
  }
  VARVE_ASSIGN(const ExportBase base,
               LoadExportBase(*services_.since, *request_.since, services_.database->uuid()));
  if (base.identity.snapshot_id != manifest.base->snapshot_id ||
      base.identity.manifest_sha256 != manifest.base->manifest_sha256) {
    return ResumeMismatch(
        "since",
        fmt::format("{} ({})", manifest.base->location, manifest.base->snapshot_id.ToString()),
        fmt::format("{} ({})", *request_.since, base.identity.snapshot_id.ToString()));
  }
  return {};
}

Status ExportJob::Resume(Manifest manifest) {
  VARVE_TRY(CheckResume(manifest));
  manifest_ = std::move(manifest);
  TellId();
  VARVE_ASSIGN(const bool complete, folder_.IsComplete());
  if (complete || manifest_.completed_at) {
    begun_ = ExportReport::Begun::kCompleteBefore;
    VARVE_TRY(complete ? folder_.ClearState() : folder_.MarkComplete());
    VARVE_TRY(ReleaseSources(*services_.database, manifest_.snapshot_id));
    return {};
  }
  begun_ = ExportReport::Begun::kResumed;
  VARVE_ASSIGN(tables_, ReopenSources(*services_.database, manifest_));
  VARVE_TRY(folder_.CompleteSchema(manifest_));
  VARVE_TRY(folder_.ReadSchema(manifest_));
  VARVE_TRY(TakeDoneChunks());
  SetTotals();
  return {};
}

Status ExportJob::TakeDoneChunks() {
  VARVE_ASSIGN(const auto done, folder_.DoneChunks());
  VARVE_ASSIGN(const WrittenSizes sizes, SizesIn(*services_.target));
  for (const auto& [id, chunk] : done) {
    if (id == 0 || id > manifest_.chunks.size() || manifest_.chunks[id - 1].range != chunk.range) {
      return Named(ErrorKind::kCorruption, kManifestCorrupt,
                   "_state/{}.json is of no chunk of the manifest", id);
    }
    const auto lost = std::ranges::find_if(chunk.files, [&](const SnapshotFile& file) {
      return !IsThere(sizes, file.path, file.size_bytes);
    });
    if (lost == chunk.files.end()) {
      manifest_.chunks[id - 1] = chunk;
    } else {
      warnings_.push_back(fmt::format(
          "chunk {} is exported again: {} is not there as it was written", id, lost->path));
    }
  }
  if (!manifest_.base) {
    NoteMissingSources();
  }
  return {};
}

Status ExportJob::Pace(uint64_t bytes) {
  progress_.AddBytes(bytes);
  KeepPinned();
  const auto wait = rate_->Take(bytes, services_.database->clock().Steady());
  if (services_.stop.stop_requested() ||
      (wait > std::chrono::nanoseconds(0) && !WaitFor(wait, services_.stop))) {
    return Cancelled("the export was stopped; run it again to go on");
  }
  return {};
}

void ExportJob::KeepPinned() {
  const std::lock_guard lock(pin_mutex_);
  const auto now = services_.database->clock().Steady();
  if (now - pinned_at_ < kPinRenewal) {
    return;
  }
  if (const Status renewed = RenewSources(*services_.database, manifest_); renewed) {
    pinned_at_ = now;
  } else {
    LogWarn("the savepoints of an export could not be renewed, which is tried again: {}",
            renewed.error().message);
  }
}

Status ExportJob::CheckWritten() const {
  const auto gone = [](std::string_view what) {
    return Named(ErrorKind::kConflict, kOperationLocked,
                 "{}: somebody has deleted the snapshot while it was made, or begun another one in "
                 "its place",
                 what);
  };
  VARVE_ASSIGN(const auto there, folder_.FindManifest());
  if (!there || there->snapshot_id != manifest_.snapshot_id) {
    return gone("the snapshot's manifest is not there any more");
  }
  VARVE_ASSIGN(const WrittenSizes sizes, SizesIn(*services_.target));
  for (const SchemaFile& file : manifest_.schema_files) {
    if (!IsThere(sizes, file.path, file.size_bytes)) {
      return gone(file.path);
    }
  }
  for (const Chunk& chunk : manifest_.chunks) {
    for (const SnapshotFile& file : chunk.files) {
      if (!IsThere(sizes, file.path, file.size_bytes)) {
        return gone(file.path);
      }
    }
  }
  return {};
}

Status ExportJob::RunChunks() {
  const ChunkWriter writer({.source = &services_.database->store(),
                            .target = services_.target,
                            .text = services_.text,
                            .temp_folder = services_.temp_folder,
                            .format = manifest_.format,
                            .pace = [this](uint64_t bytes) { return Pace(bytes); }});
  Queue queue(manifest_.chunks, tables_, writer);
  const auto work = [&] {
    if (auto status = Work(queue, writer); !status) {
      queue.Fail(std::move(status).error());
    }
  };
  std::vector<std::jthread> threads;
  for (size_t i = 1; i < request_.parallelism; ++i) {
    threads.emplace_back(work);
  }
  work();
  threads.clear();
  return queue.status();
}

Status ExportJob::Work(Queue& queue, const ChunkWriter& writer) {
  while (const auto task = queue.Take()) {
    const Chunk& chunk = *task->chunk->chunk;
    const PinnedTable& table = *task->table;
    const auto failed = [&](int tries, const Error& error) {
      progress_.AddRetry();
      LogWarn("exporting chunk {} of {}.{} failed (try {}), it is tried again: {}", chunk.id,
              table.schema, table.table, tries, error.message);
      if (auto noted = folder_.NoteFailure(chunk, static_cast<uint64_t>(tries), error.message);
          !noted) {
        LogWarn("the failure could not be noted in the snapshot: {}", noted.error().message);
      }
    };
    std::optional<SnapshotFile> file;
    VARVE_TRY(Retry(
        services_.retry, services_.stop,
        [&]() -> Status {
          VARVE_ASSIGN(file, writer.Write(table, chunk, task->part));
          return {};
        },
        failed));
    if (ChunkWork* done = queue.Done(*task, std::move(file))) {
      VARVE_TRY(Retry(services_.retry, services_.stop, [&] { return FinishChunk(*done); }, failed));
    }
  }
  return {};
}

Status ExportJob::FinishChunk(ChunkWork& work) {
  Chunk& chunk = *work.chunk;
  chunk.files.clear();
  uint64_t rows = 0;
  for (const auto& [part, file] : work.files) {
    rows += file.rows;
    chunk.files.push_back(file);
  }
  chunk.status = chunk.files.empty() ? ChunkStatus::kSkipped : ChunkStatus::kCompleted;
  chunk.checksum = chunk.files.empty() ? "" : ChunkChecksum(chunk.files);
  VARVE_TRY(folder_.NoteChunk(chunk));
  progress_.AddChunk();
  progress_.AddRows(rows);
  return {};
}

Status ExportJob::Finish() {
  manifest_.completed_at = services_.database->clock().Now();
  manifest_.checksum = SnapshotChecksum(manifest_);
  VARVE_TRY(Retry(
      services_.retry, services_.stop,
      [&]() -> Status {
        VARVE_TRY(CheckWritten());
        return folder_.Complete(manifest_);
      },
      [](int, const Error&) {}));
  VARVE_TRY(ReleaseSources(*services_.database, manifest_.snapshot_id));
  return {};
}

ExportReport ExportJob::Report() const {
  ExportReport report;
  report.snapshot_id = manifest_.snapshot_id;
  report.begun = begun_;
  report.chunks = manifest_.chunks.size();
  for (const Chunk& chunk : manifest_.chunks) {
    report.skipped_chunks += chunk.status == ChunkStatus::kSkipped ? 1 : 0;
    report.files += chunk.files.size();
  }
  report.rows = manifest_.row_count();
  report.bytes = manifest_.data_bytes();
  report.warnings = warnings_;
  return report;
}

}  // namespace varve
