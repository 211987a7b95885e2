// The envelope of every metadata file: an edit or a checkpoint of a log of versions, and the FORMAT
// file of the store.
//
// FORMAT of a metadata file: one JSON object on one line, UTF-8, ended by a line feed. Fields in
// this order:
//   format         text     what the file is: "varve-table-edit", "varve-table-checkpoint",
//   "varve-catalogue-edit",
//                           "varve-catalogue-checkpoint", "varve"
//   major          integer  1, or 2 where the file has what a reader of 1 cannot do without: a
//   catalogue edit that renames a table or makes or drops a view, a catalogue checkpoint with views
//   writer         text     the release of Varve that wrote the file: "0.1.0"
//   …                       the fields of this kind of file
//   body_sha256    text     SHA-256 of all bytes of the file before `,"body_sha256":`
// and of an edit or a checkpoint, in the place of …:
//   version        integer  the version it makes or holds; the same as in the file's name
//   committed_at   integer  microseconds since 1970-01-01T00:00:00Z; greater than the parent's
//   parent_sha256  text     edit: SHA-256 of the whole file of the edit before it; "" in version 1
//   edit_sha256    text     checkpoint: SHA-256 of the whole file of this version's edit, from
//   which the chain goes on kind           text     edit: why it was made; readers accept kinds
//   that they do not know, and keep their names edit / state   object   see version_format.h and
//   catalogue_format.h
//
// Integers are exact 64-bit numbers: a reader must not take them through a double. SHA-256 are 64
// lower-case hexadecimal digits. Paths are relative to the store. Readers ignore fields that they
// do not know, so a release may add fields that older ones can do without; anything else takes a
// new major. Every major keeps the frame: one JSON object with `format`, `major` and `writer`,
// ended by `body_sha256`. A reader refuses a newer major and reads all older ones.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"

namespace varve {

inline constexpr uint32_t kLogFormatMajor = 4;      // the newest that is read
inline constexpr uint32_t kLogFormatBaseMajor = 1;  // of most files

// Bounds what opening a log reads: one checkpoint and this many edits.
inline constexpr uint64_t kVersionsPerCheckpoint = 64;

// Bounds what reading all versions of a table reads: a file for so many, and as many edits twice.
inline constexpr uint64_t kVersionsPerHistory = 1024;

// The edits of so many newest versions stay as files also when their versions have expired: a
// process that is behind by fewer meets them when it commits. One that is behind by more would make
// a version of its own beside them, and must be kept from committing by a lock or a lease.
inline constexpr uint64_t kLaggardVersions = 64;

// Where an edit stands in its log.
struct EditLink {
  VersionId version;
  TimestampUs committed_at;
  std::string parent_sha256;  // empty for version 1
};

template <class Edit>
struct DecodedEdit {
  EditLink link;
  Edit edit;
};

template <class State>
struct DecodedCheckpoint {
  State state;
  std::string edit_sha256;
};

}  // namespace varve
