// How a savepoint is written: `tables/<uuid>/savepoint/savepoint-<id>.json`.
//
// FORMAT "varve-savepoint": the frame of log_format.h (format, major, writer … body_sha256), and
// the fields that Paimon's proposal of savepoints names, as it names them:
//   id                integer  as in the file's name
//   [name]            text
//   savedSnapshotId   integer  the version
//   snapshotTime      integer  when it was committed
//   schemaId          integer
//   fullManifestList  text     relative to the table's folder
//   recordCount       integer
//   heldBytes         integer
//   saveTime          integer
//   origin            "manual" or "automatic"
//   [retainUntil]     integer
//   [lockUntil]       integer
//   group             {id: UUID, tables: integer}
//   [dropped]         true     a savepoint that has been dropped: only `id` is left, so that it is
//                              not given again
// Times are microseconds since 1970-01-01T00:00:00Z.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "meta/savepoint.h"

namespace varve {

struct DecodedSavepoint {
  SavepointId id;
  std::optional<Savepoint> savepoint;  // nullopt: it has been dropped
};

// The bytes of the file. Errors: kInvalidArgument when the name is not UTF-8.
Result<std::string> EncodeSavepoint(const Savepoint& savepoint);
Result<std::string> EncodeDroppedSavepoint(SavepointId id);

// Any bytes. Errors: kCorruption that says what is wrong; kNotSupported for a newer major.
Result<DecodedSavepoint> DecodeSavepoint(std::string_view bytes);

}  // namespace varve
