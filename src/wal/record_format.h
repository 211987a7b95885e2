// The form of a record in a log that keeps keys and values (RocksDB). All integers are
// little-endian unless said.
//
// Key: keys sort by table, then by sequence.
//   OFFSET  SIZE  FIELD
//   0       8     table id, big-endian
//   8       8     sequence, big-endian
//
// Value:
//   OFFSET  SIZE  FIELD
//   0       3     magic "VWR"
//   3       1     version, 1
//   4       8     table id
//   12      8     sequence
//   20      4     payload length in bytes
//   24      8     checksum: XXH3-64 of bytes 0 to 23 followed by the XXH3-64 of the payload (8
//   bytes) 32      n     payload
//
// A change of any of this takes the next version. A reader refuses versions that it does not know:
// it cannot tell what it would lose. Older versions are read for ever. What the payload holds is
// not known here.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"

namespace varve {

inline constexpr uint8_t kWalRecordVersion = 1;
inline constexpr size_t kWalKeyBytes = 16;
inline constexpr size_t kWalHeaderBytes = 32;

using WalKey = std::array<char, kWalKeyBytes>;
using WalRecordHeader = std::array<char, kWalHeaderBytes>;

WalKey EncodeWalKey(TableId table, Sequence sequence);

// What stands in front of the payload, which must be at most 4 GiB - 1.
WalRecordHeader EncodeWalRecordHeader(TableId table, Sequence sequence, std::string_view payload);

struct WalRecord {
  TableId table;
  Sequence sequence;
  std::string_view payload;  // a part of the value that was decoded
};

// Errors: kCorruption that names table and sequence (of the key) and what is wrong; kNotSupported
// for a newer version.
Result<WalRecord> DecodeWalRecord(std::string_view key, std::string_view value);

}  // namespace varve
