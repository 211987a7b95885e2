// The database as its callers see it: what was written can be read, at every moment, through
// flushes, alterations, restarts, concurrent writers and a full memory.
#include "engine/database.h"

#include <gtest/gtest.h>

#include <thread>

#include "engine/points.h"
#include "engine/test_memory_database.h"
#include "engine/test_rows.h"
#include "store/memory_store.h"

namespace varve {
namespace {

using testing::HasSubstr;

class DatabaseTest : public testing::Test {
 protected:
  void SetUp() override { Reopen(); }

  void Reopen(uint64_t memory_bytes_max = 1 << 30) {
    DatabaseOptions options;
    options.write_memory_bytes_max = memory_bytes_max;
    options.write_wait = std::chrono::milliseconds(0);
    options.auto_create_tables = auto_create_tables_;
    database_.Start(std::move(options));
  }

  std::shared_ptr<Table> Create(const std::string& name, TableOptions options = {}) {
    auto table = database_->CreateTable("public", name, TestSpec(), options);
    EXPECT_THAT(table, IsOk());
    return *table;
  }

  Status Write(const std::shared_ptr<Table>& table, const std::vector<TestRow>& rows) {
    VARVE_TRY(database_.WriteBatch(table, TestBatch(*table->schema(), rows)));
    return {};
  }

  TestRows Read(const std::string& name) {
    const auto table = database_->FindTable("public", name);
    EXPECT_THAT(table, IsOk());
    const auto rows = ReadRows(store_, (*table)->View().value());
    EXPECT_THAT(rows, IsOk());
    return *rows;
  }

  bool auto_create_tables_ = true;
  ManualClock clock_{TimestampUs(1'000'000)};
  MemoryObjectStore store_{&clock_};
  MemoryDatabase database_{&store_, &clock_};
};

TEST_F(DatabaseTest, RowsAreThereBeforeAndAfterAFlushAndARestart) {
  const auto table = Create("cpu");
  ASSERT_THAT(Write(table, {{"a", 1, 10}, {"b", 2, 20}}), IsOk());
  const TestRows first = {{"a", 1, 10}, {"b", 2, 20}};
  EXPECT_EQ(Read("cpu"), first);
  Reopen();
  EXPECT_EQ(Read("cpu"), first);
  EXPECT_EQ(database_->stats().recovered_rows, 2u);
  ASSERT_THAT(database_->FlushAll(), IsOk());
  EXPECT_EQ(Read("cpu"), first);
  ASSERT_THAT(Write(*database_->FindTable("public", "cpu"), {{"a", 3, 30}}), IsOk());
  Reopen();
  EXPECT_EQ(database_->stats().recovered_rows, 1u);
  EXPECT_EQ(Read("cpu"), (TestRows{{"a", 1, 10}, {"b", 2, 20}, {"a", 3, 30}}));
}

TEST_F(DatabaseTest, AViewStaysWhatItIs) {
  const auto table = Create("cpu");
  ASSERT_THAT(Write(table, {{"a", 1, 10}}), IsOk());
  const ReadView before = table->View().value();
  ASSERT_THAT(Write(table, {{"a", 2, 20}}), IsOk());
  ASSERT_THAT(table->Flush(), IsOk());
  ASSERT_THAT(database_->DropTable("public", "cpu"), IsOk());
  EXPECT_EQ(ReadRows(store_, before).value(), (TestRows{{"a", 1, 10}}));
  EXPECT_THAT(database_->FindTable("public", "cpu"),
              IsError(ErrorKind::kNotFound, "Table not found, table:cpu"));
  EXPECT_THAT(Write(table, {{"a", 3, 30}}), IsError(ErrorKind::kNotFound));
}

TEST_F(DatabaseTest, ADroppedTableIsGoneAfterARestartAndItsNameIsFree) {
  ASSERT_THAT(Write(Create("cpu"), {{"a", 1, 10}}), IsOk());
  ASSERT_THAT(database_->DropTable("public", "cpu"), IsOk());
  Reopen();
  EXPECT_THAT(database_->FindTable("public", "cpu"), IsError(ErrorKind::kNotFound));
  Create("cpu");
  EXPECT_TRUE(Read("cpu").empty());
}

TEST_F(DatabaseTest, DdlErrorsNameTheThing) {
  Create("cpu");
  EXPECT_THAT(database_->CreateTable("public", "cpu", TestSpec(), {}),
              IsError(ErrorKind::kAlreadyExists, HasSubstr("table:cpu")));
  EXPECT_THAT(database_->CreateTable("nowhere", "cpu", TestSpec(), {}),
              IsError(ErrorKind::kNotFound, "Schema not found, schema_name:nowhere"));
  EXPECT_THAT(database_->CreateTable("public", "", TestSpec(), {}),
              IsError(ErrorKind::kInvalidArgument));
  EXPECT_THAT(database_->DropTable("public", "mem"),
              IsError(ErrorKind::kNotFound, HasSubstr("table:mem")));
  ASSERT_THAT(database_->CreateSchema("other"), IsOk());
  EXPECT_THAT(database_->CreateTable("other", "cpu", TestSpec(), {}), IsOk());
}

TEST_F(DatabaseTest, ColumnsAndOptionsOutliveARestart) {
  auto table = Create("cpu");
  ASSERT_THAT(Write(table, {{"a", 1, 10}}), IsOk());
  ASSERT_THAT(table->Flush(), IsOk());
  ASSERT_THAT(table->AddColumns({{.name = "note", .type = ColumnType::kString}}), IsOk());
  ASSERT_THAT(table->ModifyOptions({{"ttl", "30d"}}), IsOk());
  ASSERT_THAT(Write(table, {{"a", 2, 20}}), IsOk());
  Reopen();
  table = *database_->FindTable("public", "cpu");
  EXPECT_NE(table->schema()->Find("note"), nullptr);
  EXPECT_EQ(table->options().ttl, std::chrono::days(30));
  EXPECT_EQ(table->options().segment_duration, std::chrono::hours(2));
  EXPECT_EQ(Read("cpu"), (TestRows{{"a", 1, 10}, {"a", 2, 20}}));
}

TEST_F(DatabaseTest, ABatchThatDoesNotFitIsRefusedWhole) {
  const auto table = Create("cpu");
  auto batch = TestBatch(*table->schema(), {{"a", 1, 10}});
  batch.column_ids[1] = 77;
  std::vector<TableWrite> writes;
  writes.push_back({table, std::move(batch)});
  EXPECT_THAT(database_->Write(std::move(writes)),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("77")));
  EXPECT_THAT(Write(table, {{"a", int64_t{1} << 53, 10}}),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("Timestamp out of range, column:t")));
  EXPECT_TRUE(Read("cpu").empty());
}

