// Increments: base and increments in their order are the source, whatever has happened to it
// between; in another order, or on something else, they are refused.
#include <thread>

#include "model/schema_change.h"
#include "protect/snapshot_folder.h"
#include "protect/test_increments.h"

namespace varve {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(IncrementTest, OnlyWhatIsNewIsWritten) {
  source_.Create("cpu");
  source_.Create("log", {.enable_ttl = false, .update_mode = UpdateMode::kAppend});
  source_.Write("cpu", {{"a", 1, 1}, {"b", 2, 1}, {"a", kDayMs, 1}, {"a", 2 * kDayMs, 1}});
  source_.Write("log", {{"x", 1, 1}, {"x", kDayMs, 1}});
  const Place base = NewPlace();
  ASSERT_THAT(Export(*base), IsOk());
  ASSERT_THAT(Import(target_, *base), IsOk());

  const Place none = NewPlace();
  ASSERT_THAT(Increment(*none, *base), IsOk());
  EXPECT_THAT(Changes(*none), ElementsAre());

  source_.Write("cpu", {{"c", 5, 2}, {"d", -1, 2}});  // beside others; before all that there was
  source_.Write("log", {{"x", 1, 1}});                // a twin
  source_.Write("cpu", {{"a", kDayMs, 2}});           // in the place of another
  source_.Write("cpu", {{"a", 100 * kDayMs + 60'000, 2}});  // beyond the base
  Delete("cpu", 2 * kDayMs, 3 * kDayMs);
  const Place first = NewPlace();
  const auto report = Increment(*first, *base);
  ASSERT_THAT(report, IsOk());
  EXPECT_THAT(Changes(*first), ElementsAre("cpu day -1 add 1 rows", "cpu day 0 add 1 rows",
                                           "log day 0 add 1 rows", "cpu day 1 replace 1 rows",
                                           "cpu day 2 replace 0 rows", "cpu day 100 add 1 rows"));
  EXPECT_EQ(report->rows, 5u);
  const Manifest manifest = SnapshotFolder(*first).LoadComplete().value();
  EXPECT_EQ(manifest.base->snapshot_id, SnapshotFolder(*base).LoadComplete()->snapshot_id);
  EXPECT_THAT(VerifySnapshot(*first, {})->findings, testing::IsEmpty());

  const auto imported = Import(target_, *first, {.parallelism = 3});
  ASSERT_THAT(imported, IsOk());
  EXPECT_EQ(imported->rows, 5u);
  EXPECT_EQ(target_.Rows("cpu"), source_.Rows("cpu"));
  EXPECT_EQ(target_.Rows("log"), source_.Rows("log"));

  // An increment may be a base: nothing is in the next one twice.
  source_.Write("log", {{"y", kDayMs + 1, 3}});
  const Place second = NewPlace();
  ASSERT_THAT(Increment(*second, *first), IsOk());
  EXPECT_THAT(Changes(*second), ElementsAre("log day 1 add 1 rows"));
  ASSERT_THAT(source_->CompactTable(**source_->FindTable("public", "log")), IsOk());
  const Place third = NewPlace();
  ASSERT_THAT(Increment(*third, *second), IsOk());
  EXPECT_THAT(Changes(*third), ElementsAre("log day 0 replace 2 rows", "log day 1 replace 2 rows"));
  ASSERT_THAT(Import(target_, *second), IsOk());
  ASSERT_THAT(Import(target_, *third), IsOk());
  EXPECT_EQ(target_.Rows("log"), source_.Rows("log"));
}

TEST_F(IncrementTest, WhatDoesNotFollowIsRefusedAndNothingGoesBack) {
  Fill();
  std::vector<Place> chain;
  for (int64_t i = 0; i < 4; ++i) {
    source_.Write("cpu", {{"a", i, i}});
    source_.Write("log", {{"n", i, i}});
    chain.push_back(NewPlace());
    source_.clock_.Advance(std::chrono::hours(1));
    ASSERT_THAT(ExportSince(*chain.back(), i == 0 ? nullptr : chain[chain.size() - 2].get()),
                IsOk());
  }
  const Place fork = NewPlace();
  ASSERT_THAT(Increment(*fork, *chain[1]), IsOk());
  const auto id_of = [](ObjectStore& place) {
    return SnapshotFolder(place).LoadComplete()->snapshot_id.ToString();
  };
  const auto expect_refused = [&](ObjectStore& place, const std::string& here) {
    const TestRows before = target_.Rows("cpu");
    EXPECT_THAT(Refusal(Import(target_, place)),
                AllOf(StartsWith("BASE_MISMATCH"), HasSubstr("(memory)"), HasSubstr(here)));
    EXPECT_EQ(target_.Rows("cpu"), before);
  };
  expect_refused(*chain[1], "no such table");
  target_.Create("cpu");
  expect_refused(*chain[1], "no import has touched");
  ASSERT_THAT(target_->DropTable("public", "cpu"), IsOk());
  ASSERT_THAT(Import(target_, *chain[0]), IsOk());
  expect_refused(*chain[2], "here is snapshot " + id_of(*chain[0]));
  ASSERT_THAT(Import(target_, *chain[1]), IsOk());
  ASSERT_THAT(Import(target_, *chain[2]), IsOk());
  expect_refused(*fork, "here is snapshot " + id_of(*chain[2]));
  ASSERT_THAT(Import(target_, *chain[3]), IsOk());
  const TestRows rows = target_.Rows("log");
  EXPECT_EQ(rows, source_.Rows("log"));
  for (const Place& place : chain) {
    const auto again = Import(target_, *place);
    ASSERT_THAT(again, IsOk());
    EXPECT_EQ(again->skipped_tables, 2u);
    EXPECT_EQ(target_.Rows("log"), rows);
    EXPECT_EQ(target_.Rows("cpu"), source_.Rows("cpu"));
  }
  EXPECT_THAT(Refusal(Import(target_, *chain[3], {.on_conflict = OnConflict::kAppend})),
              HasSubstr("on_conflict"));
  EXPECT_THAT(Refusal(Import(target_, *chain[3], {.range = TimeRange()})), HasSubstr("time_range"));
}

TEST_F(IncrementTest, TablesColumnsAndViewsFollow) {
  for (const char* name : {"stays", "goes", "again", "renamed"}) {
    source_.Create(name);
    source_.Write(name, {{name, 1, 1}});
  }
  ASSERT_THAT(source_->CreateSchema("side"), IsOk());
  const auto view = [](const std::string& name, const std::string& query) {
    return ViewEntry{.schema = "public", .name = name, .query = query};
  };
  ASSERT_THAT(source_->SetView(view("old", "SELECT 1"), Catalogue::OnExisting::kFail), IsOk());
  ASSERT_THAT(source_->SetView(view("both", "SELECT 1"), Catalogue::OnExisting::kFail), IsOk());
  const Place base = NewPlace();
  ASSERT_THAT(Export(*base), IsOk());
  ASSERT_THAT(Import(target_, *base), IsOk());

  AlterColumns("stays");
  ASSERT_THAT(source_->DropTable("public", "goes"), IsOk());
  ASSERT_THAT(source_->DropTable("public", "again"), IsOk());
  source_.Create("again");
  source_.Write("again", {{"other", 2, 2}});
  ASSERT_THAT(source_->RenameTable("public", "renamed", "name"), IsOk());
  ASSERT_THAT(source_->DropView("public", "old"), IsOk());
  ASSERT_THAT(source_->SetView(view("both", "SELECT 2"), Catalogue::OnExisting::kReplace), IsOk());
  ASSERT_THAT(source_->SetView(view("goes", "SELECT 3"), Catalogue::OnExisting::kFail), IsOk());
  ASSERT_THAT(source_->DropSchema("side", DropBehavior::kRestrict), IsOk());
  const Place first = NewPlace();
  ASSERT_THAT(Increment(*first, *base), IsOk());
  EXPECT_THAT(Changes(*first), ElementsAre("again day 0 add 1 rows", "name day 0 add 1 rows"));
  // As two importers at once and one more after them.
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&] { std::ignore = Import(target_, *first); });
    }
  }
  ASSERT_THAT(Import(target_, *first), IsOk());
  EXPECT_EQ(target_.Rows("again"), source_.Rows("again"));
  EXPECT_EQ(target_.Rows("name"), source_.Rows("name"));
  EXPECT_FALSE(target_->FindTable("public", "goes"));
  EXPECT_FALSE(target_->FindTable("public", "renamed"));
  const auto stays = *source_->FindTable("public", "stays");
  EXPECT_EQ((*target_->FindTable("public", "stays"))->schema()->columns(),
            stays->schema()->columns());
  EXPECT_EQ((*target_->FindTable("public", "stays"))->options(), stays->options());
  EXPECT_FALSE(target_->FindView("public", "old"));
  EXPECT_EQ(target_->FindView("public", "both")->query, "SELECT 2");
  EXPECT_EQ(target_->FindView("public", "goes")->query, "SELECT 3");
  EXPECT_FALSE(target_->HasSchema("side"));
}

