// SnapshotFolder: the objects of one snapshot, and in what order they come and go.
//
// A snapshot begins with its manifest, which only one export can make; then come schema files and
// data, and for each chunk that is done `_state/<chunk>.json`, the chunk as it will stand in the
// manifest, or, Failed, how often it was tried ("attempts") and why it failed ("error"). At the end
// the manifest is written once more, with all chunks, then COMPLETE, then the state goes. So a
// snapshot can be resumed from wherever it has ended: also between its manifest and its schema
// files, whose texts are in `_state/schema-<snapshot id>.json` before.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "protect/manifest.h"
#include "protect/schema_files.h"
#include "store/object_store.h"

namespace varve {

struct SnapshotListing {
  std::string name;  // the folder below the location; "" = the location itself
  std::optional<Manifest> manifest;
  bool complete = false;
  uint64_t done_chunks = 0;  // of one that is not complete
  std::string failure = {};  // of the last chunk that has failed and is not done, with its id
  std::string problem;       // why there is no manifest to show
};

// Thread-safe. The store, whose root is the snapshot, outlives it. Errors of all functions, besides
// those named: those of the store.
class SnapshotFolder {
 public:
  explicit SnapshotFolder(ObjectStore& store) : store_(store) {}

  // nullopt: there is no snapshot here. Errors: those of DecodeManifest.
  Result<std::optional<Manifest>> FindManifest() const;
  // Errors: kNotFound SNAPSHOT_NOT_FOUND.
  Result<Manifest> LoadManifest() const;
  // The manifest of a snapshot that is complete and whose manifest is the one that COMPLETE names.
  // Errors: also kInvalidArgument SNAPSHOT_INCOMPLETE, kCorruption CHECKSUM_MISMATCH.
  Result<Manifest> LoadComplete() const;
  Result<bool> IsComplete() const;
  // Errors: kInvalidArgument LOCATION_NOT_EMPTY when something is here that is no snapshot.
  Status CheckEmpty() const;

  // Makes the snapshot, its schema noted only. Errors: kAlreadyExists: somebody else has.
  Status Begin(const Manifest& manifest, const std::vector<SchemaText>& schema) const;
  // Writes those of the schema files that are not there. Errors: kNotFound when nobody has noted
  // what is in them.
  Status CompleteSchema(const Manifest& manifest) const;
  // Errors: kNotFound; kCorruption CHECKSUM_MISMATCH when one is not as the manifest says.
  Result<SnapshotSchema> ReadSchema(const Manifest& manifest) const;

  Status NoteChunk(const Chunk& chunk) const;
  // Those that are done, by id.
  Result<std::map<uint64_t, Chunk>> DoneChunks() const;
  // For whoever looks at the snapshot while it is made.
  Status NoteFailure(const Chunk& chunk, uint64_t attempts, std::string_view error) const;

  // The manifest is final.
  Status Complete(const Manifest& manifest) const;
  // For a snapshot whose final manifest is there already.
  Status MarkComplete() const;
  // What a snapshot that is complete does not need any more.
  Status ClearState() const;
  // Whether the path is of an export's progress: of no meaning in a snapshot that is complete.
  static bool IsState(std::string_view path);

  // Deletes what belongs to a snapshot; the rest stays, and its paths are returned. What says that
  // the snapshot is complete goes first and its manifest last, so that a deletion can be resumed.
  Result<std::vector<std::string>> Delete() const;

  // The snapshots in a folder that holds several, or is one.
  static Result<std::vector<SnapshotListing>> List(ObjectStore& store);

 private:
  ObjectStore& store_;
};

}  // namespace varve
