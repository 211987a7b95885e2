// What a compaction writes: the rows of its inputs, in key order, no more and no less, whatever the
// columns, keys, deletions and limits; and where each row went.
#include "engine/compaction_job.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/cast.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/matchers.h"
#include "engine/row_mapping.h"
#include "engine/test_rows.h"
#include "sst/deletion_vector.h"
#include "sst/sst_writer.h"
#include "store/faulty_store.h"
#include "store/memory_store.h"

namespace varve {
namespace {

using testing::HasSubstr;

// A row by the numbers that its values are made of; nullopt: NULL.
struct Row {
  uint64_t series = 0;
  int64_t time = 0;
  std::vector<std::optional<int64_t>> values;  // of all columns but tags and keys
};

std::shared_ptr<arrow::Array> CastTo(std::shared_ptr<arrow::Array> array,
                                     const std::shared_ptr<arrow::DataType>& type) {
  return arrow::compute::Cast(*array, type).ValueOrDie();
}

std::shared_ptr<arrow::Array> ValuesOf(ColumnType type,
                                       const std::vector<std::optional<int64_t>>& numbers) {
  arrow::Int64Builder builder;
  for (const auto& number : numbers) {
    EXPECT_TRUE((number ? builder.Append(*number) : builder.AppendNull()).ok());
  }
  auto array = builder.Finish().ValueOrDie();
  if (type == ColumnType::kDate) {
    array = CastTo(array, arrow::int32());
  }
  if (type == ColumnType::kVarbinary) {
    array = CastTo(array, arrow::utf8());
  }
  return CastTo(array, ArrowType(type));
}

std::string ValueText(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) {
    return "NULL";
  }
  if (array.type_id() == arrow::Type::DICTIONARY) {
    const auto& dictionary = static_cast<const arrow::DictionaryArray&>(array);
    return ValueText(*dictionary.dictionary(), dictionary.GetValueIndex(row));
  }
  return array.GetScalar(row).ValueOrDie()->ToString();
}

std::string RowText(const arrow::RecordBatch& batch, int64_t row) {
  std::string text;
  for (const auto& column : batch.columns()) {
    text += ValueText(*column, row) + "|";
  }
  return text;
}

// Tags host and rack, a dictionary column, and one column of each type.
TableSpec AllTypesSpec() {
  TableSpec spec;
  spec.columns = {{.name = "host", .type = ColumnType::kString, .tag = true},
                  {.name = "rack", .type = ColumnType::kUInt32, .tag = true},
                  {.name = "t", .type = ColumnType::kTimestamp},
                  {.name = "note", .type = ColumnType::kString, .dictionary = true}};
  spec.timestamp_key = "t";
  for (const ColumnType type : kAllColumnTypes) {
    spec.columns.push_back({.name = fmt::format("c_{}", ColumnTypeName(type)), .type = type});
  }
  return spec;
}

class CompactionJobTest : public testing::Test {
 protected:
  void UseSpec(const TableSpec& spec) {
    schema_ = std::make_shared<const TableSchema>(TableSchema::Make(spec).value());
  }

  std::shared_ptr<arrow::RecordBatch> BatchOf(const std::vector<Row>& rows) const {
    arrow::FieldVector fields;
    arrow::ArrayVector columns;
    size_t next_value = 0;
    for (const ColumnSchema& column : schema_->columns()) {
      std::vector<std::optional<int64_t>> numbers;
      const bool is_value =
          column.name != kTsidColumn && column.name != schema_->timestamp().name && !column.tag;
      for (const Row& row : rows) {
        if (column.name == schema_->timestamp().name) {
          numbers.push_back(row.time * 1000);
        } else {
          numbers.push_back(is_value ? row.values[next_value]
                                     : std::optional<int64_t>(static_cast<int64_t>(row.series)));
        }
      }
      next_value += is_value ? 1 : 0;
      auto values = ValuesOf(column.type, numbers);
      if (column.type == ColumnType::kString && column.tag) {
        values = arrow::compute::DictionaryEncode(values).ValueOrDie().make_array();
      }
      fields.push_back(arrow::field(column.name, values->type()));
      columns.push_back(std::move(values));
    }
    return arrow::RecordBatch::Make(arrow::schema(fields), static_cast<int64_t>(rows.size()),
                                    columns);
  }

