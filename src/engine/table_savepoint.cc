// Savepoints of one table.
#include <algorithm>

#include "base/units.h"
#include "engine/pending_savepoint.h"

namespace varve {

Table::PendingSavepoint::PendingSavepoint(std::shared_ptr<Table> table)
    : table_(std::move(table)), layout_(table_->layout_mutex_), pins_(table_->pins_mutex_) {}

Table::PendingSavepoint::~PendingSavepoint() {
  if (fence_) {
    std::lock_guard lock(table_->state_mutex_);
    table_->fences_.erase(*fence_);
  }
}

void Table::PendingSavepoint::Mark() {
  std::lock_guard lock(table_->state_mutex_);
  table_->SealLocked();
  if (table_->sealed_.empty()) {
    version_ = table_->version_;
    return;
  }
  fence_ = table_->sealed_.back()->last_sequence();
  table_->fences_.try_emplace(*fence_, nullptr);
}

Status Table::PendingSavepoint::Settle() {
  while (version_ == nullptr) {
    if (table_->dropped_) {
      return NotFound("Table not found, table:{}", table_->name());
    }
    VARVE_TRY(table_->FlushSealed());
    std::lock_guard lock(table_->state_mutex_);
    version_ = table_->fences_.at(*fence_);
  }
  return {};
}

Status Table::PendingSavepoint::Choose(const VersionRef& ref) {
  VARVE_ASSIGN(version_, table_->FindVersion(ref));
  return {};
}

Result<Savepoint> Table::PendingSavepoint::Write(const SavepointSpec& spec,
                                                 const SavepointGroup& group) {
  if (table_->dropped_) {
    return NotFound("Table not found, table:{}", table_->name());
  }
  Savepoint savepoint;
  savepoint.name = spec.name;
  savepoint.saved_snapshot_id = version_->id;
  savepoint.snapshot_time = version_->committed_at;
  savepoint.schema_id = version_->schema->schema_id();
  // What has been summed up costs the same however many files there are.
  const auto known = table_->log()->SummaryOf(version_->id);
  const VersionSummary summary = known ? *known : VersionSummary::Of(*version_);
  savepoint.record_count = summary.rows;
  savepoint.held_bytes = summary.bytes;
  savepoint.save_time = std::max(table_->services_.clock->Now(), version_->committed_at);
  savepoint.origin = spec.origin;
  savepoint.retain_until = spec.retain_until;
  savepoint.lock_until = spec.lock_until;
  savepoint.group = group;
  auto made = table_->savepoints_.Create(std::move(savepoint));
  if (!made) {
    return std::unexpected(
        made.error().WithContext(fmt::format("savepoint of table {}", table_->name())));
  }
  return made;
}

Status Table::DropSavepoint(SavepointId id) {
  std::lock_guard pinning(pins_mutex_);
  VARVE_ASSIGN(const auto savepoint, savepoints_.Find(id));
  if (!savepoint) {
    return NotFound("table {} has no savepoint {}: it was dropped or never was; {}", name(), id,
                    DescribeVersions());
  }
  if (savepoint->locked(services_.clock->Now())) {
    return InvalidArgument("savepoint {} of table {} is locked until {}: it cannot be dropped", id,
                           name(), FormatTimestamp(savepoint->lock_until->value()));
  }
  return savepoints_.Drop(id);
}

Result<size_t> Table::ExpireSavepoints() {
  VARVE_ASSIGN(const auto savepoints, savepoints_.List());
  const TimestampUs now = services_.clock->Now();
  const TableOptions options = this->options();
  std::vector<SavepointId> past;
  uint64_t newer = 0;  // automatic ones
  for (auto savepoint = savepoints.rbegin(); savepoint != savepoints.rend(); ++savepoint) {
    if (savepoint->locked(now)) {
      continue;
    }
    bool expired = savepoint->retain_until && *savepoint->retain_until <= now;
    if (!expired && savepoint->origin == SavepointOrigin::kAutomatic) {
      const auto& kept = options.savepoint_time_retained;
      expired =
          (kept &&
           now.value() - savepoint->save_time.value() > std::chrono::microseconds(*kept).count()) ||
          (options.savepoint_num_retained_max && newer >= *options.savepoint_num_retained_max);
      newer += expired ? 0 : 1;
    }
    if (expired) {
      past.push_back(savepoint->id);
    }
  }
  for (const SavepointId id : past) {
    if (auto status = DropSavepoint(id); !status && status.error().kind != ErrorKind::kNotFound) {
      return std::unexpected(std::move(status).error());
    }
  }
  return past.size();
}

Result<std::set<VersionId>> Table::PinnedVersions() const {
  VARVE_ASSIGN(const auto savepoints, savepoints_.List());
  std::set<VersionId> pinned;
  for (const Savepoint& savepoint : savepoints) {
    pinned.insert(savepoint.saved_snapshot_id);
  }
  VARVE_ASSIGN(const auto unread, FirstUnread());
  if (unread) {
    VARVE_ASSIGN(const auto versions, log()->Versions());
    pinned.insert(std::ranges::lower_bound(versions, *unread), versions.end());
  }
  return pinned;
}

}  // namespace varve