TEST_F(IncrementTest, WhenAllTablesAreGoneTheDatabaseRemembers) {
  source_.Create("cpu");
  std::vector<Place> chain;
  const auto next = [&] {
    chain.push_back(NewPlace());
    source_.clock_.Advance(std::chrono::hours(1));
    return ExportSince(*chain.back(), chain.size() == 1 ? nullptr : chain[chain.size() - 2].get());
  };
  ASSERT_THAT(next(), IsOk());
  source_.Write("cpu", {{"a", 1, 1}});
  ASSERT_THAT(next(), IsOk());
  ASSERT_THAT(source_->DropTable("public", "cpu"), IsOk());
  ASSERT_THAT(next(), IsOk());
  source_.Create("cpu");
  ASSERT_THAT(next(), IsOk());
  ASSERT_THAT(Import(target_, *chain[0]), IsOk());
  ASSERT_THAT(Import(target_, *chain[1]), IsOk());
  EXPECT_THAT(Refusal(Import(target_, *chain[3])), StartsWith("BASE_MISMATCH: the database"));
  ASSERT_THAT(Import(target_, *chain[2]), IsOk());
  EXPECT_TRUE(target_->ListTables("public")->empty());
  ASSERT_THAT(Import(target_, *chain[1]), IsOk());
  EXPECT_TRUE(target_->ListTables("public")->empty());
  ASSERT_THAT(Import(target_, *chain[3]), IsOk());
  ASSERT_THAT(Import(target_, *chain[2]), IsOk());
  EXPECT_TRUE(target_->FindTable("public", "cpu"));
}

