#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>
#include <utility>

#include "store/local_list_internal.h"
#include "store/posix_internal.h"

namespace varve {
namespace {

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

bool IsReserved(const std::string& folder, std::string_view name) {
  return folder.empty() && std::ranges::find(kReservedNames, name) != kReservedNames.end();
}

class Walk {
 public:
  explicit Walk(std::string root) : root_(std::move(root)) {}

  Result<std::vector<ObjectInfo>> Run(const std::string& prefix) {
    pending_.push_back(prefix);
    while (!pending_.empty()) {
      const std::string folder = std::move(pending_.back());
      pending_.pop_back();
      VARVE_TRY(Visit(folder));
    }
    std::ranges::sort(objects_, {}, &ObjectInfo::path);
    return std::move(objects_);
  }

 private:
  Status Visit(const std::string& folder) {
    const std::string path = folder.empty() ? root_ : root_ + "/" + folder;
    const std::unique_ptr<DIR, CloseDir> dir(::opendir(path.c_str()));
    if (dir == nullptr) {
      // ENOTDIR: an object of that name. A missing root is not an empty one: somebody removed or
      // unmounted it.
      if ((errno == ENOENT && !folder.empty()) || errno == ENOTDIR) {
        return {};
      }
      return Io("{}", PosixError("list", path, errno).error().message);
    }
    while (true) {
      errno = 0;
      const dirent* const entry = ::readdir(dir.get());
      if (entry == nullptr) {
        return errno == 0 ? Status() : PosixError("list", path, errno);
      }
      const std::string_view name = entry->d_name;
      if (name != "." && name != ".." && !IsReserved(folder, name)) {
        VARVE_TRY(Add(dir.get(), folder, entry->d_name));
      }
    }
  }

  Status Add(DIR* dir, const std::string& folder, const char* name) {
    std::string path = folder.empty() ? name : folder + "/" + name;
    struct stat info;
    if (::fstatat(::dirfd(dir), name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno == ENOENT ? Status() : PosixError("list", root_ + "/" + path, errno);
    }
    if (S_ISDIR(info.st_mode)) {
      pending_.push_back(std::move(path));
    } else if (S_ISREG(info.st_mode)) {
      const int64_t modified_us =
          info.st_mtim.tv_sec * int64_t{1'000'000} + info.st_mtim.tv_nsec / 1000;
      objects_.push_back(
          {std::move(path), static_cast<uint64_t>(info.st_size), TimestampUs(modified_us)});
    }
    return {};
  }

  const std::string root_;
  std::vector<std::string> pending_;  // folders below the root, "" = the root
  std::vector<ObjectInfo> objects_;
};

}  // namespace

Result<std::vector<ObjectInfo>> ListObjectFiles(const std::string& root,
                                                const std::string& prefix) {
  return Walk(root).Run(prefix);
}

}  // namespace varve