TEST_F(DatabaseTest, AFullMemtableIsFlushedByItself) {
  TableOptions options;
  options.write_buffer_size_bytes = 64 << 10;
  const auto table = Create("cpu", options);
  TestRows expected;
  for (int i = 0; i < 200; ++i) {
    std::vector<TestRow> rows;
    for (int j = 0; j < 100; ++j) {
      rows.push_back({fmt::format("h{}", j % 10), i * 100 + j, i});
      expected.insert(rows.back());
    }
    ASSERT_THAT(Write(table, rows), IsOk());
  }
  ASSERT_THAT(database_->FlushAll(), IsOk());
  EXPECT_GT(database_->stats().flushes, 2u);
  EXPECT_EQ(database_->stats().memtable_bytes, 0u);
  EXPECT_EQ(Read("cpu"), expected);
  EXPECT_EQ(database_.log().tables[table->id()].size(), 0u);
}

TEST_F(DatabaseTest, WritersAndReadersAtOnceSeeWholeRequestsOnly) {
  constexpr int kWriters = 4;
  constexpr int kRequests = 150;
  constexpr int kRowsPerRequest = 7;
  TableOptions options;
  options.write_buffer_size_bytes = 64 << 10;
  const auto table = Create("cpu", options);
  std::vector<std::thread> threads;
  std::atomic<bool> done = false;
  for (int w = 0; w < kWriters; ++w) {
    threads.emplace_back([&, w] {
      for (int r = 0; r < kRequests; ++r) {
        std::vector<TestRow> rows;
        for (int i = 0; i < kRowsPerRequest; ++i) {
          rows.push_back({fmt::format("w{}", w), r * kRowsPerRequest + i, r});
        }
        EXPECT_THAT(Write(table, rows), IsOk());
      }
    });
  }
  std::thread flusher([&] {
    while (!done) {
      EXPECT_THAT(table->Flush(), IsOk());
    }
  });
  for (int i = 0; i < 50; ++i) {
    const auto rows = ReadRows(store_, table->View().value());
    ASSERT_THAT(rows, IsOk());
    std::map<std::pair<std::string, int64_t>, int> per_request;
    for (const auto& row : *rows) {
      ++per_request[{row.host, row.value}];
    }
    for (const auto& [request, count] : per_request) {
      EXPECT_EQ(count, kRowsPerRequest) << request.first << " " << request.second;
    }
  }
  for (auto& thread : threads) {
    thread.join();
  }
  done = true;
  flusher.join();
  EXPECT_EQ(Read("cpu").size(), size_t{kWriters} * kRequests * kRowsPerRequest);
  Reopen();
  EXPECT_EQ(Read("cpu").size(), size_t{kWriters} * kRequests * kRowsPerRequest);
}

