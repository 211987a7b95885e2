#include "protect/place.h"

#include <algorithm>
#include <filesystem>

#include "protect/snapshot_error.h"

namespace varve {
namespace {

// What is not there yet is judged by where it would be, links followed.
bool IsAllowed(const std::string& path, const CopyPolicy& policy) {
  if (policy.reach == CopyPolicy::Reach::kEverywhere) {
    return true;
  }
  std::error_code error;
  const std::filesystem::path real = std::filesystem::weakly_canonical(path, error);
  return !error && std::ranges::any_of(policy.allowed_folders, [&](const std::string& one) {
    const std::filesystem::path root = std::filesystem::canonical(one, error);
    return !error && std::ranges::mismatch(root, real).in1 == root.end();
  });
}

Status CheckDepth(const Location& location) {
  const size_t least =
      location.scheme == LocationScheme::kFile ? kDeleteDepthMinOfFolder : kDeleteDepthMinOfPrefix;
  if (location.Depth() < least) {
    return Named(ErrorKind::kInvalidArgument, kInvalidLocation,
                 "too shallow: '{}' is too near to the root to delete from", location.ToString());
  }
  return {};
}

Status CheckFolder(const Location& location, const CopyPolicy& policy, PlaceUse use) {
  if (!IsAllowed(location.FilePath(), policy)) {
    return Named(ErrorKind::kInvalidArgument, kInvalidLocation,
                 "not allowed: the server reads and writes below its copy folders only "
                 "(copy.allowed_folders in its configuration)");
  }
  std::error_code error;
  if (use != PlaceUse::kWrite && !std::filesystem::is_directory(location.FilePath(), error)) {
    return Named(ErrorKind::kNotFound, kSnapshotNotFound, "there is no folder {}",
                 location.FilePath());
  }
  return {};
}

bool HasKeys(const StoreCredentials& credentials) {
  return credentials.identity == Identity::kAnonymous || !credentials.secret_access_key.empty() ||
         !credentials.access_token.empty() || !credentials.key_file.empty() ||
         !credentials.account_key.empty() || !credentials.sas_token.empty();
}

Status CheckCredentials(const StoreCredentials& credentials, const CopyPolicy& policy) {
  for (const std::string& file : {credentials.key_file, credentials.ca_file}) {
    if (!file.empty() && !IsAllowed(file, policy)) {
      return InvalidArgument(
          "key_file and ca_file are files of the server's machine, below its copy folders "
          "(copy.allowed_folders in its configuration)");
    }
  }
  const bool serves = policy.reach == CopyPolicy::Reach::kAllowedFolders;
  if (serves && !credentials.endpoint.empty() && !HasKeys(credentials)) {
    return InvalidArgument(
        "an endpoint is named, and no credentials for it: the server's own are for its own "
        "endpoint only (AWS_ENDPOINT_URL and the like in its environment); name them too, or "
        "anonymous = true");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> OpenPlace(std::string_view text, const PlaceOptions& options,
                                               PlaceUse use) {
  VARVE_ASSIGN(const Location location, Location::Parse(text));
  if (use == PlaceUse::kDelete) {
    VARVE_TRY(CheckDepth(location));
  }
  if (location.scheme == LocationScheme::kFile) {
    VARVE_TRY(CheckFolder(location, options.policy, use));
  }
  VARVE_TRY(CheckCredentials(options.credentials, options.policy));
  return OpenLocation(location, options.credentials, options.clock, options.limits);
}

}  // namespace varve
