// Base and increments in their order are the source, whatever happens to it between them, at
// random.
#include <array>
#include <random>
#include <set>

#include "protect/test_increments.h"

namespace varve {
namespace {

// Random things happen to three kinds of tables between increments.
class IncrementModelTest : public IncrementTest, public testing::WithParamInterface<DataFormat> {
 protected:
  static constexpr std::array<const char*, 3> kTables = {"over", "append", "parts"};

  void Make(const std::string& name) {
    if (name == "parts") {
      TableOptions options{.enable_ttl = false};
      options.segment_duration = std::chrono::hours(6);
      ASSERT_THAT(source_->CreatePartitionedTable(
                      "public", name, TestSpec(), options,
                      {.method = PartitionMethod::kKey, .columns = {"host"}, .count = 3}),
                  IsOk());
    } else {
      source_.Create(
          name, {.enable_ttl = false,
                 .update_mode = name == "append" ? UpdateMode::kAppend : UpdateMode::kOverwrite});
    }
  }

  int64_t Below(int64_t limit) {
    return static_cast<int64_t>(rng_() % static_cast<uint64_t>(limit));
  }

  void Step() {
    const std::string name = kTables[static_cast<size_t>(Below(3))];
    const auto table = *source_->FindTable("public", name);
    const int64_t choice = Below(20);
    if (choice < 9) {
      std::vector<TestRow> rows;
      std::set<std::pair<std::string, int64_t>> keys;
      for (int64_t i = Below(8); i >= 0; --i) {
        TestRow row{fmt::format("h{}", Below(5)), (95 - Below(8)) * kDayMs + Below(20), ++value_};
        if (keys.insert({row.host, row.time_ms}).second) {
          rows.push_back(std::move(row));
        }
      }
      source_.Write(name, rows);
    } else if (choice < 13) {
      ASSERT_THAT(source_->FlushAll(), IsOk());
    } else if (choice < 15) {
      const int64_t start = (95 - Below(8)) * kDayMs + Below(20);
      Delete(name, start, start + Below(2) * kDayMs + Below(9));
    } else if (choice < 17) {
      ASSERT_THAT(source_->CompactTable(*table), IsOk());
    } else if (choice == 17) {
      ASSERT_THAT(source_->AddColumns(*table, {{.name = fmt::format("c{}", ++value_),
                                                .type = ColumnType::kDouble}}),
                  IsOk());
    } else if (choice == 18 && Below(4) == 0) {
      ASSERT_THAT(source_->DropTable("public", name), IsOk());
      Make(name);
    } else if (Below(4) == 0) {
      ASSERT_THAT(source_->Truncate(*table), IsOk());
    }
  }

  std::mt19937_64 rng_;
  int64_t value_ = 0;
};

TEST_P(IncrementModelTest, BaseAndIncrementsAreTheSource) {
  constexpr uint64_t kSeeds = 4;
  constexpr int kIncrements = 8;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    rng_.seed(seed);
    for (const char* name : kTables) {
      if (source_->FindTable("public", name)) {
        ASSERT_THAT(source_->DropTable("public", name), IsOk());
      }
      Make(name);
    }
    TransferDatabase follower(100 + seed);
    std::vector<Place> chain;
    for (int i = 0; i <= kIncrements; ++i) {
      SCOPED_TRACE(fmt::format("increment {}", i));
      for (int64_t steps = Below(12); steps > 0; --steps) {
        Step();
      }
      chain.push_back(NewPlace());
      source_.clock_.Advance(std::chrono::hours(7));
      ExportRequest request{.format = GetParam(), .parallelism = 2};
      ASSERT_THAT(
          ExportSince(*chain.back(), i == 0 ? nullptr : chain[chain.size() - 2].get(), request),
          IsOk());
      ASSERT_THAT(Import(follower, *chain.back(), {.parallelism = 2}), IsOk());
      for (const char* name : kTables) {
        ASSERT_EQ(AllRows(follower, name), AllRows(source_, name)) << name;
        ASSERT_EQ((*follower->FindTable("public", name))->schema()->columns(),
                  (*source_->FindTable("public", name))->schema()->columns());
      }
    }
    TransferDatabase late(200 + seed);
    for (const Place& place : chain) {
      ASSERT_THAT(Import(late, *place), IsOk());
    }
    for (const char* name : kTables) {
      EXPECT_EQ(AllRows(late, name), AllRows(source_, name)) << name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, IncrementModelTest,
                         testing::Values(DataFormat::kParquet, DataFormat::kCsv),
                         [](const auto& format) {
                           return std::string(DataFormatName(format.param));
                         });

}  // namespace
}  // namespace varve
