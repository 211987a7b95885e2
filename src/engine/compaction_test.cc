// Compaction in a database that lives on: what readers see does not change, whatever is written,
// flushed and replaced while files are merged; damage, full disks and crashes cost nothing that was
// acknowledged.
#include <gtest/gtest.h>

#include <thread>

#include "base/log.h"
#include "engine/database.h"
#include "engine/test_memory_database.h"
#include "engine/test_rows.h"
#include "store/faulty_store.h"
#include "store/memory_store.h"

namespace varve {
namespace {

using testing::HasSubstr;

const auto kProceed = [](uint64_t) { return Status(); };
constexpr CompactionScope kFull{.mode = CompactionMode::kFull};

// A store on which there is no room for data files, when a test says so.
class FillingStore final : public ObjectStore {
 public:
  explicit FillingStore(const Clock* clock) : inner_(clock) {}

  void SetFull(bool full) { full_ = full; }

  Status Put(std::string_view path, std::string_view bytes) override {
    return inner_.Put(path, bytes);
  }
  Status PutIfAbsent(std::string_view path, std::string_view bytes) override {
    return inner_.PutIfAbsent(path, bytes);
  }
  Result<std::unique_ptr<ObjectWriter>> NewWriter(std::string_view path) override {
    if (full_) {
      return ResourceExhausted("no space left on device");
    }
    return inner_.NewWriter(path);
  }
  Result<std::string> Get(std::string_view path) override { return inner_.Get(path); }
  Result<std::shared_ptr<const ObjectReader>> Open(std::string_view path) override {
    return inner_.Open(path);
  }
  Result<std::vector<ObjectInfo>> List(std::string_view prefix) override {
    return inner_.List(prefix);
  }
  Status Delete(std::string_view path) override { return inner_.Delete(path); }
  Status Copy(std::string_view from, std::string_view to) override { return inner_.Copy(from, to); }
  std::string Describe() const override { return "filling " + inner_.Describe(); }

 private:
  MemoryObjectStore inner_;
  std::atomic<bool> full_ = false;
};

class CompactionTest : public testing::Test {
 protected:
  CompactionTest() { Open(); }

  void Open() {
    database_.Start(options_);
    if (!database_->FindTable("public", "cpu")) {
      TableOptions options{.enable_ttl = false, .update_mode = mode_};
      options.segment_duration = std::chrono::hours(2);
      ASSERT_THAT(database_->CreateTable("public", "cpu", TestSpec(), options), IsOk());
    }
  }
  void UseMode(UpdateMode mode) {
    mode_ = mode;
    ASSERT_THAT(database_->DropTable("public", "cpu"), IsOk());
    Open();
  }

  std::shared_ptr<Table> table() const { return database_.Find("cpu"); }

  Status Write(const std::vector<TestRow>& rows) {
    VARVE_TRY(database_.WriteBatch(table(), TestBatch(*table()->schema(), rows)));
    return {};
  }
  // A file of the rows.
  void WriteFile(const std::vector<TestRow>& rows) {
    ASSERT_THAT(Write(rows), IsOk());
    ASSERT_THAT(table()->Flush(), IsOk());
  }
  // Files of 20 rows of two hosts each, one after the other in time.
  void WriteFiles(int count, int64_t from_ms = 0) {
    for (int file = 0; file < count; ++file) {
      std::vector<TestRow> rows;
      for (int64_t i = 0; i < 10; ++i) {
        for (const char* host : {"a", "b"}) {
          rows.push_back({host, from_ms + file * 10 + i, file});
        }
      }
      WriteFile(rows);
    }
  }

  TestRows Rows() { return ReadRows(store_, table()->View().value()).value(); }
  size_t FileCount() const { return table()->View().value().version->files.size(); }
  std::vector<FileMeta> Files() const {
    std::vector<FileMeta> files;
    for (const auto& [id, file] : table()->View().value().version->files) {
      files.push_back(file);
    }
    return files;
  }
  // Until the condition holds; the clock is moved on for what waits for it.
  bool Eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 5000; ++i) {
      if (condition()) {
        return true;
      }
      clock_.Advance(std::chrono::milliseconds(100));
      std::unique_lock lock(pause_mutex_);
      pause_.wait_for(lock, std::chrono::milliseconds(2));
    }
    return false;
  }

