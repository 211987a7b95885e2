// Random writes, with late rows, repeated ones and deletes, and everything that moves rows in
// between (sealing, flushing, merging, restarting, new columns), against a plain map: after every
// step the whole table reads as the map does, a view that is held as it did when it was taken, and
// older versions as they did when they were new.
//
// VARVE_MODEL_MINUTES makes it run that long, with new seeds; VARVE_MODEL_SEED begins with one.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>

#include "base/matchers.h"
#include "engine/test_model.h"
#include "store/memory_store.h"
#include "wal/memory_wal.h"

namespace varve {
namespace {

constexpr int kSteps = 40;           // of one seed
constexpr size_t kRowsMax = 12'000;  // reading all of them after every step is what takes the time
constexpr size_t kVersionsMax = 4;

class World {
 public:
  explicit World(ModelKind kind) : model_(kind) {}

  void Run(uint64_t seed) {
    random_.seed(seed);
    Open();
    ASSERT_THAT(database_->CreateTable("public", model_.name(), model_.Spec(), model_.Options()),
                IsOk());
    for (int step = 0; step < kSteps && model_.size() < kRowsMax; ++step) {
      SCOPED_TRACE(fmt::format("seed {}, step {}", seed, step));
      Step();
      Check();
      if (testing::Test::HasFailure()) {
        return;
      }
    }
  }

 private:
  struct Held {
    ReadView view;
    ModelRows expected;
  };

  void Open() {
    wal_ = std::make_unique<MemoryWal>(log_);
    DatabaseOptions options;
    options.store = &store_;
    options.wal = wal_.get();
    options.clock = &clock_;
    options.ids = &ids_;
    // Beside the steps, whenever there is something to merge; outputs are split even here.
    options.compaction_threads = 1;
    options.compaction_limits.output_rows_max = 1000;
    auto opened = Database::Open(options);
    ASSERT_THAT(opened, IsOk());
    database_ = std::move(*opened);
  }

  std::shared_ptr<Table> table() { return *database_->FindTable("public", model_.name()); }

  void Step() {
    const uint64_t dice = random_() % 100;
    if (dice < 65) {
      Write();
    } else if (dice < 72) {
      table()->Seal();  // the flush follows in the background
    } else if (dice < 86) {
      Flush();
    } else if (dice < 88) {
      Delete();
    } else if (dice < 90) {
      ASSERT_THAT(database_->CompactTable(*table()), IsOk());
    } else if (dice < 93) {
      held_ = Held{table()->View().value(), model_.Expected()};
    } else if (dice < 97) {
      Restart();
    } else if (table()->schema()->Find("extra") == nullptr) {
      ASSERT_THAT(table()->AddColumns({{.name = "extra", .type = ColumnType::kInt64}}), IsOk());
    }
  }

  void Write() {
    auto rows = model_.RandomRows(random_);
    const auto schema = table()->schema();
    if (schema->Find("extra") == nullptr) {
      for (ModelRow& row : rows) {
        row.extra.reset();
      }
    }
    std::vector<TableWrite> writes;
    writes.push_back({table(), ModelBatch(*schema, rows)});
    ASSERT_THAT(database_->Write(std::move(writes)), IsOk());
    model_.Keep(rows);
  }

  // Some of the rows by what is in them, now and then all.
  void Delete() {
    if (random_() % 20 == 0) {
      ASSERT_THAT(table()->Truncate(), IsOk());
      model_.Delete([](const std::string&) { return true; });
      return;
    }
    const uint64_t modulus = 1 + random_() % 7;
    const auto deleted = [&](const std::string& text) {
      return std::hash<std::string>()(text) % modulus == 0;
    };
    const auto find = [&](const ReadView& view) -> Result<Table::RowsByFile> {
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
    };
    const auto count = table()->Delete(find);
    ASSERT_THAT(count, IsOk());
    EXPECT_EQ(*count, model_.Delete(deleted));
  }

  void Flush() {
    ASSERT_THAT(table()->Flush(), IsOk());
    Held now{table()->View().value(), model_.Expected()};
    EXPECT_TRUE(now.view.memtables.empty());
    EXPECT_TRUE(now.view.replaced.empty());
    versions_.push_back(std::move(now));
    if (versions_.size() > kVersionsMax) {
      versions_.erase(versions_.begin());
    }
  }

  void Restart() {
    held_.reset();
    versions_.clear();
    database_.reset();
    Open();
  }

  void Check() {
    const auto view = table()->View();
    ASSERT_THAT(view, IsOk());
    ExpectRows(*view, model_.Expected());
    if (held_) {
      SCOPED_TRACE("a view that is held");
      ExpectRows(held_->view, held_->expected);
    }
    if (!versions_.empty() && random_() % 4 == 0) {
      SCOPED_TRACE("an older version");
      const Held& older = versions_[random_() % versions_.size()];
      ExpectRows(older.view, older.expected);
    }
  }

  void ExpectRows(const ReadView& view, const ModelRows& expected) {
    const auto rows = ReadModelRows(store_, view);
    ASSERT_THAT(rows, IsOk());
    if (*rows == expected) {
      return;
    }
    std::vector<std::string> missing;
    std::ranges::set_difference(expected, *rows, std::back_inserter(missing));
    std::vector<std::string> extra;
    std::ranges::set_difference(*rows, expected, std::back_inserter(extra));
    ADD_FAILURE() << rows->size() << " rows, expected " << expected.size() << "; " << missing.size()
                  << " missing: " << (missing.empty() ? "" : missing.front()) << "; "
                  << extra.size() << " too many: " << (extra.empty() ? "" : extra.front());
  }

  ManualClock clock_{TimestampUs(1'000'000)};
  SeededIdSource ids_{1};
  MemoryObjectStore store_{&clock_};
  std::shared_ptr<MemoryLog> log_ = std::make_shared<MemoryLog>();
  std::unique_ptr<MemoryWal> wal_;
  std::unique_ptr<Database> database_;
  ModelTable model_;
  std::mt19937_64 random_;
  std::optional<Held> held_;
  std::vector<Held> versions_;
};

class OverwriteModelTest : public testing::TestWithParam<ModelKind> {};

uint64_t NumberFrom(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST_P(OverwriteModelTest, ReadsAsAMapDoes) {
  constexpr uint64_t kSeedsMin = 2;
  constexpr uint64_t kKinds = 3;  // share the minutes
  const uint64_t first = NumberFrom("VARVE_MODEL_SEED", 1);
  const std::chrono::seconds time(NumberFrom("VARVE_MODEL_MINUTES", 0) * 60 / kKinds);
  const auto start = std::chrono::steady_clock::now();
  uint64_t seed = first;
  for (; seed < first + kSeedsMin || std::chrono::steady_clock::now() - start < time; ++seed) {
    World(GetParam()).Run(seed);
    ASSERT_FALSE(HasFailure()) << "VARVE_MODEL_SEED=" << seed;
  }
  RecordProperty("seeds", fmt::format("{} to {}", first, seed - 1));
}

INSTANTIATE_TEST_SUITE_P(Tables, OverwriteModelTest,
                         testing::Values(ModelKind::kDefaultKey, ModelKind::kExplicitKey,
                                         ModelKind::kAppend),
                         [](const auto& info) { return ModelTable(info.param).name(); });

}  // namespace
}  // namespace varve
