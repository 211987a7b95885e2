// Which versions of a log are kept, and which have had their time. A rule and nothing else: it does
// no I/O and changes nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "model/table_options.h"

namespace varve {

struct CommittedVersion {
  VersionId id;
  TimestampUs committed_at;  // greater than that of the version before
  bool operator==(const CommittedVersion&) const = default;
};

struct RetentionRule {
  uint64_t num_retained_min = 10;  // at least 1
  std::optional<uint64_t> num_retained_max;
  std::chrono::milliseconds time_retained = std::chrono::hours(1);

  static RetentionRule Of(const TableOptions& options);
};

// The versions that expire, in order. The newest `num_retained_min` stay, and never more than
// `num_retained_max`, whatever their age; between the two those stay that were the newest version
// at some moment of the last `time_retained`, so that a reader may ask for any such moment. A held
// version stays and counts for nothing. A clock that has stepped back makes versions younger, so
// that less expires; the newest version never does.
//
// `versions` are in order.
std::vector<VersionId> VersionsToExpire(std::span<const CommittedVersion> versions,
                                        const RetentionRule& rule, TimestampUs now,
                                        const std::set<VersionId>& held);

enum class ExpiryMode : uint8_t { kPlan, kExpire };

// What an expiry has done or, as a plan, would do.
struct Expiry {
  struct Hidden {
    CommittedVersion version;
    uint64_t bytes = 0;  // of its own files in the log
  };
  std::vector<Hidden> versions;  // in order; they cannot be loaded any more
  uint64_t remaining = 0;        // versions that can be loaded
  uint64_t removed_files = 0;    // of the log, leftovers of earlier expiries among them
  uint64_t removed_bytes = 0;
};

}  // namespace varve
