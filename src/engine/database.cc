#include "engine/database.h"

#include <arrow/record_batch.h>

#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "engine/batch_check.h"
#include "engine/batch_format.h"
#include "engine/points.h"

namespace varve {
namespace {

// How late an automatic savepoint may be.
constexpr std::chrono::milliseconds kSavepointClock = std::chrono::seconds(1);
constexpr size_t kFlushQueueMax = 1 << 20;  // each table is queued at most once
constexpr auto kRetryPause = std::chrono::seconds(1);
constexpr int kRetryPausesMax = 32;  // the longest wait between two tries of a failing flush

// Memory that a write takes beyond its log payload: the decoded columns are about as large as the
// payload.
uint64_t MemoryOf(std::string_view payload) { return payload.size(); }

// Writes under way: the sequences that have begun, in the order of the writes.
class BegunWrites {
 public:
  explicit BegunWrites(const std::vector<TableWrite>& writes) : writes_(writes) {}

  Status BeginAll() {
    for (const auto& write : writes_) {
      auto sequence = write.table->Begin();
      if (!sequence) {
        AbandonAll();
        return std::unexpected(std::move(sequence).error());
      }
      sequences_.push_back(*sequence);
    }
    return {};
  }

  void AbandonAll() {
    for (size_t i = 0; i < sequences_.size(); ++i) {
      writes_[i].table->Abandon(sequences_[i]);
    }
  }

  Status ApplyAll() {
    Status first_error;
    for (size_t i = 0; i < sequences_.size(); ++i) {
      if (auto status = writes_[i].table->Apply(sequences_[i], writes_[i].batch);
          !status && first_error) {
        first_error = std::move(status);
      }
    }
    return first_error;
  }

  const std::vector<Sequence>& sequences() const { return sequences_; }

