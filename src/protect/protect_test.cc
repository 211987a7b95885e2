// Exports and imports together: what comes back is what was there, whatever fails between.
#include <gmock/gmock.h>

#include <functional>
#include <thread>

#include "base/checksum.h"
#include "protect/test_database.h"

namespace varve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class ProtectFormatTest : public ProtectTest, public testing::WithParamInterface<DataFormat> {};

TEST_P(ProtectFormatTest, WhatComesBackIsWhatWasThere) {
  Fill();
  const TestRows cpu = source_.Rows("cpu");
  const TestRows log = source_.Rows("log");
  const auto exported = Export(place_, {.format = GetParam(), .parallelism = 3});
  ASSERT_THAT(exported, IsOk());
  EXPECT_EQ(exported->rows, cpu.size() + log.size());
  EXPECT_EQ(exported->skipped_chunks, 97u);
  EXPECT_EQ(SavepointCount(), 0u);
  EXPECT_THAT(VerifySnapshot(place_, {}).value().findings, testing::IsEmpty());
  // Whatever is written later is not in it.
  source_.Write("cpu", {{"a", 2, 99}, {"z", 4, 99}});
  const auto imported = Import(target_, place_, {.parallelism = 3});
  ASSERT_THAT(imported, IsOk());
  EXPECT_EQ(imported->rows, cpu.size() + log.size());
  EXPECT_EQ(target_.Rows("cpu"), cpu);
  EXPECT_EQ(target_.Rows("log"), log);
  // Once more: nothing is added.
  ASSERT_THAT(Import(target_, place_), IsOk());
  EXPECT_EQ(target_.Rows("log"), log);
  target_.Open();
  EXPECT_EQ(target_.Rows("cpu"), cpu);
  // Rows that come later replace the imported ones.
  target_.Write("cpu", {{"a", 1, 50}});
  EXPECT_EQ(target_.Rows("cpu").size(), cpu.size());
}

TEST_P(ProtectFormatTest, RowsOfARangeAreTakenFromBetweenOthers) {
  Fill();
  source_.Write("cpu", {{"b", 2, 5}, {"b", 3, 5}, {"c", 1, 5}, {"c", 2, 5}});
  ASSERT_THAT(Export(place_, {.format = GetParam()}), IsOk());
  ASSERT_THAT(
      Import(target_, place_,
             {.tables = {{"cpu"}}, .range = TimeRange{TimestampUs(2000), TimestampUs(3000)}}),
      IsOk());
  EXPECT_EQ(target_.Rows("cpu"), (TestRows{{"a", 2, 2}, {"b", 2, 5}, {"c", 2, 5}}));
}

INSTANTIATE_TEST_SUITE_P(Formats, ProtectFormatTest,
                         testing::Values(DataFormat::kParquet, DataFormat::kCsv, DataFormat::kJson),
                         [](const auto& format) {
                           return std::string(DataFormatName(format.param));
                         });

TEST_F(ProtectTest, AnExportThatFailsAnywhereEndsInTheSameFilesWhenItIsResumed) {
  Fill();
  MemoryObjectStore whole(&source_.clock_);
  ASSERT_THAT(Export(whole), IsOk());
  std::map<std::string, std::string> expected = Objects(whole);
  std::erase_if(expected, [](const auto& object) { return !object.first.starts_with("data/"); });
  ASSERT_GE(expected.size(), 4u);
  for (const FaultKind kind : {FaultKind::kError, FaultKind::kErrorAfterEffect}) {
    for (uint64_t n = 1;; ++n) {
      SCOPED_TRACE(n);
      ASSERT_LT(n, 200u);
      FaultyObjectStore place(std::make_shared<MemoryObjectStore>(&source_.clock_));
      place.faults().FailAt(n, kind);
      auto first = Export(place);
      const bool failed = place.faults().failures() > 0;
      place.Restart();
      source_.Open();
      const auto done = first ? std::move(first) : Export(place);
      ASSERT_THAT(done, IsOk());
      auto objects = Objects(place);
      std::erase_if(objects, [](const auto& object) { return !object.first.starts_with("data/"); });
      EXPECT_EQ(objects, expected);
      EXPECT_THAT(VerifySnapshot(place, {}).value().findings, testing::IsEmpty());
      if (!failed) {
        break;
      }
    }
  }
}

