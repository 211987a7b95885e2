// The note of what has been imported: its bytes, and that damage is never taken for another list.
#include "protect/import_record.h"

#include <gmock/gmock.h>

#include "base/matchers.h"
#include "store/memory_store.h"

namespace varve {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ImportRecordTest : public testing::Test {
 protected:
  static Manifest Snapshot(uint64_t number, bool increment) {
    Manifest manifest;
    manifest.snapshot_id = Id(number);
    if (increment) {
      manifest.base = SnapshotBase{};
    }
    return manifest;
  }
  static Uuid Id(uint64_t number) { return {0x4000, uint64_t{2} << 62 | number}; }
  void Note(uint64_t number, bool increment, ImportedNow now = ImportedNow::kYes) {
    ASSERT_THAT(NoteImported(store_, Snapshot(number, increment), {}, now), IsOk());
  }
  std::string Path() {
    const auto objects = store_.List("imports").value();
    EXPECT_EQ(objects.size(), 1u);
    return objects.at(0).path;
  }

  ManualClock clock_{TimestampUs(1)};
  MemoryObjectStore store_{&clock_};
};

TEST_F(ImportRecordTest, IncrementsFollowTheirBaseAndABaseBeginsAnew) {
  EXPECT_THAT(FindImported(store_, {}).value(), IsEmpty());
  Note(1, false);
  Note(2, true);
  Note(3, true);
  Note(2, true);
  EXPECT_THAT(FindImported(store_, {}).value(), ElementsAre(Id(1), Id(2), Id(3)));
  Note(1, false, ImportedNow::kBefore);
  EXPECT_THAT(FindImported(store_, {}).value(), ElementsAre(Id(1), Id(2), Id(3)));
  Note(4, false);
  EXPECT_THAT(FindImported(store_, {}).value(), ElementsAre(Id(4)));
  EXPECT_THAT(FindImported(store_, {.tables = {{"cpu"}}}).value(), IsEmpty());
}

TEST_F(ImportRecordTest, ItsBytesStay) {
  Note(1, false);
  Note(2, true);
  EXPECT_EQ(store_.Get(Path()).value(), R"({
 "version": 1,
 "snapshots": [
  "00000000-0000-4000-8000-000000000001",
  "00000000-0000-4000-8000-000000000002"
 ],
 "checksum": "sha256:d7c3edbc6845b7b42ab45e96b21182315e503144e9659129f16c5d2f03e88a79"
}
)");
}

TEST_F(ImportRecordTest, EveryFlippedByteIsAnError) {
  Note(1, false);
  const std::string path = Path();
  const std::string bytes = store_.Get(path).value();
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    ASSERT_THAT(store_.Put(path, flipped), IsOk());
    const auto found = FindImported(store_, {});
    ASSERT_FALSE(found) << i;
    EXPECT_THAT(found.error().message, testing::HasSubstr(path));
  }
}

TEST_F(ImportRecordTest, ANewerOneIsRefused) {
  Note(1, false);
  std::string text = store_.Get(Path()).value();
  text.replace(text.find("\"version\": 1"), 12, "\"version\": 2");
  ASSERT_THAT(store_.Put(Path(), text), IsOk());
  EXPECT_THAT(FindImported(store_, {}), IsError(ErrorKind::kNotSupported));
}

}  // namespace
}  // namespace varve
