// Memtables: views that never change, small writes that make few chunks, series that keep their
// identity.
#include "engine/memtable.h"

#include <arrow/scalar.h>
#include <gtest/gtest.h>

#include "engine/memtable_series.h"
#include "engine/test_rows.h"

namespace varve {
namespace {

class MemtableTest : public testing::Test {
 protected:
  Status Add(const std::vector<TestRow>& rows) {
    sequence_ = Sequence(sequence_.value() + 1);
    return memtable_.Add(TestBatch(schema_, rows), schema_.timestamp().id, sequence_);
  }

  const TableSchema schema_ = TableSchema::Make(TestSpec()).value();
  Memtable memtable_;
  Sequence sequence_;
};

TEST_F(MemtableTest, AViewDoesNotSeeWhatComesLater) {
  ASSERT_THAT(Add({{"a", 1, 1}}), IsOk());
  const auto view = memtable_.View();
  ASSERT_THAT(Add({{"b", 5, 2}}), IsOk());
  EXPECT_EQ(view->row_count(), 1u);
  EXPECT_EQ(view->series_count(), 1u);
  EXPECT_EQ(view->TagValues(*schema_.Find("host")).value()->length(), 1);
  EXPECT_EQ(memtable_.View()->row_count(), 2u);
  EXPECT_EQ(memtable_.View()->time_max(), TimestampUs(5000));
  EXPECT_EQ(memtable_.View()->last_sequence(), Sequence(2));
}

TEST_F(MemtableTest, ManySmallWritesMakeFewChunks) {
  for (int i = 0; i < 5000; ++i) {
    ASSERT_THAT(Add({{fmt::format("h{}", i % 7), i, i}}), IsOk());
  }
  const auto view = memtable_.View();
  EXPECT_EQ(view->row_count(), 5000u);
  EXPECT_LE(view->chunks().size(), 14u);
  EXPECT_EQ(view->series_count(), 7u);
  int64_t expected = 0;
  for (const auto& chunk : view->chunks()) {
    const auto& values = static_cast<const arrow::Int64Array&>(*chunk->rows->column(1));
    for (int64_t i = 0; i < values.length(); ++i) {
      EXPECT_EQ(values.Value(i), expected++);
    }
  }
}

TEST_F(MemtableTest, ChunksWithDifferentColumnsMergeWithNulls) {
  auto narrow = TestBatch(schema_, {{"a", 1, 1}});
  narrow.rows = narrow.rows->RemoveColumn(1).ValueOrDie();
  narrow.column_ids.pop_back();
  ASSERT_THAT(memtable_.Add(narrow, schema_.timestamp().id, Sequence(1)), IsOk());
  ASSERT_THAT(memtable_.Add(TestBatch(schema_, {{"a", 2, 2}}), schema_.timestamp().id, Sequence(2)),
              IsOk());
  const auto view = memtable_.View();
  ASSERT_EQ(view->chunks().size(), 1u);
  const auto& values = *view->chunks()[0]->rows->column(1);
  EXPECT_TRUE(values.IsNull(0));
  EXPECT_TRUE(values.IsValid(1));
}

TEST(MemtableSeriesTest, KeysOfOneTsidStayApart) {
  MemtableSeries series;
  std::string a;
  AppendTag(a, 3, std::string_view("a"));
  std::string b;
  AppendTag(b, 3, std::string_view("b"));
  SeriesSet set;
  set.Add(a, 42);
  set.Add(b, 42);
  set.Add(a, 42);
  EXPECT_EQ(series.Number(set), (std::vector<uint32_t>{0, 1, 0}));
  EXPECT_EQ(series.Number(set), (std::vector<uint32_t>{0, 1, 0}));
  EXPECT_EQ(series.Tsids()->size(), 2u);
}

TEST(MemtableSeriesTest, TagsOfEveryTypeComeBack) {
  MemtableSeries series;
  std::string key;
  AppendTag(key, 3, std::string_view("x"));
  AppendTag(key, 4, int64_t{-7});
  AppendTag(key, 5, uint64_t{200});
  AppendTag(key, 6, int64_t{1500});
  SeriesSet set;
  set.Add(key, Tsid(key));
  set.Add("", 0);
  series.Number(set);
  const auto text = [&](uint32_t id, ColumnType type) {
    ColumnSchema column;
    column.id = id;
    column.type = type;
    const auto values = series.TagValues(column, 2).value();
    return values->GetScalar(0).ValueOrDie()->ToString() + "|" +
           values->GetScalar(1).ValueOrDie()->ToString();
  };
  EXPECT_EQ(text(3, ColumnType::kString), "x|null");
  EXPECT_EQ(text(4, ColumnType::kInt16), "-7|null");
  EXPECT_EQ(text(5, ColumnType::kUInt8), "200|null");
  EXPECT_EQ(text(6, ColumnType::kTimestamp), "1970-01-01 00:00:01.500000|null");
  EXPECT_EQ(text(99, ColumnType::kString), "null|null");
}

}  // namespace
}  // namespace varve
