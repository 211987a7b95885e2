// How the history of a table's versions is written: what each of many versions in a row has
// changed, in one file, so that who wants to know that of all versions reads a file for a thousand
// of them. It says nothing that the edits do not: what is missing or damaged is read from those.
//
// FORMAT, integers little-endian:
//   magic          "VARVEHIS"
//   major          u32      kHistoryFormatMajor; a reader refuses a newer one
//   writer         TEXT     the release of Varve that wrote the file
//   first          varint   the first version
//   parent_sha256  SHA      of the file of the edit before that
//   count          varint   of versions, at least 1
//   count times, with its length in front of it as a varint; readers pass over what they do not
//   know at its end:
//     committed_at  zigzag varint, microseconds since 1970-01-01T00:00:00Z
//     kind          TEXT     of the edit
//     schema_id, rows, files, bytes: varints, as in VersionSummary
//     edit_bytes    varint   of the file of the edit
//     edit_sha256   SHA      of the same
//     added         varint, and as often: id UUID, size_bytes varint, path TEXT, path of its
//     deletion
//                   vector TEXT (empty: it has none)
//     removed       varint, and as often: id UUID
//     vectors       varint, and as often: id of the file UUID, path of its new deletion vector TEXT
//   sha256         SHA      of all bytes before
// TEXT is a varint length and UTF-8, SHA the 32 bytes of a SHA-256, UUID u64 high and u64 low.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "meta/version.h"

namespace varve {

inline constexpr uint32_t kHistoryFormatMajor = 1;  // the newest that is read

// What one version has changed. Files are removed before others are added.
struct VersionStep {
  struct AddedFile {
    Uuid id;
    uint64_t size_bytes = 0;
    std::string path;
    std::string vector_path = {};  // empty: no deletion vector
    bool operator==(const AddedFile&) const = default;
  };

  VersionSummary summary;
  std::string other_kind = {};  // the kind's name when it is kOther
  uint64_t edit_bytes = 0;      // of the file of its edit
  std::string edit_sha256 = {};
  std::vector<AddedFile> added = {};
  std::vector<Uuid> removed = {};
  std::vector<std::pair<Uuid, std::string>> vectors = {};  // new ones of files that stay

  // The part that the edit alone knows: not the summary, and nothing of its file.
  static VersionStep Of(const VersionEdit& edit);
};

// Versions that follow each other.
struct VersionHistory {
  std::string parent_sha256;       // of the file of the edit before the first
  std::vector<VersionStep> steps;  // at least one
};

std::string EncodeHistory(const VersionHistory& history);
// Any bytes. Errors: kCorruption that says what is wrong; kNotSupported for a newer major.
Result<VersionHistory> DecodeHistory(std::string_view bytes);

}  // namespace varve
