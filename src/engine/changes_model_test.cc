// Random writes, with late rows, repeated ones and deletes, and everything that makes versions
// (flushing, merging, going back, new columns): the changes from any version to any later one, put
// on top of what the first one holds, give what the second one holds; and so does each version in
// between.
//
// VARVE_MODEL_MINUTES makes it run that long, with new seeds; VARVE_MODEL_SEED begins with one.
#include <gtest/gtest.h>

#include <set>

#include "base/matchers.h"
#include "engine/changes.h"
#include "engine/test_model_world.h"

namespace varve {
namespace {

constexpr int kSteps = 50;  // of one seed
constexpr int kPairs = 6;   // of versions, at the end of one seed

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

class World : private ModelWorld {
 public:
  explicit World(ModelKind kind) : ModelWorld(kind) {}

  void Run(uint64_t seed) {
    Begin(seed);
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
  void Step() {
    clock_.Advance(std::chrono::seconds(1));
    const uint64_t dice = random_() % 100;
    if (dice < 45) {
      Write(model_.RandomRows(random_));
    } else if (dice < 70) {
      ASSERT_THAT(table()->Flush(), IsOk());
    } else if (dice < 80) {
      ASSERT_THAT(DeleteWhere(OneIn(2 + random_() % 40)), IsOk());
    } else if (dice < 81) {
      ASSERT_THAT(table()->Truncate(), IsOk());
    } else if (dice < 86) {
      ASSERT_THAT(database_->CompactTable(*table()), IsOk());
    } else if (dice < 94) {
      const uint64_t newest = table()->current_version().value();
      ASSERT_THAT(table()->Rollback(VersionId(1 + random_() % newest)), IsOk());
    } else if (dice < 97) {
      Restart();
    } else if (!HasExtra()) {
      AddExtra();
    }
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
};

class ChangesModelTest : public testing::TestWithParam<ModelKind> {};

TEST_P(ChangesModelTest, ChangesLeadFromOneVersionToAnother) {
  constexpr uint64_t kSeedsMin = 4;
  RunModelSeeds(kSeedsMin, [](uint64_t seed) { World(GetParam()).Run(seed); });
}

INSTANTIATE_TEST_SUITE_P(Tables, ChangesModelTest, testing::ValuesIn(kModelKinds), ModelKindName);

}  // namespace
}  // namespace varve
