// Files that come into a table from outside, as one commit with a name of its own.
//
// Writes wait while the commit is made, and no row is in memory then: everything that it replaces
// is in files, and later writes find its rows there.
#include "engine/table_import.h"

#include <arrow/array/array_primitive.h>

#include <algorithm>

#include "engine/flush_job.h"
#include "engine/key_lookup.h"
#include "engine/table.h"

namespace varve {
namespace {

constexpr int64_t kUsPerSecond = 1'000'000;

// The rows of the file in the range, without regard to its deletion vector.
Result<std::vector<uint64_t>> RowsIn(const TableSchema& schema, const SstFile& file,
                                     const TimeRange& range) {
  std::vector<uint64_t> found;
  for (size_t block = 0; block < file.blocks().size(); ++block) {
    VARVE_ASSIGN(const auto values, file.Values(schema.timestamp(), block));
    const auto& times = static_cast<const arrow::TimestampArray&>(*values);
    for (int64_t i = 0; i < times.length(); ++i) {
      if (range.Contains(TimestampUs(times.Value(i)))) {
        found.push_back(file.blocks()[block].begin + static_cast<uint64_t>(i));
      }
    }
  }
  return found;
}

uint64_t RowsOf(const std::vector<FileMeta>& files) {
  uint64_t rows = 0;
  for (const FileMeta& file : files) {
    rows += file.rows - (file.deletion_vector ? file.deletion_vector->rows : 0);
  }
  return rows;
}

}  // namespace

std::string TableImport::FilePath(const ImportPlace& place, TimestampUs segment_start,
                                  const Uuid& id) {
  return fmt::format("{}/data/{}/{}.parquet", place.table_folder,
                     segment_start.value() / kUsPerSecond, id.ToString());
}

bool Table::HasCommitted(std::string_view operation_id) const {
  return version()->operations.contains(std::string(operation_id));
}

std::optional<std::string> Table::LastOperation(std::string_view beginning) const {
  const auto current = version();
  std::optional<std::string> last;
  VersionId committed;
  for (auto operation = current->operations.lower_bound(std::string(beginning));
       operation != current->operations.end() && operation->first.starts_with(beginning);
       ++operation) {
    if (!last || committed < operation->second) {
      last = operation->first;
      committed = operation->second;
    }
  }
  return last;
}

Status Table::NoteOperation(std::string operation_id) {
  std::lock_guard committing(commit_mutex_);
  VARVE_TRY(ReopenLogIfUncertain());
  if (version()->operations.contains(operation_id)) {
    return {};
  }
  VersionEdit edit;
  edit.kind = EditKind::kOther;
  edit.other_kind = kImportEdit;
  edit.operation_id = std::move(operation_id);
  VARVE_TRY(Commit(std::move(edit)));
  return {};
}

Status Table::AlterOnce(
    const std::string& operation_id,
    const std::function<Result<std::optional<TableSchema>>(const TableSchema&)>& change,
    TableOptions options) {
  std::lock_guard committing(commit_mutex_);
  VARVE_TRY(ReopenLogIfUncertain());
  const auto current = version();
  if (current->operations.contains(operation_id)) {
    return {};
  }
  VersionEdit edit;
  edit.kind = EditKind::kAlter;
  edit.operation_id = operation_id;
  VARVE_ASSIGN(edit.schema, change(*current->schema));
  options.segment_duration = current->options.segment_duration;
  options.update_mode = current->options.update_mode;
  if (options != current->options) {
    edit.options = std::move(options);
  }
  VARVE_TRY(Commit(std::move(edit)));
  return {};
}

Status Table::ChooseSegmentDuration(std::chrono::milliseconds duration) {
  std::lock_guard committing(commit_mutex_);
  VARVE_TRY(ReopenLogIfUncertain());
  TableOptions next = options();
  if (next.segment_duration) {
    return {};
  }
  next.segment_duration = duration;
  VersionEdit edit;
  edit.kind = EditKind::kAlter;
  edit.options = std::move(next);
  VARVE_TRY(Commit(std::move(edit)));
  return {};
}

Result<ImportOutcome> Table::Import(const TableImport& import) {
  if (HasCommitted(import.operation_id)) {
    return ImportOutcome{.kind = ImportOutcome::Kind::kDoneBefore};
  }
  VARVE_TRY(ChooseSegmentDuration(import.segment_duration));
  const auto writing = unfinished_.Begin();
  ImportPlace place;
  place.store = services_.store;
  place.ids = &unfinished_;
  place.files = services_.files.get();
  place.table_folder = TableLog::Folder(entry_.uuid);
  place.schema = schema();
  place.options = options();
  VersionEdit edit;
  edit.kind = EditKind::kOther;
  edit.other_kind = kImportEdit;
  edit.operation_id = import.operation_id;
  VARVE_ASSIGN(edit.added_files, import.write(place));
  return CommitImport(std::move(edit), import.replaces);
}

Result<ImportOutcome> Table::CommitImport(VersionEdit edit,
                                          const std::optional<TimeRange>& replaces) {
  std::lock_guard layout(layout_mutex_);
  // Once before writes wait, so that little is left to flush while they do.
  auto flushed = Flush();
  const PausedWrites paused = PauseWrites();
  if (flushed) {
    flushed = dropped_ ? NotFound("Table not found, table:{}", name()) : Flush();
  }
  if (!flushed) {
    DiscardFiles(*services_.store, edit);
    return std::unexpected(std::move(flushed).error());
  }
  auto outcome = CommitImportInFiles(std::move(edit), replaces);
  ObserveFiles();
  return outcome;
}

Result<ImportOutcome> Table::CommitImportInFiles(VersionEdit edit,
                                                 const std::optional<TimeRange>& replaces) {
  std::lock_guard committing(commit_mutex_);
  for (FileMeta& file : edit.added_files) {
    file.sequence_max = version()->flushed;
  }
  ImportOutcome outcome;
  outcome.rows = RowsOf(edit.added_files);
  outcome.files = edit.added_files.size();
  const Status committed =
      CommitCompleted(std::move(edit), [&](VersionEdit& next, const Version& version) {
        return replaces ? CompleteReplacement(next, version, *replaces, outcome)
                        : CompleteImport(next, version, outcome);
      });
  if (!committed && committed.error().kind == ErrorKind::kAlreadyExists) {
    return ImportOutcome{.kind = ImportOutcome::Kind::kDoneBefore};
  }
  VARVE_TRY(committed);
  services_.flushed(outcome.rows);
  return outcome;
}

Status Table::CompleteImport(VersionEdit& edit, const Version& version, ImportOutcome& outcome) {
  DiscardDeletionVectors(*services_.store, edit);
  edit.removed_files.clear();
  edit.base = version.id;
  outcome.replaced_rows = 0;
  if (version.options.update_mode == UpdateMode::kAppend) {
    return {};
  }
  for (const auto& [id, older] : version.files) {
    std::vector<uint64_t> rows;
    for (const FileMeta& file : edit.added_files) {
      if (!MayShareKeys(file, older)) {
        continue;
      }
      VARVE_ASSIGN(const auto opened, services_.files->Open(file));
      VARVE_ASSIGN(const auto opened_older, services_.files->Open(older));
      VARVE_ASSIGN(const auto some, RowsReplaced(*version.schema, *opened, *opened_older));
      rows.insert(rows.end(), some.begin(), some.end());
    }
    if (!rows.empty()) {
      VARVE_TRY(MaskRows(edit, older, DeletionVector::FromRows(rows), outcome));
    }
  }
  return {};
}

Status Table::CompleteReplacement(VersionEdit& edit, const Version& version, const TimeRange& range,
                                  ImportOutcome& outcome) {
  DiscardDeletionVectors(*services_.store, edit);
  edit.removed_files.clear();
  edit.base = version.id;
  outcome.replaced_rows = 0;
  for (const auto& [id, file] : version.files) {
    if (!range.Overlaps(file.time_min, file.time_max)) {
      continue;
    }
    if (range.Contains(file.time_min) && range.Contains(file.time_max)) {
      edit.removed_files.push_back(id);
      outcome.replaced_rows += file.rows - (file.deletion_vector ? file.deletion_vector->rows : 0);
      continue;
    }
    VARVE_ASSIGN(const auto opened, services_.files->Open(file));
    VARVE_ASSIGN(const auto rows, RowsIn(*version.schema, *opened, range));
    VARVE_TRY(MaskRows(edit, file, DeletionVector::FromRows(rows), outcome));
  }
  return {};
}

Status Table::MaskRows(VersionEdit& edit, const FileMeta& file, DeletionVector rows,
                       ImportOutcome& outcome) {
  uint64_t before_count = 0;
  if (file.deletion_vector) {
    VARVE_ASSIGN(const auto before, services_.files->Deletions(file.id, *file.deletion_vector));
    before_count = before->size();
    rows = rows.Union(*before);
  }
  outcome.replaced_rows += rows.size() - before_count;
  if (rows.size() == before_count) {
    return {};
  }
  if (rows.size() == file.rows) {
    edit.removed_files.push_back(file.id);
    return {};
  }
  VARVE_ASSIGN(edit.deletion_vectors[file.id],
               WriteDeletionVector(*services_.store, DeletionVectorPath(file, unfinished_), rows));
  return {};
}

}  // namespace varve
