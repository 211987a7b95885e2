#include "store/profile_internal.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "store/encoding_internal.h"
#include "store/posix_internal.h"

namespace varve {
namespace {

// Real ones have a few kilobytes; a path that leads to something else must not fill the memory.
constexpr size_t kCredentialsFileBytesMax = size_t{1} << 20;

}  // namespace

Result<std::string> ReadCredentialsFile(const std::string& file) {
  VARVE_ASSIGN(const Fd fd, OpenFile(file, O_RDONLY));
  struct stat info;
  if (::fstat(fd.get(), &info) != 0) {
    return PosixError("open", file, errno);
  }
  const auto size = static_cast<uint64_t>(info.st_size);
  if (!S_ISREG(info.st_mode) || size > kCredentialsFileBytesMax) {
    return InvalidArgument("'{}' is no file of credentials", file);
  }
  std::string out(size, '\0');
  VARVE_TRY(ReadAllAt(fd, file, 0, out.size(), out.data()));
  return out;
}

Result<Profile> ReadProfile(const std::string& file, std::string_view section) {
  Profile out;
  if (file.empty()) {
    return out;
  }
  const Result<std::string> text = ReadCredentialsFile(file);
  if (!text) {
    if (text.error().kind == ErrorKind::kNotFound) {
      return out;
    }
    return std::unexpected(text.error());
  }
  bool within = false;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::string_view raw = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), raw.size() + 1));
    const std::string_view line = Trimmed(raw);
    if (line.starts_with('[')) {
      within = line.ends_with(']') && Trimmed(line.substr(1, line.size() - 2)) == section;
      continue;
    }
    const size_t equals = line.find('=');
    // Indented lines are nested settings ("s3 =" …), which have other meanings.
    const bool nested = raw.starts_with(' ') || raw.starts_with('\t');
    if (!within || nested || equals == std::string_view::npos || line.starts_with('#') ||
        line.starts_with(';')) {
      continue;
    }
    out.insert_or_assign(LowerCase(Trimmed(line.substr(0, equals))),
                         std::string(Trimmed(line.substr(equals + 1))));
  }
  return out;
}

}  // namespace varve
