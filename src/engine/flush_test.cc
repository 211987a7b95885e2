// What a flush writes: rows sorted by the key, one file per segment, the segment's length chosen
// from the data.
#include <gtest/gtest.h>

#include "engine/flush_job.h"
#include "engine/flush_rows.h"
#include "engine/segment_duration.h"
#include "engine/test_rows.h"
#include "store/memory_store.h"

namespace varve {
namespace {

using std::chrono::days;
using std::chrono::hours;

class FlushTest : public testing::Test {
 protected:
  std::shared_ptr<const MemtableView> Memory(const TableSchema& schema,
                                             const std::vector<TestRow>& rows) {
    Memtable memtable;
    sequence_ = Sequence(sequence_.value() + 1);
    EXPECT_THAT(memtable.Add(TestBatch(schema, rows), schema.timestamp().id, sequence_), IsOk());
    return memtable.View();
  }

  Sequence sequence_;
};

std::vector<TestRow> InOrder(const arrow::RecordBatch& batch) {
  std::vector<TestRow> rows;
  for (int64_t i = 0; i < batch.num_rows(); ++i) {
    rows.push_back(
        {TextAt(*batch.GetColumnByName("host"), i),
         static_cast<const arrow::TimestampArray&>(*batch.GetColumnByName("t")).Value(i) / 1000,
         static_cast<const arrow::Int64Array&>(*batch.GetColumnByName("value")).Value(i)});
  }
  return rows;
}

TEST_F(FlushTest, RowsOfSeveralMemtablesAreSortedByTsidAndTimeEqualKeysAsWritten) {
  const auto schema = TableSchema::Make(TestSpec()).value();
  const std::vector<std::shared_ptr<const MemtableView>> memtables = {
      Memory(schema, {{"b", 3, 1}, {"a", 2, 2}, {"a", 1, 3}}),
      Memory(schema, {{"a", 2, 4}, {"b", 1, 5}, {"c", 9, 6}})};
  const auto rows = FlushRows::Make(schema, memtables);
  ASSERT_THAT(rows, IsOk());
  EXPECT_EQ(rows->row_count(), 6u);
  auto order = rows->BySegment(int64_t{7'200'000'000}).at(TimestampUs(0));
  rows->Sort(order);
  const auto batch = rows->Gather(order);
  ASSERT_THAT(batch, IsOk());
  const auto& tsids = static_cast<const arrow::UInt64Array&>(*(*batch)->column(0));
  for (int64_t i = 1; i < tsids.length(); ++i) {
    EXPECT_LE(tsids.Value(i - 1), tsids.Value(i));
  }
  std::map<std::string, std::vector<TestRow>> by_host;
  for (const auto& row : InOrder(**batch)) {
    by_host[row.host].push_back(row);
  }
  EXPECT_EQ(by_host["a"], (std::vector<TestRow>{{"a", 1, 3}, {"a", 2, 2}, {"a", 2, 4}}));
  EXPECT_EQ(by_host["b"], (std::vector<TestRow>{{"b", 1, 5}, {"b", 3, 1}}));
}

TEST_F(FlushTest, FarMoreSeriesThanRowsOfASegmentSortTheSameWay) {
  const auto schema = TableSchema::Make(TestSpec()).value();
  std::vector<TestRow> input;
  for (int i = 0; i < 1000; ++i) {
    input.push_back({fmt::format("h{}", i), i < 3 ? 2 - i : 10'000'000, i});
  }
  const std::vector<std::shared_ptr<const MemtableView>> memtables = {Memory(schema, input)};
  const auto rows = FlushRows::Make(schema, memtables).value();
  auto order = rows.BySegment(int64_t{1'000'000'000}).at(TimestampUs(0));
  ASSERT_EQ(order.size(), 3u);
  rows.Sort(order);
  const auto batch = rows.Gather(order).value();
  const auto& tsids = static_cast<const arrow::UInt64Array&>(*batch->column(0));
  EXPECT_LT(tsids.Value(0), tsids.Value(1));
  EXPECT_LT(tsids.Value(1), tsids.Value(2));
}

TEST_F(FlushTest, AnExplicitKeyDecidesTheOrder) {
  TableSpec spec = TestSpec();
  spec.primary_key = {"value", "host", "t"};
  const auto schema = TableSchema::Make(spec).value();
  const std::vector<std::shared_ptr<const MemtableView>> memtables = {
      Memory(schema, {{"b", 1, 5}, {"a", 3, 5}, {"a", 2, 5}, {"z", 1, -1}})};
  const auto rows = FlushRows::Make(schema, memtables).value();
  auto order = rows.BySegment(int64_t{7'200'000'000}).at(TimestampUs(0));
  rows.Sort(order);
  EXPECT_EQ(InOrder(*rows.Gather(order).value()),
            (std::vector<TestRow>{{"z", 1, -1}, {"a", 2, 5}, {"a", 3, 5}, {"b", 1, 5}}));
}

TEST_F(FlushTest, OneFilePerSegmentAlsoBeforeTheEpoch) {
  const ManualClock clock(TimestampUs(0));
  MemoryObjectStore store(&clock);
  SeededIdSource ids(1);
  FlushInput input;
  input.store = &store;
  input.ids = &ids;
  input.table_folder = "tables/x";
  input.schema = std::make_shared<const TableSchema>(TableSchema::Make(TestSpec()).value());
  input.options.segment_duration = hours(2);
  input.memtables = {
      Memory(*input.schema, {{"a", -1, 1}, {"a", 0, 2}, {"a", 7'199'999, 3}, {"a", 7'200'000, 4}})};
  const auto edit = RunFlush(input);
  ASSERT_THAT(edit, IsOk());
  ASSERT_EQ(edit->added_files.size(), 3u);
  EXPECT_EQ(edit->added_files[0].segment_start, TimestampUs(-7'200'000'000));
  EXPECT_EQ(edit->added_files[1].rows, 2u);
  EXPECT_EQ(edit->added_files[1].time_max, TimestampUs(7'199'999'000));
  EXPECT_FALSE(edit->options.has_value());
  EXPECT_EQ(store.List("tables/x/data/7200").value().size(), 1u);
}

TEST(SegmentDurationTest, HoldsAboutAHundredPointsOfASeries) {
  const auto seconds = [](int64_t s) { return std::vector<int64_t>(10, s * 1'000'000); };
  EXPECT_EQ(ChooseSegmentDuration({}), hours(2));
  EXPECT_EQ(ChooseSegmentDuration(seconds(10)), hours(2));
  EXPECT_EQ(ChooseSegmentDuration(seconds(600)), days(1));
  EXPECT_EQ(ChooseSegmentDuration(seconds(3600)), days(7));
  EXPECT_EQ(ChooseSegmentDuration(seconds(86'400 * 400)), days(3600));
}

}  // namespace
}  // namespace varve
