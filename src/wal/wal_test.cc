// What every Wal must do, run over each of them.
#include "wal/wal.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/matchers.h"
#include "base/test_folder.h"
#include "wal/faulty_wal.h"
#include "wal/memory_wal.h"
#include "wal/rocksdb_wal.h"

namespace varve {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

using Records = std::vector<std::pair<uint64_t, std::string>>;

enum class Kind { kMemory, kFaulty, kRocksDb, kRocksDbNoSync };

class WalTest : public ::testing::TestWithParam<Kind> {
 protected:
  WalTest() { Restart(); }

  // As a process that ends without Close and starts again.
  void Restart() {
    wal_.reset();
    switch (GetParam()) {
      case Kind::kMemory:
        wal_ = std::make_unique<MemoryWal>(log_);
        return;
      case Kind::kFaulty:
        wal_ = std::make_unique<FaultyWal>(std::make_shared<MemoryWal>(log_));
        return;
      case Kind::kRocksDb:
      case Kind::kRocksDbNoSync:
        wal_ = RocksDbWal::Open(
                   {.folder = folder_.path() + "/a/wal", .sync = GetParam() == Kind::kRocksDb})
                   .value();
    }
  }

  Status Append(uint64_t table, uint64_t sequence, std::string_view payload) {
    const WalEntry entry{TableId(table), Sequence(sequence), payload};
    return wal_->Append(std::span(&entry, 1));
  }

  Records Read(uint64_t table, uint64_t after = 0) {
    Records out;
    EXPECT_THAT(wal_->Replay(TableId(table), Sequence(after),
                             [&](Sequence sequence, std::string_view payload) -> Status {
                               out.emplace_back(sequence.value(), payload);
                               return {};
                             }),
                IsOk());
    return out;
  }

