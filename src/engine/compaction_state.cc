#include "engine/compaction_state.h"

#include <algorithm>
#include <ranges>

namespace varve {

void CompactionState::Observe(const Version& version, TimestampUs now) {
  const std::lock_guard lock(mutex_);
  std::map<TimestampUs, size_t> files;  // by segment
  std::map<TimestampUs, TimestampUs> last_written;
  std::set<Uuid> known;
  for (const auto& [id, file] : version.files) {
    files[file.segment_start] += quarantined_.contains(id) ? 0 : 1;
    TimestampUs& written = last_written[file.segment_start];
    const auto before = last_written_.find(file.segment_start);
    if (!known_files_.contains(id)) {
      written = now;
    } else if (before != last_written_.end()) {
      written = std::max(written, before->second);
    }
    known.insert(known.end(), id);
  }
  known.insert(expected_.begin(), expected_.end());
  known_files_ = std::move(known);
  last_written_ = std::move(last_written);
  std::erase_if(quarantined_, [&](const auto& q) { return !version.files.contains(q.first); });
  quarantined_count_ = quarantined_.size();
  segment_files_max_ = files.empty() ? 0 : std::ranges::max(files | std::views::values);
}

void CompactionState::Expect(const std::vector<FileMeta>& outputs) {
  const std::lock_guard lock(mutex_);
  for (const FileMeta& file : outputs) {
    expected_.insert(file.id);
    known_files_.insert(file.id);
  }
}

void CompactionState::Settle(const std::vector<FileMeta>& outputs) {
  const std::lock_guard lock(mutex_);
  for (const FileMeta& file : outputs) {
    expected_.erase(file.id);
  }
}

CompactionPlan CompactionState::PlanLocked(const Version& version, TimestampUs now,
                                           const CompactionScope& scope) const {
  PickInput input;
  input.files = &version.files;
  input.options = &version.options;
  input.now = now;
  input.limits = scope.limits;
  input.excluded = [&](const Uuid& id) {
    return claimed_.contains(id) || quarantined_.contains(id) ||
           version.files.at(id).sequence_max > scope.written_until;
  };
  input.last_written = [&](TimestampUs segment) {
    const auto written = last_written_.find(segment);
    return written == last_written_.end() ? now : written->second;
  };
  return scope.mode == CompactionMode::kFull ? PickFullCompaction(input) : PickCompactions(input);
}

CompactionPlan CompactionState::Plan(const Version& version, TimestampUs now,
                                     const CompactionScope& scope) const {
  const std::lock_guard lock(mutex_);
  return PlanLocked(version, now, scope);
}

std::optional<CompactionTask> CompactionState::Claim(const Version& version, TimestampUs now,
                                                     const CompactionScope& scope) {
  const std::lock_guard lock(mutex_);
  CompactionPlan plan = PlanLocked(version, now, scope);
  if (plan.tasks.empty()) {
    return std::nullopt;
  }
  for (const FileMeta& file : plan.tasks.front().inputs) {
    claimed_.insert(file.id);
  }
  return std::move(plan.tasks.front());
}

void CompactionState::Release(const CompactionTask& task) {
  {
    const std::lock_guard lock(mutex_);
    for (const FileMeta& file : task.inputs) {
      claimed_.erase(file.id);
    }
  }
  released_.notify_all();
}

void CompactionState::WaitForRelease(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  released_.wait_for(lock, time, [this] { return claimed_.empty(); });
}

bool CompactionState::busy() const {
  const std::lock_guard lock(mutex_);
  return !claimed_.empty();
}

bool CompactionState::Quarantine(QuarantinedFile file) {
  const std::lock_guard lock(mutex_);
  const Uuid id = file.id;
  const bool is_new = quarantined_.try_emplace(id, std::move(file)).second;
  quarantined_count_ = quarantined_.size();
  return is_new;
}

std::vector<QuarantinedFile> CompactionState::quarantined() const {
  const std::lock_guard lock(mutex_);
  std::vector<QuarantinedFile> out;
  for (const auto& [id, file] : quarantined_) {
    out.push_back(file);
  }
  return out;
}

}  // namespace varve
