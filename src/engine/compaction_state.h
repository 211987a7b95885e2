// CompactionState: what one table knows of its own compaction beyond its version: which files are
// being merged, which are damaged, and when each segment was last written to. Nothing of it is
// durable: after a restart damage is found again, and segments count as just written.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/compaction_picker.h"
#include "meta/version.h"

namespace varve {

// A file that could not be read whole, and is left as it is from then on. Its rows are still part
// of the table: queries that need them fail by its name.
struct QuarantinedFile {
  Uuid id;
  std::string path;
  std::string reason;
  TimestampUs since;
};

enum class CompactionMode : uint8_t {
  kUpkeep,  // PickCompactions
  kFull,    // PickFullCompaction
};

// What to look at.
struct CompactionScope {
  CompactionMode mode = CompactionMode::kUpkeep;
  CompactionLimits limits;
  // Files with newer writes are left out: so that compacting fully ends while others write.
  Sequence written_until = Sequence(UINT64_MAX);
};

// Thread-safe.
class CompactionState {
 public:
  // To be called for each version with new files, before others can plan with it.
  void Observe(const Version& version, TimestampUs now);
  // Files that a compaction is about to commit: they are not new writes. Settle when it has been
  // committed and observed, or given up.
  void Expect(const std::vector<FileMeta>& outputs);
  void Settle(const std::vector<FileMeta>& outputs);

  CompactionPlan Plan(const Version& version, TimestampUs now, const CompactionScope& scope) const;
  // The plan's first task, whose inputs are this caller's until Release; nullopt: there is none.
  std::optional<CompactionTask> Claim(const Version& version, TimestampUs now,
                                      const CompactionScope& scope);
  void Release(const CompactionTask& task);
  // Returns when no files are claimed or `time` has passed.
  void WaitForRelease(std::chrono::milliseconds time);
  bool busy() const;

  // Returns whether it was not there yet.
  bool Quarantine(QuarantinedFile file);
  std::vector<QuarantinedFile> quarantined() const;
  size_t quarantined_count() const { return quarantined_count_; }

  // How many files the segment has that has most, without damaged ones. Of the last Observe.
  size_t segment_files_max() const { return segment_files_max_; }

 private:
  CompactionPlan PlanLocked(const Version& version, TimestampUs now,
                            const CompactionScope& scope) const;

  mutable std::mutex mutex_;
  std::condition_variable released_;
  std::set<Uuid> claimed_;
  std::map<Uuid, QuarantinedFile> quarantined_;
  std::set<Uuid> known_files_;  // of the version observed last, and the expected ones
  std::set<Uuid> expected_;
  std::map<TimestampUs, TimestampUs> last_written_;  // by segment
  std::atomic<size_t> segment_files_max_ = 0;
  std::atomic<size_t> quarantined_count_ = 0;
};

}  // namespace varve
