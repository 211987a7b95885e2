// FileLifetimes: which files the versions of a log name, and how many of them do. What LogTour
// shows is enough, however many versions and files there are. Private to this folder.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "meta/history_format.h"
#include "meta/log_tour_internal.h"
#include "meta/version.h"

namespace varve {

// Versions in a row, of those that are there, that name a file.
struct FileUse {
  enum class Kind : uint8_t { kData, kVector };
  Kind kind = Kind::kData;
  Uuid file;  // of a deletion vector: whose it is
  std::string path;
  uint64_t size_bytes = 0;  // of a file of data
  VersionId first;
  uint64_t versions = 0;  // at least 1
};

// A visitor of LogTour. One thread.
class FileLifetimes {
 public:
  Status Base(const Version& version);
  // Errors: kCorruption when it removes what is not there or adds what is.
  Status Step(const VersionStep& step, Presence presence);

  // All uses. A file that was removed and came back has several. Ends it.
  std::vector<FileUse> Finish() &&;

 private:
  struct IdHash {
    size_t operator()(const Uuid& id) const { return static_cast<size_t>(id.low()); }  // random
  };
  struct Life {
    std::string path;
    uint64_t size_bytes = 0;
    size_t since = 0;  // index into there_
  };
  struct FileLife {
    Life data;
    Life vector;  // path empty: none
  };

  void Close(FileUse::Kind kind, const Uuid& file, Life life);
  void Close(const Uuid& file, FileLife life);
  void SetVector(const Uuid& file, Life& vector, std::string_view path);
  Life Open(std::string_view path, uint64_t size_bytes) const;

  std::unordered_map<Uuid, FileLife, IdHash> live_;
  std::vector<VersionId> there_;
  std::vector<FileUse> uses_;
};

}  // namespace varve
