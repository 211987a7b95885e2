// ObjectStore: named, immutable byte strings. The one seam between Varve and where its files lie: a
// local folder, memory, S3 and others; what sits on top cannot tell which.
//
// A path is relative, made of segments joined by '/': "tables/1f…/log/00000000000000000001.json".
// Segments are not empty, not "." or "..", and hold no control characters; the first one is not a
// name that stores keep for themselves (kReservedNames). Other paths are kInvalidArgument
// (`CheckObjectPath`) in every function here, so that a name from outside can never leave the
// store. An object's path is never also a folder of another object's path.
//
// Every function here is thread-safe. Objects appear whole or not at all, and are durable (they
// survive power loss) when the call that makes them returns ok.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace varve {

struct ObjectInfo {
  std::string path;
  uint64_t size_bytes = 0;
  TimestampUs modified;
  bool operator==(const ObjectInfo&) const = default;
};

// An open object. Thread-safe. Stays readable after the object is deleted.
class ObjectReader {
 public:
  virtual ~ObjectReader() = default;
  virtual uint64_t size_bytes() const = 0;
  // Reads exactly `size` bytes from `offset` into `out`. Errors: kIo; kCorruption when the object
  // ends before that.
  virtual Status ReadAt(uint64_t offset, size_t size, char* out) const = 0;
};

// An object that is being written. One thread. Nothing is visible before Finish; destroyed without
// Finish, it leaves nothing that a reader or List can see.
class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;
  // Errors: kIo; kResourceExhausted when the place is full. After an error only destruction is
  // allowed.
  virtual Status Append(std::string_view bytes) = 0;
  // The object is visible and durable when this returns ok; an object of the same path is replaced.
  // Errors: kIo and kResourceExhausted as above; kUnknownOutcome when it may have become visible.
  virtual Status Finish() = 0;
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // Makes or replaces the object. Errors: kIo, kResourceExhausted (full), kUnknownOutcome.
  virtual Status Put(std::string_view path, std::string_view bytes) = 0;

  // Makes the object if there is none: of several callers at once exactly one succeeds. Errors:
  // kAlreadyExists (nothing was changed); kUnknownOutcome (it may exist now: read it back before
  // deciding); kIo, kResourceExhausted (nothing was made).
  virtual Status PutIfAbsent(std::string_view path, std::string_view bytes) = 0;

  virtual Result<std::unique_ptr<ObjectWriter>> NewWriter(std::string_view path) = 0;

  // The whole object. Errors: kNotFound, kIo.
  virtual Result<std::string> Get(std::string_view path) = 0;

  // Errors: kNotFound, kIo.
  virtual Result<std::shared_ptr<const ObjectReader>> Open(std::string_view path) = 0;

  // All objects whose path begins with the folder `prefix` ("" = all, "tables/1f" means
  // "tables/1f/…"), sorted by path. A folder that does not exist is empty. Errors: kIo (the caller
  // must not take the objects as gone).
  virtual Result<std::vector<ObjectInfo>> List(std::string_view prefix) = 0;

  // Ok also when there was no such object. Only GC and clean-up of never-committed files call this.
  // After power loss the object may be back. Errors: kIo (it is still there); kUnknownOutcome.
  virtual Status Delete(std::string_view path) = 0;

  // Makes or replaces `to` with the bytes of `from`, without moving them through this process where
  // the place can. Errors: kNotFound when there is no `from`; else as Put.
  virtual Status Copy(std::string_view from, std::string_view to) = 0;

  // For messages: "/var/lib/varve" or "memory". No secrets.
  virtual std::string Describe() const = 0;
};

// Names that no path begins with: what stands beside the objects in a data folder, and is not one:
// unfinished files, the lock, the write-ahead log, what queries spill.
inline constexpr std::string_view kTemporaryFolder = "tmp";
inline constexpr std::string_view kLockFile = "LOCK";
inline constexpr std::string_view kWalFolder = "wal";
inline constexpr std::string_view kSpillFolder = "spill";
inline constexpr std::array kReservedNames = {kTemporaryFolder, kLockFile, kWalFolder,
                                              kSpillFolder};
// S3 takes no longer names, file systems no longer segments.
inline constexpr size_t kPathBytesMax = 1024;
inline constexpr size_t kSegmentBytesMax = 255;

// Errors: kInvalidArgument that says what is wrong with the path.
Status CheckObjectPath(std::string_view path);

}  // namespace varve
