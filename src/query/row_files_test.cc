// What is written into a file of rows is read back the same: every type, NULL and "", NaN and
// infinities, texts that look like something else.
#include "query/row_files.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <gmock/gmock.h>

#include <limits>
#include <random>

#include "base/matchers.h"
#include "base/test_folder.h"
#include "query/query_result.h"

namespace varve {
namespace {

TableSchema AllTypes() {
  TableSpec spec;
  for (const ColumnType type : kAllColumnTypes) {
    spec.columns.push_back({.name = "c" + std::to_string(static_cast<int>(type)), .type = type});
  }
  spec.columns[0].nullable = false;
  spec.columns.push_back({.name = "odd \"name, x", .type = ColumnType::kString, .tag = true});
  spec.timestamp_key = "c1";
  return *TableSchema::Make(spec);
}

// Rows of extremes, usual values and NULLs.
template <class Builder, class Value>
std::shared_ptr<arrow::Array> Values(ColumnType type, const std::vector<Value>& values) {
  std::unique_ptr<arrow::ArrayBuilder> builder;
  EXPECT_TRUE(arrow::MakeBuilder(arrow::default_memory_pool(), ArrowType(type), &builder).ok());
  for (const Value& value : values) {
    EXPECT_TRUE(static_cast<Builder&>(*builder).Append(value).ok());
  }
  if (type != ColumnType::kTimestamp) {
    EXPECT_TRUE(builder->AppendNull().ok());
  } else {
    EXPECT_TRUE(static_cast<Builder&>(*builder).Append(values[0]).ok());
  }
  return *builder->Finish();
}

template <class Builder, class Value>
std::shared_ptr<arrow::Array> Extremes(ColumnType type) {
  using Limits = std::numeric_limits<Value>;
  return Values<Builder, Value>(type, {Limits::min(), Limits::max(), 0, 1, 42});
}

std::shared_ptr<arrow::Array> ColumnOf(ColumnType type) {
  switch (type) {
    case ColumnType::kTimestamp:
      return Values<arrow::TimestampBuilder, int64_t>(
          type, {0, -1'000, 1'700'000'000'123'000, 253'402'300'799'999'000, 5'000'000});
    case ColumnType::kDouble:
      return Values<arrow::DoubleBuilder, double>(
          type, {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                 -std::numeric_limits<double>::infinity(), 0.1, -0.0});
    case ColumnType::kFloat:
      return Values<arrow::FloatBuilder, float>(
          type, {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                 std::numeric_limits<float>::max(), 0.1F, 1e-30F});
    case ColumnType::kString:
      return Values<arrow::StringBuilder, std::string>(
          type, {"", "NULL", "2020-01-02", "a\"b,c\n\td\\", "Größe"});
    case ColumnType::kVarbinary:
      return Values<arrow::BinaryBuilder, std::string>(
          type, {"", std::string("\0\xFF\\x41", 6), "abc", "\"',\n", std::string(300, '\x80')});
    case ColumnType::kInt64:
      return Extremes<arrow::Int64Builder, int64_t>(type);
    case ColumnType::kInt32:
      return Extremes<arrow::Int32Builder, int32_t>(type);
    case ColumnType::kInt16:
      return Extremes<arrow::Int16Builder, int16_t>(type);
    case ColumnType::kInt8:
      return Extremes<arrow::Int8Builder, int8_t>(type);
    case ColumnType::kUInt64:
      return Extremes<arrow::UInt64Builder, uint64_t>(type);
    case ColumnType::kUInt32:
      return Extremes<arrow::UInt32Builder, uint32_t>(type);
    case ColumnType::kUInt16:
      return Extremes<arrow::UInt16Builder, uint16_t>(type);
    case ColumnType::kUInt8:
      return Extremes<arrow::UInt8Builder, uint8_t>(type);
    case ColumnType::kBoolean:
      return Values<arrow::BooleanBuilder, bool>(type, {true, false, true, false, true});
    case ColumnType::kDate:
      return Values<arrow::Date32Builder, int32_t>(type, {0, -1, 20'000, 2'932'896, -500'000});
    case ColumnType::kTime:
      return Values<arrow::Time64Builder, int64_t>(type, {0, 1, 86'399'999'999, 3'600'000'000, 7});
  }
  return nullptr;
}

std::shared_ptr<arrow::RecordBatch> AllValues(const TableSchema& schema) {
  arrow::FieldVector fields;
  arrow::ArrayVector columns;
  for (const ColumnSchema& column : schema.columns()) {
    if (column.name != kTsidColumn) {
      fields.push_back(arrow::field(column.name, ArrowType(column.type)));
      columns.push_back(ColumnOf(column.type));
    }
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), columns[0]->length(), columns);
}

class RowFilesTest : public testing::TestWithParam<std::string> {};

TEST_P(RowFilesTest, EveryValueComesBack) {
  const TestFolder folder;
  const TableSchema schema = AllTypes();
  const auto batch = AllValues(schema);
  const auto files = RowFiles::Make(uint64_t{256} << 20);
  const std::string path = folder.path() + "/rows";
  const auto written = files->Write(path, GetParam(), *StreamOf(batch));
  ASSERT_THAT(written, IsOk());
  EXPECT_EQ(*written, static_cast<uint64_t>(batch->num_rows()));
  auto read = files->Read(path, GetParam(), schema);
  ASSERT_THAT(read, IsOk());
  const auto rows = read->rows->Next();
  ASSERT_THAT(rows, IsOk());
  ASSERT_NE(*rows, nullptr);
  ASSERT_EQ(read->columns.size(), static_cast<size_t>(batch->num_columns()));
  for (size_t i = 0; i < read->columns.size(); ++i) {
    const ColumnSchema& column = schema.columns()[read->columns[i]];
    SCOPED_TRACE(column.name);
    const auto expected = batch->GetColumnByName(column.name);
    const auto actual = (*rows)->column(static_cast<int>(i));
    EXPECT_TRUE(expected->Equals(*actual, arrow::EqualOptions().nans_equal(true)))
        << expected->ToString() << actual->ToString();
  }
}

// Records that are longer than a buffer of the reader, and many that end somewhere in one.
TEST_P(RowFilesTest, TextsOfAnyLengthComeBack) {
  const TestFolder folder;
  TableSpec spec;
  spec.columns = {{.name = "t", .type = ColumnType::kTimestamp},
                  {.name = "note", .type = ColumnType::kString}};
  spec.timestamp_key = "t";
  const TableSchema schema = *TableSchema::Make(spec);
  constexpr std::string_view kPieces[] = {"x", "\n", "\"", ",", "\r\n", "\\", "ö", "{}"};
  std::mt19937_64 random(7);
  std::vector<std::string> texts;
  for (const size_t length : {size_t{20'000'000}, size_t{5'000'000}, size_t{0}}) {
    texts.emplace_back(length, 'y');
  }
  for (int i = 0; i < 12'000; ++i) {
    std::string& text = texts.emplace_back();
    for (uint64_t pieces = random() % 1'000; pieces > 0; --pieces) {
      text += kPieces[random() % std::size(kPieces)];
    }
  }
  arrow::TimestampBuilder times(ArrowType(ColumnType::kTimestamp), arrow::default_memory_pool());
  arrow::StringBuilder notes;
  for (size_t i = 0; i < texts.size(); ++i) {
    ASSERT_TRUE(times.Append(static_cast<int64_t>(i) * 1000).ok());
    ASSERT_TRUE(notes.Append(texts[i]).ok());
  }
  const auto batch = arrow::RecordBatch::Make(
      arrow::schema({arrow::field("t", ArrowType(ColumnType::kTimestamp)),
                     arrow::field("note", arrow::utf8())}),
      static_cast<int64_t>(texts.size()), {*times.Finish(), *notes.Finish()});
  const auto files = RowFiles::Make(uint64_t{512} << 20);
  const std::string path = folder.path() + "/rows";
  ASSERT_THAT(files->Write(path, GetParam(), *StreamOf(batch)), IsOk());
  const auto read = files->Read(path, GetParam(), schema);
  ASSERT_THAT(read, IsOk());
  std::vector<int> seen(texts.size(), 0);
  while (true) {
    const auto rows = read->rows->Next();
    ASSERT_THAT(rows, IsOk());
    if (*rows == nullptr) {
      break;
    }
    const auto& at = static_cast<const arrow::TimestampArray&>(*(*rows)->column(0));
    const auto& note = static_cast<const arrow::StringArray&>(*(*rows)->column(1));
    for (int64_t i = 0; i < (*rows)->num_rows(); ++i) {
      const auto place = static_cast<size_t>(at.Value(i) / 1000);
      ASSERT_TRUE(note.GetView(i) == texts.at(place)) << "row " << place;
      ++seen[place];
    }
  }
  EXPECT_THAT(seen, testing::Each(1));
}

INSTANTIATE_TEST_SUITE_P(Formats, RowFilesTest, testing::Values("csv", "json", "parquet"));

}  // namespace
}  // namespace varve
