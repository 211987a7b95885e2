// Versions against plain copies of what they were: random writes, flushes, merges, deletes,
// savepoints and their drops, rollbacks, clones, drops and returns of the table, expiry, garbage
// collection, restarts, and crashes at any I/O of these. Every version that can be read reads as
// its copy does, every savepoint can be read, no file is missing, and when all pins are gone none
// is too many.
//
// VARVE_MODEL_MINUTES makes it run that long, with new seeds; VARVE_MODEL_SEED begins with one.
#include <gtest/gtest.h>

#include <chrono>
#include <map>

#include "base/matchers.h"
#include "engine/test_model_world.h"

namespace varve {
namespace {

constexpr int kSteps = 60;  // of one seed
constexpr size_t kRowsMax = 4'000;
constexpr size_t kCopiesMax = 10;

// Whether it went well.
template <class T>
Status Plain(const Result<T>& result) {
  return result ? Status() : std::unexpected(result.error());
}

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
    SCOPED_TRACE(fmt::format("seed {}, the end", seed));
    CheckNothingIsLeft();
  }

 private:
  void Step() {
    clock_.Advance(std::chrono::seconds(1 + random_() % 100));
    const uint64_t dice = random_() % 100;
    if (dice < 35) {
      WriteSome();
    } else if (dice < 47) {
      Flush();
    } else if (dice < 52) {
      WithCrash([&] { return Plain(database_->CompactTable(*table())); });
    } else if (dice < 60) {
      MakeSavepoint();
    } else if (dice < 64) {
      DropSavepoint();
    } else if (dice < 70) {
      Delete();
    } else if (dice < 76) {
      Rollback();
    } else if (dice < 80) {
      DropAndReturn();
    } else if (dice < 83) {
      Clone();
    } else if (dice < 90) {
      Expire();
    } else if (dice < 96) {
      WithCrash(
          [&] { return Plain(database_->housekeeping().Collect(GcMode::kDelete, kNoGrace)); });
    } else {
      Restart();
    }
  }

  // Now and then the store dies at some I/O of it. False: that has happened, and the database has
  // been opened again.
  template <class Act>
  bool WithCrash(const Act& act) {
    const bool crashes = random_() % 3 == 0;
    if (crashes) {
      store_.faults().FailAt(1 + random_() % 30,
                             random_() % 2 == 0 ? FaultKind::kCrash : FaultKind::kCrashAfterEffect);
    }
    const Status done = act();
    if (!crashes) {
      EXPECT_THAT(done, IsOk());
      return true;
    }
    const bool crashed = store_.faults().crashed();
    Restart();
    return !crashed;
  }

  void WriteSome() {
    auto rows = model_.RandomRows(random_);
    rows.resize(std::min<size_t>(rows.size(), 100));
    if (!HasExtra() && random_() % 20 == 0) {
      AddExtra();
    }
    model_.Keep(Write(std::move(rows)));
  }

  void Flush() {
    if (WithCrash([&] { return table()->Flush(); })) {
      Remember(table()->current_version());
    }
  }

  // The version is what the table has now: nothing is in memory only.
  void Remember(VersionId id) {
    copies_.insert_or_assign(id, model_);
    while (copies_.size() > kCopiesMax) {
      copies_.erase(copies_.begin());
    }
  }

  void MakeSavepoint() {
    Result<std::vector<TableSavepoint>> made = Internal("not made");
    const bool whole = WithCrash([&] {
      made = database_->CreateSavepoints({table()}, {}, std::nullopt);
      return made ? Status() : std::unexpected(made.error());
    });
    if (whole) {
      ASSERT_THAT(made, IsOk());
    }
    // What a crash has cut off may be there all the same; it is then of what was there.
    const auto all = table()->savepoints().List();
    ASSERT_THAT(all, IsOk());
    for (const Savepoint& savepoint : *all) {
      saved_.try_emplace(savepoint.id, model_);
    }
  }

  void DropSavepoint() {
    if (saved_.empty()) {
      return;
    }
    const auto victim =
        std::next(saved_.begin(), static_cast<ptrdiff_t>(random_() % saved_.size()));
    WithCrash([&] { return database_->DropSavepoint(*table(), victim->first); });
    if (!*table()->savepoints().Exists(victim->first)) {
      saved_.erase(victim);
    }
  }

  // The table is as it was before what was cut off, or as after it.
  void Settle(const ModelTable& before, const ModelTable& after) {
    const auto rows = ReadModelRows(store_, table()->View().value());
    ASSERT_THAT(rows, IsOk());
    model_.TakeRows(*rows == after.Expected() ? after : before);
  }

  void Delete() {
    const ModelRowTest deleted = OneIn(1 + random_() % 7);
    const ModelTable before = model_;
    ModelTable after = model_;
    after.Delete(deleted);
    WithCrash([&] { return Plain(DeleteWhere(deleted)); });
    Settle(before, after);
  }

