#include "query/row_batch_builder.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <gmock/gmock.h>

#include "base/matchers.h"

namespace varve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TableSchema Schema() {
  TableSpec spec;
  spec.columns = {{.name = "t", .type = ColumnType::kTimestamp, .nullable = false},
                  {.name = "name", .type = ColumnType::kString, .tag = true},
                  {.name = "value", .type = ColumnType::kDouble}};
  return TableSchema::Make(spec).value();
}

std::shared_ptr<arrow::Array> Times(const std::vector<int64_t>& values) {
  arrow::TimestampBuilder builder(ArrowType(ColumnType::kTimestamp), arrow::default_memory_pool());
  EXPECT_TRUE(builder.AppendValues(values).ok());
  return builder.Finish().ValueOrDie();
}

std::shared_ptr<arrow::Array> Names(const std::vector<std::string>& values) {
  arrow::StringBuilder builder;
  for (const std::string& value : values) {
    EXPECT_TRUE((value == "NULL" ? builder.AppendNull() : builder.Append(value)).ok());
  }
  return builder.Finish().ValueOrDie();
}

TEST(RowBatchBuilder, KeepsEachSeriesOnceWithCeresDbsTsid) {
  const auto batch = BuildRowBatch(
      Schema(), "t",
      {nullptr, Times({0, 0, 1000, 2000}), Names({"horaedb", "b", "horaedb", "NULL"}), nullptr});
  ASSERT_THAT(batch, IsOk());
  EXPECT_EQ(batch->series.size(), 3u);
  EXPECT_EQ(batch->series.tsid(0), 1023872802579860359u);
  EXPECT_EQ(batch->series.tsid(2), 0u);
  EXPECT_THAT(batch->row_series, ElementsAre(0, 1, 0, 2));
  EXPECT_EQ(batch->rows->num_columns(), 1);  // neither tags nor what is not given
  EXPECT_THAT(batch->column_ids, ElementsAre(2));
}

TEST(RowBatchBuilder, RoundsTimesDownToMilliseconds) {
  const auto batch =
      BuildRowBatch(Schema(), "t", {nullptr, Times({1999, -1, -1000, -1001}), nullptr, nullptr});
  ASSERT_THAT(batch, IsOk());
  const auto& times = static_cast<const arrow::TimestampArray&>(*batch->rows->column(0));
  EXPECT_THAT(
      std::vector<int64_t>({times.Value(0), times.Value(1), times.Value(2), times.Value(3)}),
      ElementsAre(1000, -1000, -1000, -2000));
}

TEST(RowBatchBuilder, RefusesNullWhereNoneMayBe) {
  EXPECT_THAT(
      BuildRowBatch(Schema(), "tab", {nullptr, nullptr, Names({"a"}), nullptr}),
      IsError(ErrorKind::kInvalidArgument, HasSubstr("Column is not null, table:tab, column:t")));
}

}  // namespace
}  // namespace varve
