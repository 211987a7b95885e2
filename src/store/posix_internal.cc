#include "store/posix_internal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

namespace varve {
namespace {

// Not strerror: it is not thread-safe.
std::string ErrnoText(int code) { return std::generic_category().message(code); }

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

Fd::Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Fd& Fd::operator=(Fd&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

std::unexpected<Error> PosixError(std::string_view what, const std::string& path, int code) {
  switch (code) {
    case ENOENT:
    case ENOTDIR:
      return NotFound("cannot {} '{}': {}", what, path, ErrnoText(code));
    case ENOSPC:
      return ResourceExhausted(
          "cannot {} '{}': the disk is full; free space on it or move the data folder to a larger "
          "one",
          what, path);
    case EDQUOT:
      return ResourceExhausted(
          "cannot {} '{}': the disk quota of the user that runs Varve is used up; raise it or free "
          "space",
          what, path);
    case EROFS:
      return Io(
          "cannot {} '{}': the file system is read-only; mount it writable or use another folder",
          what, path);
    case EACCES:
    case EPERM:
      return Io(
          "cannot {} '{}': {}; let the user that runs Varve read and write it, or use another "
          "folder",
          what, path, ErrnoText(code));
    case EMFILE:
    case ENFILE:
      return Io("cannot {} '{}': {}; raise the limit (ulimit -n)", what, path, ErrnoText(code));
    default:
      return Io("cannot {} '{}': {}", what, path, ErrnoText(code));
  }
}

Result<Fd> OpenFile(const std::string& path, int flags) {
  while (true) {
    Fd fd(::open(path.c_str(), flags | O_CLOEXEC, 0666));
    if (fd.valid()) {
      return fd;
    }
    if (errno != EINTR) {
      return PosixError((flags & O_CREAT) != 0 ? "create" : "open", path, errno);
    }
  }
}

Status WriteAll(const Fd& fd, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd.get(), bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      return PosixError("write", path, errno);
    }
  }
  return {};
}

Status ReadAllAt(const Fd& fd, const std::string& path, uint64_t offset, size_t size, char* out) {
  size_t done = 0;
  while (done < size) {
    const ssize_t got =
        ::pread(fd.get(), out + done, size - done, static_cast<off_t>(offset + done));
    if (got > 0) {
      done += static_cast<size_t>(got);
    } else if (got == 0) {
      return Corruption("the file '{}' ends at byte {}, bytes {} to {} were asked for", path,
                        offset + done, offset, offset + size);
    } else if (errno != EINTR) {
      return PosixError("read", path, errno);
    }
  }
  return {};
}

Status SyncFile(const Fd& fd, const std::string& path) {
  if (::fsync(fd.get()) != 0) {
    return PosixError("fsync", path, errno);
  }
  return {};
}

Status SyncFolder(const std::string& folder) {
  VARVE_ASSIGN(const Fd fd, OpenFile(folder, O_RDONLY | O_DIRECTORY));
  return SyncFile(fd, folder);
}

Status MakeFolders(const std::string& folder) {
  std::vector<std::string> missing;
  std::string current = folder;
  while (::mkdir(current.c_str(), 0777) != 0) {
    if (errno == EEXIST) {
      break;
    }
    if (errno != ENOENT || current == ParentFolder(current)) {
      return PosixError("create the folder", current, errno);
    }
    missing.push_back(current);
    current = ParentFolder(current);
  }
  // Also when it was there: a run that crashed may have made it without getting to the fsync. A
  // parent that we may not open is none that we made.
  if (!missing.empty() || ::access(ParentFolder(current).c_str(), R_OK) == 0) {
    VARVE_TRY(SyncFolder(ParentFolder(current)));
  }
  for (; !missing.empty(); missing.pop_back()) {
    if (::mkdir(missing.back().c_str(), 0777) != 0 && errno != EEXIST) {
      return PosixError("create the folder", missing.back(), errno);
    }
    VARVE_TRY(SyncFolder(ParentFolder(missing.back())));
  }
  // EEXIST does not tell a folder from a file.
  VARVE_ASSIGN(const Fd fd, OpenFile(folder, O_RDONLY | O_DIRECTORY));
  return {};
}

std::string ParentFolder(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) {
    return ".";
  }
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace varve
