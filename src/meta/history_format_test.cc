// Pins every byte of a history, and proves that no other bytes are taken for one.
#include "meta/history_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/checksum.h"
#include "base/matchers.h"
#include "meta/test_values.h"

namespace varve {
namespace {

using testing::HasSubstr;

VersionHistory Full() {
  VersionHistory history{.parent_sha256 = std::string(64, 'a')};
  VersionStep& one = history.steps.emplace_back();
  one.summary = {.id = VersionId(17),
                 .committed_at = kTestNow,
                 .kind = EditKind::kFlush,
                 .schema_id = 3,
                 .rows = 1000,
                 .files = 2,
                 .bytes = 18'446'744'073'709'551'615u};
  one.edit_bytes = 300;
  one.edit_sha256 = std::string(64, 'b');
  one.added = {{TestId(1), 12'345, "tables/a/data/1/f.parquet", "tables/a/data/1/v.dv"},
               {TestId(2), 1, "g", ""}};
  one.removed = {TestId(3)};
  one.vectors = {{TestId(4), "w"}};
  VersionStep& two = history.steps.emplace_back();
  two.summary = {.id = VersionId(18), .committed_at = TimestampUs(-1), .kind = EditKind::kOther};
  two.other_kind = "fold";
  two.edit_sha256 = "0123456789abcdef" + std::string(48, 'c');
  return history;
}

std::string HexBytes(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) {
    fmt::format_to(std::back_inserter(out), "{:02x}", static_cast<uint8_t>(byte));
  }
  return out;
}

std::string Ids(uint64_t number) {  // of TestId
  return fmt::format("0040000000000000{:02x}00000000000080", number);
}

TEST(HistoryFormat, Golden) {
  const std::string sha_a(64, 'a');
  const std::string step_one =
      "8080f28183898506"      // committed_at
      "05666c757368"          // "flush"
      "03e80702"              // schema, rows, files
      "ffffffffffffffffff01"  // bytes
      "ac02" +
      std::string(64, 'b') + "02" + Ids(1) + "b960" + "19" + HexBytes("tables/a/data/1/f.parquet") +
      "14" + HexBytes("tables/a/data/1/v.dv") + Ids(2) + "01" + "0167" + "00" + "01" + Ids(3) +
      "01" + Ids(4) + "0177";
  const std::string step_two = "0104" + HexBytes("fold") + "0000000000" + "0123456789abcdef" +
                               std::string(48, 'c') + "000000";
  const std::string body = HexBytes("VARVEHIS") + "01000000" + "05" + HexBytes("0.1.0") + "11" +
                           sha_a + "02" + "b801" + step_one + "2e" + step_two;
  const std::string encoded = EncodeHistory(Full());
  const std::string_view sealed = encoded;
  EXPECT_EQ(HexBytes(sealed.substr(0, encoded.size() - 32)), body);
  EXPECT_EQ(HexBytes(sealed.substr(encoded.size() - 32)),
            Sha256Hex(sealed.substr(0, encoded.size() - 32)));
}

TEST(HistoryFormat, ItComesBack) {
  const VersionHistory full = Full();
  const auto decoded = DecodeHistory(EncodeHistory(full));
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(decoded->parent_sha256, full.parent_sha256);
  ASSERT_EQ(decoded->steps.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    const VersionStep& step = decoded->steps[i];
    const VersionStep& expected = full.steps[i];
    EXPECT_EQ(step.summary.id, expected.summary.id);
    EXPECT_EQ(step.summary.committed_at, expected.summary.committed_at);
    EXPECT_EQ(step.summary.kind, expected.summary.kind);
    EXPECT_EQ(step.summary.schema_id, expected.summary.schema_id);
    EXPECT_EQ(step.summary.rows, expected.summary.rows);
    EXPECT_EQ(step.summary.files, expected.summary.files);
    EXPECT_EQ(step.summary.bytes, expected.summary.bytes);
    EXPECT_EQ(step.other_kind, expected.other_kind);
    EXPECT_EQ(step.edit_bytes, expected.edit_bytes);
    EXPECT_EQ(step.edit_sha256, expected.edit_sha256);
    EXPECT_EQ(step.added, expected.added);
    EXPECT_EQ(step.removed, expected.removed);
    EXPECT_EQ(step.vectors, expected.vectors);
  }
}

TEST(HistoryFormat, EveryByteCounts) {
  const std::string good = EncodeHistory(Full());
  for (size_t i = 0; i < good.size(); ++i) {
    EXPECT_THAT(DecodeHistory(std::string_view(good).substr(0, i)),
                IsError(ErrorKind::kCorruption));
    std::string bad = good;
    bad[i] ^= 0x10;
    EXPECT_THAT(DecodeHistory(bad), IsError(ErrorKind::kCorruption)) << i;
  }
  EXPECT_THAT(DecodeHistory(good + "x"), IsError(ErrorKind::kCorruption));
}

// The bytes between the writer and the checksum, sealed as they are.
std::string Sealed(std::string body) {
  const std::string hex = Sha256Hex(body);
  for (size_t i = 0; i < hex.size(); i += 2) {
    body.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return body;
}

TEST(HistoryFormat, WhatIsSealedAndMakesNoSenseIsDamage) {
  const std::string good = EncodeHistory(Full());
  const std::string body = good.substr(0, good.size() - 32);
  ASSERT_EQ(Sealed(body), good);
  for (size_t size = 12; size < body.size(); ++size) {
    EXPECT_THAT(DecodeHistory(Sealed(body.substr(0, size))), IsError(ErrorKind::kCorruption))
        << size;
  }
  EXPECT_THAT(DecodeHistory(Sealed(body + "x")),
              IsError(ErrorKind::kCorruption, HasSubstr("follow")));
  std::string major_0 = body;
  major_0[8] = 0;
  EXPECT_THAT(DecodeHistory(Sealed(major_0)), IsError(ErrorKind::kCorruption, HasSubstr("major")));
}

TEST(HistoryFormat, ANewerMajorNamesWhatReadsIt) {
  const std::string good = EncodeHistory(Full());
  std::string newer = good.substr(0, good.size() - 32);
  newer[8] = static_cast<char>(kHistoryFormatMajor + 1);
  EXPECT_THAT(DecodeHistory(Sealed(newer)),
              IsError(ErrorKind::kNotSupported, HasSubstr("use Varve 0.1.0")));
}

}  // namespace
}  // namespace varve