  std::mutex pause_mutex_;
  std::condition_variable pause_;  // never notified: other threads go on meanwhile
  ManualClock clock_{TimestampUs(1'000'000)};
  FillingStore store_{&clock_};
  DatabaseOptions options_;
  UpdateMode mode_ = UpdateMode::kOverwrite;
  MemoryDatabase database_{&store_, &clock_};
};

TEST_F(CompactionTest, TheRowsAreTheSameBeforeAndAfterAndAViewFromBeforeStaysReadable) {
  WriteFiles(5);
  WriteFiles(3, 7'200'000);
  ASSERT_THAT(table()->AddColumns({{.name = "note", .type = ColumnType::kString}}), IsOk());
  WriteFile({{"a", 3, 99}, {"c", 1, 1}});  // replaces one, adds one
  const auto before = table()->View().value();
  const TestRows rows = Rows();
  ASSERT_EQ(rows.size(), 161u);
  const auto outcome = database_->CompactTable(*table());
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(FileCount(), 2u);
  EXPECT_EQ(Rows(), rows);
  EXPECT_EQ(outcome->files_read, 9u);
  EXPECT_EQ(outcome->rows_written, 161u);
  for (const FileMeta& file : Files()) {
    EXPECT_FALSE(file.deletion_vector.has_value());
  }
  EXPECT_EQ(ReadRows(store_, before).value(), rows);
  Open();
  EXPECT_EQ(Rows(), rows);
  EXPECT_EQ(database_->CompactTable(*table()).value().files_read, 0u);
}

TEST_F(CompactionTest, AppendTablesKeepAllRowsOfAKey) {
  UseMode(UpdateMode::kAppend);
  for (int64_t i = 0; i < 4; ++i) {
    WriteFile({{"a", 1, i}, {"a", 1, i}, {"b", 2, i}});
  }
  const TestRows rows = Rows();
  ASSERT_EQ(rows.size(), 12u);
  ASSERT_THAT(database_->CompactTable(*table()), IsOk());
  EXPECT_EQ(FileCount(), 1u);
  EXPECT_EQ(Rows(), rows);
}

TEST_F(CompactionTest, RowsThatAreReplacedWhileTheirFilesAreMergedStayReplaced) {
  WriteFiles(3);
  WriteFile({{"a", 2, 70}, {"b", 25, 71}});  // some deletions are there before
  TestRows expected;
  int calls = 0;
  const auto replace_more = [&](uint64_t) -> Status {
    if (++calls == 1) {
      WriteFile({{"a", 3, 80}, {"b", 29, 81}, {"a", 40, 82}});
      WriteFile({{"a", 3, 90}, {"a", 2, 91}});  // the first of a new file, the second of an input
      expected = Rows();
    }
    return {};
  };
  const auto outcome = table()->CompactOnce(kFull, replace_more);
  ASSERT_THAT(outcome, IsOk());
  ASSERT_TRUE(outcome->has_value());
  EXPECT_EQ(calls, 4);
  EXPECT_EQ(Rows(), expected);
  EXPECT_EQ(FileCount(), 3u);
  uint64_t deleted = 0;
  for (const FileMeta& file : Files()) {
    deleted += file.deletion_vector ? file.deletion_vector->rows : 0;
  }
  EXPECT_EQ(deleted, 4u);  // of the output: a@3, b@29, a@2; and a@3 of the first new file
  Open();
  EXPECT_EQ(Rows(), expected);
  ASSERT_THAT(database_->CompactTable(*table()), IsOk());
  EXPECT_EQ(Rows(), expected);
  EXPECT_EQ(FileCount(), 1u);
}

TEST_F(CompactionTest, RowsInMemoryReplaceThoseOfMergedFiles) {
  WriteFiles(4);
  ASSERT_THAT(Write({{"a", 5, 50}}), IsOk());
  const TestRows rows = Rows();
  ASSERT_THAT(table()->CompactOnce(kFull, kProceed), IsOk());
  EXPECT_EQ(FileCount(), 1u);
  EXPECT_EQ(Rows(), rows);
  ASSERT_THAT(table()->Flush(), IsOk());
  EXPECT_EQ(Rows(), rows);
}

