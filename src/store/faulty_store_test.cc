#include "store/faulty_store.h"

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "store/memory_store.h"

namespace varve {
namespace {

using ::testing::HasSubstr;

class FaultyStoreTest : public ::testing::Test {
 protected:
  ManualClock clock_{TimestampUs(1)};
  FaultyObjectStore store_{std::make_shared<MemoryObjectStore>(&clock_)};
};

TEST_F(FaultyStoreTest, EveryOperationCountsOnce) {
  ASSERT_THAT(store_.Put("a", "1"), IsOk());
  ASSERT_THAT(store_.PutIfAbsent("b", "2"), IsOk());
  auto writer = store_.NewWriter("c").value();
  ASSERT_THAT(writer->Append("3"), IsOk());
  ASSERT_THAT(writer->Finish(), IsOk());
  ASSERT_THAT(store_.Get("a"), IsOk());
  const auto reader = store_.Open("a").value();
  char byte;
  ASSERT_THAT(reader->ReadAt(0, 1, &byte), IsOk());
  ASSERT_THAT(store_.List(""), IsOk());
  ASSERT_THAT(store_.Copy("a", "d"), IsOk());
  ASSERT_THAT(store_.Delete("a"), IsOk());
  EXPECT_EQ(store_.operations(), 11u);
  EXPECT_EQ(store_.faults().failures(), 0u);
}

TEST_F(FaultyStoreTest, AnErrorDoesNothingAndHappensOnce) {
  store_.faults().FailAt(2, FaultKind::kError);
  ASSERT_THAT(store_.Put("a", "1"), IsOk());
  EXPECT_THAT(store_.Put("b", "2"), IsError(ErrorKind::kIo, HasSubstr("injected")));
  EXPECT_THAT(store_.Get("b"), IsError(ErrorKind::kNotFound));
  EXPECT_THAT(store_.Put("b", "2"), IsOk());
  EXPECT_EQ(store_.faults().failures(), 1u);
}

TEST_F(FaultyStoreTest, AnErrorAfterTheEffectLeavesTheOutcomeUnknown) {
  store_.faults().FailAt(1, FaultKind::kErrorAfterEffect);
  EXPECT_THAT(store_.PutIfAbsent("a", "1"), IsError(ErrorKind::kUnknownOutcome));
  EXPECT_EQ(store_.Get("a"), "1");
  // What did not happen for a reason of its own is not unknown.
  store_.faults().FailAt(1, FaultKind::kErrorAfterEffect);
  EXPECT_THAT(store_.PutIfAbsent("a", "2"), IsError(ErrorKind::kAlreadyExists));
  store_.faults().FailAt(1, FaultKind::kErrorAfterEffect);
  EXPECT_THAT(store_.Get("a"), IsError(ErrorKind::kIo));
}

TEST_F(FaultyStoreTest, ACrashLastsUntilTheRestartAndLosesUnfinishedWriters) {
  ASSERT_THAT(store_.Put("a", "1"), IsOk());
  auto writer = store_.NewWriter("b").value();
  ASSERT_THAT(writer->Append("2"), IsOk());
  store_.faults().FailAt(1, FaultKind::kCrash);
  EXPECT_THAT(store_.Put("c", "3"), IsError(ErrorKind::kIo));
  EXPECT_THAT(store_.Get("a"), IsError(ErrorKind::kIo));
  EXPECT_THAT(writer->Append("2"), IsError(ErrorKind::kIo));
  EXPECT_TRUE(store_.faults().crashed());

  store_.Restart();
  EXPECT_EQ(store_.Get("a"), "1");
  EXPECT_THAT(writer->Finish(), IsError(ErrorKind::kIo, HasSubstr("before the restart")));
  EXPECT_THAT(store_.Get("b"), IsError(ErrorKind::kNotFound));
  EXPECT_THAT(store_.Get("c"), IsError(ErrorKind::kNotFound));
}

TEST_F(FaultyStoreTest, ACrashAfterTheEffectKeepsIt) {
  auto writer = store_.NewWriter("a").value();
  ASSERT_THAT(writer->Append("1"), IsOk());
  store_.faults().FailAt(1, FaultKind::kCrashAfterEffect);
  EXPECT_THAT(writer->Finish(), IsError(ErrorKind::kUnknownOutcome));
  EXPECT_THAT(store_.Get("a"), IsError(ErrorKind::kIo));
  store_.Restart();
  EXPECT_EQ(store_.Get("a"), "1");
}

// The loop that every commit's test uses: it meets each operation once and ends.
TEST_F(FaultyStoreTest, FailingAtEachOperationEnds) {
  uint64_t n = 1;
  for (;; ++n) {
    store_.faults().FailAt(n, FaultKind::kCrash);
    const uint64_t failures = store_.faults().failures();
    const bool done =
        store_.Put("x", "1") && store_.PutIfAbsent(fmt::format("y{}", n), "2") && store_.Get("x");
    store_.Restart();
    ASSERT_EQ(done, store_.faults().failures() == failures);
    if (done) {
      break;
    }
  }
  EXPECT_EQ(n, 4u);
}

}  // namespace
}  // namespace varve
