#include "store/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "store/object_store.h"
#include "store/posix_internal.h"

namespace varve {
namespace {

// "process 1234", or words that stay true when the holder has not written its number yet.
std::string HolderName(const Fd& fd) {
  char text[32];
  const ssize_t size = ::pread(fd.get(), text, sizeof(text), 0);
  std::string_view digits(text, size > 0 ? static_cast<size_t>(size) : 0);
  digits = digits.substr(0, digits.find_first_not_of("0123456789"));
  return digits.empty() ? "another process" : fmt::format("process {}", digits);
}

Status MakeFoldersFor(const std::string& folder) {
  Status made = MakeFolders(folder);
  if (!made) {
    return std::unexpected(Error{
        made.error().kind == ErrorKind::kNotFound ? ErrorKind::kIo : made.error().kind,
        fmt::format("the data folder '{}' cannot be used: {}", folder, made.error().message)});
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<FolderLock>> FolderLock::Acquire(const std::string& folder) {
  VARVE_TRY(MakeFoldersFor(folder));
  const std::string path = folder + "/" + std::string(kLockFile);
  VARVE_ASSIGN(Fd fd, OpenFile(path, O_RDWR | O_CREAT));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return Unavailable(
          "the data folder '{}' is in use by {}; stop it first or use another folder", folder,
          HolderName(fd));
    }
    return PosixError("lock", path, errno);
  }
  if (::ftruncate(fd.get(), 0) != 0) {
    return PosixError("write", path, errno);
  }
  VARVE_TRY(WriteAll(fd, path, fmt::format("{}\n", ::getpid())));
  return std::unique_ptr<FolderLock>(new FolderLock(fd.Release()));
}

FolderLock::~FolderLock() { ::close(fd_); }

}  // namespace varve
