// The histories of a log, one after another as who goes through its versions comes to them. Private
// to this folder.
#pragma once

#include <optional>
#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "meta/history_format.h"
#include "meta/log_files_internal.h"
#include "store/object_store.h"

namespace varve {

// One thread. The store and the listing outlive it.
class HistoryFinder {
 public:
  HistoryFinder(ObjectStore& store, const std::string& folder, const LogListing& listing)
      : store_(store), folder_(folder), listing_(listing) {}

  // What the version has changed, when a history that can be read has it and goes on from a version
  // whose edit's file has this SHA-256; nullptr: none does, read the edit. Asked in the order of
  // the versions; valid until the next call. Errors: kCorruption when the file of the edit has not
  // the size that the history says; kNotSupported for a newer format; kIo.
  Result<const VersionStep*> Find(VersionId id, const std::string& parent_sha256);

  // The file that the last one was found in.
  const std::string& path() const { return path_; }

 private:
  // Whether there is one of the version in `current_`. Errors: as Find.
  Result<bool> Load(VersionId id);

  ObjectStore& store_;
  const std::string& folder_;
  const LogListing& listing_;
  size_t next_ = 0;  // of the listing's
  VersionRun range_;
  std::optional<VersionHistory> current_;
  std::string path_;
};

}  // namespace varve