 private:
  const std::vector<TableWrite>& writes_;
  std::vector<Sequence> sequences_;
};

}  // namespace

Database::Database(DatabaseOptions options)
    : options_(std::move(options)),
      files_(SstCache::Make(*options_.store, options_.file_cache_bytes_max)) {}

Result<std::unique_ptr<Database>> Database::Open(DatabaseOptions options) {
  VARVE_CHECK(options.store != nullptr && options.wal != nullptr && options.clock != nullptr &&
              options.ids != nullptr);
  auto database = std::unique_ptr<Database>(new Database(std::move(options)));
  database->flusher_ = std::make_unique<Executor>(
      Executor::Options{.name = "flush",
                        .threads = std::max<size_t>(1, database->options_.flush_threads),
                        .queue_jobs_max = kFlushQueueMax});
  database->maintenance_ = database->MakeMaintenance();
  VARVE_ASSIGN(database->catalogue_,
               Catalogue::Open(*database->options_.store, *database->options_.clock,
                               *database->options_.ids));
  VARVE_TRY(database->OpenTables());
  for (const auto& table : database->AllTables()) {
    database->maintenance_->Examine(table->id());
  }
  database->housekeeping_ = std::make_unique<Housekeeping>(
      HousekeepingOptions{.interval = database->options_.housekeeping_interval,
                          .ids = database->options_.ids},
      database->ServicesForGc(), [raw = database.get()] { return raw->AllTables(); });
  if (database->options_.housekeeping_interval.count() > 0) {
    database->savepoint_clock_ = std::make_unique<Periodic>(
        Periodic::Options{
            .name = "savepoints", .interval = kSavepointClock, .ids = database->options_.ids},
        [raw = database.get()] { raw->CreateDueSavepoints(); });
  }
  database->retry_thread_ = std::thread([raw = database.get()] { raw->RunRetries(); });
  return database;
}

Database::~Database() {
  if (auto status = Close(); !status) {
    LogError("closing the database: {}", status.error().message);
  }
}

Status Database::Close() {
  if (savepoint_clock_) {
    savepoint_clock_->Stop();
  }
  if (housekeeping_) {
    housekeeping_->Stop();
  }
  {
    std::lock_guard lock(flush_mutex_);
    closing_ = true;
  }
  retry_wake_.notify_all();
  memory_freed_.notify_all();
  if (retry_thread_.joinable()) {
    retry_thread_.join();
  }
  maintenance_->Stop();
  flusher_->Stop();
  return {};
}

// --- tables ---

Status Database::OpenTables() {
  for (const auto& [schema, tables] : catalogue_->current()->schemas) {
    by_name_[schema];
    for (const auto& [name, entry] : tables) {
      VARVE_TRY(OpenTable(entry));
    }
  }
  return {};
}

Result<std::shared_ptr<Table>> Database::OpenTable(const TableEntry& entry) {
  auto log = TableLog::Open(*options_.store, *options_.clock, entry.uuid);
  if (!log) {
    return std::unexpected(
        log.error().WithContext(fmt::format("opening table {}.{}", entry.schema, entry.name)));
  }
  TableServices services;
  services.store = options_.store;
  services.wal = options_.wal;
  services.files = files_;
  services.clock = options_.clock;
  services.ids = options_.ids;
  services.request_flush = [this](TableId id) { RequestFlush(id); };
  services.flushed = [this, id = entry.id](uint64_t rows) {
    ++counters_.flushes;
    counters_.flushed_rows += rows;
    NoteFlushed(id);
  };
  services.memtable_bytes = memtable_bytes_;
  services.overwrite = overwrite_;
  services.versions_per_history = options_.versions_per_history;
  auto table = std::make_shared<Table>(std::move(services), entry, *std::move(log));
  VARVE_ASSIGN(const uint64_t rows, table->Recover());
  counters_.recovered_rows += rows;
  table->ObserveFiles();
  std::unique_lock lock(tables_mutex_);
  tables_[entry.id] = table;
  by_name_[entry.schema][entry.name] = table;
  return table;
}

Result<std::shared_ptr<Table>> Database::FindTable(std::string_view schema,
                                                   std::string_view name) const {
  std::shared_lock lock(tables_mutex_);
  const auto tables = by_name_.find(schema);
  if (tables == by_name_.end()) {
    return NotFound("Schema not found, schema_name:{}", schema);
  }
  const auto found = tables->second.find(name);
  if (found == tables->second.end()) {
    return NotFound("Table not found, table:{}", name);
  }
  return found->second;
}

Result<std::vector<std::shared_ptr<Table>>> Database::ListTables(std::string_view schema) const {
  std::shared_lock lock(tables_mutex_);
  const auto tables = by_name_.find(schema);
  if (tables == by_name_.end()) {
    return NotFound("Schema not found, schema_name:{}", schema);
  }
  std::vector<std::shared_ptr<Table>> out;
  for (const auto& [name, table] : tables->second) {
    out.push_back(table);
  }
  return out;
}

std::vector<std::string> Database::ListSchemas() const {
  std::shared_lock lock(tables_mutex_);
  std::vector<std::string> out;
  for (const auto& [schema, tables] : by_name_) {
    out.push_back(schema);
  }
  return out;
}

bool Database::HasSchema(std::string_view schema) const {
  std::shared_lock lock(tables_mutex_);
  return by_name_.contains(schema);
}

std::shared_ptr<Table> Database::TableById(TableId id) const {
  std::shared_lock lock(tables_mutex_);
  const auto found = tables_.find(id);
  return found == tables_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<Table>> Database::AllTables() const {
  std::shared_lock lock(tables_mutex_);
  std::vector<std::shared_ptr<Table>> out;
  for (const auto& [id, table] : tables_) {
    out.push_back(table);
  }
  return out;
}

GcServices Database::ServicesForGc() {
  GcServices services;
  services.store = options_.store;
  services.clock = options_.clock;
  services.named_tables = [this]() -> Result<std::set<Uuid>> {
    // A table that is being made is named when this lock is free, or will never be.
    std::lock_guard ddl(ddl_mutex_);
    VARVE_ASSIGN(const auto catalogue,
                 Catalogue::Open(*options_.store, *options_.clock, *options_.ids));
    std::set<Uuid> uuids;
    for (const TableEntry& entry : catalogue->current()->KeptTables()) {
      uuids.insert(entry.uuid);
    }
    return uuids;
  };
  services.shared_files = [this](const Uuid& uuid) { return SharedFiles(uuid); };
  services.purge_dropped = [this] { return PurgeDropped(); };
  services.dropped = [this](const Uuid& uuid) { return StateOfDropped(uuid); };
  return services;
}

DroppedState Database::StateOfDropped(const Uuid& uuid) {
  std::lock_guard lock(dropped_mutex_);
  const auto found = dropped_.find(uuid);
  if (found == dropped_.end()) {
    return DroppedState::kUnknown;
  }
  return found->second.expired() ? DroppedState::kFree : DroppedState::kInUse;
}

// --- writing ---

Result<WriteReport> Database::Write(std::vector<TableWrite> writes) {
  // The order of tables is the same in all writes, so that two of them never wait for each other.
  std::ranges::sort(writes, {}, [](const auto& write) { return write.table->id(); });
  for (size_t i = 0; i < writes.size(); ++i) {
    if (i > 0 && writes[i].table == writes[i - 1].table) {
      return Internal("two batches for table {} in one write", writes[i].table->name());
    }
    VARVE_TRY(CheckBatch(writes[i].batch, *writes[i].table->schema()));
  }
  VARVE_ASSIGN(WriteReport report, DropExpired(writes));
  std::erase_if(writes, [](const TableWrite& write) { return write.batch.row_series.empty(); });
  VARVE_ASSIGN(writes, SplitWrites(std::move(writes)));
  if (!writes.empty()) {
    VARVE_TRY(WriteAll(writes));
  }
  for (const ExpiredRows& expired : report.expired) {
    counters_.ttl_dropped_rows += expired.rows;
  }
  return report;
}

Result<WriteReport> Database::DropExpired(std::vector<TableWrite>& writes) {
  WriteReport report;
  for (TableWrite& write : writes) {
    const size_t rows = write.batch.row_series.size();
    VARVE_ASSIGN(write.batch,
                 WithoutRowsBefore(std::move(write.batch), write.table->schema()->timestamp().id,
                                   write.table->visible_from()));
    const uint64_t dropped = rows - write.batch.row_series.size();
    if (dropped == 0) {
      continue;
    }
    report.expired.push_back({write.table->name(), dropped, write.table->options().ttl});
    std::lock_guard lock(expired_mutex_);
    if (expired_told_.insert(write.table->id()).second) {
      LogWarn("table {}.{}: {}; this is said once, varve_ttl_dropped_rows_total counts on",
              write.table->schema_name(), write.table->name(),
              WriteReport{{report.expired.back()}}.Warnings().front());
    }
  }
  return report;
}

Status Database::WriteAll(const std::vector<TableWrite>& writes) {
  std::vector<std::string> payloads;
  uint64_t rows = 0;
  uint64_t bytes = 0;
  for (const TableWrite& write : writes) {
    VARVE_ASSIGN(std::string payload, EncodeBatch(write.batch));
    rows += write.batch.row_series.size();
    bytes += MemoryOf(payload);
    payloads.push_back(std::move(payload));
  }
  VARVE_TRY(WaitForCompaction(writes));
  VARVE_TRY(ReserveMemory(bytes));
  const auto release = [&] {
    std::lock_guard lock(memory_mutex_);
    reserved_bytes_ -= bytes;
  };
  BegunWrites begun(writes);
  if (auto status = begun.BeginAll(); !status) {
    release();
    return status;
  }
  std::vector<WalEntry> entries;
  for (size_t i = 0; i < writes.size(); ++i) {
    entries.push_back({writes[i].table->id(), begun.sequences()[i], payloads[i]});
  }
  if (auto status = options_.wal->Append(entries); !status) {
    begun.AbandonAll();
    release();
    return status;
  }
  auto status = begun.ApplyAll();
  release();
  VARVE_TRY(status);
  counters_.written_rows += rows;
  counters_.written_batches += writes.size();
  return {};
}

Result<std::shared_ptr<Table>> Database::FindOrCreateFor(std::string_view schema,
                                                         const PointBatch& points) {
  auto found = FindTable(schema, points.table);
  if (found || !HasSchema(schema)) {
    return found;
  }
  if (!options_.auto_create_tables) {
    return NotFound(
        "Table not found, table:{}; CREATE TABLE it first: this server makes no tables for rows "
        "that "
        "come (server.auto_create_table)",
        points.table);
  }
  auto created =
      CreateTable(schema, points.table, SpecForPoints(points, options_.auto_timestamp_column),
                  options_.auto_table_options);
  if (!created && created.error().kind == ErrorKind::kAlreadyExists) {
    return FindTable(schema, points.table);
  }
  return created;
}

Result<WriteReport> Database::WritePoints(std::string_view schema, std::vector<PointBatch> points) {
  std::vector<TableWrite> writes;
  for (const PointBatch& batch : points) {
    VARVE_ASSIGN(auto table, FindOrCreateFor(schema, batch));
    VARVE_ASSIGN(auto missing, MissingColumns(batch.table, batch, *table->schema()));
    if (!missing.empty()) {
      const auto status = AddColumns(*table, std::move(missing));
      // Somebody else may have added them first.
      if (!status && status.error().kind != ErrorKind::kAlreadyExists) {
        return std::unexpected(status.error());
      }
      VARVE_ASSIGN(missing, MissingColumns(batch.table, batch, *table->schema()));
      if (!missing.empty()) {
        VARVE_TRY(AddColumns(*table, std::move(missing)));
      }
    }
    VARVE_ASSIGN(RowBatch rows, ToRowBatch(batch.table, batch, *table->schema()));
    writes.push_back({std::move(table), std::move(rows)});
  }
  return Write(std::move(writes));
}

// --- memory ---

Status Database::ReserveMemory(uint64_t bytes) {
  const auto deadline = options_.clock->Steady() + options_.write_wait;
  std::unique_lock lock(memory_mutex_);
  while (true) {
    const uint64_t used = static_cast<uint64_t>(memtable_bytes_->load()) + reserved_bytes_;
    if (used + bytes > options_.write_memory_bytes_max / 2) {
      FlushLargest();
    }
    if (used + bytes <= options_.write_memory_bytes_max || used == 0) {
      reserved_bytes_ += bytes;
      return {};
    }
    if (options_.clock->Steady() >= deadline) {
      ++counters_.rejected_writes;
      return ResourceExhausted(
          "the memory for writes is full ({} bytes): flushing does not keep up; try again later, "
          "write less at a time or raise the write memory limit",
          options_.write_memory_bytes_max);
    }
    memory_freed_.wait_for(lock, std::chrono::milliseconds(10));
  }
}

void Database::FlushLargest() {
  {
    std::lock_guard lock(flush_mutex_);
    if (!flush_queued_.empty()) {
      return;
    }
  }
  const auto tables = AllTables();
  const auto largest =
      std::ranges::max_element(tables, {}, [](const auto& t) { return t->active_bytes(); });
  if (largest != tables.end() && (*largest)->active_bytes() > 0) {
    (*largest)->Seal();
  }
}

// --- flushing ---

void Database::RequestFlush(TableId id) {
  std::lock_guard lock(flush_mutex_);
  if (closing_ || !flush_queued_.insert(id).second) {
    return;
  }
  if (auto status = flusher_->Submit([this, id] { FlushInBackground(id); }); !status) {
    flush_queued_.erase(id);
    flush_failures_.try_emplace(id, 0);  // the retry thread takes it up
  }
}

void Database::FlushInBackground(TableId id) {
  {
    std::lock_guard lock(flush_mutex_);
    flush_queued_.erase(id);
    if (closing_) {
      return;
    }
  }
  const auto table = TableById(id);
  if (!table) {
    return;
  }
  const auto status = table->FlushSealed();
  memory_freed_.notify_all();
  std::lock_guard lock(flush_mutex_);
  if (status) {
    flush_failures_.erase(id);
    return;
  }
  ++counters_.flush_failures;
  const int failures = ++flush_failures_[id];
  LogError("flushing table {} failed (try {}), its rows stay in memory and in the log: {}",
           table->name(), failures, status.error().message);
}

void Database::RunRetries() {
  std::unique_lock lock(flush_mutex_);
  uint64_t pauses = 0;
  while (!closing_) {
    retry_wake_.wait_for(lock, kRetryPause);
    ++pauses;
    std::vector<TableId> due;
    for (const auto& [id, failures] : flush_failures_) {
      const int shift = std::min(failures, 5);
      if (pauses % static_cast<uint64_t>(std::min(1 << shift, kRetryPausesMax)) == 0) {
        due.push_back(id);
      }
    }
    lock.unlock();
    for (const TableId id : due) {
      RequestFlush(id);
    }
    lock.lock();
  }
}

Status Database::FlushAll() {
  Status first_error;
  for (const auto& table : AllTables()) {
    if (auto status = table->Flush(); !status) {
      LogError("flushing table {} failed: {}", table->name(), status.error().message);
      if (first_error) {
        first_error = std::unexpected(status.error().WithContext(table->name()));
      }
    }
  }
  memory_freed_.notify_all();
  if (first_error) {
    if (auto status = options_.wal->ReleaseSpace(); !status) {
      LogWarn("the space of the log could not be given back: {}", status.error().message);
    }
  }
  return first_error;
}

DatabaseStats Database::stats() const {
  DatabaseStats stats;
  for (const auto& table : AllTables()) {
    ++stats.tables;
    stats.front_bytes += table->front_bytes();
    stats.quarantined_files += table->compaction().quarantined_count();
  }
  stats.late_rows = overwrite_->late_rows;
  stats.key_lookups = overwrite_->key_lookups;
  stats.written_rows = counters_.written_rows;
  stats.written_batches = counters_.written_batches;
  stats.memtable_bytes = static_cast<uint64_t>(memtable_bytes_->load());
  stats.flushes = counters_.flushes;
  stats.flushed_rows = counters_.flushed_rows;
  stats.flush_failures = counters_.flush_failures;
  stats.recovered_rows = counters_.recovered_rows;
  stats.rejected_writes = counters_.rejected_writes;
  stats.ttl_dropped_rows = counters_.ttl_dropped_rows;
  stats.housekeeping = housekeeping_->stats();
  stats.compaction = maintenance_->stats();
  stats.wal = options_.wal->stats();
  stats.file_cache = files_->stats();
  return stats;
}

}  // namespace varve
