#include "meta/version_expiry.h"

#include <algorithm>
#include <iterator>
#include <limits>

namespace varve {
namespace {

// A clock far in the past must not wrap around.
TimestampUs Before(TimestampUs now, std::chrono::milliseconds by) {
  int64_t out = 0;
  const int64_t by_us = std::chrono::microseconds(by).count();
  return TimestampUs(
      __builtin_sub_overflow(now.value(), by_us, &out) ? std::numeric_limits<int64_t>::min() : out);
}

}  // namespace

RetentionRule RetentionRule::Of(const TableOptions& options) {
  return {.num_retained_min = options.snapshot_num_retained_min,
          .num_retained_max = options.snapshot_num_retained_max,
          .time_retained = options.snapshot_time_retained};
}

std::vector<VersionId> VersionsToExpire(std::span<const CommittedVersion> versions,
                                        const RetentionRule& rule, TimestampUs now,
                                        const std::set<VersionId>& held) {
  std::vector<CommittedVersion> free;
  std::ranges::copy_if(versions, std::back_inserter(free),
                       [&](const auto& version) { return !held.contains(version.id); });
  const size_t count = free.size();
  const size_t kept_min = std::min<size_t>(count, std::max<uint64_t>(1, rule.num_retained_min));
  const size_t kept_max =
      std::min<size_t>(count, std::max<uint64_t>(kept_min, rule.num_retained_max.value_or(count)));
  const TimestampUs since = Before(now, rule.time_retained);
  // A version was the newest one until the next was committed.
  size_t expired = count - kept_max;
  while (expired < count - kept_min && free[expired + 1].committed_at <= since) {
    ++expired;
  }
  std::vector<VersionId> out;
  for (size_t i = 0; i < expired; ++i) {
    out.push_back(free[i].id);
  }
  return out;
}

}  // namespace varve
