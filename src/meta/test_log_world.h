// LogWorld: the log of one table in memory, with a clock and faults. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>

#include "base/clock.h"
#include "base/matchers.h"
#include "meta/table_log.h"
#include "meta/test_values.h"
#include "store/faulty_store.h"
#include "store/memory_store.h"

namespace varve {

struct LogWorld {
  ManualClock clock{kTestNow};
  std::shared_ptr<MemoryObjectStore> memory = std::make_shared<MemoryObjectStore>(&clock);
  FaultyObjectStore store{memory};

  // One file each but for the first, one second apart.
  std::unique_ptr<TableLog> CreateVersions(uint64_t versions) {
    auto log = TableLog::Create(store, clock, TestId(1), TestSchema(), {}).value();
    Grow(*log, versions);
    return log;
  }
  void Grow(TableLog& log, uint64_t versions) {
    for (uint64_t i = log.current()->id.value() + 1; i <= versions; ++i) {
      clock.Advance(std::chrono::seconds(1));
      ASSERT_THAT(log.Commit(AddFile(i)), IsOk());
    }
  }
  std::unique_ptr<TableLog> Open() {
    auto log = TableLog::Open(store, clock, TestId(1));
    EXPECT_THAT(log, IsOk());
    return *std::move(log);
  }
};

}  // namespace varve
