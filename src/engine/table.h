// Table: one table's life: its log of versions, its memtables, its sequence of writes.
//
// A row is in exactly one place of what readers see: in the active memtable, in one sealed
// memtable, or in the files of the current version. `flushed` of a version says up to which write
// it is in files; installing the version drops just the memtables up to there, under the same lock.
//
// In OVERWRITE tables a row replaces an older one of its key. A write only notes which of its rows
// may do so (see series_front.h); what they replace is found by the first view or by the flush. A
// view masks it; the flush commits it, with its files, as deletion vectors.
//
// Writes of several threads get their sequences in order, are logged side by side, and reach the
// memtable in the order of their sequences. So everything up to the newest write of a memtable is
// in it or before it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "engine/compaction_state.h"
#include "engine/file_matches.h"
#include "engine/memory_matches.h"
#include "engine/read_view.h"
#include "engine/row_mapping.h"
#include "engine/series_front.h"
#include "engine/table_import.h"
#include "engine/unfinished_files.h"
#include "engine/version_ref.h"
#include "meta/catalogue.h"
#include "meta/consumers.h"
#include "meta/savepoints.h"
#include "meta/table_log.h"
#include "model/row_batch.h"
#include "model/time_range.h"
#include "sst/sst_cache.h"
#include "store/object_store.h"
#include "wal/wal.h"

namespace varve {

// The name of an edit that an import has made.
inline constexpr std::string_view kImportEdit = "import";

// Of all tables of a database, since start.
struct OverwriteCounters {
  std::atomic<uint64_t> late_rows = 0;
  std::atomic<uint64_t> key_lookups = 0;  // keys looked up in files
};

// What a table needs of its database. All pointers outlive it.
struct TableServices {
  ObjectStore* store = nullptr;
  Wal* wal = nullptr;
  std::shared_ptr<SstCache> files;
  const Clock* clock = nullptr;
  IdSource* ids = nullptr;
  // A memtable has been sealed: flush the table some time soon.
  std::function<void(TableId)> request_flush;
  // Rows have reached files.
  std::function<void(uint64_t rows)> flushed;
  // The bytes of all memtables of the database; each table adds and takes away its own. Shared,
  // because a reader may hold a table longer than the database lives.
  std::shared_ptr<std::atomic<int64_t>> memtable_bytes;
  std::shared_ptr<OverwriteCounters> overwrite;
  uint64_t versions_per_history = kVersionsPerHistory;
};

// A table does not begin new writes while one of these lives. Moves; empty after that.
class PausedWrites;

// What ExpireFiles has taken out of the version.
struct ExpiredFiles {
  uint64_t files = 0;
  uint64_t rows = 0;
  uint64_t bytes = 0;
};

// What one compaction task did.
struct CompactionOutcome {
  size_t files_read = 0;
  size_t files_written = 0;
  uint64_t rows_read = 0;
  uint64_t rows_written = 0;
  uint64_t bytes_read = 0;
  uint64_t bytes_written = 0;

  void Add(const CompactionOutcome& other);
};

// Thread-safe. Made by Database only.
class Table : public std::enable_shared_from_this<Table> {
 public:
  Table(TableServices services, TableEntry entry, std::unique_ptr<TableLog> log);
  ~Table();

  TableId id() const { return entry_.id; }
  const Uuid& uuid() const { return entry_.uuid; }
  const std::string& schema_name() const { return entry_.schema; }
  std::string name() const;  // changes when the table is renamed

  // The tables whose folders hold files of versions of this one: see TableEntry.
  const std::vector<Uuid>& shares() const { return entry_.shares; }
  const std::optional<Partitioning>& partitioning() const { return entry_.partitioning; }
  std::optional<TableId> partition_of() const { return entry_.partition_of; }

  std::shared_ptr<const TableSchema> schema() const;
  TableOptions options() const;

  // A consistent view of now: all rows whose write has returned, no row twice. Stays valid while it
  // is held, also when the table is flushed, altered or dropped. Errors: those of reading files, to
  // find which rows the late ones in memory have replaced.
  Result<ReadView> View() const;

  // Errors: those of TableSchema::WithColumnsAdded and TableLog::Commit.
  Status AddColumns(std::vector<ColumnSchema> columns);
  // Errors: those of WithChanges(…, kAlter) and TableLog::Commit.
  Status ModifyOptions(const std::map<std::string, std::string>& changes);

  // Commits the schema that `change` makes of the present one. Errors: those of `change` and
  // TableLog::Commit.
  Status AlterSchema(const std::function<Result<TableSchema>(const TableSchema&)>& change);

