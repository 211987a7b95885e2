// Reading data files by place: each block is what was written there, whatever the encoding and
// however pages are cut; only the bytes of what is asked are read; series, tags and keys are found;
// damaged bytes give an error or the right values.
#include <arrow/api.h>
#include <arrow/compute/cast.h>
#include <arrow/io/memory.h>
#include <arrow/util/key_value_metadata.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>

#include <random>

#include "base/matchers.h"
#include "sst/sst_cache.h"
#include "sst/sst_file.h"
#include "sst/sst_format.h"
#include "sst/test_rows.h"
#include "store/faulty_store.h"
#include "store/memory_store.h"

namespace varve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uint64_t kCacheBytes = 64 << 20;

std::shared_ptr<arrow::Array> Dense(const std::shared_ptr<arrow::Array>& array,
                                    const std::shared_ptr<arrow::DataType>& type) {
  return array->type()->Equals(*type) ? array : *arrow::compute::Cast(*array, type);
}

class SstFileBlocksTest : public testing::Test {
 protected:
  std::shared_ptr<const SstFile> Open(const FileMeta& meta) {
    const auto file = SstCache::Make(*store_, kCacheBytes)->Open(meta);
    EXPECT_THAT(file, IsOk());
    return *file;
  }

  // Every block of every column beside what SstReader, which has its own decoder, gives.
  void ExpectAsReader(const FileMeta& meta, const TableSchema& schema) {
    const auto cache = SstCache::Make(*store_, kCacheBytes);
    const auto file = *cache->Open(meta);
    const auto table = *ReadSst(*store_, meta, schema);
    uint64_t next = 0;
    for (size_t block = 0; block < file->blocks().size(); ++block) {
      const RowRange rows = file->blocks()[block];
      ASSERT_EQ(rows.begin, next);
      ASSERT_EQ(file->BlockOf(rows.begin), block);
      ASSERT_EQ(file->BlockOf(rows.end - 1), block);
      next = rows.end;
      for (const ColumnSchema& column : schema.columns()) {
        SCOPED_TRACE(fmt::format("block {} of {}", block, column.name));
        for (int again = 0; again < 2; ++again) {
          const auto values = file->Values(column, block);
          ASSERT_THAT(values, IsOk());
          ASSERT_THAT((*values)->ValidateFull().ToString(), "OK");
          const auto length = static_cast<int64_t>(rows.end - rows.begin);
          ASSERT_EQ((*values)->length(), length);
          const auto type = ArrowType(column.type);
          const auto expected = Dense(table->GetColumnByName(column.name)
                                          ->chunk(0)
                                          ->Slice(static_cast<int64_t>(rows.begin), length),
                                      type);
          if ((*values)->type_id() == arrow::Type::NA) {
            ASSERT_EQ(expected->null_count(), length);
            continue;
          }
          ASSERT_TRUE(
              expected->Equals(Dense(*values, type), arrow::EqualOptions().nans_equal(true)));
        }
      }
    }
    ASSERT_EQ(next, meta.rows);
  }

  ManualClock clock_{TimestampUs(0)};
  std::shared_ptr<MemoryObjectStore> store_ = std::make_shared<MemoryObjectStore>(&clock_);
};

template <class Builder, class Value>
std::shared_ptr<arrow::Array> Generated(const std::shared_ptr<arrow::DataType>& type, int rows,
                                        Value&& value) {
  std::unique_ptr<arrow::ArrayBuilder> builder;
  EXPECT_TRUE(arrow::MakeBuilder(arrow::default_memory_pool(), type, &builder).ok());
  for (int i = 0; i < rows; ++i) {
    const auto made = value(i);
    EXPECT_TRUE(
        (made ? static_cast<Builder&>(*builder).Append(*made) : builder->AppendNull()).ok());
  }
  return *builder->Finish();
}

template <class Builder>
std::shared_ptr<arrow::Array> Integers(ColumnType type, int rows, int64_t range, int null_every,
                                       std::mt19937_64& random) {
  using T = typename Builder::value_type;
  return Generated<Builder>(ArrowType(type), rows, [&](int i) -> std::optional<T> {
    if (null_every > 0 && i % null_every == 0) {
      return std::nullopt;
    }
    return static_cast<T>(random() % static_cast<uint64_t>(range));
  });
}

template <class Builder>
std::shared_ptr<arrow::Array> Strings(ColumnType type, int rows, uint64_t distinct, int null_every,
                                      std::mt19937_64& random) {
  return Generated<Builder>(ArrowType(type), rows, [&](int i) -> std::optional<std::string> {
    if (null_every > 0 && i % null_every == 0) {
      return std::nullopt;
    }
    return "text " + std::to_string(random() % distinct);
  });
}