  // Writes a file of the rows, which are sorted.
  FileMeta WriteFile(const std::vector<Row>& rows, uint64_t sequence) {
    const auto batch = BatchOf(rows);
    for (int64_t i = 0; i < batch->num_rows(); ++i) {
      texts_[sequence].push_back(RowText(*batch, i));
    }
    SstWriterOptions options;
    options.id = ids_.NewUuid();
    options.path = fmt::format("tables/x/data/0/{}.parquet", options.id.ToString());
    options.row_group_rows = 1000;
    auto writer = SstWriter::Open(store_, *schema_, options).value();
    EXPECT_THAT(writer->Write(*batch), IsOk());
    return writer->Finish(Sequence(sequence)).value();
  }

  void Delete(FileMeta& file, const std::vector<uint64_t>& rows) {
    file.deletion_vector =
        WriteDeletionVector(store_, file.path + ".dv", DeletionVector::FromRows(rows)).value();
    for (const uint64_t row : rows) {
      texts_[file.sequence_max.value()][row].clear();
    }
  }

  CompactionInput Input(std::vector<FileMeta> files) {
    CompactionInput input;
    input.store = &store_;
    input.ids = &ids_;
    input.table_folder = "tables/x";
    input.schema = schema_;
    input.files = std::move(files);
    return input;
  }

  std::vector<std::string> ReadFile(const FileMeta& file) {
    std::vector<std::string> texts;
    auto reader = SstReader::Open(store_, file, *schema_).value();
    while (const auto batch = reader->Next().value()) {
      for (int64_t i = 0; i < batch->num_rows(); ++i) {
        texts.push_back(RowText(*batch, i));
      }
    }
    return texts;
  }

  // All rows that were written and not deleted.
  std::multiset<std::string> Expected() const {
    std::multiset<std::string> expected;
    for (const auto& [sequence, texts] : texts_) {
      for (const auto& text : texts) {
        if (!text.empty()) {
          expected.insert(text);
        }
      }
    }
    return expected;
  }

  std::vector<Row> RandomRows(size_t count, uint64_t series, int64_t time_min, int64_t time_max) {
    std::vector<Row> rows(count);
    for (Row& row : rows) {
      row.series = random_() % series + 1;
      row.time =
          time_min + static_cast<int64_t>(random_() % static_cast<uint64_t>(time_max - time_min));
      for (size_t i = 0; i < schema_->columns().size(); ++i) {
        row.values.push_back(random_() % 5 == 0 ? std::nullopt
                                                : std::optional<int64_t>(random_() % 100));
      }
    }
    std::ranges::stable_sort(rows, {}, [](const Row& r) { return std::pair(r.series, r.time); });
    return rows;
  }

