#include "engine/housekeeping.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "meta/table_log.h"

namespace varve {
namespace {

// The work of an interval is spread over so many steps: 10,000 tables in 5 minutes are 167 every
// 5 seconds.
constexpr int64_t kStepsPerInterval = 60;
constexpr std::chrono::milliseconds kStepPauseMin{10};

// What a step may delete at most, so that it leaves the disk to others.
constexpr GcBudget kStepBudget = {
    .files = 10'000, .bytes = uint64_t{1} << 40, .time = std::chrono::seconds(5)};

}  // namespace

Housekeeping::Housekeeping(HousekeepingOptions options, GcServices services, ListTables tables)
    : options_(options), services_(std::move(services)), tables_(std::move(tables)) {
  if (options_.interval.count() > 0) {
    periodic_ = std::make_unique<Periodic>(
        Periodic::Options{
            .name = "housekeeping",
            .interval = std::max(kStepPauseMin, options_.interval / kStepsPerInterval),
            .ids = options_.ids},
        [this] { RunStep(); });
  }
}

Housekeeping::~Housekeeping() { Stop(); }

void Housekeeping::Stop() {
  stopping_ = true;
  if (periodic_) {
    periodic_->Stop();
  }
}

void Housekeeping::RunStep() {
  const auto steps = static_cast<size_t>(kStepsPerInterval);
  Step((tables_().size() + steps - 1) / steps);
}

void Housekeeping::Step(size_t tables_max) {
  const std::lock_guard stepping(step_mutex_);
  const auto now = services_.clock->Steady();
  if (!swept_at_ || now - *swept_at_ >= kSweepInterval) {
    swept_at_ = now;
    Sweep();
  }
  Purge();
  std::vector<std::shared_ptr<Table>> tables = tables_();
  std::ranges::sort(tables, {}, [](const auto& table) { return table->id(); });
  auto next = std::ranges::lower_bound(tables, next_, {}, [](const auto& t) { return t->id(); });
  for (size_t i = 0; i < std::min(tables_max, tables.size()) && !stopping_; ++i) {
    if (next == tables.end()) {
      next = tables.begin();
    }
    Visit(**next);
    next_ = TableId((*next)->id().value() + 1);
    ++next;
  }
}

void Housekeeping::Sweep() {
  clean_.clear();
  const auto report = Collect(GcMode::kDelete, options_.grace);
  if (!report && report.error().kind != ErrorKind::kCancelled) {
    LogWarn("garbage collection has stopped, nothing was deleted: {}", report.error().message);
  }
}

void Housekeeping::Purge() {
  if (!services_.purge_dropped) {
    return;
  }
  const auto purged = services_.purge_dropped();
  if (!purged) {
    LogWarn("dropped tables past their time stay: {}", purged.error().message);
    return;
  }
  for (const Uuid& table : *purged) {
    GcRequest request;
    request.folder = TableLog::Folder(table);
    request.grace = options_.grace;
    request.budget = kStepBudget;
    request.cancelled = [this] { return stopping_.load(); };
    if (const auto report = Count(CollectGarbage(services_, request), request.mode); !report) {
      LogWarn("files of a dropped table stay for now: {}", report.error().message);
    }
  }
}

void Housekeeping::Visit(Table& table) {
  if (const auto expired = table.ExpireFiles(); !expired) {
    LogWarn(
        "table {}.{}: files past the ttl could not be taken out, they are invisible all the "
        "same: {}",
        table.schema_name(), table.name(), expired.error().message);
  } else {
    counters_.ttl_expired_files += expired->files;
  }
  const auto savepoints = table.ExpireSavepoints();
  if (!savepoints) {
    LogWarn("table {}.{}: savepoints past their time stay: {}", table.schema_name(), table.name(),
            savepoints.error().message);
  } else if (*savepoints > 0) {
    clean_.erase(table.id());
  }
  if (const auto consumers = table.ExpireConsumers(); !consumers) {
    LogWarn("table {}.{}: consumers past their time stay: {}", table.schema_name(), table.name(),
            consumers.error().message);
  }
  const VersionId version = table.current_version();
  const auto known = clean_.find(table.id());
  if (known != clean_.end() && known->second.version == version) {
    return;
  }
  const auto clean = CleanUp(table);
  if (!clean) {
    LogWarn("table {}.{}: old versions and files stay: {}", table.schema_name(), table.name(),
            clean.error().message);
  } else if (*clean) {
    clean_[table.id()] = {version};
  }
}

Result<bool> Housekeeping::CleanUp(Table& table) {
  const RetentionRule rule = RetentionRule::Of(table.options());
  VARVE_ASSIGN(const Expiry expiry, ExpireVersions(table, rule, ExpiryMode::kExpire));
  GcRequest request;
  request.folder = TableLog::Folder(table.uuid());
  request.tables = {table.shared_from_this()};
  request.grace = options_.grace;
  request.budget = kStepBudget;
  request.cancelled = [this] { return stopping_.load(); };
  VARVE_ASSIGN(const GcReport report, Count(CollectGarbage(services_, request), request.mode));
  return report.complete() && expiry.remaining <= rule.num_retained_min;
}

Result<Expiry> Housekeeping::ExpireVersions(Table& table, const RetentionRule& rule,
                                            ExpiryMode mode) {
  VARVE_ASSIGN(Expiry expiry, table.ExpireVersions(rule, mode));
  if (mode == ExpiryMode::kExpire) {
    counters_.expired_versions += expiry.versions.size();
  }
  return expiry;
}

Result<GcReport> Housekeeping::Collect(GcMode mode, std::chrono::milliseconds grace) {
  if (mode == GcMode::kDelete && services_.purge_dropped) {
    VARVE_TRY(services_.purge_dropped());
  }
  GcRequest request;
  request.mode = mode;
  request.tables = tables_();
  request.grace = grace;
  request.cancelled = [this] { return stopping_.load(); };
  return Count(CollectGarbage(services_, request), mode);
}

Result<GcReport> Housekeeping::Count(Result<GcReport> report, GcMode mode) {
  ++counters_.gc_passes;
  if (!report) {
    ++counters_.gc_failures;
    return report;
  }
  const uint64_t files = report->Count(GcOutcome::kDeleted);
  counters_.gc_deleted_files += files;
  counters_.gc_deleted_bytes += report->Bytes(GcOutcome::kDeleted);
  if (mode == GcMode::kDelete && files > 0) {
    LogDebug("garbage collection: {} files of {} bytes deleted", files,
             report->Bytes(GcOutcome::kDeleted));
  }
  if (!report->first_error.empty()) {
    LogWarn("garbage collection: {} files could not be deleted, the next pass tries again: {}",
            report->Count(GcOutcome::kFailed), report->first_error);
  }
  return report;
}

HousekeepingStats Housekeeping::stats() const {
  return {.gc_passes = counters_.gc_passes,
          .gc_failures = counters_.gc_failures,
          .gc_deleted_files = counters_.gc_deleted_files,
          .gc_deleted_bytes = counters_.gc_deleted_bytes,
          .expired_versions = counters_.expired_versions,
          .ttl_expired_files = counters_.ttl_expired_files};
}

}  // namespace varve
