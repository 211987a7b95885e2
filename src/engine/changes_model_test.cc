// Random writes, with late rows, repeated ones and deletes, and everything that makes versions
// (flushing, merging, going back, new columns): the changes from any version to any later one, put
// on top of what the first one holds, give what the second one holds; and so does each version in
// between.
//
// VARVE_MODEL_SEED begins with another seed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "base/matchers.h"
#include "engine/changes.h"
#include "engine/test_model.h"
#include "store/memory_store.h"
#include "wal/memory_wal.h"

namespace varve {
namespace {

constexpr int kSteps = 50;  // of one seed
constexpr int kPairs = 6;   // of versions, at the end of one seed
constexpr uint64_t kSeeds = 4;

using Texts = std::multiset<std::string>;

// The rows of a batch of changes, each with what has happened to it.
std::vector<std::pair<std::string, std::string>> Read(const arrow::RecordBatch& batch) {
  std::vector<std::pair<std::string, std::string>> out;
  for (int64_t row = 0; row < batch.num_rows(); ++row) {
    std::vector<std::string> cells;
    for (const auto name : kModelColumns) {
      cells.push_back(ModelText(batch.GetColumnByName(std::string(name)).get(), row));
    }
    out.emplace_back(ModelText(batch.column(0).get(), row),
                     fmt::format("{}", fmt::join(cells, "|")));
  }
  return out;
}

class World {
 public:
  explicit World(ModelKind kind) : model_(kind) {}

  void Run(uint64_t seed) {
    random_.seed(seed);
    Open();
    ASSERT_THAT(database_->CreateTable("public", model_.name(), model_.Spec(), model_.Options()),
                IsOk());
    for (int step = 0; step < kSteps && !testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE(fmt::format("seed {}, step {}", seed, step));
      Step();
    }
    ASSERT_THAT(table()->Flush(), IsOk());
    const uint64_t newest = table()->current_version().value();
    for (int pair = 0; pair < kPairs && !testing::Test::HasFailure(); ++pair) {
      const uint64_t from = pair == 0 ? 0 : random_() % newest;
      const uint64_t to = pair == 0 ? newest : from + 1 + random_() % (newest - from);
      SCOPED_TRACE(fmt::format("seed {}, from {} to {} of {}", seed, from, to, newest));
      CheckChanges(VersionId(from), VersionId(to));
    }
  }

 private:
  void Open() {
    wal_ = std::make_unique<MemoryWal>(log_);
    DatabaseOptions options;
    options.store = &store_;
    options.wal = wal_.get();
    options.clock = &clock_;
    options.ids = &ids_;
    options.compaction_threads = 1;
    options.compaction_limits.output_rows_max = 1000;
    auto opened = Database::Open(options);
    ASSERT_THAT(opened, IsOk());
    database_ = std::move(*opened);
  }

  std::shared_ptr<Table> table() { return *database_->FindTable("public", model_.name()); }

  void Step() {
    clock_.Advance(std::chrono::seconds(1));
    const uint64_t dice = random_() % 100;
    if (dice < 45) {
      Write();
    } else if (dice < 70) {
      ASSERT_THAT(table()->Flush(), IsOk());
    } else if (dice < 80) {
      Delete();
    } else if (dice < 81) {
      ASSERT_THAT(table()->Truncate(), IsOk());
    } else if (dice < 86) {
      ASSERT_THAT(database_->CompactTable(*table()), IsOk());
    } else if (dice < 94) {
      const uint64_t newest = table()->current_version().value();
      ASSERT_THAT(table()->Rollback(VersionId(1 + random_() % newest)), IsOk());
    } else if (dice < 97) {
      database_.reset();
      Open();
    } else if (table()->schema()->Find("extra") == nullptr) {
      ASSERT_THAT(table()->AddColumns({{.name = "extra", .type = ColumnType::kInt64}}), IsOk());
    }
  }

