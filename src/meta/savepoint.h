// Savepoint: a version of a table that somebody wants to keep. It stays readable, whatever the
// table's options say about old versions, until the savepoint is dropped.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"

namespace varve {

enum class SavepointOrigin : uint8_t {
  kManual,
  kAutomatic,  // by the table's option savepoint.create-interval
};
std::string_view SavepointOriginText(SavepointOrigin origin);

// One point in time over several tables: each has a savepoint with it.
struct SavepointGroup {
  Uuid id;
  uint64_t tables = 1;  // how many there are, when none is missing
  bool operator==(const SavepointGroup&) const = default;
};

struct Savepoint {
  SavepointId id;
  std::string name;  // unique in the table; "": none
  VersionId saved_snapshot_id;
  TimestampUs snapshot_time;  // when that version was committed
  uint32_t schema_id = 0;
  uint64_t record_count = 0;
  uint64_t held_bytes = 0;  // of the data files of the version
  TimestampUs save_time;
  SavepointOrigin origin = SavepointOrigin::kManual;
  std::optional<TimestampUs> retain_until = {};  // dropped by itself after that
  std::optional<TimestampUs> lock_until = {};    // not to be dropped before that, by nobody
  SavepointGroup group;

  // What the version is read from once those before it have expired, relative to the table's
  // folder: "log/checkpoint-<version, 20 digits>.json".
  std::string full_manifest_list() const;
  bool locked(TimestampUs now) const { return lock_until && *lock_until > now; }
  bool operator==(const Savepoint&) const = default;
};

// Errors: kInvalidArgument for a name that is empty, all digits (it would be taken for a snapshot),
// longer than an identifier, or has a character that identifiers do not have, or a dot.
Status CheckSavepointName(std::string_view name);

}  // namespace varve
