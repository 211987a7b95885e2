#include "wal/record_format.h"

#include <bit>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "base/checksum.h"

namespace varve {
namespace {

constexpr std::string_view kMagic = "VWR";
constexpr size_t kVersionOffset = 3;
constexpr size_t kTableOffset = 4;
constexpr size_t kSequenceOffset = 12;
constexpr size_t kLengthOffset = 20;
constexpr size_t kChecksumOffset = 24;
static_assert(std::endian::native == std::endian::little, "fields are written by memcpy");

template <class T>
void StoreField(char* at, T value) {
  std::memcpy(at, &value, sizeof(value));
}

template <class T>
T LoadField(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

// `header`: the bytes before the checksum.
uint64_t Checksum(std::string_view header, std::string_view payload) {
  std::array<char, kChecksumOffset + sizeof(uint64_t)> bytes;
  std::memcpy(bytes.data(), header.data(), kChecksumOffset);
  StoreField(bytes.data() + kChecksumOffset, Xxh3(payload));
  return Xxh3(std::string_view(bytes.data(), bytes.size()));
}

std::unexpected<Error> Damaged(TableId table, Sequence sequence, std::string_view why) {
  return Corruption("the log record {} of table {} is damaged: {}", sequence, table, why);
}

}  // namespace

WalKey EncodeWalKey(TableId table, Sequence sequence) {
  WalKey key;
  StoreField(key.data(), __builtin_bswap64(table.value()));
  StoreField(key.data() + sizeof(uint64_t), __builtin_bswap64(sequence.value()));
  return key;
}

WalRecordHeader EncodeWalRecordHeader(TableId table, Sequence sequence, std::string_view payload) {
  VARVE_CHECK(payload.size() <= std::numeric_limits<uint32_t>::max(), "{} bytes", payload.size());
  WalRecordHeader header;
  std::memcpy(header.data(), kMagic.data(), kMagic.size());
  StoreField(header.data() + kVersionOffset, kWalRecordVersion);
  StoreField(header.data() + kTableOffset, table.value());
  StoreField(header.data() + kSequenceOffset, sequence.value());
  StoreField(header.data() + kLengthOffset, static_cast<uint32_t>(payload.size()));
  StoreField(header.data() + kChecksumOffset,
             Checksum(std::string_view(header.data(), kChecksumOffset), payload));
  return header;
}

Result<WalRecord> DecodeWalRecord(std::string_view key, std::string_view value) {
  if (key.size() != kWalKeyBytes) {
    return Corruption("a log key has {} bytes instead of {}", key.size(), kWalKeyBytes);
  }
  const TableId table(__builtin_bswap64(LoadField<uint64_t>(key.data())));
  const Sequence sequence(__builtin_bswap64(LoadField<uint64_t>(key.data() + sizeof(uint64_t))));
  if (value.size() < kWalHeaderBytes || !value.starts_with(kMagic)) {
    return Damaged(table, sequence, "it does not begin as a record");
  }
  const auto version = LoadField<uint8_t>(value.data() + kVersionOffset);
  if (version > kWalRecordVersion) {
    return NotSupported(
        "the log record {} of table {} has version {}, this Varve knows versions up to {}; start "
        "the newer Varve "
        "that wrote it",
        sequence, table, version, kWalRecordVersion);
  }
  const std::string_view payload = value.substr(kWalHeaderBytes);
  if (version == 0 || LoadField<uint32_t>(value.data() + kLengthOffset) != payload.size() ||
      LoadField<uint64_t>(value.data() + kChecksumOffset) != Checksum(value, payload)) {
    return Damaged(table, sequence, "its checksum or length is wrong");
  }
  if (LoadField<uint64_t>(value.data() + kTableOffset) != table.value() ||
      LoadField<uint64_t>(value.data() + kSequenceOffset) != sequence.value()) {
    return Damaged(table, sequence, "it is the record of another key");
  }
  return WalRecord{table, sequence, payload};
}

}  // namespace varve
