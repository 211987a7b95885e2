// Data files: every value comes back as it was written, also under a newer schema; the file has the
// shape that readers rely on; nothing half-written is ever visible and nothing damaged is ever
// read.
#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <gtest/gtest.h>
#include <parquet/bloom_filter.h>
#include <parquet/bloom_filter_reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/page_index.h>

#include <cmath>
#include <limits>

#include "base/checksum.h"
#include "base/matchers.h"
#include "sst/sst_reader.h"
#include "sst/sst_writer.h"
#include "sst/test_rows.h"
#include "store/faulty_store.h"
#include "store/memory_store.h"

namespace varve {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class SstFileTest : public testing::Test {
 protected:
  std::unique_ptr<parquet::ParquetFileReader> OpenParquet(const std::string& path) {
    return parquet::ParquetFileReader::Open(
        std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(*store_->Get(path))));
  }

  ManualClock clock_{TimestampUs(0)};
  std::shared_ptr<MemoryObjectStore> store_ = std::make_shared<MemoryObjectStore>(&clock_);
};

template <class Builder, class T>
std::shared_ptr<arrow::Array> Array(const std::shared_ptr<arrow::DataType>& type,
                                    const std::vector<std::optional<T>>& values) {
  std::unique_ptr<arrow::ArrayBuilder> builder;
  EXPECT_TRUE(arrow::MakeBuilder(arrow::default_memory_pool(), type, &builder).ok());
  for (const auto& value : values) {
    EXPECT_TRUE(
        (value ? static_cast<Builder&>(*builder).Append(*value) : builder->AppendNull()).ok());
  }
  return *builder->Finish();
}

template <class Builder>
std::shared_ptr<arrow::Array> Extremes(const std::shared_ptr<arrow::DataType>& type) {
  using T = typename Builder::value_type;
  return Array<Builder, T>(
      type, {std::numeric_limits<T>::lowest(), std::numeric_limits<T>::max(), std::nullopt, T{0},
             std::numeric_limits<T>::lowest(), std::numeric_limits<T>::max()});
}

template <class Builder>
std::shared_ptr<arrow::Array> Floats(const std::shared_ptr<arrow::DataType>& type) {
  using T = typename Builder::value_type;
  using Limits = std::numeric_limits<T>;
  return Array<Builder, T>(type, {Limits::quiet_NaN(), -Limits::infinity(), Limits::infinity(),
                                  std::nullopt, T{-0.0}, Limits::denorm_min()});
}

