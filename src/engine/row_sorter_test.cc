// Rows that are sorted in runs, against a plain map: however small a run is, what a table gets is
// what it would have had from writing the rows one by one.
#include "engine/row_sorter.h"

#include <gmock/gmock.h>

#include "engine/flush_job.h"
#include "engine/test_memory_database.h"
#include "engine/test_model_world.h"
#include "store/faulty_store.h"
#include "store/memory_store.h"

namespace varve {
namespace {

using testing::IsEmpty;

constexpr uint64_t kOneBatch = 0;
constexpr uint64_t kAllRows = uint64_t{1} << 30;
constexpr uint64_t kNever = uint64_t{1} << 30;

class RowSorterTest : public testing::TestWithParam<ModelKind> {
 protected:
  RowSorterTest() { database_.Start(); }

  std::shared_ptr<Table> Create() {
    EXPECT_THAT(database_->CreateTable("public", model_.name(), model_.Spec(), model_.Options()),
                IsOk());
    return database_.Find(model_.name());
  }
  static Result<std::vector<FileMeta>> Sort(const ImportPlace& place,
                                            const std::vector<std::vector<ModelRow>>& batches,
                                            uint64_t bytes_max) {
    // Two of them, as if they were written at the same time.
    RowSorter first(place, bytes_max);
    RowSorter second(place, bytes_max);
    for (size_t i = 0; i < batches.size(); ++i) {
      RowSorter& sorter = i < batches.size() / 2 ? first : second;
      VARVE_TRY(sorter.Add(ModelBatch(*place.schema, batches[i])));
    }
    VARVE_TRY(first.Seal());
    VARVE_TRY(second.Seal());
    VARVE_TRY(first.ReplaceBy(second));
    VARVE_ASSIGN(auto files, first.Finish());
    auto rest = second.Finish();
    if (!rest) {
      for (const FileMeta& file : files) {
        DiscardDataFile(*place.store, file);
      }
      return rest;
    }
    files.insert(files.end(), rest->begin(), rest->end());
    return files;
  }
  static Result<ImportOutcome> Import(Table& table,
                                      const std::vector<std::vector<ModelRow>>& batches,
                                      uint64_t bytes_max) {
    return table.Import({.operation_id = "one", .write = [&](const ImportPlace& place) {
                           return Sort(place, batches, bytes_max);
                         }});
  }
  // Of the columns that the table has.
  std::vector<ModelRow> RandomRows() {
    auto rows = model_.RandomRows(random_);
    for (ModelRow& row : rows) {
      row.extra.reset();
    }
    return rows;
  }
  std::vector<std::string> DataFiles() {
    std::vector<std::string> paths;
    const auto objects = store_.List("").value();
    for (const ObjectInfo& object : objects) {
      if (object.path.contains("/data/")) {
        paths.push_back(object.path);
      }
    }
    return paths;
  }

  std::mt19937_64 random_;
  ModelTable model_{GetParam()};
  ManualClock clock_{TimestampUs(1'000'000)};
  FaultyObjectStore store_{std::make_shared<MemoryObjectStore>(&clock_)};
  MemoryDatabase database_{&store_, &clock_};
};

TEST_P(RowSorterTest, RunsOfAnySizeHoldWhatWasWrittenLast) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    random_.seed(seed);
    model_ = ModelTable(GetParam());
    const auto table = Create();
    const auto before = RandomRows();
    ASSERT_THAT(database_.WriteBatch(table, ModelBatch(*table->schema(), before)), IsOk());
    model_.Keep(before);
    const size_t rows_before = model_.size();
    std::vector<std::vector<ModelRow>> batches;
    for (int i = 0; i < 30; ++i) {
      model_.Keep(batches.emplace_back(RandomRows()));
    }
    const uint64_t bytes_max = std::array{kOneBatch, uint64_t{20'000}, kAllRows}[seed % 3];
    const auto outcome = Import(*table, batches, bytes_max);
    ASSERT_THAT(outcome, IsOk());
    const auto rows = ReadModelRows(store_, table->View().value());
    ASSERT_THAT(rows, IsOk());
    EXPECT_EQ(ModelDifference(*rows, model_.Expected()), "");
    EXPECT_EQ(rows_before + outcome->rows - outcome->replaced_rows, model_.size());
    ASSERT_THAT(database_->DropTable("public", model_.name()), IsOk());
  }
}

TEST_P(RowSorterTest, ARunThatIsReplacedWhollyLeavesNoFile) {
  const auto table = Create();
  const std::vector<ModelRow> rows = {{.host = "a", .time_ms = 1}, {.host = "b", .time_ms = 2}};
  const auto outcome = Import(*table, {rows, rows, rows}, kOneBatch);
  ASSERT_THAT(outcome, IsOk());
  const bool appends = GetParam() == ModelKind::kAppend;
  EXPECT_EQ(outcome->files, appends ? 3u : 1u);
  EXPECT_EQ(outcome->rows, appends ? 6u : 2u);
  EXPECT_THAT(DataFiles(), testing::SizeIs(outcome->files));
}

TEST_P(RowSorterTest, AFailureOfTheStoreLeavesNoFile) {
  const auto table = Create();
  const std::vector<std::vector<ModelRow>> batches = {
      {{.host = "a", .time_ms = 1}, {.host = "b", .time_ms = 2}}, {{.host = "a", .time_ms = 1}}};
  for (uint64_t n = 1;; ++n) {
    SCOPED_TRACE(n);
    ASSERT_LT(n, 100u);
    const uint64_t failures = store_.faults().failures();
    const auto outcome =
        table->Import({.operation_id = "one", .write = [&](const ImportPlace& place) {
                         store_.faults().FailAt(n, FaultKind::kError);
                         auto files = Sort(place, batches, kOneBatch);
                         store_.faults().FailAt(kNever, FaultKind::kError);
                         return files;
                       }});
    if (store_.faults().failures() == failures) {
      EXPECT_THAT(outcome, IsOk());
      break;
    }
    EXPECT_FALSE(outcome);
    EXPECT_THAT(DataFiles(), IsEmpty());
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, RowSorterTest, testing::ValuesIn(kModelKinds), ModelKindName);

}  // namespace
}  // namespace varve
