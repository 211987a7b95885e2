// Reads one RocksDB log file, record by record, and tells where it stops being one. Private to this
// folder.
//
// The file (RocksDB's format, unchanged since LevelDB) is a row of 32 KiB blocks. A record is one
// or more pieces, none of which crosses a block; fewer than 7 bytes at the end of a block are
// padding.
//   OFFSET  SIZE  FIELD of a piece
//   0       4     CRC-32C of type and data, masked: rotated right by 15 bits, plus 0xa282ead8
//   4       2     length of the data
//   6       1     type: 1 = a whole record, 2 = its first piece, 3 = one in the middle, 4 = its
//   last 7       n     data
// The data of a record is a write batch: 8 bytes sequence of its first entry, 4 bytes number of
// entries, the entries.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace varve {

struct LogDamage {
  uint64_t offset = 0;  // of the record that is not whole
  std::string reason;
  // Where behind the damage another record begins.
  std::optional<uint64_t> next_record;
};

struct LogContents {
  uint64_t size_bytes = 0;
  uint64_t end = 0;  // the whole records lie before this offset
  std::optional<uint64_t> first_sequence;
  std::optional<uint64_t>
      next_sequence;  // the sequence after the last entry of the last whole record
  std::optional<LogDamage> damage;
};

// Errors: kIo. Damage is not an error here: what it means depends on the files around.
Result<LogContents> ReadRocksDbLog(const std::string& path);

}  // namespace varve
