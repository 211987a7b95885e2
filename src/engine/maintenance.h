// Maintenance: the background threads that compact tables.
//
// A table is looked at after each of its flushes, and again at the time it says; a table of which
// nothing is to be done costs nothing. Of the tables that need work, the one with the largest
// backlog comes first, but every fourth turn goes to the one that has waited longest. After a
// failure a table waits, longer each time in a row.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "engine/compaction_picker.h"
#include "engine/rate_limit.h"
#include "engine/table.h"

namespace varve {

struct MaintenanceOptions {
  const Clock* clock = nullptr;
  // Compactions at once (max_ongoing_tasks). 0: none in the background, only those asked for.
  size_t threads = 0;
  uint64_t bytes_per_second = 0;  // read and written, all threads together; 0: no limit
  CompactionLimits limits;
};

struct MaintenanceStats {
  uint64_t compactions = 0;  // since start
  uint64_t failures = 0;
  uint64_t rows = 0;  // read
  uint64_t bytes_read = 0;
  uint64_t bytes_written = 0;
  uint64_t running = 0;  // now
  uint64_t pending_tables = 0;
  uint64_t pending_files = 0;  // inputs of the tasks of those
  uint64_t pending_bytes = 0;
};

// Thread-safe.
class Maintenance {
 public:
  using FindTable = std::function<std::shared_ptr<Table>(TableId)>;

  Maintenance(MaintenanceOptions options, FindTable find_table);
  ~Maintenance();  // Stop()
  Maintenance(const Maintenance&) = delete;
  Maintenance& operator=(const Maintenance&) = delete;

  bool in_background() const { return options_.threads > 0; }

  // Files have been added to the table: look at it soon.
  void Examine(TableId id);

  // Compacts the table as far as the limits allow, on the caller's thread: of
  // its files those that are there now.
  // Returns the sum of what it did. Errors: kCorruption that names files which could not be read
  // (everything else has been compacted); kCancelled (stopped, dropped); kIo, kResourceExhausted:
  // what was done until then stays.
  Result<CompactionOutcome> CompactFully(Table& table);

  // Ends what runs between two batches, commits no more, and returns when the threads have ended.
  void Stop();

  MaintenanceStats stats() const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Backlog {
    size_t urgency = 0;  // files of the fullest segment with a task
    uint64_t files = 0;
    uint64_t bytes = 0;
    uint64_t waiting_since = 0;  // turn
  };

  void Run();
  // Looks at the tables that are due, or compacts one; false: there was neither. These three
  // require the lock, and give it up while they work.
  bool Step(std::unique_lock<std::mutex>& lock);
  void ExamineDue(std::unique_lock<std::mutex>& lock, std::vector<TableId> due);
  void CompactNext(std::unique_lock<std::mutex>& lock);
  // Requires that there is one.
  TableId TakeNextLocked();
  void ScheduleLocked(TableId id, Time when);
  void UnscheduleLocked(TableId id);
  Result<std::optional<CompactionOutcome>> Compact(Table& table, const CompactionScope& scope);
  Status Proceed(uint64_t bytes);

  const MaintenanceOptions options_;
  const FindTable find_table_;
  RateLimit rate_limit_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable stopped_;
  std::atomic<bool> stopping_ = false;
  std::set<std::pair<Time, TableId>> due_;  // when to look at which table
  std::map<TableId, Time> due_at_;          // the same, by table
  std::map<TableId, Backlog> backlog_;      // tables that need work and are not being worked on
  std::map<TableId, int> failures_;         // in a row
  uint64_t turns_ = 0;
  std::vector<std::thread> threads_;

  struct Counters {
    std::atomic<uint64_t> compactions = 0;
    std::atomic<uint64_t> failures = 0;
    std::atomic<uint64_t> rows = 0;
    std::atomic<uint64_t> bytes_read = 0;
    std::atomic<uint64_t> bytes_written = 0;
    std::atomic<uint64_t> running = 0;
  };
  Counters counters_;
};

}  // namespace varve
