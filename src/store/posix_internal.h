// What local_store and folder_lock need of POSIX: descriptors that close themselves, whole writes,
// durable folders, and errors that say what to do. Private to this folder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace varve {

// Owns a file descriptor; -1 = none.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd();
  Fd(Fd&& other) noexcept;
  Fd& operator=(Fd&& other) noexcept;
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  // The caller closes it.
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

// The errno `code` of the failed `what` ("write", "fsync the folder of") on `path`, as an error
// with advice. ENOENT and ENOTDIR: kNotFound; ENOSPC and EDQUOT: kResourceExhausted; all else: kIo.
std::unexpected<Error> PosixError(std::string_view what, const std::string& path, int code);

// open(2) with O_CLOEXEC, and mode 0666 less the umask.
Result<Fd> OpenFile(const std::string& path, int flags);

// Writes everything at the descriptor's position.
Status WriteAll(const Fd& fd, const std::string& path, std::string_view bytes);

// Reads exactly `size` bytes. Errors: kIo; kCorruption when the file ends before that.
Status ReadAllAt(const Fd& fd, const std::string& path, uint64_t offset, size_t size, char* out);

Status SyncFile(const Fd& fd, const std::string& path);

// What was made, renamed or linked in the folder survives power loss when this returns ok.
Status SyncFolder(const std::string& folder);

// Makes the folder and those above it where they are missing, durably. Ok when it is there already.
Status MakeFolders(const std::string& folder);

// "a/b" for "a/b/c", "." for "c", "/" for "/c".
std::string ParentFolder(const std::string& path);

}  // namespace varve
