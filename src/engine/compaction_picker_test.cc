// Which files are merged: tables of sizes in, tasks out; and that doing what it says comes to an
// end, with a bounded number of rewrites.
#include "engine/compaction_picker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace varve {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr uint64_t kMb = 1 << 20;
constexpr TimestampUs kNow(1'000'000'000'000'000);

TimestampUs Before(std::chrono::microseconds time) {
  return TimestampUs(kNow.value() - time.count());
}

class CompactionPickerTest : public testing::Test {
 protected:
  CompactionPickerTest() { options_.enable_ttl = false; }

  // A file of that many MiB; its number is its age and its name. A row has 50 bytes.
  FileMeta& Add(double mb, TimestampUs segment = TimestampUs(0)) {
    ++files_made_;
    FileMeta file;
    file.id = Uuid(0, files_made_);
    file.segment_start = segment;
    file.time_max = kNow;
    file.size_bytes = static_cast<uint64_t>(mb * kMb);
    file.rows = file.size_bytes / 50;
    file.sequence_max = Sequence(files_made_);
    return files_[file.id] = file;
  }
  static void Delete(FileMeta& file, double share) {
    DeletionVectorMeta vector;
    vector.rows = static_cast<uint64_t>(static_cast<double>(file.rows) * share);
    file.deletion_vector = vector;
  }

  PickInput Input() const {
    PickInput input;
    input.files = &files_;
    input.options = &options_;
    input.now = kNow;
    input.excluded = [this](const Uuid& id) { return excluded_.contains(id.low()); };
    input.last_written = [this](TimestampUs) { return last_written_; };
    return input;
  }

  using Numbers = std::vector<uint64_t>;
  static std::vector<Numbers> NumbersOf(const CompactionPlan& plan) {
    std::vector<Numbers> tasks;
    for (const auto& task : plan.tasks) {
      Numbers& numbers = tasks.emplace_back();
      for (const auto& file : task.inputs) {
        numbers.push_back(file.id.low());
      }
    }
    return tasks;
  }
  std::vector<Numbers> Picked() const { return NumbersOf(PickCompactions(Input())); }
  std::vector<Numbers> PickedFully() const { return NumbersOf(PickFullCompaction(Input())); }

  // What the job would leave.
  void Do(const CompactionTask& task) {
    uint64_t bytes = 0;
    for (const auto& file : task.inputs) {
      const uint64_t deleted = file.deletion_vector ? file.deletion_vector->rows : 0;
      bytes += file.size_bytes / file.rows * (file.rows - deleted);
      files_.erase(file.id);
    }
    written_bytes_ += bytes;
    const uint64_t count = std::max<uint64_t>(1, (bytes + 256 * kMb - 1) / (256 * kMb));
    for (uint64_t i = 0; i < count; ++i) {
      FileMeta& file =
          Add(static_cast<double>(bytes) / static_cast<double>(count * kMb), task.segment_start);
      file.sequence_max = task.inputs.back().sequence_max;
    }
  }

  std::map<Uuid, FileMeta> files_;
  uint64_t files_made_ = 0;
  TableOptions options_;
  std::set<uint64_t> excluded_;
  TimestampUs last_written_ = kNow;
  uint64_t written_bytes_ = 0;
};

struct TierCase {
  std::string name;
  std::vector<double> sizes_mb;
  std::vector<uint64_t> picked;  // numbers of files, from 1
};

class TierTest : public CompactionPickerTest, public testing::WithParamInterface<TierCase> {};

TEST_P(TierTest, Picks) {
  for (const double size : GetParam().sizes_mb) {
    Add(size);
  }
  const auto picked = Picked();
  if (GetParam().picked.empty()) {
    EXPECT_THAT(picked, IsEmpty());
  } else {
    EXPECT_THAT(picked, ElementsAre(GetParam().picked));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, TierTest,
    testing::Values(TierCase{"NoFile", {}, {}}, TierCase{"OneFile", {1}, {}},
                    TierCase{"ThreeAreNotEnough", {2, 2, 2}, {}},
                    TierCase{"FourOfATier", {2, 2, 2, 2}, {1, 2, 3, 4}},
                    TierCase{"SmallOnesAreOneTierHoweverSmall", {0.1, 3, 1, 0.5}, {1, 2, 3, 4}},
                    TierCase{"TheLargeOneStays", {60, 2, 2, 2, 2}, {2, 3, 4, 5}},
                    TierCase{"TheCheapestTierFirst", {30, 30, 30, 30, 2, 2, 2, 2}, {5, 6, 7, 8}},
                    TierCase{"TheNextTier", {10, 11, 9, 12, 2, 2}, {1, 2, 3, 4}},
                    TierCase{"FarApart", {5, 10, 20, 40, 80}, {}},
                    TierCase{"FilesOfHalfTheLimitAreDone", {128, 200, 256, 150, 130}, {}},
                    TierCase{"AtMostSixteen", std::vector<double>(20, 1),
                             [] {
                               std::vector<uint64_t> numbers(16);
                               std::iota(numbers.begin(), numbers.end(), 1);
                               return numbers;
                             }()}),
    [](const auto& info) { return info.param.name; });

TEST_F(CompactionPickerTest, SegmentsAreNeverMixedAndTheOneOfMostFilesComesFirst) {
  for (int i = 0; i < 4; ++i) {
    Add(1, TimestampUs(0));
  }
  for (int i = 0; i < 5; ++i) {
    Add(1, TimestampUs(100));
  }
  for (int i = 0; i < 3; ++i) {
    Add(1, TimestampUs(200));
  }
  EXPECT_THAT(Picked(), ElementsAre(Numbers{5, 6, 7, 8, 9}, Numbers{1, 2, 3, 4}));
}

TEST_F(CompactionPickerTest, AWrittenSegmentBecomesOneFileWhenItIsQuiet) {
  Add(20);
  Add(5);
  last_written_ = Before(minutes(1));
  const CompactionPlan plan = PickCompactions(Input());
  EXPECT_THAT(plan.tasks, IsEmpty());
  ASSERT_TRUE(plan.look_again_at.has_value());
  EXPECT_EQ(*plan.look_again_at, TimestampUs(kNow.value() + 60'000'000));
  last_written_ = Before(minutes(2));
  EXPECT_THAT(Picked(), ElementsAre(Numbers{1, 2}));
}

TEST_F(CompactionPickerTest, AFewLateRowsWaitForAnHour) {
  Add(100);
  Add(0.1);
  last_written_ = Before(minutes(59));
  EXPECT_THAT(Picked(), IsEmpty());
  last_written_ = Before(hours(1));
  EXPECT_THAT(Picked(), ElementsAre(Numbers{1, 2}));
}

TEST_F(CompactionPickerTest, SizeTieredLeavesWrittenSegmentsAlone) {
  options_.compaction_strategy = CompactionStrategy::kSizeTiered;
  Add(20);
  Add(5);
  last_written_ = Before(days(1));
  const CompactionPlan plan = PickCompactions(Input());
  EXPECT_THAT(plan.tasks, IsEmpty());
  EXPECT_FALSE(plan.look_again_at.has_value());
}

TEST_F(CompactionPickerTest, TheOptionsOfAStrategyCount) {
  options_.compaction_strategy = CompactionStrategy::kSizeTiered;
  for (const double size : {40, 30, 2, 1}) {
    Add(size);
  }
  EXPECT_THAT(Picked(), ElementsAre(Numbers{1, 2, 3, 4}));  // all are below 50 MiB
  options_.compaction_min_sstable_size_bytes = kMb;
  EXPECT_THAT(Picked(), IsEmpty());
  options_.compaction_min_threshold = 2;
  EXPECT_THAT(Picked(), ElementsAre(Numbers{1, 2}));  // 30 and 40: within 1.5 times
  options_.compaction_bucket_high = 1.2;
  EXPECT_THAT(Picked(), IsEmpty());
  options_.compaction_bucket_high = 100;
  options_.compaction_max_threshold = 3;
  EXPECT_THAT(Picked(), ElementsAre(Numbers{2, 3, 4}));  // the smallest
}

TEST_F(CompactionPickerTest, AFileOfManyDeletedRowsIsRewrittenAlone) {
  Add(200);
  Delete(Add(200), 0.11);
  Delete(Add(200), 0.09);
  EXPECT_THAT(Picked(), ElementsAre(Numbers{2}));
  EXPECT_EQ(PickCompactions(Input()).tasks[0].reason, CompactionReason::kDeletedRows);
}

TEST_F(CompactionPickerTest, ExpiredFilesWaitForTheirRemoval) {
  options_.enable_ttl = true;
  options_.ttl = days(1);
  for (int i = 0; i < 6; ++i) {
    Add(1).time_max = Before(days(i < 3 ? 2 : 0));
  }
  EXPECT_THAT(Picked(), IsEmpty());
  Add(1).time_max = Before(hours(23));
  EXPECT_THAT(Picked(), ElementsAre(Numbers{4, 5, 6, 7}));
}

TEST_F(CompactionPickerTest, ExcludedFilesAreNotThere) {
  for (int i = 0; i < 5; ++i) {
    Add(1);
  }
  excluded_ = {2};
  EXPECT_THAT(Picked(), ElementsAre(Numbers{1, 3, 4, 5}));
  excluded_ = {2, 3};
  EXPECT_THAT(Picked(), IsEmpty());
  EXPECT_THAT(PickedFully(), ElementsAre(Numbers{1, 4, 5}));
}

TEST_F(CompactionPickerTest, SizesThatFormNoTierDoNotPileUp) {
  options_.compaction_strategy = CompactionStrategy::kSizeTiered;
  options_.compaction_min_sstable_size_bytes = 0;
  options_.compaction_bucket_high = 1.01;
  for (int i = 0; i < 25; ++i) {
    Add(1 + i);
  }
  const CompactionPlan plan = PickCompactions(Input());
  ASSERT_EQ(plan.tasks.size(), 1u);
  EXPECT_EQ(plan.tasks[0].reason, CompactionReason::kTooManyFiles);
  EXPECT_EQ(plan.tasks[0].inputs.size(), 16u);
}

TEST_F(CompactionPickerTest, InputsComeOldestFirst) {
  const uint64_t sequences[] = {9, 3, 7, 5};
  for (const uint64_t sequence : sequences) {
    Add(1).sequence_max = Sequence(sequence);
  }
  EXPECT_THAT(Picked(), ElementsAre(Numbers{2, 4, 3, 1}));
}

TEST_F(CompactionPickerTest, ARowIsRewrittenAsOftenAsThereAreTiers) {
  uint64_t flushed_bytes = 0;
  size_t most_files = 0;
  for (int flush = 0; flush < 400; ++flush) {
    Add(2.5);
    flushed_bytes += 2 * kMb + kMb / 2;
    for (auto plan = PickCompactions(Input()); !plan.tasks.empty();
         plan = PickCompactions(Input())) {
      Do(plan.tasks[0]);
    }
    most_files = std::max(most_files, files_.size());
  }
  EXPECT_LE(written_bytes_, 4 * flushed_bytes);
  EXPECT_LE(most_files, 16u);
}

TEST_F(CompactionPickerTest, LateRowsRewriteAWrittenSegmentABoundedNumberOfTimes) {
  Add(100);
  uint64_t late_bytes = 0;
  last_written_ = Before(minutes(3));
  for (int flush = 0; flush < 400; ++flush) {
    Add(0.5);
    late_bytes += kMb / 2;
    for (auto plan = PickCompactions(Input()); !plan.tasks.empty();
         plan = PickCompactions(Input())) {
      Do(plan.tasks[0]);
    }
  }
  EXPECT_LE(written_bytes_, (100 * kMb + late_bytes) * 12);
}

struct FullCase {
  std::string name;
  std::vector<double> sizes_mb;
  size_t files_after;
};

class FullTest : public CompactionPickerTest, public testing::WithParamInterface<FullCase> {};

TEST_P(FullTest, EndsWithFewFiles) {
  for (const double size : GetParam().sizes_mb) {
    Add(size);
  }
  size_t rounds = 0;
  for (auto plan = PickFullCompaction(Input()); !plan.tasks.empty();
       plan = PickFullCompaction(Input())) {
    ASSERT_LE(plan.tasks[0].inputs.size(), kCompactionInputsMax);
    Do(plan.tasks[0]);
    ASSERT_LT(++rounds, 20u);
  }
  EXPECT_EQ(files_.size(), GetParam().files_after);
}

INSTANTIATE_TEST_SUITE_P(Sizes, FullTest,
                         testing::Values(FullCase{"One", {3}, 1}, FullCase{"Two", {3, 0.1}, 1},
                                         FullCase{"ALargeOneAndASmallOne", {200, 1}, 1},
                                         FullCase{"JustBeyondTheLimit", {250, 10}, 2},
                                         FullCase{"Large", {256, 256, 256}, 3},
                                         FullCase{"LargeAndSmall", {256, 256, 1}, 3},
                                         FullCase{"Many", std::vector<double>(100, 1), 1},
                                         FullCase{"ManyHalves", std::vector<double>(10, 100), 4}),
                         [](const auto& info) { return info.param.name; });

TEST_F(CompactionPickerTest, AFullCompactionFoldsInTheLastDeletedRow) {
  Delete(Add(200), 0.001);
  EXPECT_THAT(PickedFully(), ElementsAre(Numbers{1}));
  files_.begin()->second.deletion_vector.reset();
  EXPECT_THAT(PickedFully(), IsEmpty());
}

TEST_F(CompactionPickerTest, AFileWhoseRowsAreAllDeletedIsPicked) {
  Delete(Add(10), 1);
  EXPECT_THAT(Picked(), ElementsAre(Numbers{1}));
  EXPECT_THAT(PickedFully(), ElementsAre(Numbers{1}));
}

}  // namespace
}  // namespace varve
