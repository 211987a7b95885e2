#include "store/local_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/ids.h"
#include "base/log.h"
#include "store/local_list_internal.h"
#include "store/posix_internal.h"

namespace varve {
namespace {

// Folders of segments come and go for years; past this the memory of which are durable starts anew,
// at the price of an fsync or two for each.
constexpr size_t kDurableFoldersMax = 10'000;
// A folder can be removed by Delete between EnsureFolder and the rename into it, each time by
// another Delete.
constexpr int kPublishAttemptsMax = 16;
constexpr size_t kWriterBufferBytes = size_t{256} << 10;
// Start of write-back for the kernel, so that the fsync at the end does not wait for a whole file.
constexpr uint64_t kWriteBackStepBytes = uint64_t{8} << 20;
constexpr size_t kCopyBufferBytes = size_t{1} << 20;
constexpr std::string_view kTemporaryPrefix = "varve-";
constexpr std::string_view kTemporarySuffix = ".tmp";

bool IsTemporaryName(std::string_view name) {
  return name.starts_with(kTemporaryPrefix) && name.ends_with(kTemporarySuffix);
}

// Both reads and "is it an object" in one: a folder opens too, but is not an object.
Result<std::pair<Fd, uint64_t>> OpenObject(const std::string& file) {
  VARVE_ASSIGN(Fd fd, OpenFile(file, O_RDONLY));
  struct stat info;
  if (::fstat(fd.get(), &info) != 0) {
    return PosixError("open", file, errno);
  }
  if (!S_ISREG(info.st_mode)) {
    return NotFound("cannot open '{}': it is not a file", file);
  }
  return std::pair(std::move(fd), static_cast<uint64_t>(info.st_size));
}

class LocalReader final : public ObjectReader {
 public:
  LocalReader(std::string file, Fd fd, uint64_t size_bytes)
      : file_(std::move(file)), fd_(std::move(fd)), size_bytes_(size_bytes) {}

  uint64_t size_bytes() const override { return size_bytes_; }

  Status ReadAt(uint64_t offset, size_t size, char* out) const override {
    if (offset > size_bytes_ || size > size_bytes_ - offset) {
      return Corruption("the file '{}' ends at byte {}, bytes {} to {} were asked for", file_,
                        size_bytes_, offset, offset + size);
    }
    return ReadAllAt(fd_, file_, offset, size, out);
  }

