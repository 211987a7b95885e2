// Database: all tables of one store, with what they share: the write-ahead log, the flush threads,
// the memory budget.
//
// Write path: validate -> Wal::Append (durable) -> memtable -> return. When a memtable is full it
// is sealed and flushed in the background: sorted, written as one Parquet file per segment,
// committed as one version; then the log is cut.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/ids.h"
#include "engine/expired_rows.h"
#include "engine/housekeeping.h"
#include "engine/maintenance.h"
#include "engine/pending_savepoint.h"
#include "engine/periodic.h"
#include "engine/table.h"
#include "meta/catalogue.h"
#include "model/point_batch.h"
#include "sst/sst_cache.h"
#include "store/object_store.h"
#include "wal/wal.h"

namespace varve {

struct DatabaseOptions {
  ObjectStore* store = nullptr;  // all four outlive the database
  Wal* wal = nullptr;
  const Clock* clock = nullptr;
  IdSource* ids = nullptr;
  size_t flush_threads = 1;
  // Of all memtables together, sealed ones included. Beyond half of it the largest memtable is
  // flushed early; at the limit writes wait up to write_wait for flushes, then fail with
  // kResourceExhausted.
  uint64_t write_memory_bytes_max = uint64_t{1} << 30;
  std::chrono::milliseconds write_wait = std::chrono::seconds(5);
  uint64_t file_cache_bytes_max = uint64_t{1} << 30;  // what is kept of data files for reading
  size_t compaction_threads = 0;  // 0: tables are compacted only when CompactTable asks for it
  uint64_t compaction_bytes_per_second = 0;  // read and written; 0: no limit
  CompactionLimits compaction_limits;
  // Whether schemaless writes make tables that are missing.
  bool auto_create_tables = true;
  // For tables that a schemaless write makes: they keep their rows for ever unless these say
  // otherwise.
  TableOptions auto_table_options = {.enable_ttl = false};
  std::string auto_timestamp_column = "timestamp";
  // How often each table is looked at for what is past its time; 0: only when asked for.
  std::chrono::milliseconds housekeeping_interval{};
  uint64_t versions_per_history = kVersionsPerHistory;
};

struct TableSavepoint {
  std::shared_ptr<Table> table;
  Savepoint savepoint;
};

struct TableVersion {
  std::shared_ptr<Table> table;
  std::shared_ptr<const Version> version;
};

struct TableWrite {
  std::shared_ptr<Table> table;
  RowBatch batch;
};

struct DatabaseStats {
  uint64_t tables = 0;
  uint64_t written_rows = 0;  // since start
  uint64_t written_batches = 0;
  uint64_t memtable_bytes = 0;
  uint64_t front_bytes = 0;  // of what is known of the newest row of each series
  uint64_t late_rows = 0;    // since start: rows that may have replaced another
  uint64_t key_lookups = 0;  // since start: keys of such rows looked up in files
  uint64_t flushes = 0;
  uint64_t flushed_rows = 0;
  uint64_t flush_failures = 0;
  uint64_t recovered_rows = 0;    // replayed from the log at the start
  uint64_t rejected_writes = 0;   // for lack of memory
  uint64_t ttl_dropped_rows = 0;  // past their table's ttl when they were written
  HousekeepingStats housekeeping;
  MaintenanceStats compaction;
  uint64_t quarantined_files = 0;  // that compactions leave alone, since they cannot be read
  WalStats wal;
  SstCacheStats file_cache;
};

enum class DropBehavior : uint8_t { kRestrict, kCascade };

// Thread-safe.
class Database {
 public:
  // Opens the catalogue and every table and replays the log: when it returns, all acknowledged rows
  // can be read. Errors: kCorruption (names the file), kNotSupported (newer format), kIo.
  static Result<std::unique_ptr<Database>> Open(DatabaseOptions options);
  ~Database();

  // Takes no more writes, ends the flushes that run. What is in memtables is in the log, and so not
  // lost.
  Status Close();

  // Errors: kNotFound "Table not found, table:T" / "Schema not found, schema_name:S".
  Result<std::shared_ptr<Table>> FindTable(std::string_view schema, std::string_view name) const;
  // Sorted by name. Errors: kNotFound for the schema.
  Result<std::vector<std::shared_ptr<Table>>> ListTables(std::string_view schema) const;
  std::vector<std::string> ListSchemas() const;
  bool HasSchema(std::string_view schema) const;

