// The cache keeps what was used last within its budget, and files open within their number.
#include "sst/sst_cache.h"

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "sst/sst_file.h"
#include "sst/test_rows.h"
#include "store/memory_store.h"

namespace varve {
namespace {

using testing::HasSubstr;

class SstCacheTest : public testing::Test {
 protected:
  ManualClock clock_{TimestampUs(0)};
  MemoryObjectStore store_{&clock_};
};

std::shared_ptr<const int> Number(int number) { return std::make_shared<const int>(number); }

TEST_F(SstCacheTest, KeepsWhatWasUsedLast) {
  const auto cache = SstCache::Make(store_, 8'000);
  const Uuid file(1, 1);
  for (uint32_t i = 0; i < 9; ++i) {
    cache->Insert({file, 3, i}, Number(static_cast<int>(i)), 800);
    EXPECT_NE(cache->Find({file, 3, 0}), nullptr) << i;
    EXPECT_LE(cache->stats().bytes, 8'000u);
  }
  EXPECT_EQ(cache->Find({file, 3, 1}), nullptr);
  const auto last = cache->Find({file, 3, 8});
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(*std::static_pointer_cast<const int>(last), 8);
  EXPECT_EQ(cache->Find({file, 4, 8}), nullptr);
  EXPECT_EQ(cache->Find({Uuid(1, 2), 3, 8}), nullptr);
  const SstCacheStats stats = cache->stats();
  EXPECT_GT(stats.evictions, 0u);
  EXPECT_EQ(stats.entries + stats.evictions, 9u);
  EXPECT_EQ(stats.hits, 10u);
  EXPECT_EQ(stats.misses, 3u);
}

TEST_F(SstCacheTest, TheFirstOfTwoStaysAndLargeValuesAreNotKept) {
  const auto cache = SstCache::Make(store_, 8'000);
  const SstCache::Key key{Uuid(1, 1), 3, 0};
  cache->Insert(key, Number(1), 10);
  cache->Insert(key, Number(2), 10);
  EXPECT_EQ(*std::static_pointer_cast<const int>(cache->Find(key)), 1);
  EXPECT_EQ(cache->stats().entries, 1u);
  cache->Insert({Uuid(1, 1), 3, 1}, Number(3), 1'001);
  EXPECT_EQ(cache->Find({Uuid(1, 1), 3, 1}), nullptr);
  EXPECT_NE(cache->Find(key), nullptr);
}

TEST_F(SstCacheTest, FilesStayOpenUpToTheirNumberAndOutliveTheCache) {
  auto cache = SstCache::Make(store_, 1 << 20);
  std::vector<FileMeta> metas;
  for (size_t i = 0; i <= kOpenSstFilesMax; ++i) {
    auto options = TestOptions("f" + std::to_string(i));
    options.id = Uuid(7, i);
    metas.push_back(*WriteSst(store_, HostSchema(), options, {HostRows(1, 3)}));
  }
  std::vector<std::shared_ptr<const SstFile>> files;
  for (const FileMeta& meta : metas) {
    const auto file = cache->Open(meta);
    ASSERT_THAT(file, IsOk());
    files.push_back(*file);
  }
  EXPECT_EQ(*cache->Open(metas.back()), files.back());
  EXPECT_NE(*cache->Open(metas.front()), files.front());
  cache.reset();
  const auto values = files.front()->Values(*HostSchema().Find("value"), 0);
  ASSERT_THAT(values, IsOk());
  EXPECT_EQ((*values)->length(), 3);
}

TEST_F(SstCacheTest, FilesThatAreNotThoseOfTheirMetaAreRefused) {
  const auto cache = SstCache::Make(store_, 1 << 20);
  const FileMeta meta = *WriteSst(store_, HostSchema(), TestOptions("a"), {HostRows(2, 3)});
  auto other = meta;
  other.size_bytes += 1;
  EXPECT_THAT(cache->Open(other), IsError(ErrorKind::kCorruption, HasSubstr("'a'")));
  other = meta;
  other.rows += 1;
  EXPECT_THAT(cache->Open(other), IsError(ErrorKind::kCorruption, HasSubstr("'a'")));
  other = meta;
  other.id = Uuid(1, 1);
  EXPECT_THAT(cache->Open(other), IsError(ErrorKind::kCorruption, HasSubstr("'a'")));
  other.path = "b";
  EXPECT_THAT(cache->Open(other), IsError(ErrorKind::kNotFound, HasSubstr("b")));
}

TEST_F(SstCacheTest, DeletionsAreThoseOfTheVersion) {
  const auto cache = SstCache::Make(store_, 1 << 20);
  const Uuid file(1, 1);
  const std::vector<uint64_t> few = {1};
  const std::vector<uint64_t> more = {1, 5};
  const auto first = *WriteDeletionVector(store_, "one", DeletionVector::FromRows(few));
  const auto second = *WriteDeletionVector(store_, "two", DeletionVector::FromRows(more));
  EXPECT_EQ((*cache->Deletions(file, first))->size(), 1u);
  const auto kept = *cache->Deletions(file, second);
  EXPECT_EQ(kept->size(), 2u);
  EXPECT_EQ(*cache->Deletions(file, second), kept);
  auto missing = first;
  missing.path = "three";
  EXPECT_THAT(cache->Deletions(file, missing), IsError(ErrorKind::kNotFound));
}

}  // namespace
}  // namespace varve