TEST_F(DatabaseTest, WithoutMemoryAWriteIsRefusedAndNothingIsLost) {
  Reopen(8 << 10);
  const auto table = Create("cpu");
  std::vector<TestRow> large;
  for (int i = 0; i < 1000; ++i) {
    large.push_back({"h", i, i});
  }
  ASSERT_THAT(Write(table, {{"h", -1, 1}}), IsOk());
  EXPECT_THAT(Write(table, large), IsError(ErrorKind::kResourceExhausted, HasSubstr("try again")));
  EXPECT_EQ(database_->stats().rejected_writes, 1u);
  EXPECT_EQ(Read("cpu"), (TestRows{{"h", -1, 1}}));
  ASSERT_THAT(database_->FlushAll(), IsOk());
  // A request larger than the limit is taken when there is nothing else in memory.
  EXPECT_THAT(Write(table, large), IsOk());
  EXPECT_EQ(Read("cpu").size(), 1001u);
}

PointBatch Points(const std::string& table, std::vector<std::string> tags, const std::string& field,
                  ColumnType type, std::shared_ptr<arrow::Array> values) {
  PointBatch points;
  points.table = table;
  points.tag_names = std::move(tags);
  points.series_count = 1;
  for (size_t i = 0; i < points.tag_names.size(); ++i) {
    points.series_tags.push_back("x");
  }
  for (int64_t i = 0; i < values->length(); ++i) {
    points.row_series.push_back(0);
    points.time_us.push_back(i * 1000);
  }
  points.fields.push_back({field, type, std::move(values)});
  return points;
}

std::shared_ptr<arrow::Array> Integers(std::vector<int64_t> values) {
  arrow::Int64Builder builder;
  EXPECT_TRUE(builder.AppendValues(values).ok());
  return builder.Finish().ValueOrDie();
}

TEST_F(DatabaseTest, PointsMakeTheirTableAndColumns) {
  std::vector<PointBatch> first;
  first.push_back(Points("m", {"region", "host"}, "value", ColumnType::kInt64, Integers({1, 2})));
  ASSERT_THAT(database_->WritePoints("public", std::move(first)), IsOk());
  std::vector<PointBatch> second;
  second.push_back(Points("m", {"host", "rack"}, "load", ColumnType::kInt64, Integers({3})));
  ASSERT_THAT(database_->WritePoints("public", std::move(second)), IsOk());
  Reopen();
  const auto table = database_->FindTable("public", "m");
  ASSERT_THAT(table, IsOk());
  std::vector<std::string> names;
  for (const auto& column : (*table)->schema()->columns()) {
    names.push_back(column.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"tsid", "timestamp", "host", "region", "value", "load",
                                             "rack"}));
  EXPECT_FALSE((*table)->options().enable_ttl);
  EXPECT_EQ((*table)->View().value().memtables[0].row_count(), 3u);
}

TEST_F(DatabaseTest, PointsMakeNoTableWhereThatIsOff) {
  auto_create_tables_ = false;
  Reopen();
  Create("cpu");
  const auto write = [&](const std::string& table) {
    std::vector<PointBatch> batches;
    batches.push_back(Points(table, {"host"}, "load", ColumnType::kInt64, Integers({1})));
    return database_->WritePoints("public", std::move(batches));
  };
  EXPECT_THAT(write("m"), IsError(ErrorKind::kNotFound, HasSubstr("server.auto_create_table")));
  EXPECT_THAT(database_->FindTable("public", "m"), IsError(ErrorKind::kNotFound));
  EXPECT_THAT(write("cpu"), IsOk());  // a column is added as ever
}

TEST_F(DatabaseTest, PointsThatDoNotFitNameTableAndColumn) {
  const auto write = [&](PointBatch points) {
    std::vector<PointBatch> batches;
    batches.push_back(std::move(points));
    return database_->WritePoints("public", std::move(batches));
  };
  ASSERT_THAT(write(Points("m", {"host"}, "value", ColumnType::kInt64, Integers({1}))), IsOk());
  arrow::DoubleBuilder doubles;
  ASSERT_TRUE(doubles.Append(1.5).ok());
  EXPECT_THAT(
      write(Points("m", {"host"}, "value", ColumnType::kDouble, doubles.Finish().ValueOrDie())),
      IsError(ErrorKind::kInvalidArgument,
              HasSubstr("Value type is not same, table:m, column:value")));
  EXPECT_THAT(write(Points("m", {"value"}, "other", ColumnType::kInt64, Integers({1}))),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("is a field rather than a tag")));
  EXPECT_THAT(write(Points("m", {}, "host", ColumnType::kInt64, Integers({1}))),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("is a tag rather than a field")));
  EXPECT_THAT(write(Points("m", {}, "tsid", ColumnType::kInt64, Integers({1}))),
              IsError(ErrorKind::kInvalidArgument));
}

}  // namespace
}  // namespace varve
