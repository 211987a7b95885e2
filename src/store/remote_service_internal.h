// RemoteService: what one kind of object service can be asked, in the terms that RemoteObjectStore
// needs. It stands between the store, which keeps the promises of ObjectStore, and three services
// that differ in every request they take (S3, Google Cloud Storage, Azure Blob Storage).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/object_store.h"

namespace varve {

// Stored with each object that is written, and read back to learn whether a write whose answer was
// lost has been carried out.
using WriterName = std::string;

// A page of a list has at most 1000 entries of a few kilobytes.
inline constexpr size_t kListPageBytesMax = size_t{16} << 20;

// A key is the full name in the bucket. Every function is thread-safe and has tried again where
// that can help; all name the key in their errors. Reads: kNotFound, kIo. Writes: kIo,
// kResourceExhausted, and kUnknownOutcome, when the store looks at the object's writer.
class RemoteService {
 public:
  struct Stat {
    uint64_t size_bytes = 0;
    std::string etag;     // changes when the object is replaced
    std::string version;  // "" where the service keeps one version only
    WriterName writer;    // "" when it was not written by Varve
  };
  struct PutRequest {
    std::string_view key;
    std::string_view bytes;
    WriterName writer;
    enum class IfPresent { kReplace, kFail } if_present = IfPresent::kReplace;
  };
  struct Page {
    std::vector<ObjectInfo> objects;  // paths are keys
    std::string next;                 // "" = this was the last
  };

  virtual ~RemoteService() = default;

  virtual Result<Stat> Head(std::string_view key) = 0;
  virtual Result<std::string> Get(std::string_view key) = 0;
  // Bytes of the object that `stat` describes. Errors: also kNotFound when it was replaced or
  // deleted, and the service does not keep it.
  virtual Status GetRange(std::string_view key, const Stat& stat, uint64_t offset, size_t size,
                          char* out) = 0;
  // Errors: kAlreadyExists with kFail, when no earlier attempt of this call can be the cause.
  virtual Status Put(const PutRequest& request) = 0;
  virtual Result<Page> List(std::string_view prefix, const std::string& token) = 0;
  // Ok when there is none.
  virtual Status Delete(std::string_view key) = 0;
  // Errors: kNotFound when there is no `from`.
  virtual Status Copy(std::string_view from, std::string_view to, const WriterName& writer) = 0;

  // An object in parts. Nothing shows before Finish. One thread.
  class Upload {
   public:
    virtual ~Upload() = default;
    // `bytes` has part_bytes().
    virtual Status AddPart(std::string_view bytes) = 0;
    // The rest, at most part_bytes().
    virtual Status Finish(std::string_view bytes) = 0;
    // Frees what was sent, as far as that succeeds.
    virtual void Abort() = 0;
  };
  virtual Result<std::unique_ptr<Upload>> StartUpload(std::string_view key,
                                                      const WriterName& writer) = 0;
  // The memory of a writer, and how many parts make an object.
  virtual size_t part_bytes() const = 0;
  virtual size_t parts_max() const = 0;

  // No new attempts from now on.
  virtual void Stop() = 0;
};

// Nothing shows of a part before Finish, so a part in doubt has merely failed.
inline Status PartStatus(Status sent) {
  if (!sent && sent.error().kind == ErrorKind::kUnknownOutcome) {
    return Io("{}", sent.error().message);
  }
  return sent;
}

}  // namespace varve
