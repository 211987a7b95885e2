// Proves for everything that commits: whatever I/O fails, in whichever way, what was acknowledged
// is there afterwards, what failed is there whole or not at all, and whoever comes next can go on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/matchers.h"
#include "meta/catalogue.h"
#include "meta/table_log.h"
#include "meta/test_values.h"
#include "store/faulty_store.h"
#include "store/memory_store.h"

namespace varve {
namespace {

constexpr FaultKind kKinds[] = {FaultKind::kError, FaultKind::kErrorAfterEffect, FaultKind::kCrash,
                                FaultKind::kCrashAfterEffect};

struct World {
  ManualClock clock{kTestNow};
  SeededIdSource ids{1};
  FaultyObjectStore store{std::make_shared<MemoryObjectStore>(&clock)};

  std::unique_ptr<Catalogue> OpenCatalogue() {
    auto catalogue = Catalogue::Open(store, clock, ids);
    EXPECT_THAT(catalogue, IsOk());
    return *std::move(catalogue);
  }
};

// One run of `run` for every operation in it and every way to fail, until a run meets no failure.
// `run` gets a world and the fault to arm when it has prepared it.
using Arm = std::function<void()>;
void ForEachFault(const std::function<void(World&, const Arm&)>& run) {
  for (const FaultKind kind : kKinds) {
    for (uint64_t n = 1;; ++n) {
      SCOPED_TRACE(testing::Message() << "operation " << n << ", fault " << static_cast<int>(kind));
      World world;
      run(world, [&] { world.store.faults().FailAt(n, kind); });
      if (testing::Test::HasFailure()) {
        return;
      }
      if (world.store.faults().failures() == 0) {
        EXPECT_GT(n, 1u) << "nothing was tried";
        break;
      }
    }
  }
}

// A failed attempt that may have had its effect says so: everything else means that nothing
// happened.
template <class T>
void ExpectFitsOutcome(const Result<T>& result, bool there) {
  if (result) {
    EXPECT_TRUE(there);
  } else if (there) {
    EXPECT_EQ(result.error().kind, ErrorKind::kUnknownOutcome) << result.error().message;
  }
}

TEST(Faults, CreateTableLog) {
  ForEachFault([](World& world, const Arm& arm) {
    arm();
    const auto created = TableLog::Create(world.store, world.clock, TestId(1), TestSchema(), {});
    world.store.Restart();
    const auto opened = TableLog::Open(world.store, world.clock, TestId(1));
    ExpectFitsOutcome(created, opened.has_value());
    if (!opened) {
      EXPECT_THAT(opened, IsError(ErrorKind::kNotFound));
    } else {
      EXPECT_EQ((*opened)->current()->id, VersionId(1));
      EXPECT_THAT((*opened)->Commit(AddFile(1)), IsOk());
    }
  });
}

// Commits over a checkpoint, so that its write fails too.
TEST(Faults, Commit) {
  ForEachFault([](World& world, const Arm& arm) {
    auto log = TableLog::Create(world.store, world.clock, TestId(1), TestSchema(), {}).value();
    for (uint64_t i = 2; i <= 62; ++i) {
      ASSERT_THAT(log->Commit(AddFile(i)), IsOk());
    }
    arm();
    std::vector<Result<std::shared_ptr<const Version>>> results;
    for (uint64_t i = 63; i <= 66; ++i) {
      results.push_back(log->Commit(AddFile(i)));
    }
    world.store.Restart();
    for (const auto& reader :
         {log->current(), TableLog::Open(world.store, world.clock, TestId(1)).value()->current()}) {
      for (uint64_t i = 2; i <= 62; ++i) {
        EXPECT_TRUE(reader->files.contains(TestId(i)));
      }
    }
    const auto reopened = TableLog::Open(world.store, world.clock, TestId(1)).value();
    const auto version = reopened->current();
    uint64_t there = 0;
    for (uint64_t i = 63; i <= 66; ++i) {
      const bool found = version->files.contains(TestId(i));
      ExpectFitsOutcome(results[i - 63], found);
      there += found ? 1 : 0;
    }
    EXPECT_EQ(version->files.size(), 61 + there);
    EXPECT_EQ(version->id, VersionId(62 + there));
    EXPECT_THAT(reopened->Commit(AddFile(100)), IsOk());
    EXPECT_THAT(log->Commit(AddFile(101)), IsOk());
    EXPECT_EQ(log->current()->files.size(), 61 + there + 2);
  });
}

TEST(Faults, OpenNewCatalogue) {
  ForEachFault([](World& world, const Arm& arm) {
    arm();
    const auto opened = Catalogue::Open(world.store, world.clock, world.ids);
    world.store.Restart();
    const auto again = world.OpenCatalogue();
    EXPECT_TRUE(again->current()->schemas.contains("public"));
    EXPECT_EQ(again->current()->id, VersionId(1));
    if (opened) {
      EXPECT_EQ((*opened)->db_uuid(), again->db_uuid());
    }
  });
}

TEST(Faults, AddTable) {
  ForEachFault([](World& world, const Arm& arm) {
    const auto catalogue = world.OpenCatalogue();
    ASSERT_THAT(catalogue->AddTable("public", "first", {TestId(1)}), IsOk());
    arm();
    const auto added = catalogue->AddTable("public", "t", {TestId(2)});
    world.store.Restart();
    const auto again = world.OpenCatalogue();
    EXPECT_NE(again->current()->Find("public", "first"), nullptr);
    const TableEntry* found = again->current()->Find("public", "t");
    ExpectFitsOutcome(added, found != nullptr);
    if (found != nullptr) {
      EXPECT_EQ(found->uuid, TestId(2));
      EXPECT_EQ(found->id, TableId(2));
      EXPECT_THAT(again->AddTable("public", "t", {TestId(3)}), IsError(ErrorKind::kAlreadyExists));
    } else {
      EXPECT_THAT(again->AddTable("public", "t", {TestId(2)}), IsOk());
    }
  });
}

TEST(Faults, RemoveTable) {
  ForEachFault([](World& world, const Arm& arm) {
    const auto catalogue = world.OpenCatalogue();
    ASSERT_THAT(catalogue->AddTable("public", "stays", {TestId(1)}), IsOk());
    ASSERT_THAT(catalogue->AddTable("public", "t", {TestId(2)}), IsOk());
    arm();
    const auto removed = catalogue->RemoveTable("public", "t", std::nullopt);
    world.store.Restart();
    const auto again = world.OpenCatalogue();
    EXPECT_NE(again->current()->Find("public", "stays"), nullptr);
    const bool gone = again->current()->Find("public", "t") == nullptr;
    ExpectFitsOutcome(removed, gone);
    if (!gone) {
      EXPECT_THAT(again->RemoveTable("public", "t", std::nullopt), IsOk());
    }
    EXPECT_EQ(again->AddTable("public", "t", {TestId(3)}).value().id, TableId(3));
  });
}

}  // namespace
}  // namespace varve
