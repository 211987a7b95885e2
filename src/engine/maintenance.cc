#include "engine/maintenance.h"

#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>

#include "base/log.h"

namespace varve {
namespace {

// Below queries and writes, above what is started as idle.
constexpr int kNiceness = 10;
constexpr auto kRetryPause = std::chrono::seconds(1);
constexpr int kRetryDoublingsMax = 6;  // a minute between two tries
constexpr uint64_t kFairTurn = 4;
// How long a sleeping thread may overlook that time has passed or that it is to stop.
constexpr auto kSleepMax = std::chrono::milliseconds(500);

void RunAtLowPriority() {
  pthread_setname_np(pthread_self(), "compaction");
  // On Linux this is of the thread, not of the process.
  if (::setpriority(PRIO_PROCESS, 0, kNiceness) != 0) {
    LogWarn("compaction runs at normal priority: it cannot be lowered");
  }
}

// Whether the error is about the task, so that the table's other tasks may go on at once.
bool IsOfTask(const Error& error) {
  return error.kind == ErrorKind::kConflict || error.kind == ErrorKind::kCorruption ||
         error.kind == ErrorKind::kNotFound || error.kind == ErrorKind::kNotSupported;
}

}  // namespace

Maintenance::Maintenance(MaintenanceOptions options, FindTable find_table)
    : options_(options), find_table_(std::move(find_table)), rate_limit_(options.bytes_per_second) {
  for (size_t i = 0; i < options_.threads; ++i) {
    threads_.emplace_back([this] { Run(); });
  }
}

Maintenance::~Maintenance() { Stop(); }

void Maintenance::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  stopped_.notify_all();
  for (auto& thread : threads_) {
    if (thread.joinable()) {
      thread.join();
    }
  }
}

void Maintenance::Examine(TableId id) {
  if (!in_background()) {
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    if (failures_.contains(id)) {
      return;  // it is due when its pause is over
    }
    ScheduleLocked(id, options_.clock->Steady());
  }
  wake_.notify_one();
}

void Maintenance::ScheduleLocked(TableId id, Time when) {
  const auto [entry, is_new] = due_at_.try_emplace(id, when);
  if (!is_new) {
    if (entry->second <= when) {
      return;
    }
    due_.erase({entry->second, id});
    entry->second = when;
  }
  due_.emplace(when, id);
}

void Maintenance::UnscheduleLocked(TableId id) {
  if (const auto entry = due_at_.find(id); entry != due_at_.end()) {
    due_.erase({entry->second, id});
    due_at_.erase(entry);
  }
}

void Maintenance::Run() {
  RunAtLowPriority();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (Step(lock)) {
      continue;
    }
    if (due_.empty()) {
      wake_.wait(lock);
    } else {
      const auto until_due = due_.begin()->first - options_.clock->Steady();
      wake_.wait_for(lock, std::min<std::chrono::nanoseconds>(kSleepMax, until_due));
    }
  }
}

bool Maintenance::Step(std::unique_lock<std::mutex>& lock) {
  const Time now = options_.clock->Steady();
  std::vector<TableId> due;
  while (!due_.empty() && due_.begin()->first <= now) {
    due.push_back(due_.begin()->second);
    UnscheduleLocked(due.back());
  }
  if (!due.empty()) {
    ExamineDue(lock, std::move(due));
    return true;
  }
  if (backlog_.empty()) {
    return false;
  }
  CompactNext(lock);
  return true;
}

void Maintenance::ExamineDue(std::unique_lock<std::mutex>& lock, std::vector<TableId> due) {
  const CompactionScope scope{.limits = options_.limits};
  for (const TableId id : due) {
    lock.unlock();
    const auto table = find_table_(id);
    std::optional<CompactionPlan> plan;
    if (table && !table->dropped()) {
      plan = table->PlanCompaction(scope);
    }
    lock.lock();
    if (!plan) {
      backlog_.erase(id);
      failures_.erase(id);
      continue;
    }
    if (plan->look_again_at) {
      const auto wait =
          std::chrono::microseconds(plan->look_again_at->value() - options_.clock->Now().value());
      ScheduleLocked(id, options_.clock->Steady() + std::max(wait, std::chrono::microseconds(1)));
    }
    if (plan->tasks.empty()) {
      backlog_.erase(id);
      failures_.erase(id);
      continue;
    }
    Backlog& backlog = backlog_.try_emplace(id, Backlog{.waiting_since = turns_}).first->second;
    backlog.urgency = plan->tasks.front().segment_files;
    backlog.files = 0;
    backlog.bytes = 0;
    for (const CompactionTask& task : plan->tasks) {
      backlog.files += task.inputs.size();
      backlog.bytes += task.bytes();
    }
    wake_.notify_one();
  }
}