  // --- deletes (table_delete.cc) ---

  // By file of the view's version: the positions of rows.
  using RowsByFile = std::map<Uuid, DeletionVector>;
  // Deletes rows, as one commit: those that `find` names in the view that it is given, which holds
  // all rows whose write has returned before the call, in files. Rows that are written meanwhile
  // stay, also when they replace one that is deleted. Durable when it returns ok: no row comes back
  // from the log. Returns how many rows `find` has named. Errors: those of `find`, Flush, writing
  // deletion vectors and TableLog::Commit: then nothing is deleted (kUnknownOutcome: perhaps);
  // kNotFound when the table has been dropped; kConflict: another process has changed the files,
  // try again.
  Result<uint64_t> Delete(const std::function<Result<RowsByFile>(const ReadView&)>& find);
  // Deletes all rows whose write has returned before the call, as one commit, without reading any.
  // Errors: as Delete.
  Status Truncate();

  // --- savepoints and older versions (table_versions.cc, table_savepoint.cc) ---

  // The version that is meant. Errors: kNotFound that says what there is instead (it has expired,
  // never was, or the savepoint has been dropped); kInvalidArgument for a time in the future; those
  // of reading the log and the savepoints.
  Result<std::shared_ptr<const Version>> FindVersion(const VersionRef& ref) const;
  // The table as it was in the version, with its schema and what had expired by then; the rows that
  // were in memory only are not in it.
  ReadView ViewAt(std::shared_ptr<const Version> version) const;
  // What there is to read, in order: see TableLog::Summaries.
  Result<std::vector<VersionSummary>> Versions() const;

  // For Database, which makes them of several tables at one point in time.
  class PendingSavepoint;
  Savepoints& savepoints() const { return savepoints_; }
  // Errors: kNotFound; kInvalidArgument while it is locked; those of Savepoints::Drop.
  Status DropSavepoint(SavepointId id);
  // Drops those that are past their time: by RETAIN, and automatic ones by the table's options.
  // Locked ones stay and count for nothing. How many. Errors: those of Savepoints; the next call
  // goes on.
  Result<size_t> ExpireSavepoints();
  // The versions that savepoints, consumers and readers of changes hold. Errors: those of
  // Savepoints::List, Consumers::List and TableLog::Versions.
  Result<std::set<VersionId>> PinnedVersions() const;

  // --- changes from version to version, and their consumers (table_changes.cc, changes.h) ---

  ObjectStore& store() const { return *services_.store; }
  // Where changes begin that a user names: after that version; VersionId(): from the first one on,
  // for version 0 and for a time before the first one. Errors: those of FindVersion.
  Result<VersionId> FindChangesStart(const VersionRef& ref) const;
  // The smallest version that changes up to the newest one can begin after; VersionId(): all that
  // has ever happened is there. Errors: those of Versions.
  Result<VersionId> OldestChangesStart() const;
  // The versions after `from` up to `to` and beyond; they do not expire while the result lives.
  // Errors: kNotFound that says what there is, when one of them or `from` has expired;
  // kInvalidArgument: `to` is before `from`; those of Versions and of TableLog::Walk.
  Result<std::unique_ptr<VersionWalk>> WalkVersions(VersionId from, VersionId to) const;

  // Errors: those of Consumers::List.
  Result<std::vector<Consumer>> ListConsumers() const { return consumers_.List(); }
  // Errors: kNotFound; those of Consumers::Find.
  Result<Consumer> FindConsumer(std::string_view name) const;
  // The consumer has read everything up to `position`. Errors: those of WalkVersions from there to
  // the newest version, and of Consumers::Create.
  Result<Consumer> CreateConsumer(std::string_view name, VersionId position);
  // He has read on, up to `position`; a position that he has passed changes nothing, but that he
  // has been heard of. Errors: kNotFound: there is no such consumer, or as above.
  Result<Consumer> AdvanceConsumer(std::string_view name, VersionId position);
  // He goes on after `position`, wherever he was. Errors: likewise.
  Result<Consumer> ResetConsumer(std::string_view name, VersionId position);
  // Errors: kNotFound; those of Consumers::Drop.
  Status DropConsumer(std::string_view name);
  // Drops those that nobody has heard of for the option consumer.expiration-time. How many. Errors:
  // those of Consumers; the next call goes on.
  Result<size_t> ExpireConsumers();