TEST_F(CompactionTest, AnInputWhoseRowsAreAllReplacedEndsTheTaskAndNothingIsLost) {
  WriteFiles(3);
  bool first = true;
  const auto replace_all = [&](uint64_t) -> Status {
    if (std::exchange(first, false)) {
      std::vector<TestRow> rows;
      for (int64_t i = 0; i < 10; ++i) {
        rows.push_back({"a", i, 7});
        rows.push_back({"b", i, 7});
      }
      WriteFile(rows);
    }
    return {};
  };
  EXPECT_THAT(table()->CompactOnce(kFull, replace_all), IsError(ErrorKind::kConflict));
  EXPECT_EQ(FileCount(), 3u);
  EXPECT_EQ(Rows().size(), 60u);
  const TestRows rows = Rows();
  ASSERT_THAT(database_->CompactTable(*table()), IsOk());
  EXPECT_EQ(Rows(), rows);
  EXPECT_EQ(FileCount(), 1u);
}

TEST_F(CompactionTest, ColumnsAndOptionsMayChangeWhileFilesAreMerged) {
  WriteFiles(4);
  const TestRows rows = Rows();
  bool first = true;
  const auto alter = [&](uint64_t) -> Status {
    if (std::exchange(first, false)) {
      EXPECT_THAT(table()->AddColumns({{.name = "note", .type = ColumnType::kString}}), IsOk());
      EXPECT_THAT(table()->ModifyOptions({{"compression", "LZ4"}}), IsOk());
    }
    return {};
  };
  ASSERT_THAT(table()->CompactOnce(kFull, alter), IsOk());
  EXPECT_EQ(FileCount(), 1u);
  EXPECT_EQ(Rows(), rows);
  EXPECT_EQ(table()->options().compression, Compression::kLz4);
}

TEST_F(CompactionTest, ADroppedTableEndsItsCompaction) {
  WriteFiles(4);
  const auto dropped = table();
  const size_t objects = store_.List("").value().size();
  const auto drop = [&](uint64_t) -> Status {
    EXPECT_THAT(database_->DropTable("public", "cpu"), IsOk());
    return {};
  };
  EXPECT_THAT(dropped->CompactOnce(kFull, drop), IsError(ErrorKind::kCancelled));
  EXPECT_LE(store_.List("").value().size(), objects + 1);  // the catalogue's
}

TEST_F(CompactionTest, ADamagedFileIsNamedLeftAloneAndFoundAgainAfterARestart) {
  WriteFiles(3);
  WriteFiles(3, 7'200'000);
  const FileMeta damaged = Files().front();
  std::string bytes = store_.Get(damaged.path).value();
  const std::string sound = bytes;
  bytes.resize(bytes.size() / 2);
  ASSERT_THAT(store_.Put(damaged.path, bytes), IsOk());
  EXPECT_THAT(database_->CompactTable(*table()),
              IsError(ErrorKind::kCorruption, HasSubstr(damaged.path)));
  EXPECT_EQ(FileCount(), 3u);  // the damaged one, the others of its segment, the other segment
  const auto quarantined = table()->compaction().quarantined();
  ASSERT_EQ(quarantined.size(), 1u);
  EXPECT_EQ(quarantined[0].path, damaged.path);
  EXPECT_THAT(quarantined[0].reason, HasSubstr(damaged.path));
  EXPECT_EQ(database_->stats().quarantined_files, 1u);
  const uint64_t failures = database_->stats().compaction.failures;
  EXPECT_EQ(failures, 1u);
  EXPECT_THAT(database_->CompactTable(*table()), IsError(ErrorKind::kCorruption));
  EXPECT_EQ(database_->stats().compaction.failures, failures);  // it was not tried again
  Open();
  EXPECT_TRUE(table()->compaction().quarantined().empty());
  EXPECT_THAT(database_->CompactTable(*table()),
              IsError(ErrorKind::kCorruption, HasSubstr(damaged.path)));
  ASSERT_THAT(store_.Put(damaged.path, sound), IsOk());
  Open();
  EXPECT_THAT(database_->CompactTable(*table()), IsOk());
  EXPECT_EQ(FileCount(), 2u);
  EXPECT_EQ(Rows().size(), 120u);
}

