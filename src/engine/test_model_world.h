// ModelWorld: the table of a model test in a database that steps by chance are done with, and what
// such tests share: which seeds they run, which rows they delete, how they tell a difference. For
// tests only.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/matchers.h"
#include "engine/test_memory_database.h"
#include "engine/test_model.h"
#include "store/faulty_store.h"
#include "store/memory_store.h"

namespace varve {

inline constexpr ModelKind kModelKinds[] = {ModelKind::kDefaultKey, ModelKind::kExplicitKey,
                                            ModelKind::kAppend};

// The last argument of INSTANTIATE_TEST_SUITE_P.
inline std::string ModelKindName(const testing::TestParamInfo<ModelKind>& info) {
  return ModelTable(info.param).name();
}

inline uint64_t NumberFromEnvironment(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Runs one seed after the other, from VARVE_MODEL_SEED (1) on, until one fails: `seeds_min` of
// them, and as many as there is time for in VARVE_MODEL_MINUTES (0), which the kinds of tables
// share.
inline void RunModelSeeds(uint64_t seeds_min, const std::function<void(uint64_t seed)>& run) {
  const uint64_t first = NumberFromEnvironment("VARVE_MODEL_SEED", 1);
  const std::chrono::seconds time(NumberFromEnvironment("VARVE_MODEL_MINUTES", 0) * 60 /
                                  std::size(kModelKinds));
  const auto start = std::chrono::steady_clock::now();
  uint64_t seed = first;
  for (; seed < first + seeds_min || std::chrono::steady_clock::now() - start < time; ++seed) {
    run(seed);
    ASSERT_FALSE(testing::Test::HasFailure()) << "VARVE_MODEL_SEED=" << seed;
  }
  testing::Test::RecordProperty("seeds", fmt::format("{} to {}", first, seed - 1));
}

// "" when they are the same.
inline std::string ModelDifference(const ModelRows& rows, const ModelRows& expected) {
  if (rows == expected) {
    return "";
  }
  std::vector<std::string> missing;
  std::ranges::set_difference(expected, rows, std::back_inserter(missing));
  std::vector<std::string> extra;
  std::ranges::set_difference(rows, expected, std::back_inserter(extra));
  return fmt::format("{} rows, expected {}; {} missing: {}; {} too many: {}", rows.size(),
                     expected.size(), missing.size(), missing.empty() ? "" : missing.front(),
                     extra.size(), extra.empty() ? "" : extra.front());
}

// By the text of a row.
using ModelRowTest = std::function<bool(const std::string& text)>;

// Is true for one of `modulus` rows, more or less.
inline ModelRowTest OneIn(uint64_t modulus) {
  return
      [modulus](const std::string& text) { return std::hash<std::string>()(text) % modulus == 0; };
}

// Small, so that there are some before each expiry.
inline constexpr uint64_t kVersionsPerTestHistory = 4;

// One thread.
class ModelWorld {
 protected:
  explicit ModelWorld(ModelKind kind) : model_(kind) {}

  // With an empty table.
  void Begin(uint64_t seed) {
    random_.seed(seed);
    Restart();
    ASSERT_THAT(database_->CreateTable("public", model_.name(), model_.Spec(), model_.Options()),
                IsOk());
  }
  // kill -9 and start again, with nothing failing any more.
  void Restart() {
    database_.Stop();
    store_.Restart();
    DatabaseOptions options;
    // Beside the steps, whenever there is something to merge; outputs are split even here.
    options.compaction_threads = compaction_threads_;
    options.compaction_limits.output_rows_max = 1000;
    options.versions_per_history = kVersionsPerTestHistory;
    database_.Start(std::move(options));
  }

  std::shared_ptr<Table> table() { return database_.Find(model_.name()); }
  bool HasExtra() { return table()->schema()->Find("extra") != nullptr; }
  void AddExtra() {
    ASSERT_THAT(table()->AddColumns({{.name = "extra", .type = ColumnType::kInt64}}), IsOk());
  }

  // Returns the rows as they are in the table, which may have no column "extra".
  std::vector<ModelRow> Write(std::vector<ModelRow> rows) {
    if (!HasExtra()) {
      for (ModelRow& row : rows) {
        row.extra.reset();
      }
    }
    EXPECT_THAT(database_.WriteBatch(table(), ModelBatch(*table()->schema(), rows)), IsOk());
    return rows;
  }

  Result<uint64_t> DeleteWhere(const ModelRowTest& deleted) {
    return table()->Delete([&](const ReadView& view) -> Result<Table::RowsByFile> {
      Table::RowsByFile rows;
      for (const auto& [id, file] : view.version->files) {
        std::vector<uint64_t> positions;
        VARVE_TRY(
            VisitModelFile(store_, view, file, [&](uint64_t position, const std::string& text) {
              if (deleted(text)) {
                positions.push_back(position);
              }
            }));
        rows.emplace(id, DeletionVector::FromRows(positions));
      }
      return rows;
    });
  }

  void ExpectRows(const ReadView& view, const ModelRows& expected, const std::string& what) {
    const auto rows = ReadModelRows(store_, view);
    ASSERT_THAT(rows, IsOk()) << what;
    EXPECT_EQ(ModelDifference(*rows, expected), "") << what;
  }

  ManualClock clock_{TimestampUs(1'700'000'000'000'000)};
  FaultyObjectStore store_{std::make_shared<MemoryObjectStore>(&clock_)};
  MemoryDatabase database_{&store_, &clock_};
  ModelTable model_;
  std::mt19937_64 random_;
  size_t compaction_threads_ = 1;
};

}  // namespace varve