  // Makes a new version that is as the given one was: its files, deletions and schema; the options
  // stay. What is in memory is flushed first, so that the version before this one has every row
  // that had been written, and leads back to it. Writes wait meanwhile. Returns the new version.
  // Errors: those of FindVersion, Flush and TableLog::Commit: nothing has changed
  // (kUnknownOutcome: perhaps).
  Result<std::shared_ptr<const Version>> Rollback(const VersionRef& ref);

  // --- imports (table_import.cc) ---

  // Adds the rows of whole files, as one commit, past the log: durable and visible when it returns
  // ok. Rows replace those of their keys that were written before; in append tables all stay; with
  // `replaces` they replace all that was written before in that range.
  // Writes wait while it is committed, not while its files are written. With an operation id that
  // has been committed it changes nothing, and says so: to be called again after every error.
  // Errors: those of `write`, Flush and TableLog::Commit; kNotFound when the table has been
  // dropped.
  Result<ImportOutcome> Import(const TableImport& import);
  // Commits an operation id and nothing else; ok also when it has been. Errors: those of
  // TableLog::Commit.
  Status NoteOperation(std::string operation_id);
  bool HasCommitted(std::string_view operation_id) const;
  // Of the operation ids with that beginning, the one that was committed last.
  std::optional<std::string> LastOperation(std::string_view beginning) const;
  // Commits the schema that `change` makes of the present one (nullopt: it stays) and the options,
  // whose segment_duration and update_mode stay, under an operation id: ok also when that has been
  // committed, and nothing changes then. Errors: those of `change` and TableLog::Commit.
  Status AlterOnce(
      const std::string& operation_id,
      const std::function<Result<std::optional<TableSchema>>(const TableSchema&)>& change,
      TableOptions options);

  // Rows before it have expired: views do not show them, and writes do not keep them.
  TimestampUs visible_from() const;
  // Takes the files all of whose rows have expired out of the version, in one commit; they are
  // garbage once the versions before it have expired too. Does nothing, without I/O, when there are
  // none. Errors: those of TableLog::Commit; nothing is lost, try again later.
  Result<ExpiredFiles> ExpireFiles();
  // Hides old versions by the rule, but for those that are pinned: see TableLog::Expire. Errors
  // also: those of PinnedVersions.
  Result<Expiry> ExpireVersions(const RetentionRule& rule, ExpiryMode mode);
  // The paths of all files that a version there names (read from the store) or that somebody in
  // this process may still read. Errors: as TableLog::References and PinnedVersions.
  Result<std::set<std::string>> References() const;
  // As TableLog::OwnBytes.
  Result<std::map<VersionId, uint64_t>> OwnBytes() const;
  // The same of what somebody in this process may still read.
  std::set<std::string> LiveReferences() const;
  // The ids of the files and deletion vectors that are being written now. To be asked for between
  // looking at what files there are and at References.
  std::set<Uuid> unfinished_files() const;
  VersionId current_version() const;

  // Everything written before the call is in files when it returns ok. Errors: kIo,
  // kResourceExhausted and the like: the rows stay in memory and in the log, and the flush is tried
  // again by itself.
  Status Flush();

  // --- for Database ---

  // A write begins: its sequence. Each Begin is followed by one Apply or Abandon, from any thread.
  // Errors: kNotFound when the table has been dropped.
  Result<Sequence> Begin();
  // The write is durable: makes its rows visible, when all writes before it have ended.
  Status Apply(Sequence sequence, const RowBatch& batch);
  // The write has failed.
  void Abandon(Sequence sequence);

  // Reads what the log holds beyond the files. Before any Begin. Returns the number of rows.
  Result<uint64_t> Recover();

  // Begin waits until the result is gone; it returns when all writes that have begun have ended.
  // Several tables: in the order of their ids, as writes begin.
  PausedWrites PauseWrites();

  // Makes the active memtable a sealed one, if it has rows.
  void Seal();
  // Writes the sealed memtables to files and commits them. Errors as Flush.
  Status FlushSealed();

  // For Database, when the catalogue has another name for it.
  void Rename(std::string name);

  // No more writes; returns when those under way have ended. Readers go on.
  void MarkDropped();
  // After MarkDropped: returns when nothing that it does can commit or touch its log any more.
  void Drain();
  bool dropped() const;

  // --- compaction, for Database (table_compaction.cc) ---