TEST_F(ProtectTest, AnImportThatFailsAnywhereAddsNothingTwice) {
  Fill();
  ASSERT_THAT(Export(place_), IsOk());
  for (const FaultKind kind : {FaultKind::kError, FaultKind::kErrorAfterEffect}) {
    for (uint64_t n = 1;; ++n) {
      SCOPED_TRACE(n);
      ASSERT_LT(n, 400u);
      TransferDatabase target(n);
      target.store_.faults().FailAt(n, kind);
      auto imported = Import(target, place_);
      const bool failed = target.store_.faults().failures() > 0;
      target.store_.Restart();
      target.Open();
      if (!imported) {
        imported = Import(target, place_);
      }
      ASSERT_THAT(imported, IsOk());
      EXPECT_EQ(target.Rows("cpu"), source_.Rows("cpu"));
      EXPECT_EQ(target.Rows("log"), source_.Rows("log"));
      if (!failed) {
        break;
      }
    }
  }
}

TEST_F(ProtectTest, EveryDamageIsNamedBeforeARowIsImported) {
  Fill();
  ASSERT_THAT(Export(place_), IsOk());
  const auto objects = Objects(place_);
  const auto import_fails = [&](const std::string& path) {
    TransferDatabase target(9);
    const auto imported = Import(target, place_);
    ASSERT_FALSE(imported) << path;
    EXPECT_THAT(imported.error().message, HasSubstr(path));
    EXPECT_FALSE(target->FindTable("public", "cpu"));
  };
  const auto head_finds = [&] {
    const auto report = VerifySnapshot(place_, {.mode = VerifyMode::kHead});
    return !report || !report->findings.empty();
  };
  for (const auto& [path, bytes] : objects) {
    SCOPED_TRACE(path);
    if (path == kCompletePath) {
      continue;
    }
    for (const size_t at : {size_t{0}, bytes.size() / 2, bytes.size() - 1}) {
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ 1);
      ASSERT_THAT(place_.Put(path, flipped), IsOk());
      import_fails(path);
    }
    ASSERT_THAT(place_.Put(path, bytes.substr(0, bytes.size() / 2)), IsOk());
    import_fails(path);
    EXPECT_TRUE(head_finds());
    ASSERT_THAT(place_.Delete(path), IsOk());
    import_fails(path);
    EXPECT_TRUE(head_finds());
    ASSERT_THAT(place_.Put("data/1/other.parquet", bytes), IsOk());
    ASSERT_THAT(place_.Put(path, bytes), IsOk());
    import_fails("data/1/other.parquet");
    EXPECT_TRUE(head_finds());
    ASSERT_THAT(place_.Delete("data/1/other.parquet"), IsOk());
  }
  ASSERT_THAT(place_.Put("data/1/public.cpu.parquet", objects.at("data/1/public.log.parquet")),
              IsOk());
  ASSERT_THAT(place_.Put("data/1/public.log.parquet", objects.at("data/1/public.cpu.parquet")),
              IsOk());
  import_fails("data/1/public.cpu.parquet");
  ASSERT_THAT(place_.Delete(kCompletePath), IsOk());
  import_fails("COMPLETE");
}

