// Sets of keys of memtables and of files, and the rows of files that have them.
#include "engine/key_lookup.h"

#include <gmock/gmock.h>

#include "base/matchers.h"
#include "engine/test_memory_database.h"
#include "engine/test_model.h"
#include "store/memory_store.h"

namespace varve {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A flushed file of (host, t, kind) rows, with the default key or (kind, host, t).
class KeyLookupTest : public testing::TestWithParam<ModelKind> {
 protected:
  KeyLookupTest() {
    database_.Start();
    const ModelTable model(GetParam());
    table_ = database_->CreateTable("public", "t", model.Spec(), model.Options()).value();
    schema_ = table_->schema();
  }

  // The rows are those of the file: in the order of the key.
  std::shared_ptr<const SstFile> Flush(const std::vector<ModelRow>& rows) {
    EXPECT_THAT(database_.WriteBatch(table_, ModelBatch(*schema_, rows)), IsOk());
    EXPECT_THAT(table_->Flush(), IsOk());
    const auto view = table_->View().value();
    return view.files->Open(view.version->files.begin()->second).value();
  }

  KeySet Keys(const std::vector<ModelRow>& rows) {
    Memtable memtable;
    EXPECT_THAT(memtable.Add(ModelBatch(*schema_, rows), schema_->timestamp().id, Sequence(1)),
                IsOk());
    std::vector<uint64_t> all(rows.size());
    std::iota(all.begin(), all.end(), 0);
    KeySet keys(*schema_);
    EXPECT_THAT(keys.Add(*schema_, *memtable.View(), all), IsOk());
    return keys;
  }

  ManualClock clock_{TimestampUs(1'000'000)};
  MemoryObjectStore store_{&clock_};
  MemoryDatabase database_{&store_, &clock_};
  std::shared_ptr<Table> table_;
  std::shared_ptr<const TableSchema> schema_;
};

TEST_P(KeyLookupTest, FindsJustTheRowsOfTheKeysNullTagsAmongThem) {
  std::vector<ModelRow> rows;
  for (int64_t i = 0; i < 20'000; ++i) {
    rows.push_back({i % 4 == 0 ? std::nullopt : std::optional("a"), i, i % 2, i, {}});
  }
  const auto file = Flush(rows);
  const auto found =
      FindRows(*file, *schema_,
               Keys({rows[0], rows[5], rows[19'999], {"b", 5, 1, 0, {}}, {"a", 4, 0, 0, {}}}));
  ASSERT_THAT(found, IsOk());
  ASSERT_EQ(found->size(), 3u);
  // The keys of these rows are the same ones.
  KeySet again(*schema_);
  ASSERT_THAT(again.Add(*schema_, *file, *found), IsOk());
  EXPECT_EQ(again.size(), 3u);
  EXPECT_EQ(FindRows(*file, *schema_, again), *found);
}

TEST_P(KeyLookupTest, WhatTheManifestRulesOutIsNotLookedUp) {
  const auto file = Flush({{"a", 10, 0, 0, {}}, {"a", 20, 0, 0, {}}});
  EXPECT_EQ(Keys({{"a", 9, 0, 0, {}}, {"a", 21, 0, 0, {}}}).CountWithin(file->meta()), 0u);
  EXPECT_EQ(Keys({{"a", 15, 0, 0, {}}}).CountWithin(file->meta()), 1u);
  EXPECT_THAT(FindRows(*file, *schema_, Keys({{"a", 15, 0, 0, {}}})).value(), IsEmpty());
  EXPECT_THAT(FindRows(*file, *schema_, KeySet(*schema_)).value(), IsEmpty());
}

TEST_P(KeyLookupTest, TheWholeKeyCounts) {
  const auto file = Flush({{"a", 10, 0, 0, {}}, {"a", 10, 1, 0, {}}});
  const auto found = FindRows(*file, *schema_, Keys({{"a", 10, 1, 5, {}}})).value();
  if (GetParam() == ModelKind::kExplicitKey) {
    EXPECT_THAT(found, ElementsAre(1));
  } else {
    EXPECT_THAT(found, ElementsAre(0)) << "the file has one row of this series and time";
  }
}

INSTANTIATE_TEST_SUITE_P(Keys, KeyLookupTest,
                         testing::Values(ModelKind::kDefaultKey, ModelKind::kExplicitKey),
                         [](const auto& info) { return ModelTable(info.param).name(); });

}  // namespace
}  // namespace varve