// Six values of the type, with a NULL and the extremes among them.
std::shared_ptr<arrow::Array> SixValues(ColumnType column_type) {
  const auto type = ArrowType(column_type);
  const std::string binary("\0\xff\n", 3);
  switch (column_type) {
    case ColumnType::kTimestamp:
      return Array<arrow::TimestampBuilder, int64_t>(
          type, {-62'135'596'800'000'000, -1'000, std::nullopt, 0, 1'000, 253'402'300'799'999'000});
    case ColumnType::kDouble:
      return Floats<arrow::DoubleBuilder>(type);
    case ColumnType::kFloat:
      return Floats<arrow::FloatBuilder>(type);
    case ColumnType::kString:
      return Array<arrow::StringBuilder, std::string>(
          type, {"", "a", std::nullopt, "größer", "\n'\"", ""});
    case ColumnType::kVarbinary:
      return Array<arrow::BinaryBuilder, std::string>(
          type, {"", binary, std::nullopt, "x", binary + binary, ""});
    case ColumnType::kInt64:
      return Extremes<arrow::Int64Builder>(type);
    case ColumnType::kInt32:
      return Extremes<arrow::Int32Builder>(type);
    case ColumnType::kInt16:
      return Extremes<arrow::Int16Builder>(type);
    case ColumnType::kInt8:
      return Extremes<arrow::Int8Builder>(type);
    case ColumnType::kUInt64:
      return Extremes<arrow::UInt64Builder>(type);
    case ColumnType::kUInt32:
      return Extremes<arrow::UInt32Builder>(type);
    case ColumnType::kUInt16:
      return Extremes<arrow::UInt16Builder>(type);
    case ColumnType::kUInt8:
      return Extremes<arrow::UInt8Builder>(type);
    case ColumnType::kBoolean:
      return Array<arrow::BooleanBuilder, bool>(type,
                                                {true, false, std::nullopt, true, false, false});
    case ColumnType::kDate:
      return Array<arrow::Date32Builder, int32_t>(type,
                                                  {-719'162, -1, std::nullopt, 0, 1, 2'932'896});
    case ColumnType::kTime:
      return Array<arrow::Time64Builder, int64_t>(
          type, {0, 1, std::nullopt, 86'399'999'999, 43'200'000'000, 0});
  }
  return nullptr;
}

struct AllTypes {
  TableSchema schema;
  std::shared_ptr<arrow::RecordBatch> rows;
};

AllTypes MakeAllTypes() {
  TableSpec spec;
  spec.timestamp_key = "t";
  spec.columns.push_back(TestColumn("t", ColumnType::kTimestamp));
  for (const auto type : kAllColumnTypes) {
    spec.columns.push_back(TestColumn("c_" + std::string(ColumnTypeName(type)), type));
    if (CanBeKey(type)) {
      spec.columns.push_back(TestColumn("tag_" + std::string(ColumnTypeName(type)), type));
      spec.columns.back().tag = true;
    }
  }
  auto schema = *TableSchema::Make(std::move(spec));
  arrow::FieldVector fields;
  arrow::ArrayVector columns;
  for (const auto& column : schema.columns()) {
    auto values = SixValues(column.type);
    if (column.name == kTsidColumn) {
      values = Array<arrow::UInt64Builder, uint64_t>(arrow::uint64(), {0, 1, 1, 1, 2, ~0ULL});
    } else if (column.name == "t") {
      values = Array<arrow::TimestampBuilder, int64_t>(ArrowType(column.type),
                                                       {9'000, -5'000, 0, 0, 1'000, -7'000});
    }
    fields.push_back(arrow::field(column.name, values->type()));
    columns.push_back(std::move(values));
  }
  return {std::move(schema), arrow::RecordBatch::Make(arrow::schema(fields), 6, columns)};
}

// NaN equals NaN, -0.0 is not 0.0; dictionaries are compared by their values.
void ExpectSame(const arrow::Array& written, const arrow::Array& read) {
  const auto options = arrow::EqualOptions::Defaults().nans_equal(true).signed_zeros_equal(false);
  ASSERT_EQ(written.length(), read.length());
  if (read.type_id() != arrow::Type::DICTIONARY && written.type_id() != arrow::Type::DICTIONARY) {
    EXPECT_TRUE(written.Equals(read, options)) << written.ToString() << read.ToString();
    return;
  }
  for (int64_t i = 0; i < written.length(); ++i) {
    const auto text = [&](const arrow::Array& array) {
      auto scalar = *array.GetScalar(i);
      if (scalar->type->id() == arrow::Type::DICTIONARY) {
        scalar = *static_cast<const arrow::DictionaryScalar&>(*scalar).GetEncodedValue();
      }
      return scalar->is_valid ? "=" + scalar->ToString() : "NULL";
    };
    ASSERT_EQ(text(written), text(read)) << "row " << i;
  }
}

TEST_F(SstFileTest, EveryTypeRoundTripsInEveryCompression) {
  const auto [schema, rows] = MakeAllTypes();
  for (const auto compression :
       {Compression::kUncompressed, Compression::kLz4, Compression::kSnappy, Compression::kZstd}) {
    SCOPED_TRACE(static_cast<int>(compression));
    auto options = TestOptions("a.parquet");
    options.segment_start = TimestampUs(-7'000);
    options.compression = compression;
    options.row_group_rows = 4;
    const auto meta = WriteSst(*store_, schema, options, {rows});
    ASSERT_THAT(meta, IsOk());
    const auto table = ReadSst(*store_, *meta, schema);
    ASSERT_THAT(table, IsOk());
    for (int i = 0; i < rows->num_columns(); ++i) {
      SCOPED_TRACE(schema.columns()[static_cast<size_t>(i)].name);
      ExpectSame(*rows->column(i), *(*table)->column(i)->chunk(0));
    }
  }
}

TEST_F(SstFileTest, MetaSaysWhatTheFileHolds) {
  const auto [schema, rows] = MakeAllTypes();
  auto options = TestOptions("seg/a.parquet");
  options.segment_start = TimestampUs(-8'000);
  const auto meta =
      WriteSst(*store_, schema, options, {rows->Slice(0, 2), rows->Slice(2, 0), rows->Slice(2)});
  ASSERT_THAT(meta, IsOk());
  EXPECT_EQ(meta->id, options.id);
  EXPECT_EQ(meta->path, "seg/a.parquet");
  EXPECT_EQ(meta->segment_start, TimestampUs(-8'000));
  EXPECT_EQ(meta->schema_id, schema.schema_id());
  EXPECT_EQ(meta->rows, 6u);
  EXPECT_EQ(meta->time_min, TimestampUs(-7'000));
  EXPECT_EQ(meta->time_max, TimestampUs(9'000));
  EXPECT_EQ(meta->tsid_min, 0u);
  EXPECT_EQ(meta->tsid_max, ~0ULL);
  EXPECT_EQ(meta->sequence_max, Sequence(7));
  EXPECT_EQ(meta->null_counts.size(), schema.columns().size());
  EXPECT_EQ(meta->null_counts.at(schema.timestamp().id), 0u);
  EXPECT_EQ(meta->null_counts.at(schema.Find("c_double")->id), 1u);
  const std::string bytes = *store_->Get("seg/a.parquet");
  EXPECT_EQ(meta->size_bytes, bytes.size());
  EXPECT_EQ(meta->sha256, Sha256Hex(bytes));
  EXPECT_FALSE(meta->deletion_vector.has_value());
}

TEST_F(SstFileTest, AKeyWithoutTsid) {
  const auto schema = *TableSchema::Make(
      {.columns = {TestColumn("id", ColumnType::kInt32), TestColumn("t", ColumnType::kTimestamp)},
       .primary_key = {"id", "t"},
       .timestamp_key = std::nullopt});
  const auto rows = arrow::RecordBatch::Make(
      arrow::schema({arrow::field("id", arrow::int32()),
                     arrow::field("t", ArrowType(ColumnType::kTimestamp))}),
      2,
      {Array<arrow::Int32Builder, int32_t>(arrow::int32(), {1, 2}),
       Array<arrow::TimestampBuilder, int64_t>(ArrowType(ColumnType::kTimestamp), {5'000, 4'000})});
  const auto meta = WriteSst(*store_, schema, TestOptions("a"), {rows});
  ASSERT_THAT(meta, IsOk());
  EXPECT_EQ(meta->tsid_max, 0u);
  EXPECT_EQ(meta->time_min, TimestampUs(4'000));
  const auto table = ReadSst(*store_, *meta, schema);
  ASSERT_THAT(table, IsOk());
  EXPECT_EQ((*table)->num_rows(), 2);
}

TEST_F(SstFileTest, RowGroupsAndPagesHaveTheirSizes) {
  auto options = TestOptions("a");
  options.row_group_rows = 20'000;
  const auto rows = HostRows(50, 1'000);
  // Slices that do not line up with row groups.
  ASSERT_THAT(WriteSst(*store_, HostSchema(), options,
                       {rows->Slice(0, 7), rows->Slice(7, 29'994), rows->Slice(30'001)}),
              IsOk());
  const auto file = OpenParquet("a");
  const auto metadata = file->metadata();
  ASSERT_EQ(metadata->num_row_groups(), 3);
  for (int group = 0; group < 3; ++group) {
    const auto row_group = metadata->RowGroup(group);
    EXPECT_EQ(row_group->num_rows(), group < 2 ? 20'000 : 10'000);
    ASSERT_EQ(row_group->sorting_columns().size(), 2u);
    EXPECT_EQ(row_group->sorting_columns()[1].column_idx, 1);
    const auto index = file->GetPageIndexReader()->RowGroup(group);
    for (int column = 0; column < 4; ++column) {
      SCOPED_TRACE(column);
      EXPECT_TRUE(row_group->ColumnChunk(column)->is_stats_set());
      EXPECT_NE(index->GetColumnIndex(column), nullptr);
      std::vector<int64_t> first_rows;
      const auto offsets = index->GetOffsetIndex(column);
      for (const auto& page : offsets->page_locations()) {
        first_rows.push_back(page.first_row_index);
      }
      EXPECT_EQ(first_rows, group < 2 ? (std::vector<int64_t>{0, kDataPageRows, 2 * kDataPageRows})
                                      : (std::vector<int64_t>{0, kDataPageRows}));
    }
  }
}

TEST_F(SstFileTest, BloomFiltersOnRareTags) {
  auto options = TestOptions("a");
  options.row_group_rows = 10'000;
  ASSERT_THAT(WriteSst(*store_, HostSchema(), options, {HostRows(100, 1'000)}), IsOk());
  const auto file = OpenParquet("a");
  int excluded = 0;
  for (int group = 0; group < 10; ++group) {
    const auto filter = file->GetBloomFilterReader().RowGroup(group)->GetColumnBloomFilter(2);
    ASSERT_NE(filter, nullptr);
    for (int host = 0; host < 100; ++host) {
      const std::string name = "host_" + std::to_string(host);
      const parquet::ByteArray value(name);
      const bool found = filter->FindHash(filter->Hash(&value));
      EXPECT_TRUE(found || host / 10 != group) << name;
      excluded += found ? 0 : 1;
    }
  }
  EXPECT_GT(excluded, 850);  // of 900
}

// A table's whole dictionary would be written, and read, with every row group.
TEST_F(SstFileTest, RowGroupsHoldOnlyTheTagsTheyUse) {
  const auto all = HostRows(20'000, 1);
  auto options = TestOptions("few");
  const auto few = WriteSst(*store_, HostSchema(), options, {all->Slice(0, 10)});
  ASSERT_THAT(few, IsOk());
  EXPECT_LT(few->size_bytes, 8'000u);
}

TEST_F(SstFileTest, BatchesWithOtherOrNoDictionariesMakeOneColumn) {
  const auto schema = HostSchema();
  const auto first = HostRows(3, 2);
  const auto second = HostRows(4, 2, /*first_host=*/2);
  const auto third = HostRows(1, 2, /*first_host=*/9);
  const auto host = static_cast<const arrow::DictionaryArray&>(*third->column(2)).dictionary();
  const auto dense =
      *third->SetColumn(2, arrow::field("host", arrow::utf8()), *arrow::Concatenate({host, host}));
  const auto ordered = second->Slice(2);  // host_3 .. host_5
  for (const auto& last : {third, dense}) {
    const auto meta = WriteSst(*store_, schema, TestOptions("a"), {first, ordered, last});
    ASSERT_THAT(meta, IsOk());
    const auto table = ReadSst(*store_, *meta, schema);
    ASSERT_THAT(table, IsOk());
    const auto read = (*table)->column(2);
    ExpectSame(*first->column(2), *read->Slice(0, 6)->chunk(0));
    ExpectSame(*ordered->column(2), *read->Slice(6, 6)->chunk(0));
    ExpectSame(*last->column(2), *read->Slice(12, 2)->chunk(0));
  }
}

TEST_F(SstFileTest, NullTags) {
  const auto rows = HostRows(3, 2);
  const auto host = Array<arrow::StringBuilder, std::string>(
      arrow::utf8(), {"a", std::nullopt, std::nullopt, "", "b", std::nullopt});
  const auto encoded = arrow::DictionaryArray::FromArrays(
      TestDictionary(),
      Array<arrow::Int32Builder, int32_t>(arrow::int32(),
                                          {2, std::nullopt, std::nullopt, 0, 1, std::nullopt}),
      Array<arrow::StringBuilder, std::string>(arrow::utf8(), {"", "b", "a", "unused"}));
  const auto batch = *rows->SetColumn(2, arrow::field("host", TestDictionary()), *encoded);
  const auto meta =
      WriteSst(*store_, HostSchema(), TestOptions("a"), {batch->Slice(0, 1), batch->Slice(1)});
  ASSERT_THAT(meta, IsOk());
  EXPECT_EQ(meta->null_counts.at(HostSchema().Find("host")->id), 3u);
  const auto table = ReadSst(*store_, *meta, HostSchema());
  ASSERT_THAT(table, IsOk());
  ExpectSame(*host, *(*table)->column(2)->chunk(0));
}

TEST_F(SstFileTest, ColumnsAddedLaterAreNull) {
  const auto old_schema = HostSchema();
  const auto meta = WriteSst(*store_, old_schema, TestOptions("a"), {HostRows(2, 3)});
  ASSERT_THAT(meta, IsOk());
  const auto schema =
      *old_schema.WithColumnsAdded({TestColumn("small", ColumnType::kUInt8), TestTag("rack")});
  const auto reader = SstReader::Open(*store_, *meta, schema);
  ASSERT_THAT(reader, IsOk());
  const auto batch = (*reader)->Next();
  ASSERT_THAT(batch, IsOk());
  ASSERT_EQ((*batch)->num_columns(), 6);
  EXPECT_TRUE((*batch)->GetColumnByName("small")->type()->Equals(*arrow::uint8()));
  EXPECT_EQ((*batch)->GetColumnByName("small")->null_count(), 6);
  EXPECT_TRUE((*batch)->GetColumnByName("rack")->type()->Equals(*TestDictionary()));
  EXPECT_EQ((*batch)->GetColumnByName("rack")->null_count(), 6);
  EXPECT_EQ((*batch)->GetColumnByName("value")->null_count(), 0);
  const auto end = (*reader)->Next();
  ASSERT_THAT(end, IsOk());
  EXPECT_EQ(*end, nullptr);
}

// What compaction does: what was read is written again.
TEST_F(SstFileTest, BatchesThatWereReadCanBeWritten) {
  const auto schema = HostSchema();
  auto options = TestOptions("a");
  options.row_group_rows = 3'000;
  const auto rows = HostRows(40, 500);
  const auto meta = WriteSst(*store_, schema, options, {rows});
  ASSERT_THAT(meta, IsOk());
  const auto reader = *SstReader::Open(*store_, *meta, schema);
  const auto writer = *SstWriter::Open(*store_, schema, TestOptions("b"));
  for (;;) {
    const auto batch = reader->Next();
    ASSERT_THAT(batch, IsOk());
    if (*batch == nullptr) {
      break;
    }
    EXPECT_LE((*batch)->num_rows(), kSstReaderBatchRows);
    ASSERT_THAT(writer->Write(**batch), IsOk());
  }
  const auto copy = writer->Finish(Sequence(7));
  ASSERT_THAT(copy, IsOk());
  const auto table = ReadSst(*store_, *copy, schema);
  ASSERT_THAT(table, IsOk());
  for (int i = 0; i < rows->num_columns(); ++i) {
    ExpectSame(*rows->column(i), *(*table)->column(i)->chunk(0));
  }
}

TEST_F(SstFileTest, BatchesThatDoNotFitAreRefused) {
  const auto schema = HostSchema();
  const auto rows = HostRows(2, 2);
  const auto write = [&](const std::shared_ptr<arrow::RecordBatch>& batch) {
    return WriteSst(*store_, schema, TestOptions("a"), {batch});
  };
  EXPECT_THAT(write(*rows->RemoveColumn(3)),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("3 columns")));
  EXPECT_THAT(write(*rows->SetColumn(3, arrow::field("value", arrow::uint64()), rows->column(0))),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("'value'")));
  EXPECT_THAT(write(*rows->SetColumn(0, arrow::field("tsid", arrow::uint64()),
                                     *arrow::MakeArrayOfNull(arrow::uint64(), 4))),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("NOT NULL")));
  EXPECT_THAT(write(rows->Slice(0, 0)), IsError(ErrorKind::kInvalidArgument, HasSubstr("no rows")));
  EXPECT_THAT(WriteSst(*store_, schema, TestOptions("a"), {rows->Slice(1), rows}),
              IsError(ErrorKind::kInternal, HasSubstr("out of order")));
  auto late = TestOptions("a");
  late.segment_start = TimestampUs(1);
  EXPECT_THAT(WriteSst(*store_, schema, late, {rows}),
              IsError(ErrorKind::kInternal, HasSubstr("before its segment")));
  EXPECT_THAT(*store_->List(""), IsEmpty());
}

TEST_F(SstFileTest, AfterAnErrorNothingIsWrittenAnyMore) {
  const auto rows = HostRows(2, 2);
  const auto schema = HostSchema();
  const auto writer = *SstWriter::Open(*store_, schema, TestOptions("a"));
  ASSERT_THAT(writer->Write(*rows), IsOk());
  EXPECT_THAT(writer->Write(*rows), IsError(ErrorKind::kInternal));
  EXPECT_THAT(writer->Write(*rows->Slice(3)),
              IsError(ErrorKind::kInternal, HasSubstr("out of order")));
  EXPECT_THAT(writer->Finish(Sequence(1)),
              IsError(ErrorKind::kInternal, HasSubstr("out of order")));
  EXPECT_THAT(*store_->List(""), IsEmpty());
}

TEST_F(SstFileTest, AFailureAtAnyOperationLeavesNoFile) {
  const auto rows = HostRows(30, 100);
  for (const auto kind : {FaultKind::kError, FaultKind::kCrash}) {
    for (uint64_t n = 1;; ++n) {
      SCOPED_TRACE(fmt::format("operation {}", n));
      FaultyObjectStore faulty(std::make_shared<MemoryObjectStore>(&clock_));
      faulty.faults().FailAt(n, kind);
      auto options = TestOptions("a");
      options.row_group_rows = 1'000;
      const auto meta = WriteSst(faulty, HostSchema(), options, {rows});
      if (faulty.faults().failures() == 0) {
        ASSERT_THAT(meta, IsOk());
        EXPECT_GT(n, 20u);
        break;
      }
      EXPECT_THAT(meta, IsError(ErrorKind::kIo, HasSubstr("injected")));
      faulty.Restart();
      EXPECT_THAT(*faulty.List(""), IsEmpty());
    }
  }
}

TEST_F(SstFileTest, AnUnknownOutcomeStaysOne) {
  FaultyObjectStore faulty(store_);
  const uint64_t before = faulty.operations();
  ASSERT_THAT(WriteSst(faulty, HostSchema(), TestOptions("a"), {HostRows(2, 2)}), IsOk());
  const uint64_t operations = faulty.operations() - before;
  faulty.faults().FailAt(operations, FaultKind::kErrorAfterEffect);
  EXPECT_THAT(WriteSst(faulty, HostSchema(), TestOptions("a"), {HostRows(2, 2)}),
              IsError(ErrorKind::kUnknownOutcome));
}

TEST_F(SstFileTest, AFailedReadIsTheStoresError) {
  const auto meta = *WriteSst(*store_, HostSchema(), TestOptions("a"), {HostRows(3, 100)});
  for (uint64_t n = 1;; ++n) {
    SCOPED_TRACE(fmt::format("operation {}", n));
    FaultyObjectStore faulty(store_);
    faulty.faults().FailAt(n, FaultKind::kError);
    const auto table = ReadSst(faulty, meta, HostSchema());
    if (faulty.faults().failures() == 0) {
      EXPECT_THAT(table, IsOk());
      break;
    }
    EXPECT_THAT(table, IsError(ErrorKind::kIo, HasSubstr("injected")));
  }
  FaultyObjectStore faulty(store_);
  faulty.faults().FailAt(2, FaultKind::kError);
  EXPECT_THAT(VerifyFile(faulty, meta), IsError(ErrorKind::kIo));
}

TEST_F(SstFileTest, EveryDamagedByteIsFoundByVerifyAndNoneCrashesTheReader) {
  const auto meta = *WriteSst(*store_, HostSchema(), TestOptions("a.parquet"), {HostRows(3, 50)});
  EXPECT_THAT(VerifyFile(*store_, meta), IsOk());
  const auto good = *ReadSst(*store_, meta, HostSchema());
  const std::string bytes = *store_->Get("a.parquet");
  for (size_t i = 0; i < bytes.size(); ++i) {
    SCOPED_TRACE(fmt::format("byte {}", i));
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x5a);
    ASSERT_THAT(store_->Put("a.parquet", damaged), IsOk());
    ASSERT_THAT(VerifyFile(*store_, meta), IsError(ErrorKind::kCorruption, HasSubstr("a.parquet")));
    const auto table = ReadSst(*store_, meta, HostSchema());
    if (!table) {
      EXPECT_THAT(table, IsError(ErrorKind::kCorruption, HasSubstr("a.parquet")));
    }
  }
}

TEST_F(SstFileTest, AFileThatIsNotTheOneOfTheManifestIsRefused) {
  const auto schema = HostSchema();
  const auto meta = *WriteSst(*store_, schema, TestOptions("a"), {HostRows(3, 50)});
  auto other = meta;
  other.size_bytes += 1;
  EXPECT_THAT(VerifyFile(*store_, other), IsError(ErrorKind::kCorruption, HasSubstr("'a'")));
  EXPECT_THAT(SstReader::Open(*store_, other, schema),
              IsError(ErrorKind::kCorruption, HasSubstr("'a'")));
  other = meta;
  other.rows += 1;
  EXPECT_THAT(SstReader::Open(*store_, other, schema),
              IsError(ErrorKind::kCorruption, HasSubstr("rows")));
  other = meta;
  other.id = Uuid(1, 1);
  EXPECT_THAT(SstReader::Open(*store_, other, schema),
              IsError(ErrorKind::kCorruption, HasSubstr("manifest")));
  other = meta;
  other.path = "b";
  EXPECT_THAT(SstReader::Open(*store_, other, schema), IsError(ErrorKind::kNotFound));
  EXPECT_THAT(VerifyFile(*store_, other), IsError(ErrorKind::kNotFound));
  const auto changed =
      *TableSchema::Make({.columns = {TestTag("host"), TestColumn("t", ColumnType::kTimestamp),
                                      TestColumn("value", ColumnType::kInt64)},
                          .primary_key = {},
                          .timestamp_key = std::nullopt});
  EXPECT_THAT(SstReader::Open(*store_, meta, changed),
              IsError(ErrorKind::kCorruption, HasSubstr("'value'")));
}

}  // namespace
}  // namespace varve