// As another program might write it: rows in no order, more than are sorted at once, and a key
// again and again.
TEST_F(ProtectTest, OfRowsWithOneKeyTheLastOfAChunkStays) {
  constexpr int64_t kKeys = 50'000;
  constexpr int64_t kRounds = 3;
  source_.Create("cpu");
  source_.Write("cpu", {{"a", 1, 1}, {"a", kKeys, 1}});
  ASSERT_THAT(Export(place_, {.format = DataFormat::kCsv}), IsOk());
  const SnapshotFolder folder(place_);
  Manifest manifest = folder.LoadManifest().value();
  std::vector<SnapshotFile>& files = manifest.chunks.at(0).files;
  const std::string exported = place_.Get(files.at(0).path).value();
  const std::string header = exported.substr(0, exported.find('\n') + 1);
  std::string text = header;
  for (int64_t i = 0; i < kKeys * kRounds; ++i) {
    const int64_t key = i * 7919 % kKeys;  // each one once in a round
    text += fmt::format("1970-01-01T00:00:{:02}.{:03}Z,a,{}\n", key / 1000, key % 1000, i / kKeys);
  }
  files.push_back(files.at(0));
  files.at(1).path = "data/1/public.cpu-2.csv";
  for (SnapshotFile& file : files) {
    ASSERT_THAT(place_.Put(file.path, text), IsOk());
    file.size_bytes = text.size();
    file.sha256 = Sha256Hex(text);
    file.time_min = TimestampUs(0);
    // The second one, which may be read at the same time, has other rows of some keys.
    file.rows = static_cast<uint64_t>(std::ranges::count(text, '\n')) - 1;
    text = header;
    for (int64_t key = 0; key < kKeys; key += 3) {
      text += fmt::format("1970-01-01T00:00:{:02}.{:03}Z,a,7\n", key / 1000, key % 1000);
    }
  }
  manifest.chunks.at(0).checksum = ChunkChecksum(manifest.chunks.at(0).files);
  manifest.checksum = SnapshotChecksum(manifest);
  ASSERT_THAT(folder.Complete(manifest), IsOk());

  const auto imported = Import(target_, place_, {.parallelism = 64});
  ASSERT_THAT(imported, IsOk());
  const TestRows rows = target_.Rows("cpu");
  ASSERT_EQ(rows.size(), static_cast<size_t>(kKeys));
  int64_t time = 0;
  for (const TestRow& row : rows) {
    ASSERT_EQ(row, (TestRow{"a", time, time % 3 == 0 ? 7 : kRounds - 1}));
    ++time;
  }
  EXPECT_GT(target_->FindTable("public", "cpu").value()->View()->version->files.size(), 1u);
}

TEST_F(ProtectTest, AResumeThatAsksForSomethingElseIsRefused) {
  Fill();
  place_.faults().FailAt(8, FaultKind::kCrash);
  ASSERT_FALSE(Export(place_, {.format = DataFormat::kParquet}));
  place_.Restart();
  const auto refused = [&](ExportRequest request) {
    const auto exported = Export(place_, std::move(request));
    return exported ? std::string("ok") : exported.error().message;
  };
  EXPECT_THAT(refused({.format = DataFormat::kCsv}), StartsWith("RESUME_MISMATCH: format"));
  EXPECT_THAT(refused({.tables = {{"cpu"}}}), StartsWith("RESUME_MISMATCH: tables"));
  EXPECT_THAT(refused({.end = TimestampUs(5)}), StartsWith("RESUME_MISMATCH: end_time"));
  EXPECT_THAT(refused({.chunk_window = std::chrono::hours(1)}),
              StartsWith("RESUME_MISMATCH: chunk_time_window"));
  EXPECT_THAT(refused({.contents = ExportRequest::Contents::kSchemaOnly}),
              StartsWith("SCHEMA_ONLY_MISMATCH"));
  EXPECT_THAT(refused({.catalog = "other"}), HasSubstr("Catalog not found"));
  EXPECT_EQ(refused({}), "ok");
  EXPECT_EQ(Export(place_)->begun, ExportReport::Begun::kCompleteBefore);
  EXPECT_EQ(SavepointCount(), 0u);
}