  // Errors: kAlreadyExists "Failed to create table, table already exists, table:T.", kNotFound
  // (schema), and those of TableLog::Create. When two callers make the same table, one gets
  // kAlreadyExists.
  Result<std::shared_ptr<Table>> CreateTable(std::string_view schema, std::string_view name,
                                             TableSpec spec, TableOptions options);
  // As CreateTable, with its partitions, or nothing at all. Errors also: those of MakePartitioning,
  // kAlreadyExists when the name of a partition is taken.
  Result<std::shared_ptr<Table>> CreatePartitionedTable(std::string_view schema,
                                                        std::string_view name, TableSpec spec,
                                                        TableOptions options,
                                                        const PartitionClause& clause);
  // Readers that have a view go on; new ones get kNotFound. Partitions go with their table. Its
  // rows stay for the table's drop.time-retained, for UndropTable. Errors: kNotFound;
  // kInvalidArgument for a partition.
  Status DropTable(std::string_view schema, std::string_view name);
  // Brings the table of that name that was dropped last back, under the name `as`, with all its
  // rows, versions and savepoints. Errors: kNotFound (none is kept, its schema is gone);
  // kAlreadyExists for the name; those of opening a table.
  Result<std::shared_ptr<Table>> UndropTable(std::string_view schema, std::string_view name,
                                             std::string_view as);
  // That can be brought back, by id, with their partitions.
  std::vector<DroppedTable> ListDropped() const;
  // A new table that has what `source` has now, or in the version that `as_of` means, in the same
  // files; from then on the two have nothing to do with each other. Errors: as CreateTable,
  // CreateSavepoints.
  Result<std::shared_ptr<Table>> CloneTable(const std::shared_ptr<Table>& source,
                                            const std::optional<VersionRef>& as_of,
                                            std::string_view schema, std::string_view name);
  // The table keeps its rows; whoever holds it goes on. Partitions are renamed with their table.
  // Errors: kNotFound, kAlreadyExists, kInvalidArgument for a bad name or a partition.
  Status RenameTable(std::string_view schema, std::string_view from, std::string_view to);

  // --- partitioned tables: they hold no rows; Write, CompactTable and FlushAll reach those of
  // their partitions, Table::View does not (database_partitions.cc) ---

  // In order; empty: it is no partitioned table, or has been dropped.
  std::vector<std::shared_ptr<Table>> PartitionsOf(const Table& table) const;
  // The table that this is a partition of; nullptr: it is none, or has been dropped.
  std::shared_ptr<Table> TableOf(const Table& partition) const;
  using SchemaChange = std::function<Result<TableSchema>(const TableSchema&)>;
  // Table::AlterSchema of the table and its partitions. Errors: as there; one that names a
  // partition: the table is altered, and the partition follows with the next write or alteration.
  Status AlterTable(Table& table, const SchemaChange& change);
  // AlterTable with TableSchema::WithColumnsAdded.
  Status AddColumns(Table& table, std::vector<ColumnSchema> columns);
  // Table::AlterOnce of the table and its partitions, whose columns follow. Errors: as AlterTable;
  // to be called again.
  using SchemaChangeOnce = std::function<Result<std::optional<TableSchema>>(const TableSchema&)>;
  Status AlterOnce(Table& table, const std::string& operation_id, const SchemaChangeOnce& change,
                   const TableOptions& options);
  // Gives the partitions that have missed an alteration the columns of their table. Errors: as
  // AlterTable.
  Status AlignPartitions(const Table& table);
  // Table::ModifyOptions, Table::Truncate of the table and its partitions. Errors: as there; one
  // that names a partition: some of the partitions are done, and the call may be repeated.
  Status ModifyOptions(Table& table, const std::map<std::string, std::string>& changes);
  Status Truncate(Table& table);

  Status CreateSchema(std::string_view schema);
  // kCascade drops what is in it first, one by one: after an error some may be gone. Errors:
  // kNotFound; kInvalidArgument for `public` and, with kRestrict, one that is not empty.
  Status DropSchema(std::string_view schema, DropBehavior behavior);