  TestFolder folder_;
  std::shared_ptr<MemoryLog> log_ = std::make_shared<MemoryLog>();
  std::unique_ptr<Wal> wal_;
};

INSTANTIATE_TEST_SUITE_P(All, WalTest,
                         ::testing::Values(Kind::kMemory, Kind::kFaulty, Kind::kRocksDb,
                                           Kind::kRocksDbNoSync),
                         [](const auto& info) {
                           switch (info.param) {
                             case Kind::kMemory:
                               return "memory";
                             case Kind::kFaulty:
                               return "faulty";
                             case Kind::kRocksDb:
                               return "rocksdb";
                             case Kind::kRocksDbNoSync:
                               return "rocksdb_no_sync";
                           }
                           return "";
                         });

TEST_P(WalTest, ReplaysATableInOrderOfSequence) {
  ASSERT_THAT(Append(7, 300, "c"), IsOk());
  ASSERT_THAT(Append(7, 1, "a"), IsOk());
  ASSERT_THAT(Append(8, 2, "other"), IsOk());
  ASSERT_THAT(Append(7, 2, std::string("\0b", 2)), IsOk());
  ASSERT_THAT(Append(7, 65'536, ""), IsOk());
  EXPECT_THAT(Read(7), ElementsAre(Pair(1, "a"), Pair(2, std::string("\0b", 2)), Pair(300, "c"),
                                   Pair(65'536, "")));
  EXPECT_THAT(Read(7, 2), ElementsAre(Pair(300, "c"), Pair(65'536, "")));
  EXPECT_THAT(Read(7, 65'536), IsEmpty());
  EXPECT_THAT(Read(7, UINT64_MAX), IsEmpty());
  EXPECT_THAT(Read(9), IsEmpty());
  Restart();
  EXPECT_EQ(Read(7).size(), 4u);
  EXPECT_THAT(Read(8), ElementsAre(Pair(2, "other")));
}

TEST_P(WalTest, AnAppendMaySpanTables) {
  const std::string large(3'000'000, 'x');
  const std::vector<WalEntry> entries = {{TableId(1), Sequence(5), "one"},
                                         {TableId(2), Sequence(9), large},
                                         {TableId(1), Sequence(6), "two"}};
  ASSERT_THAT(wal_->Append(entries), IsOk());
  ASSERT_THAT(wal_->Append({}), IsOk());
  Restart();
  EXPECT_THAT(Read(1), ElementsAre(Pair(5, "one"), Pair(6, "two")));
  EXPECT_THAT(Read(2), ElementsAre(Pair(9, large)));
}

TEST_P(WalTest, ReplayEndsWithTheFirstErrorOfItsCaller) {
  ASSERT_THAT(Append(1, 1, "a"), IsOk());
  ASSERT_THAT(Append(1, 2, "b"), IsOk());
  int calls = 0;
  EXPECT_THAT(wal_->Replay(TableId(1), Sequence(0),
                           [&](Sequence, std::string_view) -> Status {
                             ++calls;
                             return InvalidArgument("enough");
                           }),
              IsError(ErrorKind::kInvalidArgument, "enough"));
  EXPECT_EQ(calls, 1);
}

TEST_P(WalTest, TruncateForgetsUpToAndIncluding) {
  for (uint64_t sequence = 1; sequence <= 10; ++sequence) {
    ASSERT_THAT(Append(1, sequence, "x"), IsOk());
    ASSERT_THAT(Append(2, sequence, "y"), IsOk());
  }
  ASSERT_THAT(wal_->Truncate(TableId(1), Sequence(4)), IsOk());
  ASSERT_THAT(wal_->Truncate(TableId(1), Sequence(4)), IsOk());
  ASSERT_THAT(wal_->Truncate(TableId(1), Sequence(2)), IsOk());
  ASSERT_THAT(wal_->Truncate(TableId(3), Sequence(2)), IsOk());
  EXPECT_EQ(Read(1).size(), 6u);
  EXPECT_EQ(Read(1).front().first, 5u);
  EXPECT_EQ(Read(2).size(), 10u);
  ASSERT_THAT(wal_->Truncate(TableId(1), Sequence(8)), IsOk());
  // Late, but appended after the truncation, and gone with the next one.
  ASSERT_THAT(Append(1, 3, "late"), IsOk());
  EXPECT_THAT(Read(1), ElementsAre(Pair(3, "late"), Pair(9, "x"), Pair(10, "x")));
  ASSERT_THAT(wal_->Truncate(TableId(1), Sequence(9)), IsOk());
  EXPECT_THAT(Read(1), ElementsAre(Pair(10, "x")));
  ASSERT_THAT(Append(1, 11, "z"), IsOk());
  Restart();
  EXPECT_THAT(Read(1), ElementsAre(Pair(10, "x"), Pair(11, "z")));
}

TEST_P(WalTest, DropForgetsOneTable) {
  for (const uint64_t table : {1, 2, 3}) {
    ASSERT_THAT(Append(table, 1, "x"), IsOk());
    ASSERT_THAT(Append(table, UINT64_MAX, "y"), IsOk());
  }
  ASSERT_THAT(wal_->Drop(TableId(2)), IsOk());
  ASSERT_THAT(wal_->Drop(TableId(2)), IsOk());
  EXPECT_THAT(Read(2), IsEmpty());
  Restart();
  EXPECT_EQ(Read(1).size(), 2u);
  EXPECT_THAT(Read(2), IsEmpty());
  EXPECT_EQ(Read(3).size(), 2u);
}

// 8 threads, one table each and one table for all: everything acknowledged is there after a
// restart.
TEST_P(WalTest, ConcurrentAppendsAreAllThere) {
  constexpr uint64_t kThreads = 8;
  constexpr uint64_t kAppends = 100;
  std::atomic<uint64_t> next_shared = 1;
  std::atomic<int> failures = 0;
  std::vector<std::jthread> threads;
  for (uint64_t t = 1; t <= kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 1; i <= kAppends; ++i) {
        const std::string payload = fmt::format("{}-{}", t, i);
        const std::vector<WalEntry> entries = {{TableId(t), Sequence(i), payload},
                                               {TableId(100), Sequence(next_shared++), payload}};
        failures += !wal_->Append(entries);
      }
    });
  }
  threads.clear();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(wal_->stats().appends, kThreads * kAppends);
  Restart();
  for (uint64_t t = 1; t <= kThreads; ++t) {
    const Records records = Read(t);
    ASSERT_EQ(records.size(), kAppends);
    for (uint64_t i = 1; i <= kAppends; ++i) {
      EXPECT_EQ(records[i - 1], std::pair(i, fmt::format("{}-{}", t, i)));
    }
  }
  EXPECT_EQ(Read(100).size(), kThreads * kAppends);
}

TEST_P(WalTest, StatsCountWhatWasAppended) {
  ASSERT_THAT(Append(1, 1, "12345"), IsOk());
  ASSERT_THAT(Append(1, 2, "678"), IsOk());
  EXPECT_EQ(wal_->stats().appends, 2u);
  EXPECT_EQ(wal_->stats().appended_bytes, 8u);
  EXPECT_GE(wal_->stats().size_bytes, 8u);
}

TEST_P(WalTest, AfterCloseEverythingIsCancelled) {
  ASSERT_THAT(Append(1, 1, "x"), IsOk());
  ASSERT_THAT(wal_->Close(), IsOk());
  EXPECT_THAT(Append(1, 2, "y"), IsError(ErrorKind::kCancelled));
  EXPECT_THAT(wal_->Truncate(TableId(1), Sequence(1)), IsError(ErrorKind::kCancelled));
  EXPECT_THAT(wal_->Drop(TableId(1)), IsError(ErrorKind::kCancelled));
  EXPECT_THAT(wal_->Replay(TableId(1), Sequence(0),
                           [](Sequence, std::string_view) -> Status { return {}; }),
              IsError(ErrorKind::kCancelled));
  Restart();
  EXPECT_THAT(Read(1), ElementsAre(Pair(1, "x")));
}

TEST_P(WalTest, AnAppendOverTheLimitIsRefused) {
  // Many views of one buffer: the limit is on what would be written.
  const std::string payload(size_t{64} << 20, 'x');
  std::vector<WalEntry> entries;
  for (uint64_t sequence = 1; sequence <= 17; ++sequence) {
    entries.push_back({TableId(1), Sequence(sequence), payload});
  }
  EXPECT_THAT(wal_->Append(entries), IsError(ErrorKind::kInvalidArgument));
  EXPECT_THAT(Read(1), IsEmpty());
}

TEST(FaultyWalTest, FailsWithoutAndWithItsEffectAndUntilTheRestart) {
  FaultyWal wal(std::make_shared<MemoryWal>());
  const auto append = [&](uint64_t sequence) {
    const WalEntry entry{TableId(1), Sequence(sequence), "x"};
    return wal.Append(std::span(&entry, 1));
  };
  const auto read = [&] {
    std::vector<uint64_t> out;
    EXPECT_THAT(wal.Replay(TableId(1), Sequence(0),
                           [&](Sequence sequence, std::string_view) -> Status {
                             out.push_back(sequence.value());
                             return {};
                           }),
                IsOk());
    return out;
  };
  wal.faults().FailAt(2, FaultKind::kError);
  EXPECT_THAT(append(1), IsOk());
  EXPECT_THAT(append(2), IsError(ErrorKind::kIo));
  wal.faults().FailAt(1, FaultKind::kErrorAfterEffect);
  EXPECT_THAT(append(3), IsError(ErrorKind::kIo));
  EXPECT_THAT(read(), ElementsAre(1, 3));
  wal.faults().FailAt(2, FaultKind::kCrash);
  EXPECT_THAT(append(4), IsOk());
  EXPECT_THAT(append(5), IsError(ErrorKind::kIo));
  EXPECT_THAT(wal.Truncate(TableId(1), Sequence(4)), IsError(ErrorKind::kIo));
  EXPECT_THAT(wal.Close(), IsError(ErrorKind::kIo));
  wal.Restart();
  EXPECT_THAT(read(), ElementsAre(1, 3, 4));
  wal.faults().FailAt(1, FaultKind::kCrashAfterEffect);
  EXPECT_THAT(append(6), IsError(ErrorKind::kIo));
  EXPECT_THAT(append(7), IsError(ErrorKind::kIo));
  wal.Restart();
  EXPECT_THAT(read(), ElementsAre(1, 3, 4, 6));
  EXPECT_EQ(wal.operations(), 12u);
}

}  // namespace
}  // namespace varve