 private:
  const std::string file_;
  const Fd fd_;
  const uint64_t size_bytes_;
};

// A lock that can be taken shows that the writer of the file is gone.
void RemoveIfStale(const std::string& file) {
  const Result<Fd> fd = OpenFile(file, O_RDONLY);
  if (fd && ::flock(fd->get(), LOCK_EX | LOCK_NB) == 0 && ::unlink(file.c_str()) == 0) {
    LogInfo("removed '{}', which an earlier run left unfinished", file);
  }
}

Status RemoveStaleFiles(const std::string& folder) {
  DIR* const dir = ::opendir(folder.c_str());
  if (dir == nullptr) {
    return PosixError("list", folder, errno);
  }
  while (const dirent* entry = ::readdir(dir)) {
    if (IsTemporaryName(entry->d_name)) {
      RemoveIfStale(folder + "/" + entry->d_name);
    }
  }
  ::closedir(dir);
  return {};
}

Status CopyBytes(const Fd& from, const std::string& from_file, uint64_t size, const Fd& to,
                 const std::string& to_file) {
  uint64_t done = 0;
  while (done < size) {
    const ssize_t copied =
        ::copy_file_range(from.get(), nullptr, to.get(), nullptr, size - done, 0);
    if (copied > 0) {
      done += static_cast<uint64_t>(copied);
    } else if (copied < 0 && (errno == ENOSPC || errno == EDQUOT)) {
      return PosixError("write", to_file, errno);
    } else if (copied == 0 || errno != EINTR) {
      break;  // not every file system has it: what is left goes by read and write, which give the
              // true error
    }
  }
  std::string buffer(std::min<uint64_t>(kCopyBufferBytes, size - done), '\0');
  while (done < size) {
    const size_t part = std::min<uint64_t>(buffer.size(), size - done);
    VARVE_TRY(ReadAllAt(from, from_file, done, part, buffer.data()));
    VARVE_TRY(WriteAll(to, to_file, std::string_view(buffer).substr(0, part)));
    done += part;
  }
  return {};
}

// kNotFound here would tell a caller that his object is missing.
std::unexpected<Error> AsIo(Error error, std::string_view context) {
  if (error.kind == ErrorKind::kNotFound) {
    error.kind = ErrorKind::kIo;
  }
  return std::unexpected(error.WithContext(context));
}

Status PrepareRoot(const std::string& root, const std::string& temporary_folder) {
  if (const Status made = MakeFolders(temporary_folder); !made) {
    return AsIo(made.error(), fmt::format("the folder '{}' cannot be used", root));
  }
  return RemoveStaleFiles(temporary_folder);
}

}  // namespace

// A file in `tmp/` that is removed unless it was published. Locked, so that no other process takes
// it for stale.
class LocalObjectStore::TemporaryFile {
 public:
  TemporaryFile(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  TemporaryFile(TemporaryFile&&) = default;
  TemporaryFile& operator=(TemporaryFile&&) = delete;
  ~TemporaryFile() {
    if (fd_.valid()) {
      ::unlink(path_.c_str());
    }
  }
  const Fd& fd() const { return fd_; }
  const std::string& path() const { return path_; }
  // It was renamed away: there is nothing to remove.
  void Forget() { fd_ = Fd(); }

 private:
  Fd fd_;
  std::string path_;
};

class LocalWriter final : public ObjectWriter {
 public:
  LocalWriter(LocalObjectStore* store, LocalObjectStore::TemporaryFile file, std::string target)
      : store_(store), file_(std::move(file)), target_(std::move(target)) {}

  Status Append(std::string_view bytes) override {
    if (buffer_.size() + bytes.size() > kWriterBufferBytes) {
      VARVE_TRY(WriteBuffer());
    }
    if (bytes.size() > kWriterBufferBytes) {
      return Write(bytes);
    }
    buffer_.append(bytes);
    return {};
  }

  Status Finish() override {
    VARVE_TRY(WriteBuffer());
    VARVE_TRY(SyncFile(file_.fd(), file_.path()));
    return store_->Publish(file_, target_, LocalObjectStore::IfPresent::kReplace);
  }

 private:
  Status WriteBuffer() {
    VARVE_TRY(Write(buffer_));
    buffer_.clear();
    return {};
  }

  Status Write(std::string_view bytes) {
    VARVE_TRY(WriteAll(file_.fd(), file_.path(), bytes));
    written_bytes_ += bytes.size();
    if (written_bytes_ - started_bytes_ >= kWriteBackStepBytes) {
      // Only a hint: whether the bytes are safe is what Finish asks.
      ::sync_file_range(file_.fd().get(), static_cast<off_t>(started_bytes_),
                        static_cast<off_t>(written_bytes_ - started_bytes_), SYNC_FILE_RANGE_WRITE);
      started_bytes_ = written_bytes_;
    }
    return {};
  }