  // A view has a name of its schema's tables. Errors: kNotFound (schema), kAlreadyExists.
  Status SetView(ViewEntry view, Catalogue::OnExisting on_existing);
  // Errors: kNotFound "View not found, view:V".
  Status DropView(std::string_view schema, std::string_view name);
  std::optional<ViewEntry> FindView(std::string_view schema, std::string_view name) const;
  // Sorted by name; empty also when there is no such schema.
  std::vector<ViewEntry> ListViews(std::string_view schema) const;

  // Writes all batches or none: when it returns ok they are durable and visible, but for rows past
  // their table's ttl, which are not kept, and are reported. Rows for a partitioned table go to its
  // partitions. One batch per table, and none for a partition beside one for its table. Errors:
  // kInvalidArgument (a batch does not fit its table, too many rows), kResourceExhausted (memory,
  // disk: try again later), kNotFound (a table has been dropped), kIo.
  Result<WriteReport> Write(std::vector<TableWrite> writes);

  // Writes points by name, one batch per table, all or none. Tables (with auto_create_tables) and
  // columns that are missing are made first (tags as string TAG, the others sorted by name; these
  // stay even when the write then fails). Errors: as Write; kInvalidArgument "Value type is not
  // same, table:.., column:.." and for a tag that is a field or the other way round.
  Result<WriteReport> WritePoints(std::string_view schema, std::vector<PointBatch> points);

  // Flushes the table and merges its files into as few as there may be, without rows that have been
  // deleted; rows that are written meanwhile may be left out. Of a partitioned table: each of its
  // partitions. Returns what was done in all. Errors: those of Table::Flush and
  // Maintenance::CompactFully.
  Result<CompactionOutcome> CompactTable(Table& table);

  // --- savepoints (database_savepoints.cc) ---

  // One savepoint of each table, and of the partitions of partitioned ones: of the same point in
  // time, with all rows whose write had returned before the call, or of the version that `as_of`
  // means in each. Writes to the tables wait for a moment, without I/O. In the order of the tables'
  // ids. Errors: kInvalidArgument for a bad name or no table; kAlreadyExists for a name; kNotFound
  // (a table has been dropped, or has no such version); those of Flush and Savepoints::Create:
  // those that were made are dropped again.
  Result<std::vector<TableSavepoint>> CreateSavepoints(std::vector<std::shared_ptr<Table>> tables,
                                                       const SavepointSpec& spec,
                                                       const std::optional<VersionRef>& as_of);
  // What the reference, made of the partition's table, is in the partition. Errors:
  // kInvalidArgument for a snapshot, kNotFound.
  Result<VersionRef> RefInPartition(const Table& partition, const VersionRef& ref) const;
  // With those of the table's partitions that were made with it. Errors: as Table::DropSavepoint.
  Status DropSavepoint(Table& table, SavepointId id);
  // Gives it, and those of the table's partitions that were made with it, its retain_until and
  // lock_until. Errors: those of Savepoints::Replace.
  Status AlterSavepoint(Table& table, const Savepoint& savepoint);
  // Table::Rollback of the table or, when it is partitioned, of it and its partitions, one by one.
  // Errors: as there; one that names a partition: some are rolled back, and the call may be
  // repeated.
  Result<std::vector<TableVersion>> Rollback(const std::shared_ptr<Table>& table,
                                             const VersionRef& ref);
  // Makes the automatic savepoints that are due: one at most of each table, however long nobody has
  // looked. How many.
  size_t CreateDueSavepoints();

  // Flushes the memtables of all tables and waits. Returns the first error; the others are logged.
  Status FlushAll();

  // Expiry of files and versions, and garbage collection. What it is given is of this database.
  Housekeeping& housekeeping() { return *housekeeping_; }

  // The identity of the database, given once.
  const Uuid& uuid() const { return catalogue_->db_uuid(); }

  DatabaseStats stats() const;
  const Clock& clock() const { return *options_.clock; }
  IdSource& ids() const { return *options_.ids; }
  ObjectStore& store() const { return *options_.store; }