TEST_F(CompactionTest, OnAFullDiskNothingIsLostAndItGoesOnWhenThereIsRoom) {
  options_.compaction_threads = 1;
  Open();
  SetLogLevel(LogLevel::kOff);
  WriteFiles(3);
  ASSERT_THAT(Write({{"a", 35, 1}}), IsOk());
  const TestRows rows = Rows();
  ASSERT_THAT(table()->Flush(), IsOk());
  // Nothing to be done is running now or has run: the fourth file made the tier full.
  ASSERT_TRUE(Eventually([&] { return FileCount() == 1; }));
  WriteFiles(2, 100);  // too few for the background to begin by itself
  const TestRows more = Rows();
  store_.SetFull(true);
  EXPECT_THAT(database_->CompactTable(*table()),
              IsError(ErrorKind::kResourceExhausted, HasSubstr("no space")));
  ASSERT_TRUE(Eventually([&] { return database_->stats().compaction.failures >= 1; }));
  EXPECT_EQ(Rows(), more);
  store_.SetFull(false);
  clock_.Advance(std::chrono::minutes(10));  // the segment is quiet, the pause is over
  WriteFiles(1, 200);
  ASSERT_TRUE(Eventually([&] { return FileCount() == 1; }));
  EXPECT_EQ(Rows().size(), more.size() + 20);
  SetLogLevel(LogLevel::kInfo);
}

TEST_F(CompactionTest, TheBackgroundMergesTiersAndThenWrittenSegments) {
  options_.compaction_threads = 2;
  Open();
  WriteFiles(6);
  WriteFiles(2, 7'200'000);
  const TestRows rows = Rows();
  ASSERT_TRUE(Eventually([&] { return FileCount() == 2; }));
  EXPECT_EQ(Rows(), rows);
  ASSERT_TRUE(Eventually([&] { return database_->stats().compaction.running == 0; }));
  const auto stats = database_->stats().compaction;
  EXPECT_GE(stats.compactions, 2u);
  EXPECT_GE(stats.rows, 160u);
  EXPECT_GT(stats.bytes_read, 0u);
  EXPECT_GT(stats.bytes_written, 0u);
  EXPECT_EQ(stats.failures, 0u);
  EXPECT_EQ(stats.pending_files, 0u);
}

TEST_F(CompactionTest, ClosingEndsACompactionThatWaitsForItsShareOfIo) {
  WriteFiles(4);
  const TestRows rows = Rows();
  options_.compaction_threads = 1;
  options_.compaction_bytes_per_second = 1;
  Open();
  clock_.Advance(std::chrono::minutes(3));
  ASSERT_TRUE(Eventually([&] { return database_->stats().compaction.running == 1; }));
  ASSERT_THAT(database_->Close(), IsOk());
  options_.compaction_threads = 0;
  Open();
  EXPECT_EQ(FileCount(), 4u);
  EXPECT_EQ(Rows(), rows);
}

TEST_F(CompactionTest, WritesWaitAndAreRefusedWhenASegmentHasTooManyFiles) {
  options_.compaction_threads = 1;
  options_.compaction_bytes_per_second = 1;  // it never gets anywhere
  options_.write_wait = std::chrono::milliseconds(0);
  Open();
  Status status;
  int files = 0;
  for (; files < 200 && status; ++files) {
    status = Write({{"a", files, files}});
    if (status) {
      ASSERT_THAT(table()->Flush(), IsOk());
    }
  }
  EXPECT_THAT(status, IsError(ErrorKind::kResourceExhausted, HasSubstr("files in one segment")));
  EXPECT_GT(files, 60);
  EXPECT_LT(files, 100);
  EXPECT_EQ(database_->stats().rejected_writes, 1u);
  ASSERT_THAT(database_->Close(), IsOk());
  options_.compaction_bytes_per_second = 0;
  options_.write_wait = std::chrono::hours(1);
  Open();
  ASSERT_TRUE(Eventually([&] { return FileCount() < 30; }));
  EXPECT_THAT(Write({{"a", files, files}}), IsOk());
}

