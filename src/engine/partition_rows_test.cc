#include "engine/partition_rows.h"

#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>
#include <gmock/gmock.h>

#include <set>

#include "base/matchers.h"
#include "engine/test_rows.h"
#include "model/schema_change.h"

namespace varve {
namespace {

constexpr int kRows = 100;

std::vector<TestRow> Rows() {
  std::vector<TestRow> rows;
  for (int i = 0; i < kRows; ++i) {
    rows.push_back({fmt::format("h{}", i % 7), i, i});
  }
  return rows;
}

TEST(SplitRows, EachRowGoesWhereItsKeySaysInItsOrder) {
  const TableSchema schema = TableSchema::Make(TestSpec()).value();
  const uint32_t host = schema.Find("host")->id;
  const Partitioning partitioning{
      .method = PartitionMethod::kKey, .linear = false, .columns = {host}, .count = 3};
  const auto parts = SplitRows(TestBatch(schema, Rows()), partitioning, schema, 0);
  ASSERT_THAT(parts, IsOk());
  std::set<int64_t> seen;
  for (const PartitionRows& part : *parts) {
    const RowBatch& batch = part.batch;
    const auto& values =
        static_cast<const arrow::Int64Array&>(*batch.rows->GetColumnByName("value"));
    ASSERT_EQ(batch.row_series.size(), static_cast<size_t>(values.length()));
    int64_t last = -1;
    for (int64_t row = 0; row < values.length(); ++row) {
      const int64_t value = values.Value(row);
      EXPECT_GT(value, last);
      last = value;
      EXPECT_TRUE(seen.insert(value).second);
      const uint32_t series = batch.row_series[static_cast<size_t>(row)];
      const auto tags = DecodeSeriesKey(batch.series.key(series)).value();
      EXPECT_EQ(std::get<std::string_view>(tags.front().value), fmt::format("h{}", value % 7));
      const std::vector<std::optional<TagValue>> key = {tags.front()};
      EXPECT_EQ(PartitionOf(partitioning, key), part.partition);
    }
  }
  EXPECT_EQ(seen.size(), static_cast<size_t>(kRows));
  EXPECT_GT(parts->size(), 1u);
}

// An ALTER TABLE comes between the check of the batch and its splitting.
TEST(SplitRows, AColumnThatWasDroppedMeanwhileIsAnError) {
  const TableSchema schema = TableSchema::Make(TestSpec()).value();
  const Partitioning partitioning{.method = PartitionMethod::kKey,
                                  .linear = false,
                                  .columns = {schema.Find("host")->id},
                                  .count = 3};
  const TableSchema next = WithColumnsDropped(schema, std::vector<std::string>{"value"}).value();
  EXPECT_THAT(SplitRows(TestBatch(schema, Rows()), partitioning, next, 0),
              IsError(ErrorKind::kInvalidArgument, testing::HasSubstr("dropped meanwhile")));
}

TEST(SplitRows, AtRandomABatchStaysWhole) {
  const TableSchema schema = TableSchema::Make(TestSpec()).value();
  const Partitioning partitioning{
      .method = PartitionMethod::kRandom, .linear = false, .columns = {}, .count = 3};
  for (const uint64_t turn : {0u, 1u, 5u}) {
    const auto parts = SplitRows(TestBatch(schema, Rows()), partitioning, schema, turn);
    ASSERT_THAT(parts, IsOk());
    ASSERT_EQ(parts->size(), 1u);
    EXPECT_EQ(parts->front().partition, turn % 3);
    EXPECT_EQ(parts->front().batch.row_series.size(), static_cast<size_t>(kRows));
  }
  EXPECT_TRUE(SplitRows(RowBatch(), partitioning, schema, 0).value().empty());
}

}  // namespace
}  // namespace varve