  void Rollback() {
    if (saved_.empty() && copies_.empty()) {
      return;
    }
    const ModelTable before = model_;
    ModelTable after = model_;
    VersionRef ref = VersionId();
    if (!saved_.empty() && random_() % 2 == 0) {
      const auto to = std::next(saved_.begin(), static_cast<ptrdiff_t>(random_() % saved_.size()));
      ref = to->first;
      after.TakeRows(to->second);
    } else if (!copies_.empty()) {
      const auto to =
          std::next(copies_.begin(), static_cast<ptrdiff_t>(random_() % copies_.size()));
      if (!table()->FindVersion(to->first)) {
        return;  // it has expired
      }
      ref = to->first;
      after.TakeRows(to->second);
    } else {
      return;
    }
    WithCrash([&] { return Plain(table()->Rollback(ref)); });
    Settle(before, after);
  }

  void DropAndReturn() {
    ASSERT_THAT(database_->DropTable("public", model_.name()), IsOk());
    if (random_() % 2 == 0) {
      Restart();
    }
    ASSERT_THAT(database_->housekeeping().Collect(GcMode::kDelete, kNoGrace), IsOk());
    ASSERT_THAT(database_->UndropTable("public", model_.name(), model_.name()), IsOk());
  }

  // A clone takes the place of the table, or goes at once.
  void Clone() {
    const bool stays = random_() % 2 == 0;
    const std::string name = fmt::format("clone_{}", ++clones_);
    ASSERT_THAT(database_->CloneTable(table(), std::nullopt, "public", name), IsOk());
    const auto gone = stays ? model_.name() : name;
    ASSERT_THAT(
        (*database_->FindTable("public", gone))->ModifyOptions({{"drop.time-retained", "0s"}}),
        IsOk());
    ASSERT_THAT(database_->DropTable("public", gone), IsOk());
    if (stays) {
      ASSERT_THAT(database_->RenameTable("public", name, model_.name()), IsOk());
      ASSERT_THAT(table()->ModifyOptions({{"drop.time-retained", "1h"}}), IsOk());
      saved_.clear();
      copies_.clear();
    }
  }

  void Expire() {
    const RetentionRule rule = {.num_retained_min = 1 + random_() % 3,
                                .num_retained_max = 3 + random_() % 3};
    WithCrash([&] {
      return Plain(database_->housekeeping().ExpireVersions(*table(), rule, ExpiryMode::kExpire));
    });
  }

  void Check() {
    ExpectRows(table()->View().value(), model_.Expected(), "the table");
    for (const auto& [id, copy] : saved_) {
      const auto version = table()->FindVersion(id);
      ASSERT_THAT(version, IsOk()) << "savepoint " << id.value();
      ExpectRows(table()->ViewAt(*version), copy.Expected(), fmt::format("savepoint {}", id));
    }
    for (auto copy = copies_.begin(); copy != copies_.end();) {
      const auto version = table()->FindVersion(copy->first);
      if (!version) {
        ASSERT_THAT(version, IsError(ErrorKind::kNotFound));
        copy = copies_.erase(copy);
        continue;
      }
      ExpectRows(table()->ViewAt(*version), copy->second.Expected(),
                 fmt::format("version {}", copy->first));
      ++copy;
    }
  }

  void CheckNothingIsLeft() {
    while (!saved_.empty()) {
      ASSERT_THAT(database_->DropSavepoint(*table(), saved_.begin()->first), IsOk());
      saved_.erase(saved_.begin());
    }
    // What crashes have left is nobody's after a restart. A merge of its own accord would make
    // another version after those that expire.
    compaction_threads_ = 0;
    Restart();
    ASSERT_THAT(database_->CompactTable(*table()), IsOk());
    ASSERT_THAT(database_->housekeeping().ExpireVersions(
                    *table(), {.num_retained_min = 1, .num_retained_max = 1}, ExpiryMode::kExpire),
                IsOk());
    clock_.Advance(std::chrono::hours(2));
    database_.Collect();
    std::set<std::string> needed;
    const auto version = table()->FindVersion(table()->current_version()).value();
    for (const auto& [id, file] : version->files) {
      needed.insert(file.path);
      if (file.deletion_vector) {
        needed.insert(file.deletion_vector->path);
      }
    }
    std::set<std::string> there;
    const auto objects = store_.List("tables").value();
    for (const ObjectInfo& object : objects) {
      if (object.path.contains("/data/")) {
        there.insert(object.path);
      }
    }
    EXPECT_EQ(there, needed);
  }

  std::map<VersionId, ModelTable> copies_;
  std::map<SavepointId, ModelTable> saved_;
  int clones_ = 0;
};

class VersionModelTest : public testing::TestWithParam<ModelKind> {};

TEST_P(VersionModelTest, EachReadsAsItsCopy) {
  constexpr uint64_t kSeedsMin = 4;
  RunModelSeeds(kSeedsMin, [](uint64_t seed) { World(GetParam()).Run(seed); });
}

INSTANTIATE_TEST_SUITE_P(Tables, VersionModelTest, testing::ValuesIn(kModelKinds), ModelKindName);

}  // namespace
}  // namespace varve
