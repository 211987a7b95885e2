#include "query/statement_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "base/units.h"
#include "sql/masked_text.h"

namespace varve {
namespace {

bool IsServersFault(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kIo:
    case ErrorKind::kCorruption:
    case ErrorKind::kInternal:
    case ErrorKind::kUnknownOutcome:
    case ErrorKind::kResourceExhausted:
    case ErrorKind::kUnavailable:
      return true;
    default:
      return false;
  }
}

std::string OnOneLine(std::string text) {
  std::ranges::replace_if(text, [](unsigned char c) { return c < 0x20 || c == '"'; }, ' ');
  return text;
}

std::string Describe(std::string_view what, const StatementRecord& record) {
  const double seconds = std::chrono::duration<double>(record.took).count();
  std::string line = fmt::format("{}: request_id={} schema={} took={:.3f}s rows={}", what,
                                 record.request_id.empty() ? "-" : record.request_id, record.schema,
                                 seconds, record.rows);
  if (record.error) {
    line += fmt::format(" kind={} error=\"{}\"", ErrorKindName(record.error->kind),
                        OnOneLine(MaskedMessage(record.error->message, record.sql)));
  }
  return line + " sql=" + MaskedText(record.sql, kLoggedTextBytesMax);
}

}  // namespace

class StatementLog::File {
 public:
  static Result<std::unique_ptr<File>> Open(const std::string& path) {
    if (path.empty()) {
      return nullptr;
    }
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (fd < 0) {
      return Io("cannot open {} for the log of statements: {}", path, std::strerror(errno));
    }
    return std::unique_ptr<File>(new File(fd, path));
  }
  ~File() { ::close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // One write, so that lines of several threads stay whole.
  void Append(const std::string& line) {
    const bool written =
        ::write(fd_, line.data(), line.size()) == static_cast<ssize_t>(line.size());
    if (!written && !failed_.exchange(true)) {
      LogWarn("{} cannot be written: {}", path_, std::strerror(errno));
    }
  }

 private:
  File(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  const int fd_;
  const std::string path_;
  std::atomic<bool> failed_ = false;  // said once
};

StatementLog::StatementLog(const Options& options)
    : clock_(*options.clock), slow_threshold_(options.slow_threshold) {}
StatementLog::~StatementLog() = default;

Result<std::unique_ptr<StatementLog>> StatementLog::Open(Options options) {
  std::unique_ptr<StatementLog> log(new StatementLog(options));
  VARVE_ASSIGN(log->slow_file_, File::Open(options.slow_path));
  VARVE_ASSIGN(log->failed_file_, File::Open(options.failed_path));
  return log;
}

void StatementLog::Write(File* file, std::string_view line) {
  file->Append(fmt::format("{} {}\n", FormatTimestamp(clock_.Now().value()), line));
}

void StatementLog::Add(const StatementRecord& record) {
  const std::chrono::milliseconds threshold = slow_threshold();
  if (threshold.count() > 0 && record.took >= threshold) {
    ++slow_;
    const std::string line = Describe("slow statement", record);
    slow_file_ ? Write(slow_file_.get(), line) : LogWarn("{}", line);
  }
  if (!record.error) {
    return;
  }
  ++failed_;
  const LogLevel level = IsServersFault(record.error->kind) ? LogLevel::kWarn : LogLevel::kDebug;
  if (failed_file_ || CurrentLogLevel() <= level) {
    const std::string line = Describe("failed statement", record);
    failed_file_ ? Write(failed_file_.get(), line) : WriteLog(level, line);
  }
}

}  // namespace varve
