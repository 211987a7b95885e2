// The names of what can be wrong with a snapshot or a location. They stand at the beginning of
// messages, "CHECKSUM_MISMATCH: …", and do not change: scripts may look for them.
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "base/result.h"

namespace varve {

inline constexpr std::string_view kInvalidLocation = "INVALID_LOCATION";
inline constexpr std::string_view kLocationNotEmpty = "LOCATION_NOT_EMPTY";
inline constexpr std::string_view kSnapshotNotFound = "SNAPSHOT_NOT_FOUND";
inline constexpr std::string_view kSnapshotIncomplete = "SNAPSHOT_INCOMPLETE";
inline constexpr std::string_view kResumeMismatch = "RESUME_MISMATCH";
inline constexpr std::string_view kSchemaOnlyMismatch = "SCHEMA_ONLY_MISMATCH";
inline constexpr std::string_view kChecksumMismatch = "CHECKSUM_MISMATCH";
inline constexpr std::string_view kFileMissing = "FILE_MISSING";
inline constexpr std::string_view kFileUnexpected = "FILE_UNEXPECTED";
inline constexpr std::string_view kManifestTooNew = "MANIFEST_TOO_NEW";
inline constexpr std::string_view kManifestCorrupt = "MANIFEST_CORRUPT";
inline constexpr std::string_view kRelationExists = "RELATION_EXISTS";
inline constexpr std::string_view kSchemaMismatch = "SCHEMA_MISMATCH";
inline constexpr std::string_view kRenameCollision = "RENAME_COLLISION";
inline constexpr std::string_view kOperationLocked = "OPERATION_LOCKED";
inline constexpr std::string_view kBaseMismatch = "BASE_MISMATCH";

template <class... Args>
std::unexpected<Error> Named(ErrorKind kind, std::string_view name,
                             fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(
      Error{kind, fmt::format("{}: {}", name, fmt::format(format, std::forward<Args>(args)...))});
}

}  // namespace varve