  const ManualClock clock_{TimestampUs(0)};
  FaultyObjectStore store_{std::make_shared<MemoryObjectStore>(&clock_)};
  SeededIdSource ids_{1};
  std::mt19937_64 random_{7};
  std::shared_ptr<const TableSchema> schema_;
  std::map<uint64_t, std::vector<std::string>> texts_;  // of the rows by file; "" = deleted
};

TEST_F(CompactionJobTest, AllColumnTypesAndDeletionsOfTheDefaultKey) {
  UseSpec(AllTypesSpec());
  std::vector<FileMeta> files;
  for (uint64_t sequence = 1; sequence <= 5; ++sequence) {
    // Times overlap, so that runs are short in some series and long in others.
    const auto from = static_cast<int64_t>(sequence) * 500;
    files.push_back(
        WriteFile(RandomRows(3000 + 4000 * (sequence % 2), 20, from, from + 900), sequence));
  }
  std::vector<uint64_t> rows;
  for (uint64_t row = 0; row < files[1].rows; row += 1 + row % 7) {
    rows.push_back(row);
  }
  Delete(files[1], rows);
  Delete(files[3], {0, 1, 2, files[3].rows - 1});
  CompactionJob job(Input(files));
  const auto edit = job.Run();
  ASSERT_THAT(edit, IsOk());
  ASSERT_EQ(edit->added_files.size(), 1u);
  EXPECT_EQ(edit->removed_files.size(), 5u);
  EXPECT_EQ(edit->added_files[0].sequence_max, Sequence(5));
  EXPECT_EQ(edit->kind, EditKind::kCompact);
  const auto read = ReadFile(edit->added_files[0]);
  EXPECT_EQ(std::multiset<std::string>(read.begin(), read.end()), Expected());
  // That the order is right the writer has checked; where each row went the job says.
  for (size_t input = 0; input < files.size(); ++input) {
    const auto& texts = texts_[input + 1];
    std::vector<std::vector<uint64_t>> wanted(files.size());
    for (uint64_t row = 0; row < texts.size(); ++row) {
      if (!texts[row].empty()) {
        wanted[input].push_back(row);
      }
    }
    const auto places = job.mapping().OutputRows(wanted);
    ASSERT_EQ(places.size(), wanted[input].size());
    for (size_t i = 0; i < places.size(); ++i) {
      ASSERT_EQ(read[places[i]], texts[wanted[input][i]]);
    }
  }
}

TEST_F(CompactionJobTest, AnExplicitKeyIsMergedByItsColumns) {
  TableSpec spec = AllTypesSpec();
  spec.primary_key = {"c_int", "host", "t"};
  UseSpec(spec);
  const auto key_of = [&](const Row& row) {
    return std::tuple(row.values[0], std::to_string(row.series), row.time);
  };
  std::vector<FileMeta> files;
  for (uint64_t sequence = 1; sequence <= 4; ++sequence) {
    auto rows = RandomRows(2000, 12, 0, 50);
    for (Row& row : rows) {
      row.values[0] = row.values[0].value_or(7);
    }
    std::ranges::stable_sort(rows, {}, key_of);
    files.push_back(WriteFile(rows, sequence));
  }
  Delete(files[2], {5, 6, 7, 100});
  const auto edit = CompactionJob(Input(files)).Run();
  ASSERT_THAT(edit, IsOk());
  auto reader = SstReader::Open(store_, edit->added_files.at(0), *schema_).value();
  std::optional<std::tuple<int32_t, std::string, int64_t>> last;
  while (const auto batch = reader->Next().value()) {
    for (int64_t i = 0; i < batch->num_rows(); ++i) {
      std::tuple key(static_cast<const arrow::Int32Array&>(*batch->column(0)).Value(i),
                     TextAt(*batch->column(1), i),
                     static_cast<const arrow::TimestampArray&>(*batch->column(2)).Value(i));
      ASSERT_TRUE(!last || *last <= key);
      last = std::move(key);
    }
  }
  const auto read = ReadFile(edit->added_files[0]);
  EXPECT_EQ(std::multiset<std::string>(read.begin(), read.end()), Expected());
}

TEST_F(CompactionJobTest, EqualKeysStayInTheOrderOfTheirFiles) {
  UseSpec(TestSpec());
  std::vector<FileMeta> files;
  for (uint64_t sequence = 1; sequence <= 3; ++sequence) {
    std::vector<Row> rows;
    for (uint64_t series = 1; series <= 2; ++series) {
      for (int64_t copy = 0; copy < 2; ++copy) {
        rows.push_back({series, 5, {static_cast<int64_t>(sequence * 10) + copy}});
      }
    }
    files.push_back(WriteFile(rows, sequence));
  }
  const auto edit = CompactionJob(Input(files)).Run();
  ASSERT_THAT(edit, IsOk());
  std::vector<std::string> values;
  for (const auto& text : ReadFile(edit->added_files.at(0))) {
    values.push_back(text.substr(text.rfind('|', text.size() - 2) + 1));
  }
  const std::vector<std::string> one = {"10|", "11|", "20|", "21|", "30|", "31|"};
  std::vector<std::string> both = one;
  both.insert(both.end(), one.begin(), one.end());
  EXPECT_EQ(values, both);
}

TEST_F(CompactionJobTest, OutputsAreOfOneSizeAndShareNoKey) {
  UseSpec(TestSpec());
  std::vector<FileMeta> files = {WriteFile(RandomRows(5000, 10, 0, 40), 1),
                                 WriteFile(RandomRows(5000, 10, 0, 40), 2)};
  CompactionInput input = Input(files);
  input.limits.output_rows_max = 3000;
  CompactionJob job(std::move(input));
  const auto edit = job.Run();
  ASSERT_THAT(edit, IsOk());
  ASSERT_EQ(edit->added_files.size(), 4u);
  std::multiset<std::string> all;
  std::set<std::string> keys_before;
  for (const FileMeta& file : edit->added_files) {
    EXPECT_GT(file.rows, 2300u);
    EXPECT_LT(file.rows, 2700u);
    std::set<std::string> keys;
    for (const auto& text : ReadFile(file)) {
      all.insert(text);
      keys.insert(text.substr(0, text.find('|', text.find('|') + 1)));
    }
    for (const auto& key : keys) {
      EXPECT_FALSE(keys_before.contains(key)) << key;
    }
    keys_before.merge(keys);
  }
  EXPECT_EQ(all, Expected());
}

TEST_F(CompactionJobTest, OneKeyMayFillAFileOfAnySize) {
  UseSpec(TestSpec());
  std::vector<FileMeta> files = {WriteFile(RandomRows(1000, 1, 3, 4), 1),
                                 WriteFile(RandomRows(1000, 1, 3, 4), 2)};
  CompactionInput input = Input(files);
  input.limits.output_rows_max = 100;
  const auto edit = CompactionJob(std::move(input)).Run();
  ASSERT_THAT(edit, IsOk());
  ASSERT_EQ(edit->added_files.size(), 1u);
  EXPECT_EQ(edit->added_files[0].rows, 2000u);
}

TEST_F(CompactionJobTest, ColumnsThatCameLaterAreNullInOlderRows) {
  UseSpec(TestSpec());
  const FileMeta old_file = WriteFile({{1, 1, {10}}, {1, 3, {30}}}, 1);
  for (auto& text : texts_[1]) {
    text += "NULL|NULL|";
  }
  schema_ = std::make_shared<const TableSchema>(
      schema_
          ->WithColumnsAdded({{.name = "note", .type = ColumnType::kString, .dictionary = true},
                              {.name = "more", .type = ColumnType::kDouble}})
          .value());
  const FileMeta new_file = WriteFile({{1, 2, {20, 21, 22}}, {2, 1, {40, 41, std::nullopt}}}, 2);
  const auto edit = CompactionJob(Input({old_file, new_file})).Run();
  ASSERT_THAT(edit, IsOk());
  EXPECT_EQ(edit->added_files.at(0).schema_id, schema_->schema_id());
  const auto read = ReadFile(edit->added_files[0]);
  EXPECT_EQ(std::multiset<std::string>(read.begin(), read.end()), Expected());
}

TEST_F(CompactionJobTest, AFileWithoutLiveRowsLeavesNothing) {
  UseSpec(TestSpec());
  FileMeta file = WriteFile({{1, 1, {10}}, {1, 3, {30}}}, 1);
  Delete(file, {0, 1});
  const auto edit = CompactionJob(Input({file})).Run();
  ASSERT_THAT(edit, IsOk());
  EXPECT_TRUE(edit->added_files.empty());
  EXPECT_EQ(edit->removed_files.size(), 1u);
}

TEST_F(CompactionJobTest, ADamagedInputIsNamedAndNothingIsLeft) {
  UseSpec(TestSpec());
  const std::vector<FileMeta> files = {WriteFile(RandomRows(3000, 9, 0, 90), 1),
                                       WriteFile(RandomRows(3000, 9, 0, 90), 2)};
  const auto damage = [&](const auto& change) {
    std::string bytes = store_.Get(files[1].path).value();
    const std::string before = bytes;
    change(bytes);
    EXPECT_THAT(store_.Put(files[1].path, bytes), IsOk());
    CompactionInput input = Input(files);
    input.limits.output_rows_max = 500;  // some outputs are whole by then
    CompactionJob job(std::move(input));
    EXPECT_THAT(job.Run(), IsError(ErrorKind::kCorruption, HasSubstr(files[1].path)));
    EXPECT_EQ(job.damaged_input(), files[1].id);
    EXPECT_EQ(store_.List("tables/x/data").value().size(), 2u);
    EXPECT_THAT(store_.Put(files[1].path, before), IsOk());
  };
  damage([](std::string& bytes) { bytes[bytes.size() / 2] ^= 1; });
  damage([](std::string& bytes) { bytes.pop_back(); });
  damage([](std::string& bytes) { bytes[bytes.size() - 20] ^= 1; });
  ASSERT_THAT(store_.Delete(files[0].path), IsOk());
  CompactionJob job(Input(files));
  EXPECT_THAT(job.Run(), IsError(ErrorKind::kNotFound, HasSubstr(files[0].path)));
  EXPECT_EQ(job.damaged_input(), files[0].id);
}

TEST_F(CompactionJobTest, EachOperationOfTheStoreFailsOnceAndLeavesNothing) {
  UseSpec(TestSpec());
  std::vector<FileMeta> files = {WriteFile(RandomRows(300, 9, 0, 90), 1),
                                 WriteFile(RandomRows(300, 9, 0, 90), 2)};
  Delete(files[0], {3, 4});
  const size_t objects = store_.List("").value().size();
  for (uint64_t n = 1;; ++n) {
    ASSERT_LT(n, 200u);
    const uint64_t before = store_.faults().failures();
    store_.faults().FailAt(n, FaultKind::kError);
    CompactionJob job(Input(files));
    const auto edit = job.Run();
    const bool failed = store_.faults().failures() > before;
    store_.faults().Restart();
    if (!failed) {
      EXPECT_THAT(edit, IsOk());
      break;
    }
    EXPECT_THAT(edit, IsError(ErrorKind::kIo));
    EXPECT_FALSE(job.damaged_input().has_value());
    EXPECT_EQ(store_.List("").value().size(), objects);
  }
}

TEST_F(CompactionJobTest, ItStopsBetweenBatchesWhenToldTo) {
  UseSpec(TestSpec());
  CompactionInput input = Input({WriteFile(RandomRows(40'000, 9, 0, 90), 1)});
  int calls = 0;
  uint64_t bytes = 0;
  input.proceed = [&](uint64_t more) -> Status {
    bytes += more;
    return ++calls == 3 ? Cancelled("enough") : Status();
  };
  const uint64_t size = input.files[0].size_bytes;
  CompactionJob job(std::move(input));
  EXPECT_THAT(job.Run(), IsError(ErrorKind::kCancelled, HasSubstr("enough")));
  EXPECT_EQ(calls, 3);
  EXPECT_NEAR(static_cast<double>(bytes),
              2.0 * static_cast<double>(size * job.rows_read()) / 40'000, 1000);
  EXPECT_EQ(store_.List("tables/x/data").value().size(), 1u);
}

TEST(RowMappingTest, FindsRowsAcrossRunsAndPassesOverThoseLeftOut) {
  RowMapping mapping(2);
  mapping.Append(0, 0, 3);     // output 0 to 2
  mapping.Append(1, 5, 300);   // 3 to 302
  mapping.Append(1, 305, 10);  // 303 to 312
  mapping.Append(0, 100, 1);   // 313
  EXPECT_EQ(mapping.row_count(), 314u);
  EXPECT_EQ(mapping.OutputRows({{0, 2, 3, 99, 100, 101}, {0, 4, 5, 305, 314, 315}}),
            (std::vector<uint64_t>{0, 2, 3, 303, 312, 313}));
  EXPECT_TRUE(mapping.OutputRows({{}, {}}).empty());
}

}  // namespace
}  // namespace varve
