// Housekeeping: what is past its time leaves by itself, a few tables at a time: files past the ttl,
// old versions, and the files that nothing needs then.
//
// A table is looked at once in an interval. A table that has not changed since nothing was left to
// do costs no I/O. All that lies under `tables/`, also of tables that former processes dropped, is
// looked at when it begins and every kSweepInterval.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/gc.h"
#include "engine/periodic.h"
#include "engine/table.h"

namespace varve {

// Finds what no commit points at: what a crash or a lost answer has left.
inline constexpr std::chrono::milliseconds kSweepInterval = std::chrono::hours(6);

struct HousekeepingOptions {
  // 0: nothing happens by itself.
  std::chrono::milliseconds interval{};
  std::chrono::milliseconds grace = kGcGrace;
  IdSource* ids = nullptr;
};

struct HousekeepingStats {
  uint64_t gc_passes = 0;    // since start
  uint64_t gc_failures = 0;  // passes that could not read something, and deleted nothing
  uint64_t gc_deleted_files = 0;
  uint64_t gc_deleted_bytes = 0;
  uint64_t expired_versions = 0;
  uint64_t ttl_expired_files = 0;
};

// Thread-safe.
class Housekeeping {
 public:
  using ListTables = std::function<std::vector<std::shared_ptr<Table>>()>;

  Housekeeping(HousekeepingOptions options, GcServices services, ListTables tables);
  ~Housekeeping();  // Stop()

  // One pass over everything, or over one table: see CollectGarbage.
  Result<GcReport> Collect(GcMode mode, std::chrono::milliseconds grace);
  // Hides old versions of one table by the rule. Errors: as TableLog::Expire, and those of pins.
  Result<Expiry> ExpireVersions(Table& table, const RetentionRule& rule, ExpiryMode mode);

  // What the thread does each time: the next few tables. `tables_max` at most.
  void Step(size_t tables_max);

  // Ends what runs between two tables or deletions, and returns when the thread has ended.
  void Stop();
  HousekeepingStats stats() const;

 private:
  struct Clean {
    VersionId version;  // of the table when nothing was left to do
  };

  void RunStep();
  void Sweep();
  // Of dropped tables that are not kept any more: the catalogue forgets them, and their files go.
  void Purge();
  void Visit(Table& table);
  // Whether nothing is left to do until the table changes. Errors: as above.
  Result<bool> CleanUp(Table& table);
  Result<GcReport> Count(Result<GcReport> report, GcMode mode);

  const HousekeepingOptions options_;
  const GcServices services_;
  const ListTables tables_;

  std::atomic<bool> stopping_ = false;
  std::mutex step_mutex_;  // held across the I/O of a step
  std::optional<std::chrono::steady_clock::time_point> swept_at_;
  TableId next_;  // where the next step goes on
  std::map<TableId, Clean> clean_;

  struct Counters {
    std::atomic<uint64_t> gc_passes = 0;
    std::atomic<uint64_t> gc_failures = 0;
    std::atomic<uint64_t> gc_deleted_files = 0;
    std::atomic<uint64_t> gc_deleted_bytes = 0;
    std::atomic<uint64_t> expired_versions = 0;
    std::atomic<uint64_t> ttl_expired_files = 0;
  };
  Counters counters_;
  std::unique_ptr<Periodic> periodic_;
};

}  // namespace varve