TEST_F(ProtectTest, TablesThatAreThereAreComparedAndKept) {
  Fill();
  ASSERT_THAT(Export(place_), IsOk());
  target_.Create("cpu");
  target_.Write("cpu", {{"a", 1, 100}, {"own", 1, 100}});
  const auto imported = Import(target_, place_);
  ASSERT_FALSE(imported);
  EXPECT_THAT(imported.error().message, StartsWith("RELATION_EXISTS"));
  EXPECT_FALSE(target_->FindTable("public", "log"));
  ASSERT_THAT(Import(target_, place_, {.on_conflict = OnConflict::kSkip}), IsOk());
  EXPECT_EQ(target_.Rows("cpu").size(), 2u);
  EXPECT_EQ(target_.Rows("log"), source_.Rows("log"));
  ASSERT_THAT(Import(target_, place_, {.on_conflict = OnConflict::kAppend}), IsOk());
  EXPECT_EQ(target_.Rows("cpu").size(), source_.Rows("cpu").size() + 1);
  EXPECT_TRUE(target_.Rows("cpu").contains({"a", 1, 1}));
  ASSERT_THAT(Import(target_, place_, {.on_conflict = OnConflict::kOverwrite}), IsOk());
  EXPECT_EQ(target_.Rows("cpu"), source_.Rows("cpu"));
  EXPECT_EQ(target_.Rows("log"), source_.Rows("log"));
}

TEST_F(ProtectTest, PartsOfASnapshotMayBeImportedElsewhere) {
  Fill();
  ASSERT_THAT(Export(place_), IsOk());
  ASSERT_THAT(Import(target_, place_,
                     {.tables = {{"public.cpu"}},
                      .range = TimeRange{TimestampUs(2000), TimestampUs((kDayMs + 6) * 1000)},
                      .rename_schemas = {{"public", "copy"}}}),
              IsOk());
  EXPECT_EQ(target_.Rows("cpu", "copy"), (TestRows{{"a", 2, 2}, {"a", kDayMs + 5, 1}}));
  EXPECT_FALSE(target_->FindTable("public", "cpu"));
  EXPECT_FALSE(target_->FindTable("copy", "log"));
  // The rest, without what is there already.
  ASSERT_THAT(Import(target_, place_,
                     {.rename_schemas = {{"public", "copy"}}, .on_conflict = OnConflict::kAppend}),
              IsOk());
  EXPECT_EQ(target_.Rows("cpu", "copy"), source_.Rows("cpu"));
}

TEST_F(ProtectTest, ASnapshotWithoutRowsHasTheTables) {
  Fill();
  ASSERT_THAT(Export(place_, {.contents = ExportRequest::Contents::kSchemaOnly}), IsOk());
  EXPECT_EQ(SnapshotFolder(place_).LoadComplete()->chunks.size(), 0u);
  EXPECT_TRUE(place_.List("data")->empty());
  ASSERT_THAT(Import(target_, place_), IsOk());
  EXPECT_TRUE(target_.Rows("cpu").empty());
  EXPECT_EQ(*(*target_->FindTable("public", "cpu"))->schema(),
            *(*source_->FindTable("public", "cpu"))->schema());
  const auto with_rows = Export(place_);
  ASSERT_FALSE(with_rows);
  EXPECT_THAT(with_rows.error().message, HasSubstr("--force"));
}

// Lets something happen to the snapshot whenever a file of rows has been written.
class DisturbedFiles final : public RowFiles {
 public:
  DisturbedFiles(RowFiles& files, std::function<void()> disturb)
      : files_(files), disturb_(std::move(disturb)) {}
  Result<uint64_t> Write(const std::string& path, std::string_view format,
                         ResultStream& rows) override {
    auto written = files_.Write(path, format, rows);
    disturb_();
    return written;
  }
  Result<RowFileContents> Read(const std::string& path, std::string_view format,
                               const TableSchema& schema) override {
    return files_.Read(path, format, schema);
  }

 private:
  RowFiles& files_;
  const std::function<void()> disturb_;
};