TEST_F(CompactionTest, ReadersAndWritersGoOnWhileFilesAreMerged) {
  UseMode(UpdateMode::kAppend);
  options_.compaction_threads = 2;
  Open();
  std::atomic<bool> done = false;
  std::atomic<uint64_t> written = 0;
  std::jthread reader([&] {
    while (!done) {
      const uint64_t before = written;
      const auto rows = ReadRows(store_, table()->View().value());
      ASSERT_THAT(rows, IsOk());
      ASSERT_GE(rows->size(), before);
      ASSERT_LE(rows->size(), written + 2);
    }
  });
  for (int64_t i = 0; i < 120; ++i) {
    ASSERT_THAT(Write({{"a", i % 7, i}, {"b", 7'200'000 + i, i}}), IsOk());
    written += 2;
    if (i % 2 == 0) {
      ASSERT_THAT(table()->Flush(), IsOk());
    }
  }
  done = true;
  reader.join();
  EXPECT_EQ(Rows().size(), 240u);
  EXPECT_GT(database_->stats().compaction.compactions, 0u);
}

// Every I/O of a compaction and its commit fails once, in each way in which it can: the rows are
// the same, in the process that met the failure and after a restart.
class CompactionFaultTest : public testing::TestWithParam<FaultKind> {
 protected:
  void SetUp() override { SetLogLevel(LogLevel::kOff); }
  void TearDown() override { SetLogLevel(LogLevel::kInfo); }
};

TEST_P(CompactionFaultTest, EachOperationFailsOnce) {
  const FaultKind kind = GetParam();
  uint64_t n = 1;
  for (;; ++n) {
    ASSERT_LT(n, 300u);
    SCOPED_TRACE(fmt::format("operation {}", n));
    ManualClock clock{TimestampUs(1'000'000)};
    FaultyObjectStore store(std::make_shared<MemoryObjectStore>(&clock));
    MemoryDatabase database(&store, &clock);
    database.Start();
    TableOptions options{.enable_ttl = false};
    options.segment_duration = std::chrono::hours(2);
    ASSERT_THAT(database->CreateTable("public", "cpu", TestSpec(), options), IsOk());
    const auto table = [&] { return database.Find("cpu"); };
    const auto write = [&](const std::vector<TestRow>& rows) {
      ASSERT_THAT(database.WriteBatch(table(), TestBatch(*table()->schema(), rows)), IsOk());
    };
    for (int64_t file = 0; file < 3; ++file) {
      write({{"a", file, 1}, {"a", 10 + file, 1}, {"b", 5, file}});
      ASSERT_THAT(table()->Flush(), IsOk());
    }
    const auto rows = [&] { return ReadRows(store, table()->View().value()); };
    TestRows expected;
    bool first = true;
    // Among its rows some are replaced meanwhile, so that the commit carries deletions over.
    const auto proceed = [&](uint64_t) -> Status {
      if (std::exchange(first, false)) {
        write({{"a", 1, 2}});
        EXPECT_THAT(table()->Flush(), IsOk());
        expected = rows().value();
        store.faults().FailAt(n, kind);
      }
      return {};
    };
    const uint64_t before = store.faults().failures();
    const auto compacted = table()->CompactOnce(kFull, proceed);
    const bool failed = store.faults().failures() > before;
    EXPECT_TRUE(failed || compacted.has_value());
    if (kind == FaultKind::kError || kind == FaultKind::kErrorAfterEffect) {
      store.faults().Restart();
      EXPECT_EQ(rows().value(), expected);
      EXPECT_THAT(database->CompactTable(*table()), IsOk());
      EXPECT_EQ(rows().value(), expected);
    }
    database.Stop();
    store.Restart();
    database.Start();
    EXPECT_EQ(rows().value(), expected);
    EXPECT_THAT(database->CompactTable(*table()), IsOk());
    EXPECT_EQ(rows().value(), expected);
    EXPECT_EQ(table()->View().value().version->files.size(), 1u);
    if (!failed) {
      break;
    }
  }
  EXPECT_GT(n, 10u);
}

INSTANTIATE_TEST_SUITE_P(Faults, CompactionFaultTest,
                         testing::Values(FaultKind::kError, FaultKind::kErrorAfterEffect,
                                         FaultKind::kCrash, FaultKind::kCrashAfterEffect),
                         [](const auto& info) {
                           return std::string(
                               std::array{"Error", "ErrorAfterEffect", "Crash",
                                          "CrashAfterEffect"}[static_cast<size_t>(info.param)]);
                         });

}  // namespace
}  // namespace varve
