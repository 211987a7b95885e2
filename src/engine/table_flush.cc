// A table's rows on their way into files.
#include <algorithm>

#include "base/log.h"
#include "engine/flush_job.h"
#include "engine/table.h"

namespace varve {
Status Table::Flush() {
  Seal();
  return FlushSealed();
}

Table::MemtableViews Table::SealedViews() const {
  std::lock_guard lock(state_mutex_);
  const auto fence = std::ranges::find(fences_, nullptr, [](const auto& f) { return f.second; });
  MemtableViews views;
  for (const auto& memtable : sealed_) {
    views.push_back(memtable->View());
    if (fence != fences_.end() && memtable->last_sequence() >= fence->first) {
      break;
    }
  }
  return views;
}

std::shared_ptr<const Version> Table::version() const {
  std::lock_guard lock(state_mutex_);
  return version_;
}

Status Table::FlushSealed() {
  std::lock_guard flushing(flush_mutex_);
  std::optional<Sequence> last;
  {
    std::lock_guard lock(state_mutex_);
    if (!sealed_.empty()) {
      last = sealed_.back()->last_sequence();
    }
  }
  // Each fence takes a commit of its own.
  do {
    VARVE_TRY(FlushUpToFence());
  } while (last && flushed() < *last && !dropped_);
  return {};
}

Status Table::FlushUpToFence() {
  {
    std::lock_guard committing(commit_mutex_);
    VARVE_TRY(ReopenLogIfUncertain());
  }
  FlushInput input;
  input.memtables = SealedViews();
  if (input.memtables.empty() || dropped_) {
    return {};
  }
  const auto writing = unfinished_.Begin();
  input.store = services_.store;
  input.ids = &unfinished_;
  input.table_folder = TableLog::Folder(entry_.uuid);
  input.schema = schema();
  input.options = options();
  // Now, so that little is left to find while commits wait.
  VARVE_TRY(FindReplacedInFiles(*version(), input.memtables));
  VARVE_ASSIGN(VersionEdit edit, RunFlush(input));
  uint64_t rows = 0;
  for (const FileMeta& file : edit.added_files) {
    rows += file.rows;
  }
  const Sequence flushed = *edit.flushed;
  {
    std::lock_guard committing(commit_mutex_);
    VARVE_TRY(CommitCompleted(std::move(edit), [&](VersionEdit& next, const Version& version) {
      return CompleteFlush(next, version, input.memtables);
    }));
  }
  services_.flushed(rows);
  // The rows are in files either way; the next flush cuts the log up to a later place.
  if (auto status = services_.wal->Truncate(entry_.id, flushed); !status) {
    LogWarn("the log of table {} could not be cut: {}", name(), status.error().message);
  }
  return {};
}

Status Table::CompleteFlush(VersionEdit& edit, const Version& version,
                            const MemtableViews& memtables) {
  if (edit.options) {
    // Options may have been altered since; only the segment duration is this flush's to say.
    const auto segment_duration = edit.options->segment_duration;
    edit.options = version.options;
    edit.options->segment_duration = segment_duration;
  }
  DiscardDeletionVectors(*services_.store, edit);
  edit.removed_files.clear();
  VARVE_ASSIGN(const FileRows replaced, FindReplacedInFiles(version, memtables));
  if (replaced.empty()) {
    return {};
  }
  edit.base = version.id;
  for (const auto& [id, rows] : replaced) {
    const FileMeta& file = version.files.at(id);
    DeletionVector all = *rows;
    if (file.deletion_vector) {
      VARVE_ASSIGN(const auto before, services_.files->Deletions(id, *file.deletion_vector));
      all = all.Union(*before);
    }
    if (all.size() == file.rows) {
      edit.removed_files.push_back(id);
      continue;
    }
    VARVE_ASSIGN(edit.deletion_vectors[id],
                 WriteDeletionVector(*services_.store, DeletionVectorPath(file, unfinished_), all));
  }
  return {};
}

}  // namespace varve
