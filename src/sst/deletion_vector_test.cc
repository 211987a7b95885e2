// Deletion vectors: set operations, the pinned bytes, and that every damaged byte is noticed.
#include "sst/deletion_vector.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/matchers.h"
#include "store/memory_store.h"

namespace varve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

DeletionVector Rows(std::vector<uint64_t> rows) { return DeletionVector::FromRows(rows); }

std::string Hex(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) {
    hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  return hex;
}

TEST(DeletionVectorTest, MinusLeavesWhatTheOtherDoesNotHave) {
  const std::vector<uint64_t> rows = {1, 5, 9, uint64_t{1} << 33};
  const std::vector<uint64_t> others = {5, 7};
  const auto left = DeletionVector::FromRows(rows).Minus(DeletionVector::FromRows(others));
  EXPECT_EQ(left.Rows(), (std::vector<uint64_t>{1, 9, uint64_t{1} << 33}));
  EXPECT_EQ(left.size(), 3u);
  EXPECT_TRUE(left.Minus(left).Rows().empty());
}

TEST(DeletionVectorTest, OrderAndRepetitionsDoNotMatter) {
  const auto vector = Rows({5, 1, 5, 1ULL << 40, 0});
  EXPECT_EQ(vector.size(), 4u);
  EXPECT_TRUE(vector.Contains(0));
  EXPECT_TRUE(vector.Contains(1ULL << 40));
  EXPECT_FALSE(vector.Contains(2));
  EXPECT_EQ(vector.Serialize(), Rows({0, 1, 5, 1ULL << 40}).Serialize());
}