  // To be called when files have been added.
  void ObserveFiles();
  // The newest write that is in files.
  Sequence flushed() const;
  // What there is to do now, beside what is being done.
  CompactionPlan PlanCompaction(const CompactionScope& scope) const;
  // Runs the most urgent task and commits it; never waits for writes or reads, nor they for it, but
  // for a delete that runs.
  // nullopt: there is nothing to do. `proceed` as in CompactionInput. On an error nothing has
  // changed. Errors: kCorruption, kNotFound, kNotSupported: an input cannot be read and is in
  // quarantine now, go on with other tasks; kConflict: files of the task are gone, go on;
  // kResourceExhausted, kIo, kUnavailable, kUnknownOutcome: try again later; that of `proceed`;
  // kCancelled when the table is dropped.
  Result<std::optional<CompactionOutcome>> CompactOnce(
      const CompactionScope& scope, const std::function<Status(uint64_t bytes)>& proceed);
  const CompactionState& compaction() const { return compaction_; }
  CompactionState& compaction() { return compaction_; }

  uint64_t active_bytes() const;
  // Memory of what is known of the newest row of each series.
  uint64_t front_bytes() const;

 private:
  using MemtableViews = std::vector<std::shared_ptr<const MemtableView>>;

  friend class PausedWrites;
  void ResumeWrites();
  // The oldest time that has not expired then.
  static TimestampUs VisibleFrom(const TableOptions& options, TimestampUs now);
  Result<std::shared_ptr<const Version>> LoadVersion(VersionId id) const;
  // Versions that queries have asked for are at hand for the next one, until the next expiry or GC.
  void ForgetLoadedVersions() const;
  // Requires pins_mutex_. Errors: those of WalkVersions.
  Status CheckChangesThere(VersionId from, VersionId to) const;
  // The same, and to the newest version.
  Result<Consumer> MoveConsumer(std::string_view name, VersionId position);
  bool IsExpired(const Consumer& consumer) const;
  // The version from which on none may expire. Errors: those of Consumers::List.
  Result<std::optional<VersionId>> FirstUnread() const;
  // For messages: "snapshots 3 to 9, savepoints 1 and 2 ('before')".
  std::string DescribeVersions() const;
  // Flushes what is sealed, up to a fence. Requires flush_mutex_.
  Status FlushUpToFence();
  // Requires commit_mutex_. The edit that makes `current` what `target` was.
  static VersionEdit RestoreOf(const Version& current, const Version& target);
  // What is there, without what has been replaced. Requires state_mutex_.
  ReadView ViewLocked() const;
  bool HasLateRowsLocked() const;
  // Says in the view which rows have been replaced. Requires resolve_mutex_.
  Status ResolveLocked(ReadView& view) const;
  // The rows in files of the version, which is the current one, that the memtables' rows replace.
  Result<FileRows> FindReplacedInFiles(const Version& version,
                                       const MemtableViews& memtables) const;
  // Reads from files what is not known of the newest rows of series. Requires resolve_mutex_.
  void LearnFrontLocked(const Version& version) const;
  // Takes the turn of `sequence`: returns when all writes before it have ended.
  void WaitForTurn(std::unique_lock<std::mutex>& lock, Sequence sequence);
  void EndTurn(Sequence sequence);
  // Makes the version the current one, if it is newer, and drops the memtables that are in its
  // files.
  void Install(std::shared_ptr<const Version> version);
  Result<std::shared_ptr<const Version>> Commit(VersionEdit edit);
  // Commits an edit whose files are written already. `complete` sets in it what depends on the
  // version that it follows: again, when another process has committed first. On every error but
  // kUnknownOutcome the edit's files are discarded. Requires commit_mutex_.
  Status CommitCompleted(VersionEdit edit,
                         const std::function<Status(VersionEdit&, const Version&)>& complete);
  // After a commit with an unknown outcome: what is true now.
  Status ReopenLogIfUncertain();
  std::shared_ptr<TableLog> log() const;
  // The versions that somebody in this process holds, the current one among them.
  std::vector<std::shared_ptr<const Version>> LiveVersions() const;
  // Adds the rows to the active memtable and seals it when it is full. Requires state_mutex_.
  Status AddLocked(const RowBatch& batch, Sequence sequence);
  // Which rows of the batch may have the key of an earlier one. Requires state_mutex_.
  std::vector<uint32_t> AdvanceFrontLocked(const RowBatch& batch);
  void SealLocked();
  MemtableViews SealedViews() const;
  std::shared_ptr<const Version> version() const;
  // Adds to the edit what the memtables replace in the version's files.
  Status CompleteFlush(VersionEdit& edit, const Version& version, const MemtableViews& memtables);
  Result<CompactionOutcome> RunCompaction(const CompactionTask& task, const Version& version,
                                          const CompactionLimits& limits,
                                          const std::function<Status(uint64_t bytes)>& proceed);
  // Commits what the job has made from `inputs`, and what has been deleted from them meanwhile.
  Status CommitCompaction(VersionEdit edit, const std::vector<FileMeta>& inputs,
                          const RowMapping& mapping);
  // Requires commit_mutex_. Sets in the edit what depends on the version that it follows.
  Status CompleteCompaction(VersionEdit& edit, const Version& version,
                            const std::vector<FileMeta>& inputs, const RowMapping& mapping);
  void Quarantine(const FileMeta& file, const Error& error);
  // Requires layout_mutex_.
  Status CommitDelete(const RowsByFile& rows);
  // Requires commit_mutex_. The edit that deletes the rows from the version.
  Result<VersionEdit> DeletionOf(const RowsByFile& rows, const Version& version);
  Status CommitTruncate();
  Status ChooseSegmentDuration(std::chrono::milliseconds duration);
  Result<ImportOutcome> CommitImport(VersionEdit edit, const std::optional<TimeRange>& replaces);
  // Requires layout_mutex_, paused writes and empty memtables.
  Result<ImportOutcome> CommitImportInFiles(VersionEdit edit,
                                            const std::optional<TimeRange>& replaces);
  // Requires commit_mutex_. Sets in the edit what its files replace in the version's.
  Status CompleteImport(VersionEdit& edit, const Version& version, ImportOutcome& outcome);
  // Requires commit_mutex_. Takes the rows of the range out of the version's files.
  Status CompleteReplacement(VersionEdit& edit, const Version& version, const TimeRange& range,
                             ImportOutcome& outcome);
  Status MaskRows(VersionEdit& edit, const FileMeta& file, DeletionVector rows,
                  ImportOutcome& outcome);

