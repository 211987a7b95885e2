#include "wal/rocksdb_log_check.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <vector>

#include "base/log.h"
#include "wal/rocksdb_log_reader_internal.h"

namespace varve {
namespace {

namespace fs = std::filesystem;

struct LogFile {
  uint64_t number = 0;
  std::string path;
  LogContents contents;
};

// "000042.log" and no other.
std::optional<uint64_t> LogNumber(const fs::path& path) {
  const std::string stem = path.stem().string();
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(stem.data(), stem.data() + stem.size(), number);
  if (path.extension() != ".log" || error != std::errc() || end != stem.data() + stem.size()) {
    return std::nullopt;
  }
  return number;
}

Result<std::vector<LogFile>> ListLogs(const std::string& folder) {
  std::vector<LogFile> out;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (const auto number = LogNumber(it->path())) {
      out.push_back({*number, it->path().string(), {}});
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return Io("cannot list the log folder '{}': {}", folder, error.message());
  }
  std::ranges::sort(out, {}, &LogFile::number);
  return out;
}

Status CutTail(const LogFile& log) {
  const uint64_t cut = log.contents.size_bytes - log.contents.end;
  LogWarn(
      "the tail of the log file '{}' was torn at byte {} ({}): the last {} bytes, of a write that "
      "was never "
      "acknowledged, are cut off",
      log.path, log.contents.end, log.contents.damage->reason, cut);
  const int fd = ::open(log.path.c_str(), O_WRONLY | O_CLOEXEC);
  const bool done =
      fd >= 0 && ::ftruncate(fd, static_cast<off_t>(log.contents.end)) == 0 && ::fsync(fd) == 0;
  const int code = errno;
  if (fd >= 0) {
    ::close(fd);
  }
  if (!done) {
    return Io("cannot cut the torn tail off the log file '{}': {}", log.path,
              std::generic_category().message(code));
  }
  return {};
}

std::unexpected<Error> Damaged(const LogFile& log, uint64_t offset, std::string_view reason,
                               std::string_view folder) {
  return Corruption(
      "the log file '{}' is damaged at byte {}: {}, and acknowledged records follow. Nothing was "
      "changed. Restore '{}' "
      "from a copy; or, to start without the rows that were not yet in table files, move that "
      "folder away",
      log.path, offset, reason, folder);
}

}  // namespace

Status CheckRocksDbLogs(const std::string& folder) {
  VARVE_ASSIGN(std::vector<LogFile> logs, ListLogs(folder));
  std::vector<const LogFile*> torn;
  // Set while whole records were seen: where the next file must go on.
  std::optional<uint64_t> next_sequence;
  for (LogFile& log : logs) {
    VARVE_ASSIGN(log.contents, ReadRocksDbLog(log.path));
    const LogContents& contents = log.contents;
    if (contents.damage && contents.damage->next_record) {
      return Damaged(log, contents.damage->offset, contents.damage->reason, folder);
    }
    if (contents.first_sequence) {
      // A torn tail in an earlier file is harmless if this one goes on where its whole records end:
      // that write failed, and its sequences were given again.
      const bool goes_on = next_sequence && *contents.first_sequence <= *next_sequence;
      if (!torn.empty() && !goes_on) {
        const LogDamage& damage = *torn.back()->contents.damage;
        return Damaged(*torn.back(), damage.offset, damage.reason, folder);
      }
      // A gap behind a whole file is no sign of loss: RocksDB removes files whose records are in
      // its tables newest first, and may be stopped in between.
      next_sequence = contents.next_sequence;
    }
    if (contents.damage) {
      torn.push_back(&log);
    }
  }
  for (const LogFile* const log : torn) {
    VARVE_TRY(CutTail(*log));
  }
  return {};
}

}  // namespace varve
