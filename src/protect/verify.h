// Verifying a snapshot: that it is complete and as it was written.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "protect/copy_object.h"
#include "protect/data_file_copy.h"
#include "protect/manifest.h"
#include "store/object_store.h"

namespace varve {

enum class VerifyMode : uint8_t {
  kHead,    // what listing tells: files that are missing, too many or of another size
  kSample,  // and the checksums of about a tenth of the files, the same ones each time
  kFull,    // and all checksums
};
Result<VerifyMode> ParseVerifyMode(std::string_view text);

struct VerifyOptions {
  VerifyMode mode = VerifyMode::kFull;
  uint64_t parallelism = 1;                       // files that are read at once
  Pace pace = [](uint64_t) { return Status(); };  // called by all of these threads
};

struct VerifyReport {
  Manifest manifest;
  std::vector<std::string> findings;  // each begins with its name and the file: snapshot_error.h
  uint64_t files = 0;                 // that were looked at
  uint64_t bytes_read = 0;
  std::map<std::string, HashedObject> hashes;  // by path, of files that were read and are right
};

// Goes on after a finding. Manifest, COMPLETE and schema files are always read. Errors: kNotFound
// SNAPSHOT_NOT_FOUND, kInvalidArgument SNAPSHOT_INCOMPLETE, kNotSupported MANIFEST_TOO_NEW,
// kCorruption for the manifest itself (nothing can be said of the rest then); those of the store
// and of `pace`.
Result<VerifyReport> VerifySnapshot(ObjectStore& store, const VerifyOptions& options);

// kOk when there are no findings, else kCorruption with all of them (kFindingsShownMax).
Status ToStatus(const VerifyReport& report);
inline constexpr size_t kFindingsShownMax = 20;

}  // namespace varve
