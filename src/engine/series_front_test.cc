// Which rows are late: those that are not beyond what has been written of their series, or may not
// be, as long as nobody knows.
#include "engine/series_front.h"

#include <gmock/gmock.h>

namespace varve {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

SeriesSet Set(const std::vector<uint64_t>& tsids) {
  SeriesSet set;
  for (const uint64_t tsid : tsids) {
    set.Add(fmt::to_string(set.size()), tsid);
  }
  return set;
}

std::vector<uint32_t> Advance(SeriesFront& front, const std::vector<uint64_t>& tsids,
                              const std::vector<uint32_t>& rows,
                              const std::vector<int64_t>& times) {
  return front.Advance(Set(tsids), rows, times);
}

TEST(SeriesFrontTest, ARowIsLateWhenItIsNotBeyondItsSeries) {
  SeriesFront front(SeriesFront::Scope::kSeries, kBeforeAllTimes);
  EXPECT_THAT(Advance(front, {7, 8}, {0, 1, 0, 1}, {10, 5, 11, 5}), ElementsAre(3));
  EXPECT_THAT(Advance(front, {8, 7}, {0, 1, 0, 1}, {6, 11, 4, 12}), ElementsAre(1, 2));
  EXPECT_THAT(front.unknown().tsids, IsEmpty());
}

TEST(SeriesFrontTest, SeriesThatShareATsidShareTheirFront) {
  SeriesFront front(SeriesFront::Scope::kSeries, kBeforeAllTimes);
  EXPECT_THAT(Advance(front, {7, 7}, {0, 1, 1}, {10, 10, 11}), ElementsAre(1));
}

TEST(SeriesFrontTest, OneFrontForAWholeTable) {
  SeriesFront front(SeriesFront::Scope::kTable, 100);
  EXPECT_THAT(Advance(front, {7, 8}, {0, 1, 0}, {100, 101, 101}), ElementsAre(0, 2));
}

TEST(SeriesFrontTest, UnknownSeriesAreLateUpToTheNewestTimeInFiles) {
  SeriesFront front(SeriesFront::Scope::kSeries, 100);
  EXPECT_THAT(Advance(front, {7, 8}, {0, 0, 1}, {100, 60, 101}), ElementsAre(0, 1));
  EXPECT_THAT(front.unknown().tsids, ElementsAre(7));
  EXPECT_THAT(Advance(front, {7, 8}, {0, 1}, {99, 100}), ElementsAre(0, 1));
  EXPECT_THAT(Advance(front, {7}, {0, 0}, {101, 100}), ElementsAre(1));
  EXPECT_THAT(front.unknown().tsids, IsEmpty());
}

TEST(SeriesFrontTest, WhatIsLearnedFromFilesCountsWithWhatWasWritten) {
  SeriesFront front(SeriesFront::Scope::kSeries, 100);
  EXPECT_THAT(Advance(front, {7, 8, 9}, {0, 1, 2}, {20, 20, 20}), ElementsAre(0, 1, 2));
  const auto unknown = front.unknown();
  EXPECT_THAT(unknown.tsids, ElementsAre(7, 8, 9));
  const std::vector<SeriesTime> newest = {{7, 50}, {8, kBeforeAllTimes}};
  front.Learn(unknown.generation, newest);
  EXPECT_THAT(front.unknown().tsids, ElementsAre(9));
  EXPECT_THAT(Advance(front, {7, 8, 9}, {0, 1, 0, 1, 2}, {50, 20, 51, 21, 21}),
              ElementsAre(0, 1, 4));
}

TEST(SeriesFrontTest, AResetForgetsAllButHowFarTheTableReaches) {
  SeriesFront front(SeriesFront::Scope::kSeries, kBeforeAllTimes);
  EXPECT_THAT(Advance(front, {7}, {0}, {300}), IsEmpty());
  const auto unknown = front.unknown();
  front.Reset(200);
  EXPECT_THAT(Advance(front, {7, 8}, {0, 1}, {301, 300}), ElementsAre(1));
  const std::vector<SeriesTime> newest = {{8, kBeforeAllTimes}};
  front.Learn(unknown.generation, newest);  // of the state before
  EXPECT_THAT(Advance(front, {8}, {0}, {300}), ElementsAre(0));
}

TEST(SeriesFrontTest, AMillionSeriesTakeLessThan40MB) {
  constexpr uint64_t kOddMultiplier = 0x9e3779b97f4a7c15;
  SeriesFront front(SeriesFront::Scope::kSeries, kBeforeAllTimes);
  SeriesSet set;
  std::vector<uint32_t> rows;
  for (uint32_t i = 0; i < 1'000'000; ++i) {
    set.Add("", i * kOddMultiplier);
    rows.push_back(i);
  }
  EXPECT_THAT(front.Advance(set, rows, std::vector<int64_t>(rows.size(), 1)), IsEmpty());
  EXPECT_LT(front.size_bytes(), 40'000'000u);
}

}  // namespace
}  // namespace varve