  const TableServices services_;
  const TableEntry entry_;  // its name is the one that it was opened with
  mutable std::mutex name_mutex_;
  std::string name_;

  // Held from before a savepoint's version is chosen until the savepoint is there, likewise for
  // consumers and walks, and by an expiry from asking what is pinned until versions are hidden.
  // Across I/O. After layout_mutex_, before all others.
  mutable std::mutex pins_mutex_;
  mutable Savepoints savepoints_;
  mutable Consumers consumers_;
  mutable std::mutex walks_mutex_;          // the last to be taken
  mutable std::multiset<VersionId> walks_;  // where they have begun

  // Which rows are where: held by a delete from looking for its rows until they are committed, and
  // by the commits that move rows from file to file. Before flush_mutex_ and commit_mutex_.
  std::mutex layout_mutex_;

  // Commits, one at a time; held across I/O. Before state_mutex_.
  std::mutex commit_mutex_;
  std::shared_ptr<TableLog> log_;  // changed under state_mutex_ too
  enum class LogState : uint8_t { kKnown, kUncertain } log_state_ = LogState::kKnown;

  // Flushes, one at a time; held across I/O. Before commit_mutex_.
  std::mutex flush_mutex_;

  // Gives the ids of all files that the table's operations write.
  UnfinishedFiles unfinished_;

  // What late rows replace; held while files are read. Before state_mutex_.
  mutable std::mutex resolve_mutex_;
  mutable MemoryMatches memory_matches_;
  mutable FileMatches file_matches_;

  // The order of writes. Before state_mutex_.
  mutable std::mutex write_mutex_;
  std::condition_variable turn_;
  Sequence last_begun_;
  Sequence last_ended_;
  bool paused_ = false;
  std::atomic<bool> dropped_ = false;

  mutable std::mutex state_mutex_;
  std::shared_ptr<const Version> version_;
  std::vector<std::weak_ptr<const Version>> former_versions_;  // of logs before log_
  std::shared_ptr<Memtable> active_;
  std::deque<std::shared_ptr<Memtable>> sealed_;  // oldest first
  // Points in time that some commit must end at: no flush goes beyond one. The version that ends
  // there, once there is one.
  std::map<Sequence, std::shared_ptr<const Version>> fences_;
  int64_t memtable_bytes_ = 0;  // of active_ and sealed_, as reported to the services
  mutable SeriesFront front_;

  mutable std::mutex loaded_mutex_;
  mutable std::deque<std::shared_ptr<const Version>> loaded_;  // the last used first

  CompactionState compaction_;
};

class PausedWrites {
 public:
  explicit PausedWrites(Table& table) : table_(&table) {}
  ~PausedWrites() {
    if (table_ != nullptr) {
      table_->ResumeWrites();
    }
  }
  PausedWrites(PausedWrites&& other) noexcept : table_(std::exchange(other.table_, nullptr)) {}
  PausedWrites& operator=(PausedWrites&&) = delete;

 private:
  Table* table_;
};

}  // namespace varve
