#include "engine/compaction_picker.h"

#include <algorithm>
#include <limits>

namespace varve {
namespace {

// The default strategy's: files below it are of one tier. Flushes of tables with few rows stay
// below it, those of busy tables do not, so that tiers grow by factors from there.
constexpr uint64_t kSmallFileBytes = 4 << 20;
// A segment is tidied up at once when what is merged into its largest file is at least this share.
constexpr uint64_t kTidyShare = 8;
// Sizes may lie so that no tier ever fills; beyond this the smallest are merged all the same.
constexpr size_t kUntieredFilesMax = 24;

using Files = std::vector<const FileMeta*>;

struct TierRules {
  double high;
  uint64_t small_bytes;
  size_t min_files;
  size_t max_files;
};

TierRules RulesOf(const TableOptions& options) {
  const bool own = options.compaction_strategy == CompactionStrategy::kDefault;
  return {options.compaction_bucket_high,
          own ? kSmallFileBytes : options.compaction_min_sstable_size_bytes,
          std::max<size_t>(2, options.compaction_min_threshold),
          std::clamp<size_t>(options.compaction_max_threshold, 2, kCompactionInputsMax)};
}

uint64_t DeletedRows(const FileMeta& file) {
  return file.deletion_vector ? file.deletion_vector->rows : 0;
}

uint64_t LiveRows(const FileMeta& file) { return file.rows - DeletedRows(file); }

bool HasManyDeleted(const FileMeta& file) {
  return static_cast<double>(DeletedRows(file)) > kDeletedShareMax * static_cast<double>(file.rows);
}

// The size it would have without its deleted rows.
uint64_t LiveBytes(const FileMeta& file) {
  return static_cast<uint64_t>(static_cast<double>(file.size_bytes) *
                               static_cast<double>(LiveRows(file)) /
                               static_cast<double>(std::max<uint64_t>(1, file.rows)));
}

bool IsLarge(const FileMeta& file, const CompactionLimits& limits) {
  return LiveBytes(file) >= limits.output_bytes_max / 2 ||
         LiveRows(file) >= limits.output_rows_max / 2;
}

bool HasExpired(const FileMeta& file, const PickInput& input) {
  const int64_t ttl_us = input.options->ttl.count() * 1000;
  return input.options->enable_ttl && file.time_max.value() < input.now.value() - ttl_us;
}

std::map<TimestampUs, Files> BySegment(const PickInput& input) {
  std::map<TimestampUs, Files> segments;
  for (const auto& [id, file] : *input.files) {
    if (!input.excluded(id)) {
      segments[file.segment_start].push_back(&file);
    }
  }
  return segments;
}

CompactionTask MakeTask(Files files, CompactionReason reason, size_t segment_files) {
  std::ranges::sort(files, {}, [](const FileMeta* f) { return std::pair(f->sequence_max, f->id); });
  CompactionTask task;
  task.segment_start = files.front()->segment_start;
  task.reason = reason;
  task.segment_files = segment_files;
  for (const FileMeta* file : files) {
    task.inputs.push_back(*file);
  }
  return task;
}

void SortBySize(Files& files) {
  std::ranges::sort(files, {}, [](const FileMeta* f) { return std::pair(LiveBytes(*f), f->id); });
}

// The first tier that has enough files: of several the one of the smallest files, which is the
// cheapest. `files` are sorted by size, so that none is below its tier's average times
// compaction_bucket_low.
Files FindTier(const Files& files, const TierRules& rules) {
  for (size_t first = 0; first < files.size();) {
    double total = static_cast<double>(LiveBytes(*files[first]));
    size_t end = first + 1;
    for (; end < files.size(); ++end) {
      const auto size = static_cast<double>(LiveBytes(*files[end]));
      const double average = total / static_cast<double>(end - first);
      const bool small = size < static_cast<double>(rules.small_bytes);
      if (!small && size > average * rules.high) {
        break;
      }
      total += size;
    }
    if (end - first >= rules.min_files) {
      end = std::min(end, first + rules.max_files);
      return {files.begin() + static_cast<ptrdiff_t>(first),
              files.begin() + static_cast<ptrdiff_t>(end)};
    }
    first = end;
  }
  return {};
}

// When the segment may become one file: its quiet or its cold time.
TimestampUs TidyTime(const Files& small, const PickInput& input) {
  uint64_t total = 0;
  uint64_t largest = 0;
  for (const FileMeta* file : small) {
    total += LiveBytes(*file);
    largest = std::max(largest, LiveBytes(*file));
  }
  const bool worth = (total - largest) * kTidyShare >= total;
  const std::chrono::microseconds wait =
      worth ? std::chrono::microseconds(kSegmentQuietTime) : kSegmentColdTime;
  return TimestampUs(input.last_written(small.front()->segment_start).value() + wait.count());
}

struct SegmentVerdict {
  std::optional<CompactionTask> task;
  std::optional<TimestampUs> look_again_at;
};

SegmentVerdict JudgeTiers(Files files, const PickInput& input, size_t file_count) {
  const TierRules rules = RulesOf(*input.options);
  if (Files tier = FindTier(files, rules); !tier.empty()) {
    return {MakeTask(std::move(tier), CompactionReason::kTier, file_count), {}};
  }
  if (files.size() > kUntieredFilesMax) {
    files.resize(rules.max_files);
    return {MakeTask(std::move(files), CompactionReason::kTooManyFiles, file_count), {}};
  }
  return {};
}

SegmentVerdict Judge(Files files, const PickInput& input) {
  const size_t file_count = files.size();
  std::erase_if(files, [&](const FileMeta* file) { return HasExpired(*file, input); });
  const auto dirty =
      std::ranges::find_if(files, [](const FileMeta* file) { return HasManyDeleted(*file); });
  if (dirty != files.end()) {
    return {MakeTask({*dirty}, CompactionReason::kDeletedRows, file_count), {}};
  }
  std::erase_if(files, [&](const FileMeta* file) { return IsLarge(*file, input.limits); });
  if (files.size() < 2) {
    return {};
  }
  SortBySize(files);
  if (input.options->compaction_strategy == CompactionStrategy::kSizeTiered) {
    return JudgeTiers(std::move(files), input, file_count);
  }
  const TimestampUs tidy_at = TidyTime(files, input);
  if (input.now >= tidy_at) {
    files.resize(std::min(files.size(), kCompactionInputsMax));
    return {MakeTask(std::move(files), CompactionReason::kWrittenSegment, file_count), {}};
  }
  SegmentVerdict verdict = JudgeTiers(std::move(files), input, file_count);
  if (!verdict.task) {
    verdict.look_again_at = tidy_at;
  }
  return verdict;
}

uint64_t CeilDiv(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

// As few files as the limits allow, or one more, since files of one split are not quite equal.
bool AreFew(const Files& files, const CompactionLimits& limits) {
  uint64_t bytes = 0;
  uint64_t rows = 0;
  for (const FileMeta* file : files) {
    bytes += LiveBytes(*file);
    rows += LiveRows(*file);
  }
  const uint64_t least =
      std::max(CeilDiv(bytes, limits.output_bytes_max), CeilDiv(rows, limits.output_rows_max));
  return files.size() == 1 || (least > 1 && files.size() <= least + 1);
}

// Of too many files: the smallest, and large ones only where a small one has nothing else to join.
Files ToJoin(Files files, const CompactionLimits& limits) {
  SortBySize(files);
  const auto large =
      std::ranges::find_if(files, [&](const FileMeta* file) { return IsLarge(*file, limits); });
  const auto small_count = static_cast<size_t>(large - files.begin());
  if (small_count == 0) {
    return {};
  }
  files.resize(std::clamp<size_t>(small_count, 2, kCompactionInputsMax));
  return files;
}

std::optional<CompactionTask> JudgeFully(Files files, const CompactionLimits& limits) {
  const size_t file_count = files.size();
  if (!AreFew(files, limits)) {
    if (Files joined = ToJoin(files, limits); !joined.empty()) {
      return MakeTask(std::move(joined), CompactionReason::kAsked, file_count);
    }
  }
  const auto dirty =
      std::ranges::find_if(files, [](const FileMeta* file) { return DeletedRows(*file) > 0; });
  if (dirty != files.end()) {
    return MakeTask({*dirty}, CompactionReason::kAsked, file_count);
  }
  return std::nullopt;
}

void SortByUrgency(CompactionPlan& plan) {
  std::ranges::stable_sort(plan.tasks, std::greater(),
                           [](const CompactionTask& task) { return task.segment_files; });
}

}  // namespace

std::string_view CompactionReasonName(CompactionReason reason) {
  switch (reason) {
    case CompactionReason::kTier:
      return "tier";
    case CompactionReason::kWrittenSegment:
      return "written segment";
    case CompactionReason::kDeletedRows:
      return "deleted rows";
    case CompactionReason::kTooManyFiles:
      return "too many files";
    case CompactionReason::kAsked:
      return "asked";
  }
  return "";
}

uint64_t CompactionTask::bytes() const {
  uint64_t bytes = 0;
  for (const FileMeta& file : inputs) {
    bytes += file.size_bytes;
  }
  return bytes;
}

CompactionPlan PickCompactions(const PickInput& input) {
  CompactionPlan plan;
  for (auto& [segment, files] : BySegment(input)) {
    SegmentVerdict verdict = Judge(std::move(files), input);
    if (verdict.task) {
      plan.tasks.push_back(*std::move(verdict.task));
    }
    if (verdict.look_again_at) {
      plan.look_again_at =
          std::min(plan.look_again_at.value_or(*verdict.look_again_at), *verdict.look_again_at);
    }
  }
  SortByUrgency(plan);
  return plan;
}

CompactionPlan PickFullCompaction(const PickInput& input) {
  CompactionPlan plan;
  for (auto& [segment, files] : BySegment(input)) {
    if (auto task = JudgeFully(std::move(files), input.limits)) {
      plan.tasks.push_back(*std::move(task));
    }
  }
  SortByUrgency(plan);
  return plan;
}

}  // namespace varve
