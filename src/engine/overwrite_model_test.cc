// Random writes, with late rows, repeated ones and deletes, and everything that moves rows in
// between (sealing, flushing, merging, restarting, new columns), against a plain map: after every
// step the whole table reads as the map does, a view that is held as it did when it was taken, and
// older versions as they did when they were new.
//
// VARVE_MODEL_MINUTES makes it run that long, with new seeds; VARVE_MODEL_SEED begins with one.
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "engine/test_model_world.h"

namespace varve {
namespace {

constexpr int kSteps = 40;           // of one seed
constexpr size_t kRowsMax = 12'000;  // reading all of them after every step is what takes the time
constexpr size_t kVersionsMax = 4;

class World : private ModelWorld {
 public:
  explicit World(ModelKind kind) : ModelWorld(kind) {}

  void Run(uint64_t seed) {
    Begin(seed);
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

  void Step() {
    const uint64_t dice = random_() % 100;
    if (dice < 65) {
      model_.Keep(Write(model_.RandomRows(random_)));
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
      RestartWithoutViews();
    } else if (!HasExtra()) {
      AddExtra();
    }
  }

  // Some of the rows by what is in them, now and then all.
  void Delete() {
    if (random_() % 20 == 0) {
      ASSERT_THAT(table()->Truncate(), IsOk());
      model_.Delete([](const std::string&) { return true; });
      return;
    }
    const ModelRowTest deleted = OneIn(1 + random_() % 7);
    const auto count = DeleteWhere(deleted);
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

  void RestartWithoutViews() {
    held_.reset();
    versions_.clear();
    Restart();
  }

  void Check() {
    const auto view = table()->View();
    ASSERT_THAT(view, IsOk());
    ExpectRows(*view, model_.Expected(), "the table");
    if (held_) {
      ExpectRows(held_->view, held_->expected, "a view that is held");
    }
    if (!versions_.empty() && random_() % 4 == 0) {
      const Held& older = versions_[random_() % versions_.size()];
      ExpectRows(older.view, older.expected, "an older version");
    }
  }

  std::optional<Held> held_;
  std::vector<Held> versions_;
};

class OverwriteModelTest : public testing::TestWithParam<ModelKind> {};

TEST_P(OverwriteModelTest, ReadsAsAMapDoes) {
  constexpr uint64_t kSeedsMin = 2;
  RunModelSeeds(kSeedsMin, [](uint64_t seed) { World(GetParam()).Run(seed); });
}

INSTANTIATE_TEST_SUITE_P(Tables, OverwriteModelTest, testing::ValuesIn(kModelKinds), ModelKindName);

}  // namespace
}  // namespace varve
