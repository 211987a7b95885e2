#include "engine/table.h"

#include <arrow/record_batch.h>

#include "base/log.h"
#include "engine/batch_check.h"
#include "engine/batch_format.h"
#include "engine/flush_job.h"
#include "engine/newest_in_files.h"

namespace varve {

namespace {

// Commits are one at a time within the process; another one may still come first, a few times.
constexpr int kCommitTriesMax = 5;

// Whether there may be files in `next` whose rows this table has neither written nor found when it
// was opened.
bool HasForeignFiles(const Version& before, const Version& next) {
  return next.id.value() != before.id.value() + 1 || next.kind == EditKind::kCreate ||
         next.kind == EditKind::kRestore || next.kind == EditKind::kOther;
}

}  // namespace

Table::Table(TableServices services, TableEntry entry, std::unique_ptr<TableLog> log)
    : services_(std::move(services)),
      entry_(std::move(entry)),
      name_(entry_.name),
      savepoints_(*services_.store, entry_.uuid),
      consumers_(*services_.store, entry_.uuid),
      log_(std::move(log)),
      unfinished_(*services_.ids),
      file_matches_(services_.files, std::shared_ptr<std::atomic<uint64_t>>(
                                         services_.overwrite, &services_.overwrite->key_lookups)),
      version_(log_->current()),
      active_(std::make_shared<Memtable>()),
      front_(version_->schema->HasDefaultKey() ? SeriesFront::Scope::kSeries
                                               : SeriesFront::Scope::kTable,
             NewestInFiles(*version_)) {
  last_begun_ = version_->flushed;
  last_ended_ = version_->flushed;
}

Table::~Table() { *services_.memtable_bytes -= memtable_bytes_; }

std::shared_ptr<const TableSchema> Table::schema() const {
  std::lock_guard lock(state_mutex_);
  return version_->schema;
}

TableOptions Table::options() const {
  std::lock_guard lock(state_mutex_);
  return version_->options;
}

uint64_t Table::active_bytes() const {
  std::lock_guard lock(state_mutex_);
  return active_->size_bytes();
}

uint64_t Table::front_bytes() const {
  std::lock_guard lock(state_mutex_);
  return front_.size_bytes();
}

// --- writing ---

Result<Sequence> Table::Begin() {
  std::unique_lock lock(write_mutex_);
  turn_.wait(lock, [this] { return !paused_ || dropped_; });
  if (dropped_) {
    return NotFound("Table not found, table:{}", name());
  }
  last_begun_ = Sequence(last_begun_.value() + 1);
  return last_begun_;
}

void Table::WaitForTurn(std::unique_lock<std::mutex>& lock, Sequence sequence) {
  turn_.wait(lock, [&] { return last_ended_.value() + 1 == sequence.value(); });
}

void Table::EndTurn(Sequence sequence) {
  {
    std::lock_guard lock(write_mutex_);
    last_ended_ = sequence;
  }
  turn_.notify_all();
}

Status Table::Apply(Sequence sequence, const RowBatch& batch) {
  {
    std::unique_lock lock(write_mutex_);
    WaitForTurn(lock, sequence);
  }
  // Only the thread whose turn it is gets here, so that the memtable sees rising sequences.
  Status status;
  {
    std::lock_guard lock(state_mutex_);
    status = AddLocked(batch, sequence);
  }
  EndTurn(sequence);
  return status;
}

std::vector<uint32_t> Table::AdvanceFrontLocked(const RowBatch& batch) {
  if (version_->options.update_mode == UpdateMode::kAppend) {
    return {};
  }
  const auto times = TimeValues(*batch.rows, batch.column_ids, version_->schema->timestamp().id);
  auto late = front_.Advance(batch.series, batch.row_series, times);
  services_.overwrite->late_rows += late.size();
  return late;
}

Status Table::AddLocked(const RowBatch& batch, Sequence sequence) {
  const uint64_t before = active_->size_bytes();
  auto status =
      active_->Add(batch, version_->schema->timestamp().id, sequence, AdvanceFrontLocked(batch));
  const uint64_t after = active_->size_bytes();
  const auto grown = static_cast<int64_t>(after) - static_cast<int64_t>(before);
  memtable_bytes_ += grown;
  *services_.memtable_bytes += grown;
  if (after >= version_->options.write_buffer_size_bytes) {
    SealLocked();
  }
  return status;
}

void Table::Abandon(Sequence sequence) {
  {
    std::unique_lock lock(write_mutex_);
    WaitForTurn(lock, sequence);
  }
  EndTurn(sequence);
}

Result<uint64_t> Table::Recover() {
  uint64_t rows = 0;
  const auto apply = [&](Sequence sequence, std::string_view payload) -> Status {
    VARVE_ASSIGN(RowBatch batch, DecodeBatch(payload));
    VARVE_TRY(RemoveDroppedColumns(batch, *version_->schema));
    VARVE_TRY(CheckBatch(batch, *version_->schema));
    std::lock_guard lock(state_mutex_);
    VARVE_TRY(AddLocked(batch, sequence));
    rows += batch.row_series.size();
    last_begun_ = sequence;
    last_ended_ = sequence;
    return {};
  };
  if (auto status = services_.wal->Replay(entry_.id, version_->flushed, apply); !status) {
    return std::unexpected(status.error().WithContext(
        fmt::format("recovering table {} from the write-ahead log", name())));
  }
  return rows;
}

PausedWrites Table::PauseWrites() {
  std::unique_lock lock(write_mutex_);
  turn_.wait(lock, [this] { return !paused_; });
  paused_ = true;
  turn_.wait(lock, [this] { return last_ended_ == last_begun_; });
  return PausedWrites(*this);
}

void Table::ResumeWrites() {
  {
    std::lock_guard lock(write_mutex_);
    paused_ = false;
  }
  turn_.notify_all();
}

void Table::MarkDropped() {
  std::unique_lock lock(write_mutex_);
  dropped_ = true;
  turn_.notify_all();
  turn_.wait(lock, [this] { return last_ended_ == last_begun_; });
}

void Table::Drain() {
  // What asks whether the table has been dropped asks under these.
  std::scoped_lock lock(layout_mutex_, pins_mutex_, flush_mutex_, commit_mutex_);
}

bool Table::dropped() const { return dropped_; }

// --- versions ---

void Table::Install(std::shared_ptr<const Version> version) {
  std::lock_guard lock(state_mutex_);
  if (version->id <= version_->id) {
    return;
  }
  const bool foreign = HasForeignFiles(*version_, *version);
  version_ = std::move(version);
  if (foreign) {
    front_.Reset(NewestInFiles(*version_));
  }
  for (auto& [end, fenced] : fences_) {
    if (fenced == nullptr && end <= version_->flushed) {
      fenced = version_;
    }
  }
  while (!sealed_.empty() && sealed_.front()->last_sequence() <= version_->flushed) {
    const auto freed = static_cast<int64_t>(sealed_.front()->size_bytes());
    memtable_bytes_ -= freed;
    *services_.memtable_bytes -= freed;
    sealed_.pop_front();
  }
}

Status Table::ReopenLogIfUncertain() {
  if (log_state_ == LogState::kKnown) {
    return {};
  }
  VARVE_ASSIGN(std::shared_ptr<TableLog> log,
               TableLog::Open(*services_.store, *services_.clock, entry_.uuid));
  {
    std::lock_guard lock(state_mutex_);
    for (const auto& version : log_->live()) {
      former_versions_.push_back(version);
    }
    log_ = std::move(log);
  }
  log_state_ = LogState::kKnown;
  Install(log_->current());
  return {};
}

Result<std::shared_ptr<const Version>> Table::Commit(VersionEdit edit) {
  auto committed = log_->Commit(std::move(edit));
  if (!committed) {
    if (committed.error().kind == ErrorKind::kUnknownOutcome) {
      log_state_ = LogState::kUncertain;
    }
    return committed;
  }
  Install(*committed);
  return committed;
}

Status Table::CommitCompleted(VersionEdit edit,
                              const std::function<Status(VersionEdit&, const Version&)>& complete) {
  Status status;
  for (int i = 0; i < kCommitTriesMax; ++i) {
    status = ReopenLogIfUncertain();
    if (status) {
      status = complete(edit, *version());
    }
    if (!status) {
      break;
    }
    const auto committed = Commit(edit);
    if (committed) {
      return {};
    }
    status = std::unexpected(committed.error());
    if (status.error().kind == ErrorKind::kUnknownOutcome) {
      return status;
    }
    if (status.error().kind != ErrorKind::kConflict) {
      break;
    }
    Install(log_->current());
  }
  DiscardFiles(*services_.store, edit);
  return status;
}

std::string Table::name() const {
  std::lock_guard lock(name_mutex_);
  return name_;
}

void Table::Rename(std::string name) {
  std::lock_guard lock(name_mutex_);
  name_ = std::move(name);
}

Status Table::AddColumns(std::vector<ColumnSchema> columns) {
  return AlterSchema([&](const TableSchema& schema) { return schema.WithColumnsAdded(columns); });
}

Status Table::AlterSchema(const std::function<Result<TableSchema>(const TableSchema&)>& change) {
  std::lock_guard lock(commit_mutex_);
  VARVE_TRY(ReopenLogIfUncertain());
  VARVE_ASSIGN(TableSchema next, change(*schema()));
  VersionEdit edit;
  edit.kind = EditKind::kAlter;
  edit.schema = std::move(next);
  VARVE_TRY(Commit(std::move(edit)));
  return {};
}

Status Table::ModifyOptions(const std::map<std::string, std::string>& changes) {
  std::lock_guard lock(commit_mutex_);
  VARVE_TRY(ReopenLogIfUncertain());
  VARVE_ASSIGN(TableOptions next, WithChanges(options(), changes, OptionsUse::kAlter));
  VersionEdit edit;
  edit.kind = EditKind::kAlter;
  edit.options = std::move(next);
  VARVE_TRY(Commit(std::move(edit)));
  return {};
}

void Table::SealLocked() {
  if (active_->row_count() == 0) {
    return;
  }
  sealed_.push_back(active_);
  active_ = std::make_shared<Memtable>();
  services_.request_flush(entry_.id);
}

void Table::Seal() {
  std::lock_guard lock(state_mutex_);
  SealLocked();
}

}  // namespace varve
