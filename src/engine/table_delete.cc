// Deleting rows of a table, and committing that while rows are written, flushed and merged.
//
// All rows are flushed first, so that a delete is deletion vectors of files and nothing else: what
// the log holds beyond the files was written after the view that rows are looked for in.
#include "base/log.h"
#include "engine/flush_job.h"
#include "engine/table.h"

namespace varve {

Result<uint64_t> Table::Delete(const std::function<Result<RowsByFile>(const ReadView&)>& find) {
  std::lock_guard layout(layout_mutex_);
  if (dropped_) {
    return NotFound("Table not found, table:{}", name());
  }
  VARVE_TRY(Flush());
  ReadView view;
  {
    std::lock_guard lock(state_mutex_);
    view = ViewLocked();
  }
  // A version by itself is a state that the table was in.
  view.memtables.clear();
  VARVE_ASSIGN(const RowsByFile rows, find(view));
  uint64_t count = 0;
  for (const auto& [id, positions] : rows) {
    count += positions.size();
  }
  if (count > 0) {
    VARVE_TRY(CommitDelete(rows));
  }
  return count;
}

Status Table::CommitDelete(const RowsByFile& rows) {
  const auto writing = unfinished_.Begin();
  std::lock_guard committing(commit_mutex_);
  VARVE_TRY(ReopenLogIfUncertain());
  if (dropped_) {
    return NotFound("Table not found, table:{}", name());
  }
  VARVE_ASSIGN(VersionEdit edit, DeletionOf(rows, *version()));
  if (edit.deletion_vectors.empty() && edit.removed_files.empty()) {
    return {};
  }
  const auto committed = Commit(edit);
  if (committed || committed.error().kind == ErrorKind::kUnknownOutcome) {
    return committed ? Status() : std::unexpected(committed.error());
  }
  DiscardDeletionVectors(*services_.store, edit);
  if (committed.error().kind == ErrorKind::kConflict) {
    Install(log_->current());
  }
  return std::unexpected(committed.error().WithContext(
      fmt::format("deleting rows of table {}: nothing was deleted, try again", name())));
}

Result<VersionEdit> Table::DeletionOf(const RowsByFile& rows, const Version& version) {
  VersionEdit edit;
  edit.kind = EditKind::kDelete;
  edit.base = version.id;
  const auto add = [&](const FileMeta& file, const DeletionVector& positions) -> Status {
    DeletionVector all = positions;
    if (file.deletion_vector) {
      VARVE_ASSIGN(const auto before, services_.files->Deletions(file.id, *file.deletion_vector));
      all = all.Union(*before);
    }
    if (all.size() == file.rows) {
      edit.removed_files.push_back(file.id);
      return {};
    }
    VARVE_ASSIGN(edit.deletion_vectors[file.id],
                 WriteDeletionVector(*services_.store, DeletionVectorPath(file, unfinished_), all));
    return {};
  };
  for (const auto& [id, positions] : rows) {
    // A file that is gone had no rows left but expired ones and these: while layout_mutex_ is held,
    // none moves to another file.
    const auto file = version.files.find(id);
    if (file == version.files.end() || positions.size() == 0) {
      continue;
    }
    if (auto status = add(file->second, positions); !status) {
      DiscardDeletionVectors(*services_.store, edit);
      return std::unexpected(std::move(status).error());
    }
  }
  return edit;
}

Status Table::Truncate() {
  std::lock_guard layout(layout_mutex_);
  // No flush may be under way: it would commit files with rows of before.
  std::lock_guard flushing(flush_mutex_);
  Seal();
  VARVE_TRY(CommitTruncate());
  // What the log holds up to `flushed` is not replayed; the next flush cuts it otherwise.
  if (auto status = services_.wal->Truncate(entry_.id, flushed()); !status) {
    LogWarn("the log of table {} could not be cut: {}", name(), status.error().message);
  }
  return {};
}

Status Table::CommitTruncate() {
  std::lock_guard committing(commit_mutex_);
  VARVE_TRY(ReopenLogIfUncertain());
  if (dropped_) {
    return NotFound("Table not found, table:{}", name());
  }
  VersionEdit edit;
  edit.kind = EditKind::kDelete;
  {
    std::lock_guard lock(state_mutex_);
    for (const auto& [id, file] : version_->files) {
      edit.removed_files.push_back(id);
    }
    if (!sealed_.empty()) {
      edit.flushed = sealed_.back()->last_sequence();
    }
  }
  if (edit.removed_files.empty() && !edit.flushed) {
    return {};
  }
  VARVE_TRY(Commit(std::move(edit)));
  return {};
}

}  // namespace varve