std::shared_ptr<arrow::Array> ValuesOf(ColumnType type, int rows, bool repeat, int null_every,
                                       std::mt19937_64& random) {
  const int64_t range = repeat ? 50 : int64_t{1} << 62;
  switch (type) {
    case ColumnType::kTimestamp:
      return Integers<arrow::TimestampBuilder>(type, rows, range, null_every, random);
    case ColumnType::kDouble:
      return Integers<arrow::DoubleBuilder>(type, rows, range, null_every, random);
    case ColumnType::kFloat:
      return Integers<arrow::FloatBuilder>(type, rows, range, null_every, random);
    case ColumnType::kString:
      return Strings<arrow::StringBuilder>(type, rows, static_cast<uint64_t>(range), null_every,
                                           random);
    case ColumnType::kVarbinary:
      return Strings<arrow::BinaryBuilder>(type, rows, static_cast<uint64_t>(range), null_every,
                                           random);
    case ColumnType::kInt64:
      return Integers<arrow::Int64Builder>(type, rows, range, null_every, random);
    case ColumnType::kInt32:
      return Integers<arrow::Int32Builder>(type, rows, range, null_every, random);
    case ColumnType::kInt16:
      return Integers<arrow::Int16Builder>(type, rows, range, null_every, random);
    case ColumnType::kInt8:
      return Integers<arrow::Int8Builder>(type, rows, range, null_every, random);
    case ColumnType::kUInt64:
      return Integers<arrow::UInt64Builder>(type, rows, range, null_every, random);
    case ColumnType::kUInt32:
      return Integers<arrow::UInt32Builder>(type, rows, range, null_every, random);
    case ColumnType::kUInt16:
      return Integers<arrow::UInt16Builder>(type, rows, range, null_every, random);
    case ColumnType::kUInt8:
      return Integers<arrow::UInt8Builder>(type, rows, range, null_every, random);
    case ColumnType::kBoolean:
      return Generated<arrow::BooleanBuilder>(
          arrow::boolean(), rows, [&](int i) -> std::optional<bool> {
            return null_every > 0 && i % null_every == 0 ? std::nullopt
                                                         : std::optional(random() % 2 == 0);
          });
    case ColumnType::kDate:
      return Integers<arrow::Date32Builder>(type, rows, 100'000, null_every, random);
    case ColumnType::kTime:
      return Integers<arrow::Time64Builder>(type, rows, 86'400'000'000, null_every, random);
  }
  return nullptr;
}

struct AllTypes {
  TableSchema schema;
  std::shared_ptr<arrow::RecordBatch> rows;
};

AllTypes MakeAllTypes(int rows, bool repeat, int null_every, uint64_t seed) {
  TableSpec spec;
  spec.timestamp_key = "t";
  spec.columns.push_back(TestColumn("t", ColumnType::kTimestamp));
  for (const auto type : kAllColumnTypes) {
    spec.columns.push_back(TestColumn("c_" + std::string(ColumnTypeName(type)), type));
  }
  spec.columns.push_back(TestColumn("words", ColumnType::kString));
  spec.columns.back().dictionary = true;
  spec.columns.push_back(TestColumn("needed", ColumnType::kInt32));
  spec.columns.back().nullable = false;
  auto schema = *TableSchema::Make(std::move(spec));
  std::mt19937_64 random(seed);
  arrow::FieldVector fields;
  arrow::ArrayVector columns;
  for (const auto& column : schema.columns()) {
    std::shared_ptr<arrow::Array> values;
    if (column.name == kTsidColumn) {
      values = Generated<arrow::UInt64Builder>(
          arrow::uint64(), rows, [](int i) { return std::optional<uint64_t>(i / 1'000); });
    } else if (column.name == "t") {
      values = Generated<arrow::TimestampBuilder>(
          ArrowType(column.type), rows, [](int i) { return std::optional<int64_t>(i * 1'000); });
    } else {
      values = ValuesOf(column.type, rows, repeat, column.nullable ? null_every : 0, random);
    }
    fields.push_back(arrow::field(column.name, values->type()));
    columns.push_back(std::move(values));
  }
  return {std::move(schema), arrow::RecordBatch::Make(arrow::schema(fields), rows, columns)};
}

TEST_F(SstFileBlocksTest, EveryTypeAndEncoding) {
  for (const bool repeat : {true, false}) {
    for (const int null_every : {0, 1, 3}) {
      for (const auto compression : {Compression::kZstd, Compression::kUncompressed}) {
        SCOPED_TRACE(fmt::format("repeat {}, NULL every {}", repeat, null_every));
        const auto table = MakeAllTypes(30'000, repeat, null_every, /*seed=*/4);
        auto options = TestOptions("a");
        options.row_group_rows = 20'000;
        options.compression = compression;
        const auto meta = WriteSst(*store_, table.schema, options, {table.rows});
        ASSERT_THAT(meta, IsOk());
        ExpectAsReader(*meta, table.schema);
      }
    }
  }
}

// Long strings make pages that end at their size, not at kDataPageRows.
TEST_F(SstFileBlocksTest, PagesThatAreNotBlocks) {
  const auto schema =
      *TableSchema::Make({.columns = {TestTag("host"), TestColumn("t", ColumnType::kTimestamp),
                                      TestColumn("log", ColumnType::kString)},
                          .primary_key = {},
                          .timestamp_key = std::nullopt});
  const int rows = 20'000;
  const auto hosts = HostRows(1, rows);
  const auto logs = Generated<arrow::StringBuilder>(arrow::utf8(), rows, [](int i) {
    return std::optional(std::string(static_cast<size_t>(i % 700), 'x') + std::to_string(i));
  });
  const auto batch = *hosts->SetColumn(3, arrow::field("log", arrow::utf8()), logs);
  const auto meta = WriteSst(*store_, schema, TestOptions("a"), {batch});
  ASSERT_THAT(meta, IsOk());
  ExpectAsReader(*meta, schema);
}

// As other programs write them: one page a column chunk, no page index.
TEST_F(SstFileBlocksTest, FilesWithoutAPageIndex) {
  const auto schema = HostSchema();
  const auto rows = HostRows(30, 1'000);
  const auto ours = *WriteSst(*store_, schema, TestOptions("a"), {rows});
  const auto sink = *arrow::io::BufferOutputStream::Create();
  const auto properties = parquet::WriterProperties::Builder()
                              .enable_page_checksum()
                              ->data_pagesize(1 << 24)
                              ->max_rows_per_page(1 << 20)
                              ->build();
  const auto writer = *parquet::arrow::FileWriter::Open(
      *StoredSchema(schema), arrow::default_memory_pool(), sink, properties);
  SstHeader header{ours.id, schema.schema_id(), ours.segment_start, {}, SeriesTags::kUnknown};
  for (const auto& column : schema.columns()) {
    header.columns[column.id] = column.type;
  }
  const auto pairs = std::make_shared<arrow::KeyValueMetadata>();
  for (const auto& [key, value] : EncodeSstHeader(header)) {
    pairs->Append(key, value);
  }
  ASSERT_TRUE(writer->AddKeyValueMetadata(pairs).ok());
  const auto dense = *rows->SetColumn(2, arrow::field("host", arrow::utf8()),
                                      Dense(rows->column(2), arrow::utf8()));
  ASSERT_TRUE(writer->WriteTable(**arrow::Table::FromRecordBatches({dense}), 1 << 20).ok());
  ASSERT_TRUE(writer->Close().ok());
  const auto bytes = (*sink->Finish())->ToString();
  ASSERT_THAT(store_->Put("b", bytes), IsOk());
  auto meta = ours;
  meta.path = "b";
  meta.size_bytes = bytes.size();
  ExpectAsReader(meta, schema);
  EXPECT_FALSE(Open(meta)->HasSeries());
  EXPECT_THAT(Open(meta)->Series(), IsError(ErrorKind::kInvalidArgument));
}

TEST_F(SstFileBlocksTest, ColumnsAddedLater) {
  const auto meta = *WriteSst(*store_, HostSchema(), TestOptions("a"), {HostRows(2, 3)});
  const auto schema =
      *HostSchema().WithColumnsAdded({TestColumn("small", ColumnType::kUInt8), TestTag("rack")});
  const auto file = Open(meta);
  const auto small = file->Values(*schema.Find("small"), 0);
  ASSERT_THAT(small, IsOk());
  EXPECT_EQ((*small)->type_id(), arrow::Type::NA);
  EXPECT_EQ((*small)->length(), 6);
  ASSERT_TRUE(file->HasSeries());
  const auto rack = file->TagValues(*schema.Find("rack"));
  ASSERT_THAT(rack, IsOk());
  EXPECT_TRUE((*rack)->type()->Equals(*arrow::utf8()));
  EXPECT_EQ((*rack)->null_count(), 2);
  auto other = *HostSchema().Find("value");
  other.type = ColumnType::kInt64;
  EXPECT_THAT(file->Values(other, 0), IsError(ErrorKind::kCorruption, HasSubstr("'value'")));
}

TEST_F(SstFileBlocksTest, OneBlockReadsOnlyItsPages) {
  const auto meta = *WriteSst(*store_, HostSchema(), TestOptions("a"), {HostRows(100, 1'000)});
  FaultyObjectStore counting(store_);
  const auto cache = SstCache::Make(counting, kCacheBytes);
  const auto file = *cache->Open(meta);
  const uint64_t before = counting.operations();
  const ColumnSchema value = *HostSchema().Find("value");
  ASSERT_THAT(file->Values(value, 3), IsOk());
  const uint64_t first = counting.operations() - before;
  EXPECT_LE(first, 3u);  // the index, the dictionary, the page
  ASSERT_THAT(file->Values(value, 4), IsOk());
  EXPECT_EQ(counting.operations() - before, first + 1);
  ASSERT_THAT(file->Values(value, 3), IsOk());
  EXPECT_EQ(counting.operations() - before, first + 1);
}

TEST_F(SstFileBlocksTest, SeriesTagsAndTimes) {
  const int hosts = 70;
  const int per_host = 700;
  auto options = TestOptions("a");
  options.row_group_rows = 30'000;
  const auto meta = *WriteSst(*store_, HostSchema(), options, {HostRows(hosts, per_host)});
  const auto file = Open(meta);
  ASSERT_TRUE(file->HasSeries());
  const auto index = *file->Series();
  ASSERT_EQ(index->size(), static_cast<size_t>(hosts));
  const auto tags = *file->TagValues(*HostSchema().Find("host"));
  for (int host = 0; host < hosts; ++host) {
    const auto tsid = static_cast<uint64_t>(host + 1) * 1'000'003;
    EXPECT_EQ(index->Find(tsid), static_cast<size_t>(host));
    EXPECT_EQ(index->Find(tsid + 1), std::nullopt);
    const RowRange rows = index->rows(static_cast<size_t>(host));
    EXPECT_EQ(rows, (RowRange{static_cast<uint64_t>(host * per_host),
                              static_cast<uint64_t>((host + 1) * per_host)}));
    EXPECT_EQ(index->SeriesOf(rows.begin), static_cast<size_t>(host));
    EXPECT_EQ(index->SeriesOf(rows.end - 1), static_cast<size_t>(host));
    EXPECT_EQ(static_cast<const arrow::StringArray&>(*tags).GetView(host),
              "host_" + std::to_string(host));
    EXPECT_EQ(*file->NarrowToTime(rows, 10'000'000, 20'000'000),
              (RowRange{rows.begin + 10, rows.begin + 20}));
    EXPECT_EQ(*file->NarrowToTime(rows, 10'000'001, 11'000'001),
              (RowRange{rows.begin + 11, rows.begin + 12}));
    EXPECT_EQ(*file->NarrowToTime(rows, -5, int64_t{1} << 60), rows);
    const RowRange none = *file->NarrowToTime(rows, int64_t{1} << 59, int64_t{1} << 60);
    EXPECT_EQ(none.begin, none.end);
  }
}

TEST_F(SstFileBlocksTest, KeysAreFound) {
  const auto meta = *WriteSst(*store_, HostSchema(), TestOptions("a"), {HostRows(20, 1'000)});
  const auto file = Open(meta);
  const auto tsid = [](uint64_t host) { return (host + 1) * 1'000'003; };
  const std::vector<SeriesTime> keys = {{0, 0},                  // no such series
                                        {tsid(2), -1},           // before all
                                        {tsid(2), 0},            // the first row
                                        {tsid(2), 5'000'000},    //
                                        {tsid(2), 5'000'000},    // twice
                                        {tsid(2), 5'000'001},    // between rows
                                        {tsid(2), 999'000'000},  // the last row
                                        {tsid(3), 7'000'000},
                                        {tsid(19), int64_t{1} << 60}};
  const auto rows = file->FindKeys(keys);
  ASSERT_THAT(rows, IsOk());
  EXPECT_THAT(*rows, ElementsAre(2'000, 2'005, 2'999, 3'007));
  EXPECT_THAT(*file->FindKeys({}), IsEmpty());
}

TEST_F(SstFileBlocksTest, SeriesWhoseTagsDifferAreNotShared) {
  const auto schema = HostSchema();
  const auto rows = HostRows(2, 4);  // a a a a b b b b
  const auto change = [&](std::vector<int> codes) {
    arrow::Int32Builder indices;
    for (const int code : codes) {
      EXPECT_TRUE((code < 0 ? indices.AppendNull() : indices.Append(code)).ok());
    }
    arrow::StringBuilder names;
    EXPECT_TRUE(names.AppendValues({"x", "y"}).ok());
    return *rows->SetColumn(
        2, arrow::field("host", TestDictionary()),
        *arrow::DictionaryArray::FromArrays(TestDictionary(), *indices.Finish(), *names.Finish()));
  };
  const auto has_series = [&](std::vector<std::shared_ptr<arrow::RecordBatch>> batches) {
    return Open(*WriteSst(*store_, schema, TestOptions("a"), batches))->HasSeries();
  };
  EXPECT_TRUE(has_series({change({0, 0, 0, 0, 1, 1, 1, 1})}));
  EXPECT_TRUE(has_series({change({-1, -1, -1, -1, 1, 1, 1, 1})}));
  EXPECT_FALSE(has_series({change({0, 0, 1, 0, 1, 1, 1, 1})}));
  EXPECT_FALSE(has_series({change({0, 0, 0, -1, 1, 1, 1, 1})}));
  EXPECT_FALSE(has_series({change({0, 0, 0, 0, 1, 1, 1, 0})}));
  const auto constant = change({0, 0, 0, 0, 1, 1, 1, 1});
  EXPECT_TRUE(has_series({constant->Slice(0, 2), constant->Slice(2)}));
  const auto other = change({0, 0, 1, 1, 1, 1, 1, 1});
  EXPECT_FALSE(has_series({other->Slice(0, 2), other->Slice(2)}));
}

TEST_F(SstFileBlocksTest, AFailedReadIsTheStoresError) {
  const auto meta = *WriteSst(*store_, HostSchema(), TestOptions("a"), {HostRows(3, 100)});
  FaultyObjectStore faulty(store_);
  const auto cache = SstCache::Make(faulty, kCacheBytes);
  const auto file = *cache->Open(meta);
  const ColumnSchema value = *HostSchema().Find("value");
  faulty.faults().FailAt(1, FaultKind::kError);
  EXPECT_THAT(file->Values(value, 0), IsError(ErrorKind::kIo, HasSubstr("data file 'a'")));
  EXPECT_THAT(file->Values(value, 0), IsOk());
}

// Everything that is read of a file; empty: there was an error, which names the file.
arrow::ArrayVector Everything(const SstFile& file, const TableSchema& schema) {
  arrow::ArrayVector all;
  const auto add = [&](const Result<std::shared_ptr<arrow::Array>>& read) {
    if (!read) {
      EXPECT_THAT(read, IsError(ErrorKind::kCorruption, HasSubstr("a.parquet")));
      return false;
    }
    all.push_back(*read);
    return true;
  };
  for (size_t block = 0; block < file.blocks().size(); ++block) {
    for (const ColumnSchema& column : schema.columns()) {
      if (!add(file.Values(column, block))) {
        return {};
      }
    }
  }
  if (file.HasSeries() && !add(file.TagValues(*schema.Find("host")))) {
    return {};
  }
  return all;
}

TEST_F(SstFileBlocksTest, ADamagedByteGivesAnErrorOrTheRightValues) {
  const auto schema = HostSchema();
  auto options = TestOptions("a.parquet");
  options.row_group_rows = 40;
  const auto meta = *WriteSst(*store_, schema, options, {HostRows(3, 33)});
  const auto whole = Open(meta);
  ASSERT_TRUE(whole->HasSeries());
  const arrow::ArrayVector good = Everything(*whole, schema);
  const std::string bytes = *store_->Get("a.parquet");
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937 random(seed);
  size_t refused = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (const int mask : {1 << random() % 8, static_cast<int>(1 + random() % 255)}) {
      SCOPED_TRACE(fmt::format("byte {} ^ {}", i, mask));
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ mask);
      ASSERT_THAT(store_->Put("a.parquet", damaged), IsOk());
      const auto file = SstCache::Make(*store_, kCacheBytes)->Open(meta);
      if (!file) {
        ASSERT_TRUE(file.error().kind == ErrorKind::kCorruption ||
                    file.error().kind == ErrorKind::kNotSupported);
        ASSERT_THAT(file, IsError(file.error().kind, HasSubstr("a.parquet")));
        ++refused;
        continue;
      }
      const arrow::ArrayVector read = Everything(**file, schema);
      if (read.empty()) {
        ++refused;
        continue;
      }
      ASSERT_EQ(read.size(), good.size() - ((*file)->HasSeries() ? 0 : 1));
      for (size_t j = 0; j < read.size(); ++j) {
        ASSERT_TRUE(read[j]->Equals(good[j])) << j;
      }
    }
  }
  EXPECT_GT(refused, bytes.size() / 2);
}

}  // namespace
}  // namespace varve