TEST_F(IncrementTest, WhatExpiresGoesFromTheCopyToo) {
  source_.Create("cpu", {.enable_ttl = true, .ttl = std::chrono::days(7)});
  for (int64_t day = 94; day < 100; ++day) {
    source_.Write("cpu", {{"a", day * kDayMs + 1, day}, {"b", day * kDayMs + kDayMs / 2, day}});
  }
  const Place base = NewPlace();
  ASSERT_THAT(Export(*base), IsOk());
  ASSERT_THAT(Import(target_, *base), IsOk());
  source_.clock_.Advance(std::chrono::hours(29));  // and an hour: rows of day 94 before 6 o'clock
  source_.Write("cpu", {{"a", 101 * kDayMs, 1}});
  const Place first = NewPlace();
  ASSERT_THAT(Increment(*first, *base), IsOk());
  EXPECT_THAT(Changes(*first), ElementsAre("cpu day 94 replace 1 rows", "cpu day 101 add 1 rows"));
  source_.clock_.Advance(std::chrono::hours(23));
  source_.Write("cpu", {{"a", 102 * kDayMs, 1}});
  ASSERT_THAT((*source_->FindTable("public", "cpu"))->ExpireFiles(), IsOk());
  const Place second = NewPlace();
  ASSERT_THAT(Increment(*second, *first), IsOk());
  EXPECT_THAT(Changes(*second), ElementsAre("cpu day 94 replace 0 rows",
                                            "cpu day 95 replace 1 rows", "cpu day 102 add 1 rows"));
  ASSERT_THAT(Import(target_, *first), IsOk());
  EXPECT_EQ(target_.Rows("cpu").size(), 12u);
  ASSERT_THAT(Import(target_, *second), IsOk());
  EXPECT_EQ(target_.Rows("cpu").size(), 11u);
}