 private:
  explicit Database(DatabaseOptions options);
  Status OpenTables();
  // Errors: kNotFound (schema), kAlreadyExists.
  Status CheckNew(std::string_view schema, std::string_view name) const;
  // Errors: kInvalidArgument for a partition.
  Status CheckNoPartition(const Table& table) const;
  Status OnPartitions(const Table& table, std::string_view what,
                      const std::function<Status(Table&)>& apply) const;
  // With those of partitioned tables in the places of theirs; sorted by table id.
  Result<std::vector<TableWrite>> SplitWrites(std::vector<TableWrite> writes);
  // Requires ddl_mutex_.
  Status DropTableLocked(std::string_view schema, std::string_view name);
  // One point in time for all of them, which are in the order of their tables' ids, or the version
  // that `as_of` means in each.
  Status SettleVersions(std::list<Table::PendingSavepoint>& pending,
                        const std::optional<VersionRef>& as_of) const;
  Result<std::set<std::string>> SharedFiles(const Uuid& table) const;
  Result<std::vector<Uuid>> PurgeDropped();
  GcServices ServicesForGc();
  DroppedState StateOfDropped(const Uuid& uuid);
  // With what the log has of it. Nobody finds it before all of that is there.
  Result<std::shared_ptr<Table>> OpenTable(const TableEntry& entry);
  std::shared_ptr<Table> TableById(TableId id) const;
  std::vector<std::shared_ptr<Table>> AllTables() const;

  // Waits until the bytes fit into the memory of writes. Errors: kResourceExhausted.
  Status ReserveMemory(uint64_t bytes);
  void FlushLargest();
  // Waits while a segment of one of the tables has more files than compaction can be behind with.
  // Errors: kResourceExhausted.
  Status WaitForCompaction(const std::vector<TableWrite>& writes);

  // Leaves out of the writes what is past the ttl, and reports it.
  Result<WriteReport> DropExpired(std::vector<TableWrite>& writes);
  Status WriteAll(const std::vector<TableWrite>& writes);

  std::unique_ptr<Maintenance> MakeMaintenance();
  void NoteFlushed(TableId id);
  void RequestFlush(TableId id);
  void FlushInBackground(TableId id);
  // Tries flushes again that have failed.
  void RunRetries();

  Result<std::shared_ptr<Table>> FindOrCreateFor(std::string_view schema, const PointBatch& points);

  const DatabaseOptions options_;
  const std::shared_ptr<SstCache> files_;
  std::unique_ptr<Catalogue> catalogue_;

  std::atomic<uint64_t> random_partition_ = 0;  // whose turn it is

  std::mutex ddl_mutex_;  // one CREATE or DROP at a time; held across I/O

  mutable std::shared_mutex tables_mutex_;
  std::map<TableId, std::shared_ptr<Table>> tables_;
  std::map<std::string, std::map<std::string, std::shared_ptr<Table>, std::less<>>, std::less<>>
      by_name_;

  std::mutex expired_mutex_;
  std::set<TableId> expired_told_;  // tables whose expired rows the log has mentioned

  std::mutex memory_mutex_;
  std::condition_variable memory_freed_;
  uint64_t reserved_bytes_ = 0;  // of writes under way

  std::mutex flush_mutex_;
  std::condition_variable retry_wake_;
  std::set<TableId> flush_queued_;
  std::map<TableId, int> flush_failures_;  // in a row, by table
  bool closing_ = false;
  std::thread retry_thread_;

  struct Counters {
    std::atomic<uint64_t> written_rows = 0;
    std::atomic<uint64_t> written_batches = 0;
    std::atomic<uint64_t> flushes = 0;
    std::atomic<uint64_t> flushed_rows = 0;
    std::atomic<uint64_t> flush_failures = 0;
    std::atomic<uint64_t> recovered_rows = 0;
    std::atomic<uint64_t> rejected_writes = 0;
    std::atomic<uint64_t> ttl_dropped_rows = 0;
  };
  Counters counters_;
  const std::shared_ptr<std::atomic<int64_t>> memtable_bytes_ =
      std::make_shared<std::atomic<int64_t>>(0);
  const std::shared_ptr<OverwriteCounters> overwrite_ = std::make_shared<OverwriteCounters>();
  std::unique_ptr<Maintenance> maintenance_;
  std::unique_ptr<Executor> flusher_;

  mutable std::mutex dropped_mutex_;
  std::map<Uuid, std::weak_ptr<Table>> dropped_;  // tables that this process has dropped
  std::unique_ptr<Housekeeping> housekeeping_;
  std::unique_ptr<Periodic> savepoint_clock_;
};

}  // namespace varve
