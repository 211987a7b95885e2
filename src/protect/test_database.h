// Databases in memory, and exports and imports between them. For tests only.
#pragma once

#include <gmock/gmock.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/test_folder.h"
#include "engine/test_memory_database.h"
#include "engine/test_rows.h"
#include "protect/export_job.h"
#include "protect/import_job.h"
#include "protect/verify.h"
#include "store/faulty_store.h"
#include "store/memory_store.h"

namespace varve {

inline constexpr int64_t kDayMs = 86'400'000;

// A database in memory with a store and a clock of its own.
class TransferDatabase {
 public:
  explicit TransferDatabase(uint64_t seed) : database_(&store_, &clock_, seed) { Open(); }
  void Open() { database_.Start(); }
  Database& operator*() { return *database_; }
  MemoryDatabase& operator->() { return database_; }

  void Create(const std::string& name, TableOptions options = {.enable_ttl = false}) {
    options.segment_duration = std::chrono::hours(24);
    ASSERT_THAT(database_->CreateTable("public", name, TestSpec(), options), IsOk());
  }
  void Write(const std::string& table, const std::vector<TestRow>& rows) {
    const auto found = database_.Find(table);
    ASSERT_THAT(database_.WriteBatch(found, TestBatch(*found->schema(), rows)), IsOk());
  }
  void Flush(const std::string& table) { ASSERT_THAT(database_.Find(table)->Flush(), IsOk()); }
  TestRows Rows(const std::string& table, const std::string& schema = "public") {
    const auto found = database_->FindTable(schema, table);
    return found ? ReadRows(store_, (*found)->View().value()).value() : TestRows();
  }

  ManualClock clock_{TimestampUs(100 * kDayMs * 1000)};
  FaultyObjectStore store_{std::make_shared<MemoryObjectStore>(&clock_)};

 private:
  MemoryDatabase database_;
};

class ProtectTest : public testing::Test {
 protected:
  // Rows of three days in files whole and in parts, replaced ones, an append table with twins.
  void Fill() {
    source_.Create("cpu");
    source_.Create("log", {.enable_ttl = false, .update_mode = UpdateMode::kAppend});
    source_.Write("cpu", {{"a", 1, 1}, {"a", 2, 1}, {"b", 1, 1}, {"a", kDayMs + 5, 1}});
    source_.Write("log", {{"x", 1, 1}, {"x", 1, 1}, {"y", 3 * kDayMs, 7}});
    source_.Flush("cpu");
    source_.Flush("log");
    source_.Write("cpu", {{"a", 2, 2}, {"b", 3 * kDayMs, 3}});
  }

  Result<ExportReport> Export(ObjectStore& target, ExportRequest request = {}) {
    return ExportSince(target, nullptr, std::move(request));
  }
  // What is new since the snapshot in `since`; nullptr: a whole one.
  Result<ExportReport> ExportSince(ObjectStore& target, ObjectStore* since,
                                   ExportRequest request = {}) {
    if (since != nullptr) {
      request.since = "memory";
    }
    TransferProgress progress;
    return ExportJob({.database = &*source_,
                      .target = &target,
                      .since = since,
                      .text = rows_.get(),
                      .temp_folder = folder_.path(),
                      .retry = {.tries_max = 1},
                      .stop = {}},
                     std::move(request), progress)
        .Run();
  }
  Result<ImportReport> Import(TransferDatabase& database, ObjectStore& from,
                              ImportRequest request = {}) {
    TransferProgress progress;
    return ImportJob({.database = &*database,
                      .snapshot = &from,
                      .rows = rows_.get(),
                      .temp_folder = folder_.path(),
                      .retry = {.tries_max = 1},
                      .stop = {}},
                     std::move(request), progress)
        .Run();
  }
  static std::map<std::string, std::string> Objects(ObjectStore& store) {
    std::map<std::string, std::string> out;
    const auto objects = store.List("").value();
    for (const ObjectInfo& object : objects) {
      out[object.path] = store.Get(object.path).value();
    }
    return out;
  }
  size_t SavepointCount() {
    return (*source_->FindTable("public", "cpu"))->savepoints().List()->size();
  }

  TestFolder folder_;
  TransferDatabase source_{1};
  TransferDatabase target_{2};
  FaultyObjectStore place_{std::make_shared<MemoryObjectStore>(&source_.clock_)};
  std::unique_ptr<RowFiles> rows_ = RowFiles::Make(uint64_t{256} << 20);
};

}  // namespace varve
