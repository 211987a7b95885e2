#include "wal/record_format.h"

#include <gtest/gtest.h>

#include "base/matchers.h"

namespace varve {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string Key(uint64_t table, uint64_t sequence) {
  const WalKey key = EncodeWalKey(TableId(table), Sequence(sequence));
  return {key.data(), key.size()};
}

std::string Value(uint64_t table, uint64_t sequence, std::string_view payload) {
  const WalRecordHeader header = EncodeWalRecordHeader(TableId(table), Sequence(sequence), payload);
  return std::string(header.data(), header.size()) + std::string(payload);
}

// Logs that were written with these bytes exist. A change here needs a new version and a reader for
// the old one.
TEST(RecordFormatTest, GoldenBytes) {
  EXPECT_EQ(Hex(Key(0x0102, 0x030405)),
            "0000000000000102"
            "0000000000030405");
  EXPECT_EQ(Hex(Value(0x0102, 0x030405, "varve")),
            "565752"
            "01"
            "0201000000000000"
            "0504030000000000"
            "05000000"
            "c084334e11f45853"
            "7661727665");
}

TEST(RecordFormatTest, RoundTrips) {
  for (const std::string& payload :
       {std::string(), std::string("x"), std::string(100'000, '\xff')}) {
    const std::string value = Value(7, UINT64_MAX, payload);
    const Result<WalRecord> record = DecodeWalRecord(Key(7, UINT64_MAX), value);
    ASSERT_THAT(record, IsOk());
    EXPECT_EQ(record->table, TableId(7));
    EXPECT_EQ(record->sequence, Sequence(UINT64_MAX));
    EXPECT_EQ(record->payload, payload);
  }
}

TEST(RecordFormatTest, KeysSortByTableThenSequence) {
  EXPECT_LT(Key(1, 256), Key(1, 257));
  EXPECT_LT(Key(1, 255), Key(1, 256));
  EXPECT_LT(Key(1, UINT64_MAX), Key(2, 0));
  EXPECT_LT(Key(255, 9), Key(256, 1));
}

// Each flipped bit and each missing end is found, and the error names the record.
TEST(RecordFormatTest, DamageIsFoundWhereverItIs) {
  const std::string key = Key(7, 42);
  const std::string value = Value(7, 42, "payload");
  for (size_t i = 0; i < value.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = value;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      const Result<WalRecord> record = DecodeWalRecord(key, damaged);
      ASSERT_FALSE(record.has_value()) << i;
      EXPECT_THAT(record.error().message, AllOf(HasSubstr("record 42"), HasSubstr("table 7"))) << i;
    }
    EXPECT_THAT(DecodeWalRecord(key, value.substr(0, i)), IsError(ErrorKind::kCorruption)) << i;
  }
  EXPECT_THAT(DecodeWalRecord(key, value + "x"), IsError(ErrorKind::kCorruption));
  EXPECT_THAT(DecodeWalRecord(Key(7, 43), value),
              IsError(ErrorKind::kCorruption, HasSubstr("another key")));
  EXPECT_THAT(DecodeWalRecord("short", value), IsError(ErrorKind::kCorruption));
}

TEST(RecordFormatTest, ANewerVersionIsRefused) {
  std::string value = Value(7, 42, "payload");
  value[3] = 2;
  EXPECT_THAT(
      DecodeWalRecord(Key(7, 42), value),
      IsError(ErrorKind::kNotSupported, AllOf(HasSubstr("version 2"), HasSubstr("newer Varve"))));
}

}  // namespace
}  // namespace varve