TEST_F(IncrementTest, OptionsAndBasesThatDoNotFitAreNamed) {
  Fill();
  const Place base = NewPlace();
  ASSERT_THAT(Export(*base, {.tables = {{"cpu"}}, .format = DataFormat::kCsv}), IsOk());
  const auto refused = [&](ExportRequest request) {
    const Place place = NewPlace();
    const auto exported = Increment(*place, *base, std::move(request));
    return exported ? std::string("ok") : exported.error().message;
  };
  EXPECT_THAT(refused({.format = DataFormat::kParquet}), StartsWith("BASE_MISMATCH: format"));
  EXPECT_THAT(refused({.tables = {{"log"}}}), StartsWith("BASE_MISMATCH: tables"));
  EXPECT_THAT(refused({.schemas = {{"public"}}}), StartsWith("BASE_MISMATCH: schemas"));
  EXPECT_THAT(refused({.start = TimestampUs(5)}), StartsWith("BASE_MISMATCH: start_time"));
  EXPECT_THAT(refused({.end = TimestampUs(5)}), StartsWith("BASE_MISMATCH: end_time"));
  EXPECT_THAT(refused({.chunk_window = std::chrono::hours(1)}),
              StartsWith("BASE_MISMATCH: chunk_time_window"));
  EXPECT_THAT(refused({.contents = ExportRequest::Contents::kSchemaOnly}), HasSubstr("since"));
  EXPECT_EQ(refused({.tables = {{"cpu"}}, .format = DataFormat::kCsv}), "ok");
  EXPECT_EQ(SavepointCount(), 0u);
  // Nothing but what was selected, also without saying so again, and also when that is gone.
  const Place same = NewPlace();
  ASSERT_THAT(Increment(*same, *base), IsOk());
  EXPECT_THAT(SnapshotFolder(*same).LoadComplete()->tables, ElementsAre("public.cpu"));
  ASSERT_THAT(source_->DropTable("public", "cpu"), IsOk());
  const Place gone = NewPlace();
  ASSERT_THAT(Increment(*gone, *same), IsOk());
  EXPECT_THAT(SnapshotFolder(*gone).LoadComplete()->tables, ElementsAre());
  // Another database; no rows.
  TransferDatabase other(77);
  other.Create("cpu");
  TransferProgress progress;
  const Place place = NewPlace();
  const auto foreign =
      ExportJob({.database = &*other, .target = place.get(), .since = base.get(), .retry = {}},
                {.since = "memory"}, progress)
          .Run();
  ASSERT_FALSE(foreign);
  EXPECT_THAT(foreign.error().message, StartsWith("BASE_MISMATCH: db_uuid"));
  const Place empty = NewPlace();
  ASSERT_THAT(Export(*empty, {.contents = ExportRequest::Contents::kSchemaOnly}), IsOk());
  EXPECT_THAT(ExportSince(*place, empty.get()).error().message,
              StartsWith("BASE_MISMATCH: schema_only"));
}

