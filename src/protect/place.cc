#include "protect/place.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "protect/snapshot_error.h"
#include "store/local_store.h"

namespace varve {
namespace {

constexpr std::string_view kFileScheme = "file://";

template <class... Args>
std::unexpected<Error> Invalid(std::string_view reason, fmt::format_string<Args...> format,
                               Args&&... args) {
  return Named(ErrorKind::kInvalidArgument, kInvalidLocation, "{}: {}", reason,
               fmt::format(format, std::forward<Args>(args)...));
}

std::vector<std::string_view> Segments(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    path = slash == std::string_view::npos ? "" : path.substr(slash + 1);
  }
  return segments;
}

// "/abs/path" of file:///abs/path.
Result<std::string> FolderOf(std::string_view location) {
  if (location.find("://") == std::string_view::npos) {
    return Invalid("no scheme",
                   "'{}' would be another folder on each machine that reads it; for one of the "
                   "server's machine write file:///…",
                   location);
  }
  if (!location.starts_with(kFileScheme)) {
    return Invalid("unknown scheme", "'{}' begins with none of the schemes that this server has",
                   location.substr(0, location.find("://")));
  }
  std::string_view path = location.substr(kFileScheme.size());
  if (!path.starts_with('/')) {
    return Invalid("not absolute",
                   "'{}': a file location has three slashes, as in file:///backup/x", location);
  }
  path.remove_prefix(1);
  if (path.ends_with('/')) {
    path.remove_suffix(1);
  }
  if (path.empty()) {
    return Invalid("empty root", "'{}' is the whole machine", location);
  }
  for (const std::string_view segment : Segments(path)) {
    if (segment.empty() || segment == "." || segment == "..") {
      return Invalid("dot segment", "'{}' has an empty segment, '.' or '..'", location);
    }
  }
  if (std::ranges::any_of(path, [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
    return Invalid("control characters", "the location holds a control character");
  }
  return "/" + std::string(path);
}

bool IsAllowed(const std::string& folder, const CopyPolicy& policy) {
  if (policy.reach == CopyPolicy::Reach::kEverywhere) {
    return true;
  }
  std::error_code error;
  // What is not there yet is judged by where it would be, links followed.
  const std::filesystem::path real = std::filesystem::weakly_canonical(folder, error);
  return !error && std::ranges::any_of(policy.allowed_folders, [&](const std::string& one) {
    const std::filesystem::path root = std::filesystem::canonical(one, error);
    return !error && std::ranges::mismatch(root, real).in1 == root.end();
  });
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> OpenPlace(std::string_view location, const CopyPolicy& policy,
                                               PlaceUse use) {
  VARVE_ASSIGN(const std::string folder, FolderOf(location));
  if (use == PlaceUse::kDelete && Segments(folder.substr(1)).size() < kDeleteDepthMin) {
    return Invalid("too shallow", "'{}' is too near to the root to delete from", location);
  }
  if (!IsAllowed(folder, policy)) {
    return Invalid("not allowed",
                   "the server reads and writes below its copy folders only (copy.allowed_folders "
                   "in its configuration)");
  }
  std::error_code error;
  if (use != PlaceUse::kWrite && !std::filesystem::is_directory(folder, error)) {
    return Named(ErrorKind::kNotFound, kSnapshotNotFound, "there is no folder {}", folder);
  }
  VARVE_ASSIGN(auto store, LocalObjectStore::Open({.root = folder}));
  return std::unique_ptr<ObjectStore>(std::move(store));
}

}  // namespace varve
