// Merging a table's files, and committing that while rows are written, flushed and replaced.
#include <algorithm>

#include "base/log.h"
#include "engine/compaction_job.h"
#include "engine/flush_job.h"
#include "engine/table.h"

namespace varve {
namespace {

// The rows of an input that have been deleted since the job read it. Errors: kConflict when the
// file is gone, or a rollback has brought rows back; those of SstCache::Deletions.
Result<std::vector<uint64_t>> DeletedSince(const FileMeta& input, const Version& version,
                                           SstCache& files) {
  const auto now = version.files.find(input.id);
  if (now == version.files.end()) {
    return Conflict("the file '{}' is not in version {} any more", input.path, version.id);
  }
  if (now->second.deletion_vector == input.deletion_vector) {
    return std::vector<uint64_t>();
  }
  const auto deletions = [&](const FileMeta& file) -> Result<DeletionVector> {
    if (!file.deletion_vector) {
      return DeletionVector::FromRows(std::span<const uint64_t>());
    }
    VARVE_ASSIGN(const auto vector, files.Deletions(file.id, *file.deletion_vector));
    return *vector;
  };
  VARVE_ASSIGN(const DeletionVector deleted, deletions(now->second));
  VARVE_ASSIGN(const DeletionVector before, deletions(input));
  if (before.Minus(deleted).size() > 0) {
    return Conflict("rows of the file '{}' have come back", input.path);
  }
  return deleted.Minus(before).Rows();
}

// Spreads rows of all outputs, counted through, over the outputs.
std::vector<std::vector<uint64_t>> ByFile(const std::vector<uint64_t>& rows,
                                          const std::vector<FileMeta>& outputs) {
  std::vector<std::vector<uint64_t>> by_file;
  uint64_t first = 0;
  auto row = rows.begin();
  for (const FileMeta& file : outputs) {
    auto& own = by_file.emplace_back();
    for (; row != rows.end() && *row < first + file.rows; ++row) {
      own.push_back(*row - first);
    }
    first += file.rows;
  }
  return by_file;
}

// Errors after which the same inputs fail again, whoever is at fault.
bool IsLasting(ErrorKind kind) {
  return kind == ErrorKind::kInternal || kind == ErrorKind::kInvalidArgument ||
         kind == ErrorKind::kCorruption || kind == ErrorKind::kNotFound ||
         kind == ErrorKind::kNotSupported;
}

}  // namespace

void Table::ObserveFiles() { compaction_.Observe(*version(), services_.clock->Now()); }

Sequence Table::flushed() const { return version()->flushed; }

CompactionPlan Table::PlanCompaction(const CompactionScope& scope) const {
  return compaction_.Plan(*version(), services_.clock->Now(), scope);
}

void CompactionOutcome::Add(const CompactionOutcome& other) {
  files_read += other.files_read;
  files_written += other.files_written;
  rows_read += other.rows_read;
  rows_written += other.rows_written;
  bytes_read += other.bytes_read;
  bytes_written += other.bytes_written;
}

Result<std::optional<CompactionOutcome>> Table::CompactOnce(
    const CompactionScope& scope, const std::function<Status(uint64_t bytes)>& proceed) {
  {
    std::lock_guard committing(commit_mutex_);
    VARVE_TRY(ReopenLogIfUncertain());
  }
  // The version is held until the inputs have been read: their files must stay.
  std::shared_ptr<const Version> base;
  std::optional<CompactionTask> task;
  while (true) {
    base = version();
    task = compaction_.Claim(*base, services_.clock->Now(), scope);
    if (!task) {
      return std::nullopt;
    }
    if (base == version()) {
      break;
    }
    // Another task may have ended between the two, and taken what this one has picked.
    compaction_.Release(*task);
  }
  auto outcome = RunCompaction(*task, *base, scope.limits, proceed);
  ObserveFiles();
  compaction_.Release(*task);
  if (!outcome) {
    return std::unexpected(outcome.error().WithContext(
        fmt::format("compacting {} files of table {} ({})", task->inputs.size(), name(),
                    CompactionReasonName(task->reason))));
  }
  return *outcome;
}

void Table::Quarantine(const FileMeta& file, const Error& error) {
  if (compaction_.Quarantine({file.id, file.path, error.message, services_.clock->Now()})) {
    LogError(
        "table {}: the file '{}' is left out of compactions until it is restored from a copy and "
        "the server is started again; what else the table has goes on: {}",
        name(), file.path, error.message);
  }
}

Result<CompactionOutcome> Table::RunCompaction(
    const CompactionTask& task, const Version& version, const CompactionLimits& limits,
    const std::function<Status(uint64_t bytes)>& proceed) {
  const auto writing = unfinished_.Begin();
  CompactionInput input;
  input.store = services_.store;
  input.ids = &unfinished_;
  input.table_folder = TableLog::Folder(entry_.uuid);
  input.schema = version.schema;
  input.options = version.options;
  input.limits = limits;
  input.files = task.inputs;
  input.base = version.id;
  input.proceed = [&](uint64_t bytes) -> Status {
    return dropped_ ? Cancelled("table {} has been dropped", name()) : proceed(bytes);
  };
  CompactionJob job(std::move(input));
  auto edit = job.Run();
  if (!edit) {
    for (const FileMeta& file : task.inputs) {
      const bool at_fault =
          job.damaged_input() ? file.id == *job.damaged_input() : IsLasting(edit.error().kind);
      if (at_fault) {
        Quarantine(file, edit.error());
      }
    }
    return std::unexpected(std::move(edit).error());
  }
  CompactionOutcome outcome;
  outcome.files_read = task.inputs.size();
  outcome.files_written = edit->added_files.size();
  outcome.rows_read = job.rows_read();
  outcome.rows_written = job.mapping().row_count();
  outcome.bytes_read = task.bytes();
  for (const FileMeta& file : edit->added_files) {
    outcome.bytes_written += file.size_bytes;
  }
  const std::vector<FileMeta> outputs = edit->added_files;
  compaction_.Expect(outputs);
  const auto status = CommitCompaction(*std::move(edit), task.inputs, job.mapping());
  ObserveFiles();
  compaction_.Settle(outputs);
  VARVE_TRY(status);
  return outcome;
}

Status Table::CommitCompaction(VersionEdit edit, const std::vector<FileMeta>& inputs,
                               const RowMapping& mapping) {
  std::lock_guard layout(layout_mutex_);
  std::lock_guard committing(commit_mutex_);
  return CommitCompleted(std::move(edit), [&](VersionEdit& next, const Version& version) -> Status {
    if (dropped_) {
      return Cancelled("table {} has been dropped", name());
    }
    return CompleteCompaction(next, version, inputs, mapping);
  });
}

Status Table::CompleteCompaction(VersionEdit& edit, const Version& version,
                                 const std::vector<FileMeta>& inputs, const RowMapping& mapping) {
  edit.base = version.id;
  std::vector<std::vector<uint64_t>> deleted;
  for (const FileMeta& input : inputs) {
    VARVE_ASSIGN(deleted.emplace_back(), DeletedSince(input, version, *services_.files));
  }
  const auto by_file = ByFile(mapping.OutputRows(deleted), edit.added_files);
  for (size_t i = 0; i < edit.added_files.size(); ++i) {
    FileMeta& file = edit.added_files[i];
    if (by_file[i].size() == (file.deletion_vector ? file.deletion_vector->rows : 0)) {
      continue;  // deletions only ever grow
    }
    if (file.deletion_vector) {
      DiscardObject(*services_.store, file.deletion_vector->path);
      file.deletion_vector.reset();
    }
    VARVE_ASSIGN(file.deletion_vector,
                 WriteDeletionVector(*services_.store, DeletionVectorPath(file, unfinished_),
                                     DeletionVector::FromRows(by_file[i])));
  }
  return {};
}

}  // namespace varve