TEST_F(IncrementTest, AnExportThatFailsAnywhereEndsInTheSameFilesWhenItIsResumed) {
  Fill();
  const Place base = NewPlace();
  ASSERT_THAT(Export(*base), IsOk());
  source_.Write("cpu", {{"a", 1, 7}, {"new", kDayMs + 7, 7}});
  source_.Write("log", {{"x", 1, 1}});
  source_.clock_.Advance(std::chrono::hours(1));
  const auto data = [](ObjectStore& store) {
    auto objects = Objects(store);
    std::erase_if(objects, [](const auto& object) { return !object.first.starts_with("data/"); });
    return objects;
  };
  const Place whole = NewPlace();
  ASSERT_THAT(ExportSince(*whole, base.get()), IsOk());
  ASSERT_GE(data(*whole).size(), 3u);
  const Place other = NewPlace();
  ASSERT_THAT(Export(*other), IsOk());
  for (uint64_t n = 1;; ++n) {
    SCOPED_TRACE(n);
    ASSERT_LT(n, 200u);
    FaultyObjectStore place(std::make_shared<MemoryObjectStore>(&source_.clock_));
    place.faults().FailAt(n, n % 2 == 0 ? FaultKind::kError : FaultKind::kErrorAfterEffect);
    auto done = ExportSince(place, base.get());
    const bool failed = place.faults().failures() > 0;
    place.Restart();
    source_.Open();
    if (!done && place.Get(kManifestPath)) {
      EXPECT_THAT(ExportSince(place, other.get()).error().message,
                  StartsWith("RESUME_MISMATCH: since"));
    }
    if (!done) {
      done = Export(place);  // goes on with the increment, and does not need its base
    }
    if (!done || !SnapshotFolder(place).LoadComplete()->base) {
      // Before the manifest there was nothing to go on with, or no schema yet.
      done = ExportSince(place, base.get(), {.existing = ExportRequest::Existing::kReplace});
    }
    ASSERT_THAT(done, IsOk());
    EXPECT_EQ(data(place), data(*whole));
    if (!failed) {
      break;
    }
  }
}

TEST_F(IncrementTest, AnImportThatFailsAnywhereIsAppliedOnce) {
  Fill();
  source_.Create("goes");
  source_.Write("goes", {{"a", 1, 1}});
  const Place base = NewPlace();
  ASSERT_THAT(Export(*base), IsOk());
  source_.Write("log", {{"x", 1, 1}, {"y", 9 * kDayMs, 1}});
  Delete("cpu", 2, 3);
  ASSERT_THAT(source_->DropTable("public", "goes"), IsOk());
  const auto cpu = *source_->FindTable("public", "cpu");
  ASSERT_THAT(source_->AddColumns(*cpu, {{.name = "x", .type = ColumnType::kDouble}}), IsOk());
  source_.Create("new");
  source_.Write("new", {{"a", 1, 1}});
  const Place first = NewPlace();
  ASSERT_THAT(Increment(*first, *base), IsOk());
  for (const FaultKind kind : {FaultKind::kError, FaultKind::kErrorAfterEffect}) {
    for (uint64_t n = 1;; ++n) {
      SCOPED_TRACE(n);
      ASSERT_LT(n, 400u);
      TransferDatabase target(n);
      ASSERT_THAT(Import(target, *base), IsOk());
      const uint64_t before = target.store_.faults().failures();
      target.store_.faults().FailAt(n, kind);
      auto imported = Import(target, *first);
      const bool failed = target.store_.faults().failures() > before;
      target.store_.Restart();
      target.Open();
      if (!imported) {
        imported = Import(target, *first);
      }
      ASSERT_THAT(imported, IsOk());
      for (const char* table : {"cpu", "log", "new"}) {
        EXPECT_EQ(target.Rows(table), source_.Rows(table)) << table;
      }
      EXPECT_FALSE(target->FindTable("public", "goes"));
      if (!failed) {
        break;
      }
    }
  }
}

}  // namespace
}  // namespace varve