TEST(DeletionVectorTest, Remaining) {
  EXPECT_THAT(Rows({}).Remaining(10, 3), ElementsAre(0, 1, 2));
  const auto vector = Rows({1, 3, 4, 9, (1ULL << 32) + 1});
  EXPECT_THAT(vector.Remaining(0, 6), ElementsAre(0, 2, 5));
  EXPECT_THAT(vector.Remaining(3, 2), IsEmpty());
  EXPECT_THAT(vector.Remaining(5, 4), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(vector.Remaining((1ULL << 32) - 1, 4), ElementsAre(0, 1, 3));
  EXPECT_THAT(vector.Remaining(1ULL << 50, 2), ElementsAre(0, 1));
  EXPECT_THAT(vector.Remaining(0, 0), IsEmpty());
}

TEST(DeletionVectorTest, UnionAndRemainingAgreeWithSets) {
  const uint32_t seed = 20160101;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20; ++round) {
    std::vector<uint64_t> left(random() % 3000);
    std::vector<uint64_t> right(random() % 3000);
    std::ranges::generate(left, [&] { return random() % 20'000; });
    std::ranges::generate(right, [&] { return random() % 20'000 + 10'000; });
    std::set<uint64_t> expected(left.begin(), left.end());
    expected.insert(right.begin(), right.end());
    const auto both = Rows(left).Union(Rows(right));
    EXPECT_EQ(both.size(), expected.size());
    const uint64_t first = random() % 20'000;
    std::vector<uint32_t> remaining;
    for (uint32_t i = 0; i < 5000; ++i) {
      if (!expected.contains(first + i)) {
        remaining.push_back(i);
      }
    }
    EXPECT_EQ(both.Remaining(first, 5000), remaining);
    const auto parsed = DeletionVector::Parse(both.Serialize());
    ASSERT_THAT(parsed, IsOk());
    EXPECT_EQ(parsed->Serialize(), both.Serialize());
  }
}

// clang-format off: one field per line
TEST(DeletionVectorTest, BytesArePinned) {
  EXPECT_EQ(Hex(Rows({1, 2, 3, 70'000, (1ULL << 32) + 7}).Serialize()),
            "564152564544560a"                    // magic
            "0100" "0000" "00000000"              // version 1.0
            "0500000000000000"                    // rows
            "3700000000000000"                    // bytes of the bitmap
            "0200000000000000"                    // 32-bit bitmaps
            "00000000"                            // rows from 0:
            "3b30" "0100" "01"                    //   two containers, the first of runs
            "0000" "0200" "0100" "0000"           //   their keys and cardinalities - 1
            "0100" "0100" "0200"                  //   one run: 1, and two more
            "7011"                                //   70,000 - 65,536
            "01000000"                            // rows from 2^32:
            "3a300000" "01000000"                 //   one container, an array
            "0000" "0000" "10000000" "0700"       //   key, cardinality - 1, offset, 7
            "1640a6960cf85ca2");                  // XXH3-64
}
// clang-format on

TEST(DeletionVectorTest, EveryFlippedBitAndEveryTruncationIsNoticed) {
  const std::string bytes = Rows({1, 2, 3, 70'000, (1ULL << 32) + 7}).Serialize();
  for (size_t i = 0; i < bytes.size(); ++i) {
    SCOPED_TRACE(i);
    EXPECT_FALSE(DeletionVector::Parse(bytes.substr(0, i)).has_value());
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      EXPECT_FALSE(DeletionVector::Parse(damaged).has_value());
    }
  }
  EXPECT_THAT(DeletionVector::Parse(bytes + "x"), IsError(ErrorKind::kCorruption));
}

TEST(DeletionVectorTest, ANewerMajorVersionIsRefused) {
  std::string bytes = Rows({1}).Serialize();
  bytes[8] = 2;
  EXPECT_THAT(DeletionVector::Parse(bytes),
              IsError(ErrorKind::kNotSupported, HasSubstr("newer Varve")));
}

// A right checksum over wrong contents, as a mistaken writer would make.
TEST(DeletionVectorTest, MalformedBitmapsAreNotRead) {
  const auto framed = [](uint64_t count, std::string_view bitmap) {
    std::string out = "VARVEDV\n";
    AppendFixed(out, uint16_t{1});
    AppendFixed(out, uint16_t{0});
    AppendFixed(out, uint32_t{0});
    AppendFixed(out, count);
    AppendFixed(out, static_cast<uint64_t>(bitmap.size()));
    out += bitmap;
    AppendFixed(out, Xxh3(out));
    return out;
  };
  const std::string good = Rows({1, 2}).Serialize();
  const std::string bitmap = good.substr(32, good.size() - 40);
  EXPECT_THAT(DeletionVector::Parse(framed(2, bitmap)), IsOk());
  EXPECT_THAT(DeletionVector::Parse(framed(3, bitmap)), IsError(ErrorKind::kCorruption));
  EXPECT_THAT(DeletionVector::Parse(framed(2, bitmap + "x")), IsError(ErrorKind::kCorruption));
  EXPECT_THAT(DeletionVector::Parse(framed(2, bitmap.substr(0, bitmap.size() - 1))),
              IsError(ErrorKind::kCorruption));
  EXPECT_THAT(DeletionVector::Parse(framed(0, "")), IsError(ErrorKind::kCorruption));
}

TEST(DeletionVectorTest, StoredAndReadBack) {
  ManualClock clock{TimestampUs(0)};
  MemoryObjectStore store(&clock);
  const auto meta = WriteDeletionVector(store, "dv/a", Rows({4, 8}));
  ASSERT_THAT(meta, IsOk());
  EXPECT_EQ(meta->rows, 2u);
  EXPECT_EQ(meta->sha256, Sha256Hex(*store.Get("dv/a")));
  const auto read = ReadDeletionVector(store, *meta);
  ASSERT_THAT(read, IsOk());
  EXPECT_TRUE(read->Contains(8));

  auto other = *meta;
  other.rows = 3;
  EXPECT_THAT(ReadDeletionVector(store, other), IsError(ErrorKind::kCorruption, HasSubstr("dv/a")));
  ASSERT_THAT(store.Put("dv/a", Rows({4, 9}).Serialize()), IsOk());
  EXPECT_THAT(ReadDeletionVector(store, *meta), IsError(ErrorKind::kCorruption, HasSubstr("dv/a")));
  ASSERT_THAT(store.Delete("dv/a"), IsOk());
  EXPECT_THAT(ReadDeletionVector(store, *meta), IsError(ErrorKind::kNotFound));
}

}  // namespace
}  // namespace varve