TableId Maintenance::TakeNextLocked() {
  const bool fair = ++turns_ % kFairTurn == 0;
  const auto next = std::ranges::min_element(backlog_, [fair](const auto& a, const auto& b) {
    return fair ? a.second.waiting_since < b.second.waiting_since
                : a.second.urgency > b.second.urgency;
  });
  const TableId id = next->first;
  backlog_.erase(next);
  return id;
}

void Maintenance::CompactNext(std::unique_lock<std::mutex>& lock) {
  const TableId id = TakeNextLocked();
  if (options_.threads > 1 && !failures_.contains(id)) {
    // It may have more to do than one thread does.
    ScheduleLocked(id, options_.clock->Steady());
    wake_.notify_one();
  }
  lock.unlock();
  Result<std::optional<CompactionOutcome>> done = std::nullopt;
  if (const auto table = find_table_(id)) {
    done = Compact(*table, {.limits = options_.limits});
    if (!done && done.error().kind != ErrorKind::kCancelled) {
      LogWarn("{}", done.error().message);
    }
  }
  lock.lock();
  if (done || IsOfTask(done.error())) {
    failures_.erase(id);
    if (!done || *done) {
      ScheduleLocked(id, options_.clock->Steady());
    }
    return;
  }
  const int failures = std::min(++failures_[id], kRetryDoublingsMax);
  ScheduleLocked(id, options_.clock->Steady() + kRetryPause * (1 << (failures - 1)));
}

Status Maintenance::Proceed(uint64_t bytes) {
  const Time now = options_.clock->Steady();
  const Time until = now + rate_limit_.Take(bytes, now);
  if (now < until) {
    std::unique_lock lock(mutex_);
    while (!stopping_ && options_.clock->Steady() < until) {
      stopped_.wait_for(
          lock, std::min<std::chrono::nanoseconds>(kSleepMax, until - options_.clock->Steady()));
    }
  }
  return stopping_ ? Cancelled("the database is being closed") : Status();
}

Result<std::optional<CompactionOutcome>> Maintenance::Compact(Table& table,
                                                              const CompactionScope& scope) {
  ++counters_.running;
  auto done = table.CompactOnce(scope, [this](uint64_t bytes) { return Proceed(bytes); });
  --counters_.running;
  if (!done) {
    counters_.failures += done.error().kind == ErrorKind::kCancelled ? 0 : 1;
    return done;
  }
  if (*done) {
    ++counters_.compactions;
    counters_.rows += (*done)->rows_read;
    counters_.bytes_read += (*done)->bytes_read;
    counters_.bytes_written += (*done)->bytes_written;
  }
  return done;
}

Result<CompactionOutcome> Maintenance::CompactFully(Table& table) {
  const CompactionScope scope{
      .mode = CompactionMode::kFull, .limits = options_.limits, .written_until = table.flushed()};
  CompactionOutcome sum;
  while (true) {
    VARVE_TRY(Proceed(0));
    auto done = Compact(table, scope);
    if (!done && !IsOfTask(done.error())) {
      return std::unexpected(std::move(done).error());
    }
    if (!done) {
      continue;  // a damaged file is in quarantine now, one that is gone is not picked again
    }
    if (*done) {
      sum.Add(**done);
    } else if (table.compaction().busy()) {
      table.compaction().WaitForRelease(kSleepMax);
    } else {
      break;
    }
  }
  const auto damaged = table.compaction().quarantined();
  if (!damaged.empty()) {
    return Corruption(
        "table {} has {} files that cannot be read, all others are compacted; the first is '{}': "
        "{}",
        table.name(), damaged.size(), damaged.front().path, damaged.front().reason);
  }
  return sum;
}

MaintenanceStats Maintenance::stats() const {
  MaintenanceStats stats;
  stats.compactions = counters_.compactions;
  stats.failures = counters_.failures;
  stats.rows = counters_.rows;
  stats.bytes_read = counters_.bytes_read;
  stats.bytes_written = counters_.bytes_written;
  stats.running = counters_.running;
  const std::lock_guard lock(mutex_);
  stats.pending_tables = backlog_.size();
  for (const auto& [id, backlog] : backlog_) {
    stats.pending_files += backlog.files;
    stats.pending_bytes += backlog.bytes;
  }
  return stats;
}

}  // namespace varve
