// MemoryDatabase: a database over a store and a log in memory, which stay when it ends and starts
// again. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/matchers.h"
#include "engine/database.h"
#include "wal/memory_wal.h"

namespace varve {

inline constexpr RetentionRule kNewestOnly = {.num_retained_min = 1, .num_retained_max = 1};
inline constexpr std::chrono::milliseconds kNoGrace{0};

// Reached with -> between Start and Stop. Functions that fail fail the test. One thread.
class MemoryDatabase {
 public:
  // Store and clock outlive it. `seed`: of its ids.
  MemoryDatabase(ObjectStore* store, const Clock* clock, uint64_t seed = 1)
      : store_(store), clock_(clock), ids_(seed) {}
  MemoryDatabase(const MemoryDatabase&) = delete;
  MemoryDatabase& operator=(const MemoryDatabase&) = delete;

  // The one that runs ends before. Store, log, clock and ids of the options are set here.
  void Start(DatabaseOptions options = {}) {
    Stop();
    wal_ = std::make_unique<MemoryWal>(log_);
    options.store = store_;
    options.wal = wal_.get();
    options.clock = clock_;
    options.ids = &ids_;
    auto opened = Database::Open(std::move(options));
    ASSERT_THAT(opened, IsOk());
    database_ = *std::move(opened);
  }
  void Stop() {
    database_.reset();
    wal_.reset();
  }

  Database* operator->() const { return database_.get(); }
  Database& operator*() const { return *database_; }
  MemoryLog& log() { return *log_; }
  SeededIdSource& ids() { return ids_; }

  // A table of the schema "public".
  std::shared_ptr<Table> Find(std::string_view name) const {
    return database_->FindTable("public", name).value();
  }
  Result<WriteReport> WriteBatch(const std::shared_ptr<Table>& table, RowBatch batch) {
    std::vector<TableWrite> writes;
    writes.push_back({table, std::move(batch)});
    return database_->Write(std::move(writes));
  }
  // All versions but the newest go, and the files that only they have.
  void ExpireAndCollect(Table& table) {
    ASSERT_THAT(database_->housekeeping().ExpireVersions(table, kNewestOnly, ExpiryMode::kExpire),
                IsOk());
    Collect();
  }
  // Until nothing is held: threads that have just done their work may still have the table.
  void Collect() {
    constexpr int kTriesMax = 100'000;
    for (int i = 0; i < kTriesMax; ++i) {
      const auto report = database_->housekeeping().Collect(GcMode::kDelete, kNoGrace);
      ASSERT_THAT(report, IsOk());
      if (report->held == 0 && report->young == 0) {
        return;
      }
      std::this_thread::yield();
    }
    FAIL() << "files are held for ever";
  }

 private:
  ObjectStore* const store_;
  const Clock* const clock_;
  SeededIdSource ids_;
  std::shared_ptr<MemoryLog> log_ = std::make_shared<MemoryLog>();
  std::unique_ptr<MemoryWal> wal_;
  std::unique_ptr<Database> database_;
};

}  // namespace varve
