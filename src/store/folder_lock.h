// FolderLock: one process at a time works on a data folder.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace varve {

// Holds the lock while it lives. The lock is the operating system's (flock on `<folder>/LOCK`), so
// it ends with the process however that ends; the file stays and is no sign of a running server.
class FolderLock {
 public:
  // Makes the folder if it is missing. To be taken before anything in the folder is opened.
  // Errors: kUnavailable, naming the process that holds it (stop it or use another folder); kIo
  // when the folder cannot be written.
  static Result<std::unique_ptr<FolderLock>> Acquire(const std::string& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  const int fd_;
};

}  // namespace varve