  LocalObjectStore* const store_;
  LocalObjectStore::TemporaryFile file_;
  const std::string target_;
  std::string buffer_;
  uint64_t written_bytes_ = 0;
  uint64_t started_bytes_ = 0;
};

Result<std::unique_ptr<LocalObjectStore>> LocalObjectStore::Open(const LocalStoreOptions& options) {
  std::string root = options.root;
  while (root.size() > 1 && root.ends_with('/')) {
    root.pop_back();
  }
  if (root.empty()) {
    return InvalidArgument("the root of a local store is empty; name a folder");
  }
  VARVE_TRY(PrepareRoot(root, root + "/" + std::string(kTemporaryFolder)));
  RandomIdSource ids;
  std::unique_ptr<LocalObjectStore> store(
      new LocalObjectStore(std::move(root), ids.NewUuid().ToString()));
  // Makes sure that the folder can be written; the file is removed at once.
  if (const auto probe = store->NewTemporaryFile(); !probe) {
    return AsIo(probe.error(), fmt::format("the folder '{}' cannot be written", store->root_));
  }
  return store;
}

LocalObjectStore::LocalObjectStore(std::string root, std::string run_name)
    : root_(std::move(root)), run_name_(std::move(run_name)) {}

LocalObjectStore::~LocalObjectStore() = default;

Status LocalObjectStore::Put(std::string_view path, std::string_view bytes) {
  return PutObject(path, bytes, IfPresent::kReplace);
}

Status LocalObjectStore::PutIfAbsent(std::string_view path, std::string_view bytes) {
  VARVE_TRY(CheckObjectPath(path));
  // The link decides; this only saves the loser of a long-decided race from writing and syncing for
  // nothing.
  if (::access(FilePath(path).c_str(), F_OK) == 0) {
    return AlreadyExists("the file '{}' is already there", FilePath(path));
  }
  return PutObject(path, bytes, IfPresent::kFail);
}

Status LocalObjectStore::PutObject(std::string_view path, std::string_view bytes,
                                   IfPresent if_present) {
  VARVE_TRY(CheckObjectPath(path));
  VARVE_ASSIGN(TemporaryFile file, NewTemporaryFile());
  VARVE_TRY(WriteAll(file.fd(), file.path(), bytes));
  VARVE_TRY(SyncFile(file.fd(), file.path()));
  return Publish(file, FilePath(path), if_present);
}

Result<std::unique_ptr<ObjectWriter>> LocalObjectStore::NewWriter(std::string_view path) {
  VARVE_TRY(CheckObjectPath(path));
  VARVE_ASSIGN(TemporaryFile file, NewTemporaryFile());
  return std::make_unique<LocalWriter>(this, std::move(file), FilePath(path));
}

Result<std::string> LocalObjectStore::Get(std::string_view path) {
  VARVE_TRY(CheckObjectPath(path));
  const std::string file = FilePath(path);
  VARVE_ASSIGN(const auto opened, OpenObject(file));
  const auto& [fd, size] = opened;
  ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  Status status;
  std::string out;
  // Not resize(): zeroing a large buffer first costs as much as the read.
  out.resize_and_overwrite(size, [&](char* buffer, size_t n) {
    status = ReadAllAt(fd, file, 0, n, buffer);
    return status ? n : 0;
  });
  VARVE_TRY(status);
  return out;
}

Result<std::shared_ptr<const ObjectReader>> LocalObjectStore::Open(std::string_view path) {
  VARVE_TRY(CheckObjectPath(path));
  std::string file = FilePath(path);
  VARVE_ASSIGN(auto opened, OpenObject(file));
  return std::make_shared<const LocalReader>(std::move(file), std::move(opened.first),
                                             opened.second);
}

Result<std::vector<ObjectInfo>> LocalObjectStore::List(std::string_view prefix) {
  if (!prefix.empty()) {
    VARVE_TRY(CheckObjectPath(prefix));
  }
  return ListObjectFiles(root_, std::string(prefix));
}

Status LocalObjectStore::Delete(std::string_view path) {
  VARVE_TRY(CheckObjectPath(path));
  const std::string file = FilePath(path);
  if (::unlink(file.c_str()) != 0) {
    // EISDIR: a folder of that name, hence no object.
    if (errno == ENOENT || errno == ENOTDIR || errno == EISDIR) {
      return {};
    }
    return PosixError("delete", file, errno);
  }
  RemoveEmptyFolders(ParentFolder(file));
  return {};
}

Status LocalObjectStore::Copy(std::string_view from, std::string_view to) {
  VARVE_TRY(CheckObjectPath(from));
  VARVE_TRY(CheckObjectPath(to));
  const std::string from_file = FilePath(from);
  VARVE_ASSIGN(const auto opened, OpenObject(from_file));
  VARVE_ASSIGN(TemporaryFile file, NewTemporaryFile());
  VARVE_TRY(CopyBytes(opened.first, from_file, opened.second, file.fd(), file.path()));
  VARVE_TRY(SyncFile(file.fd(), file.path()));
  return Publish(file, FilePath(to), IfPresent::kReplace);
}

std::string LocalObjectStore::FilePath(std::string_view path) const {
  return fmt::format("{}/{}", root_, path);
}

Result<LocalObjectStore::TemporaryFile> LocalObjectStore::NewTemporaryFile() {
  while (true) {
    std::string path = fmt::format("{}/{}/{}{}-{}{}", root_, kTemporaryFolder, kTemporaryPrefix,
                                   run_name_, ++temporary_files_, kTemporarySuffix);
    Result<Fd> fd = OpenFile(path, O_RDWR | O_CREAT | O_EXCL);
    if (!fd) {
      return AsIo(fd.error(), "temporary file");
    }
    struct stat info;
    if (::flock(fd->get(), LOCK_EX | LOCK_NB) == 0 && ::fstat(fd->get(), &info) == 0 &&
        info.st_nlink > 0) {
      return TemporaryFile(std::move(*fd), std::move(path));
    }
    // Another process opened the store between open and flock, and took the file for stale: the
    // next one is free.
  }
}

Status LocalObjectStore::Publish(TemporaryFile& file, const std::string& target,
                                 IfPresent if_present) {
  const std::string folder = ParentFolder(target);
  for (int attempt = 0; attempt < kPublishAttemptsMax; ++attempt) {
    if (const Status folder_status = EnsureFolder(folder); !folder_status) {
      return AsIo(folder_status.error(), target);
    }
    const int code = if_present == IfPresent::kReplace
                         ? ::rename(file.path().c_str(), target.c_str())
                         : ::link(file.path().c_str(), target.c_str());
    if (code == 0) {
      if (if_present == IfPresent::kReplace) {
        file.Forget();
      }
      if (const Status synced = SyncFolder(folder); !synced) {
        return UnknownOutcome("'{}' was made, but may not survive power loss: {}", target,
                              synced.error().message);
      }
      return {};
    }
    if (errno == EEXIST && if_present == IfPresent::kFail) {
      return AlreadyExists("the file '{}' is already there", target);
    }
    if (errno != ENOENT) {
      return PosixError("create", target, errno);
    }
  }
  return Io("cannot create '{}': its folder was removed {} times in between", target,
            kPublishAttemptsMax);
}

Status LocalObjectStore::EnsureFolder(const std::string& folder) {
  if (folder == root_) {
    return {};
  }
  const std::lock_guard lock(folders_mutex_);
  if (durable_folders_.contains(folder)) {
    return {};
  }
  if (durable_folders_.size() >= kDurableFoldersMax) {
    durable_folders_.clear();
  }
  // From the root down: a run that crashed may have left any of them without its fsync.
  for (size_t end = root_.size() + 1; end != std::string::npos;) {
    end = folder.find('/', end + 1);
    const std::string current = folder.substr(0, end);
    if (!durable_folders_.contains(current)) {
      VARVE_TRY(MakeFolders(current));
      durable_folders_.insert(current);
    }
  }
  return {};
}

void LocalObjectStore::RemoveEmptyFolders(std::string folder) {
  const std::lock_guard lock(folders_mutex_);
  // rmdir refuses a folder that holds anything, which ends the walk.
  while (folder.size() > root_.size() && ::rmdir(folder.c_str()) == 0) {
    durable_folders_.erase(folder);
    folder = ParentFolder(folder);
  }
}

}  // namespace varve