  void Write() {
    auto rows = model_.RandomRows(random_);
    const auto schema = table()->schema();
    std::vector<TableWrite> writes;
    writes.push_back({table(), ModelBatch(*schema, rows)});
    ASSERT_THAT(database_->Write(std::move(writes)), IsOk());
  }

  void Delete() {
    const uint64_t modulus = 2 + random_() % 40;
    const auto find = [&](const ReadView& view) -> Result<Table::RowsByFile> {
      Table::RowsByFile rows;
      for (const auto& [id, file] : view.version->files) {
        std::vector<uint64_t> positions;
        VARVE_TRY(
            VisitModelFile(store_, view, file, [&](uint64_t position, const std::string& text) {
              if (std::hash<std::string>()(text) % modulus == 0) {
                positions.push_back(position);
              }
            }));
        rows.emplace(id, DeletionVector::FromRows(positions));
      }
      return rows;
    };
    ASSERT_THAT(table()->Delete(find), IsOk());
  }

  // As the schema sees it.
  Texts RowsAt(VersionId id, const std::shared_ptr<const TableSchema>& schema) {
    if (id == VersionId()) {
      return {};
    }
    ReadView view = table()->ViewAt(table()->FindVersion(id).value());
    view.schema = schema;
    const auto rows = ReadModelRows(store_, view).value();
    return {rows.begin(), rows.end()};
  }

  void CheckChanges(VersionId from, VersionId to) {
    const auto target = table()->FindVersion(to).value();
    auto reader = ChangeReader::Open(table(), {from, to});
    ASSERT_THAT(reader, IsOk());
    Texts rows = RowsAt(from, target->schema);
    uint64_t version = from.value() + 1;
    int64_t unpaired = 0;
    while (true) {
      const auto step = (*reader)->Next();
      ASSERT_THAT(step, IsOk());
      if (!*step) {
        break;
      }
      ASSERT_EQ((*step)->version, VersionId(version));
      if ((*step)->rows == nullptr) {
        ASSERT_EQ(unpaired, 0) << "version " << version;
        ASSERT_EQ(rows, RowsAt(VersionId(version), target->schema)) << "version " << version;
        ++version;
        continue;
      }
      for (const auto& [type, text] : Read(*(*step)->rows)) {
        unpaired += type == kUpdatePreimage ? 1 : (type == kUpdatePostimage ? -1 : 0);
        if (type == kInsert || type == kUpdatePostimage) {
          rows.insert(text);
          continue;
        }
        const auto there = rows.find(text);
        ASSERT_NE(there, rows.end()) << type << " " << text << " in version " << version;
        rows.erase(there);
      }
    }
    EXPECT_EQ(version, to.value() + 1);
  }

  ManualClock clock_{TimestampUs(1'700'000'000'000'000)};
  SeededIdSource ids_{1};
  MemoryObjectStore store_{&clock_};
  std::shared_ptr<MemoryLog> log_ = std::make_shared<MemoryLog>();
  std::unique_ptr<MemoryWal> wal_;
  std::unique_ptr<Database> database_;
  ModelTable model_;
  std::mt19937_64 random_;
};

class ChangesModelTest : public testing::TestWithParam<ModelKind> {};

TEST_P(ChangesModelTest, ChangesLeadFromOneVersionToAnother) {
  const char* text = std::getenv("VARVE_MODEL_SEED");
  const uint64_t first = text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
  for (uint64_t seed = first; seed < first + kSeeds; ++seed) {
    World(GetParam()).Run(seed);
    ASSERT_FALSE(HasFailure()) << "VARVE_MODEL_SEED=" << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Tables, ChangesModelTest,
                         testing::Values(ModelKind::kDefaultKey, ModelKind::kExplicitKey,
                                         ModelKind::kAppend),
                         [](const auto& info) { return ModelTable(info.param).name(); });

}  // namespace
}  // namespace varve
