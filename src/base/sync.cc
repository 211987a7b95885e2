#include "base/sync.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace varve {

Status SyncPath(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool done = fd >= 0 && ::fsync(fd) == 0;
  const int code = errno;
  if (fd >= 0) {
    ::close(fd);
  }
  if (done) {
    return {};
  }
  if (code == ENOSPC || code == EDQUOT) {
    return ResourceExhausted("cannot fsync '{}': the disk is full; free space on it", path);
  }
  return Io("cannot fsync '{}': {}", path, std::generic_category().message(code));
}

}  // namespace varve
