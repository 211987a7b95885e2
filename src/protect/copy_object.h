// Moving an object from store to store, hashed on the way.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/checksum.h"
#include "base/result.h"
#include "store/object_store.h"

namespace varve {

// Told the bytes that are moved next, before they are: may wait (a rate limit), and ends the work
// with its error.
using Pace = std::function<Status(uint64_t bytes)>;

struct CopiedObject {
  uint64_t size_bytes = 0;
  std::string sha256;
};

// Reads the object, handing its bytes over piece by piece. Errors: those of the store, `pace` and
// `take`.
Status ReadObject(ObjectStore& store, std::string_view path, const Pace& pace,
                  const std::function<Status(std::string_view bytes)>& take);

// Errors: those of both stores and of `pace`; kCorruption CHECKSUM_MISMATCH, naming `from_path`,
// when the bytes are not those of `sha256`: nothing is at `to_path` then.
Result<CopiedObject> CopyObject(ObjectStore& from, std::string_view from_path, ObjectStore& to,
                                std::string_view to_path, std::string_view sha256,
                                const Pace& pace);

// A file of this machine as an object. Errors: kIo; those of the store and of `pace`.
Result<CopiedObject> UploadFile(const std::string& file, ObjectStore& to, std::string_view to_path,
                                const Pace& pace);

// An object as a file of this machine, checked as CopyObject does. The file is left on errors.
Status DownloadFile(ObjectStore& from, std::string_view from_path, std::string_view sha256,
                    const std::string& file, const Pace& pace);

std::unexpected<Error> ChecksumMismatch(std::string_view path, std::string_view expected,
                                        std::string_view actual);

}  // namespace varve
