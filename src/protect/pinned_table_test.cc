// The files of a pinned table by time are those that going through all of them finds.
#include "protect/pinned_table.h"

#include <gmock/gmock.h>

#include <random>

namespace varve {
namespace {

constexpr int64_t kTimes = 200;

FileMeta FileOf(std::mt19937_64& random) {
  FileMeta file;
  file.id = Uuid(random(), random());
  file.time_min = TimestampUs(static_cast<int64_t>(random() % kTimes));
  // A few reach far: files of a time when segments were longer.
  const uint64_t length = random() % 8 == 0 ? 100 : 5;
  file.time_max = TimestampUs(file.time_min.value() + static_cast<int64_t>(random() % length));
  file.segment_start = TimestampUs(file.time_min.value() / 10 * 10);
  return file;
}

TEST(PinnedTableTest, FilesInARangeAreThoseThatOverlapIt) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    auto version = std::make_shared<Version>();
    for (uint64_t i = random() % 60; i > 0; --i) {
      const FileMeta file = FileOf(random);
      version->files.emplace(file.id, file);
    }
    const PinnedTable table{.schema = "public",
                            .table = "t",
                            .uuid = Uuid(),
                            .version = version,
                            .visible_from = TimestampUs(seed % 2 == 0 ? 50 : -1)};
    for (int64_t start = -10; start < kTimes + 110; start += 7) {
      for (const int64_t length : {1, 10, 400}) {
        const TimeRange range{TimestampUs(start), TimestampUs(start + length)};
        const TimeRange visible{std::max(range.start, table.visible_from), range.end};
        std::vector<Uuid> expected;
        for (const auto& [id, file] : version->files) {
          if (visible.start < visible.end && visible.Overlaps(file.time_min, file.time_max)) {
            expected.push_back(id);
          }
        }
        std::vector<Uuid> found;
        for (const FileMeta* file : table.FilesIn(range)) {
          found.push_back(file->id);
        }
        EXPECT_THAT(found, testing::UnorderedElementsAreArray(expected));
      }
    }
  }
}

}  // namespace
}  // namespace varve
