// The files of one log of versions: their names, what is there, and how one is made exactly once.
// Private to this folder.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "store/object_store.h"

namespace varve {

enum class PutOutcome {
  kMade,   // the object has these bytes, made by this call, and is durable
  kTaken,  // somebody else's object was there first; nothing was changed
};

// Makes the object once. An unknown outcome is settled by reading back; what cannot be settled is
// kUnknownOutcome. Equal bytes count as made after an unknown outcome only: that another process
// wanted the very same object is then as good as our own. Errors else: as PutIfAbsent.
Result<PutOutcome> PutOnce(ObjectStore& store, const std::string& path, std::string_view bytes);

// kCorruption about an object, with what to do about it.
std::unexpected<Error> Damaged(const ObjectStore& store, std::string_view path,
                               std::string_view reason);
// The error of decoding the object's bytes, with its path.
std::unexpected<Error> DecodeFailed(const ObjectStore& store, std::string_view path,
                                    const Error& error);

// Versions that follow each other and can all be read.
struct VersionRun {
  VersionId first;  // a base: a version that is read without those before it
  VersionId last;
  auto operator<=>(const VersionRun&) const = default;
};

// What a history has: it is derived, and nothing is there or not for it.
struct HistoryFile {
  VersionRun range;
  uint64_t size_bytes = 0;
  bool operator==(const HistoryFile&) const = default;
};

// A version is there when its edit is and those of all versions before it, down to a base: a
// checkpoint, or version 1. Hence removing a base hides all versions that stand on it, at once.
struct LogListing {
  std::map<VersionId, uint64_t> edits;        // and the size of the file
  std::map<VersionId, uint64_t> checkpoints;  // and the size of the file
  std::vector<HistoryFile> histories = {};    // by their first version
  bool empty() const { return edits.empty() && checkpoints.empty(); }
  VersionId newest() const;  // VersionId(): empty
  bool IsBase(VersionId version) const;
  // In order; what lies between two of them has expired or is missing.
  std::vector<VersionRun> Runs() const;
  bool operator==(const LogListing&) const = default;
};

// A gap right behind a base is what expiry leaves, when somebody holds the base; any other one is a
// file that is missing: the first version that cannot be read for it. nullopt: there is none.
std::optional<VersionId> FirstMissing(const LogListing& listing);

// "<folder>/<version, 20 digits>.json"
std::string EditPath(std::string_view folder, VersionId version);
// "<folder>/checkpoint-<version, 20 digits>.json"
std::string CheckpointPath(std::string_view folder, VersionId version);
// "<folder>/history-<first version, 20 digits>-<last version, 20 digits>.bin"
std::string HistoryPath(std::string_view folder, const VersionRun& range);
// Objects with other names are not the log's and are passed over. Errors: kIo.
Result<LogListing> ListLog(ObjectStore& store, std::string_view folder);

}  // namespace varve
