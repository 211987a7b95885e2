// The compaction picker: which files of a table are to be merged next. A pure function of a
// version's files; it reads and changes nothing.
//
// A task never spans segments. In a segment that is written to, files are merged in tiers: four (or
// compaction_min_threshold) of about one size make one of the next size, so that a row is rewritten
// about log4(output_bytes_max / size of a flush) times: 3 to 4 times with the defaults. With the
// strategy time_window a segment that nobody writes to any more becomes one sorted file: at once
// when that rewrites at most eight times as much as it tidies up, else after an hour. Files of at
// least half the limit are left as they are: a segment that holds more has a few of those.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "model/file_meta.h"
#include "model/table_options.h"

namespace varve {

struct CompactionLimits {
  // Large enough that a segment has few files, little enough that rewriting one takes seconds.
  uint64_t output_bytes_max = uint64_t{256} << 20;
  uint64_t output_rows_max = 16'000'000;
};

// Each input holds a row group and its decoded pages in memory while it is merged.
inline constexpr size_t kCompactionInputsMax = 32;
// Without a new file for so long, a segment counts as written.
inline constexpr auto kSegmentQuietTime = std::chrono::minutes(2);
// And after so long it becomes one file, whatever that costs: at most once an hour for late rows.
inline constexpr auto kSegmentColdTime = std::chrono::hours(1);
// Deleted rows of a file beyond this share of it cost reads more than rewriting it does.
inline constexpr double kDeletedShareMax = 0.1;

enum class CompactionReason : uint8_t {
  kTier,
  kWrittenSegment,
  kDeletedRows,
  kTooManyFiles,
  kAsked
};
std::string_view CompactionReasonName(CompactionReason reason);

struct CompactionTask {
  TimestampUs segment_start;
  std::vector<FileMeta> inputs;  // oldest first, by their newest write
  CompactionReason reason = CompactionReason::kTier;
  size_t segment_files = 0;  // how many files the segment has: the larger, the more urgent

  uint64_t bytes() const;
};

struct PickInput {
  const std::map<Uuid, FileMeta>* files = nullptr;
  const TableOptions* options = nullptr;
  TimestampUs now;
  CompactionLimits limits;
  // Files that must not be touched: inputs of running tasks, damaged ones.
  std::function<bool(const Uuid&)> excluded = [](const Uuid&) { return false; };
  // When the segment got its last file from a flush.
  std::function<TimestampUs(TimestampUs segment)> last_written = [](TimestampUs) {
    return TimestampUs();
  };
};

struct CompactionPlan {
  std::vector<CompactionTask> tasks;  // most files first; at most one for each segment
  // When there may be a task though no file is added: a segment is written then. nullopt: never.
  std::optional<TimestampUs> look_again_at;
};

// What keeps the table in shape.
CompactionPlan PickCompactions(const PickInput& input);

// What is left to do until each segment is as few files as the limits allow, without deleted rows;
// no tasks: done. For whoever asks for it by name: ages and expiry do not matter.
CompactionPlan PickFullCompaction(const PickInput& input);

}  // namespace varve