TEST_F(ProtectTest, ASnapshotThatIsDeletedWhileItIsMadeIsNotComplete) {
  Fill();
  const auto inner = std::move(rows_);
  rows_ = std::make_unique<DisturbedFiles>(
      *inner, [&] { ASSERT_THAT(SnapshotFolder(place_).Delete(), IsOk()); });
  const auto ended = Export(place_, {.format = DataFormat::kCsv});
  ASSERT_FALSE(ended);
  EXPECT_THAT(ended.error().message, StartsWith("OPERATION_LOCKED"));
  EXPECT_FALSE(*SnapshotFolder(place_).IsComplete());
}

TEST_F(ProtectTest, AListShowsHowFarASnapshotIsAndWhyItStopped) {
  Fill();
  const auto inner = std::move(rows_);
  int files = 0;
  rows_ = std::make_unique<DisturbedFiles>(*inner, [&] {
    if (++files == 3) {
      place_.faults().FailAt(1, FaultKind::kError);
    }
  });
  TransferProgress progress;
  std::stop_source stop;
  // It is stopped while it waits for the second try.
  ExportJob job({.database = &*source_,
                 .target = &place_,
                 .since = nullptr,
                 .text = rows_.get(),
                 .temp_folder = folder_.path(),
                 .retry = {.first_wait = std::chrono::hours(1), .tries_max = 2},
                 .stop = stop.get_token()},
                {.format = DataFormat::kCsv}, progress);
  std::jthread run([&] { EXPECT_THAT(job.Run(), IsError(ErrorKind::kCancelled)); });
  while (progress.numbers().retries == 0) {
    std::this_thread::yield();
  }
  stop.request_stop();
  run.join();
  const auto listing = SnapshotFolder::List(place_);
  ASSERT_THAT(listing, IsOk());
  ASSERT_EQ(listing->size(), 1u);
  EXPECT_FALSE(listing->front().complete);
  EXPECT_GT(listing->front().done_chunks, 0u);
  EXPECT_THAT(listing->front().failure, HasSubstr("has failed 1 times: injected"));
  EXPECT_THAT(Export(place_, {.format = DataFormat::kCsv}), IsOk());
  EXPECT_TRUE(SnapshotFolder::List(place_)->front().complete);
}

TEST_F(ProtectTest, WhatIsLostBetweenTwoRunsIsWrittenAgain) {
  Fill();
  MemoryObjectStore whole(&source_.clock_);
  ASSERT_THAT(Export(whole, {.format = DataFormat::kCsv}), IsOk());
  const auto inner = std::move(rows_);
  int files = 0;
  rows_ = std::make_unique<DisturbedFiles>(*inner, [&] {
    if (++files == 3) {
      place_.faults().FailAt(1, FaultKind::kCrash);
    }
  });
  ASSERT_FALSE(Export(place_, {.format = DataFormat::kCsv}));
  place_.Restart();
  source_.Open();
  const std::string lost = "data/1/public.cpu.csv";
  ASSERT_THAT(place_.Get(lost), IsOk());
  ASSERT_THAT(place_.Delete(lost), IsOk());
  const auto done = Export(place_, {.format = DataFormat::kCsv});
  ASSERT_THAT(done, IsOk());
  EXPECT_THAT(done->warnings, ElementsAre(HasSubstr(lost)));
  EXPECT_EQ(place_.Get(lost), whole.Get(lost));
}

TEST_F(ProtectTest, DeletingTakesTheSnapshotAndNothingElse) {
  Fill();
  ASSERT_THAT(place_.Put("notes.txt", "x"), IsOk());
  const auto refused = Export(place_);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, StartsWith("LOCATION_NOT_EMPTY"));
  ASSERT_THAT(place_.Delete("notes.txt"), IsOk());
  ASSERT_THAT(Export(place_), IsOk());
  ASSERT_THAT(place_.Put("notes.txt", "x"), IsOk());
  EXPECT_THAT(SnapshotFolder::List(place_)->size(), 1u);
  EXPECT_THAT(*SnapshotFolder(place_).Delete(), ElementsAre("notes.txt"));
  EXPECT_EQ(Objects(place_).size(), 1u);
}

}  // namespace
}  // namespace varve
