// A Varve data file of a snapshot as a data file of a table: the same bytes but for its id, which
// is 36 characters of the footer that no checksum covers.
//
// Bytes are read twice, to be verified and to be copied, and hashed once: what was hashed up to the
// footer is the hash of the new file up to there, and a fingerprint tells that the bytes that are
// copied are those that were verified.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/checksum.h"
#include "base/result.h"
#include "engine/table_import.h"
#include "protect/copy_object.h"
#include "protect/manifest.h"
#include "store/object_store.h"

namespace varve {

// What reading an object once has told.
struct HashedObject {
  uint64_t size_bytes = 0;
  std::string sha256;
  uint64_t fingerprint = 0;  // of all bytes; against accidents, not against forgery
  // Of one that ends as a Parquet file does: the hash of what comes before its footer.
  uint64_t body_bytes = 0;
  std::optional<Sha256> body;
};

// Errors: those of the store and of `pace`.
Result<HashedObject> HashObject(ObjectStore& store, std::string_view path, const Pace& pace);

// `verified`: of the file, and its SHA-256 was right. Errors: those of both stores and of `pace`;
// kCorruption when the file is not the one that was verified or no Varve data file: nothing is left
// at `place` then.
Result<FileMeta> CopyDataFile(ObjectStore& snapshot, const SnapshotFile& file,
                              const HashedObject& verified, const ImportPlace& place,
                              const Pace& pace);

}  // namespace varve
