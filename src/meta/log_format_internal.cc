#include "meta/log_format_internal.h"

#include "base/checksum.h"

namespace varve {
namespace {

constexpr std::string_view kSealKey = ",\"body_sha256\":\"";
constexpr std::string_view kSealEnd = "\"}\n";
constexpr size_t kSealBytes = kSealKey.size() + 64 + kSealEnd.size();

Status CheckSeal(std::string_view bytes) {
  if (bytes.size() < kSealBytes || !bytes.ends_with(kSealEnd)) {
    return Corruption("it is cut off or not a metadata file ({} bytes)", bytes.size());
  }
  const std::string_view body = bytes.substr(0, bytes.size() - kSealBytes);
  std::string_view seal = bytes.substr(body.size());
  if (!seal.starts_with(kSealKey)) {
    return Corruption("it does not end with its checksum");
  }
  seal.remove_prefix(kSealKey.size());
  if (seal.substr(0, seal.size() - kSealEnd.size()) != Sha256Hex(body)) {
    return Corruption("its bytes do not fit its checksum");
  }
  return {};
}

}  // namespace

std::string_view Release() { return VARVE_VERSION; }

Json StartFile(std::string_view format, uint32_t major) {
  Json file;
  file["format"] = format;
  file["major"] = major;
  file["writer"] = Release();
  return file;
}

Json StartEdit(std::string_view format, const EditLink& link, std::string_view kind,
               uint32_t major) {
  Json file = StartFile(format, major);
  file["version"] = link.version.value();
  file["committed_at"] = link.committed_at.value();
  file["parent_sha256"] = link.parent_sha256;
  file["kind"] = kind;
  return file;
}

Json StartCheckpoint(std::string_view format, VersionId version, TimestampUs committed_at,
                     std::string_view edit_sha256, uint32_t major) {
  Json file = StartFile(format, major);
  file["version"] = version.value();
  file["committed_at"] = committed_at.value();
  file["edit_sha256"] = edit_sha256;
  return file;
}

Result<std::string> SealFile(const Json& file) {
  VARVE_ASSIGN(std::string bytes, PrintJson(file));
  bytes.pop_back();  // the closing brace comes after the seal
  const std::string sha256 = Sha256Hex(bytes);
  bytes.append(kSealKey).append(sha256).append(kSealEnd);
  return bytes;
}

Result<Json> UnsealFile(std::string_view format, std::string_view bytes) {
  VARVE_TRY(CheckSeal(bytes));
  VARVE_ASSIGN(Json json, ParseJson(bytes));
  VARVE_ASSIGN(const JsonObject file, JsonObject::From(json, "file"));
  VARVE_ASSIGN(const std::string found, file.Text("format"));
  if (found != format) {
    return Corruption("it is a '{}', not a '{}'", found, format);
  }
  VARVE_ASSIGN(const uint64_t major, file.U64("major"));
  VARVE_ASSIGN(const std::string writer, file.Text("writer"));
  if (major > kLogFormatMajor) {
    return NotSupported(
        "it has format major {}, and this is Varve {}, which reads up to {}: use Varve {}, which "
        "wrote it, or a newer one; nothing was changed",
        major, Release(), kLogFormatMajor, writer);
  }
  if (major == 0) {
    return Corruption("its format major is 0");
  }
  return json;
}

Result<EditLink> ReadEditLink(const JsonObject& file) {
  EditLink link;
  VARVE_ASSIGN(const uint64_t version, file.U64("version"));
  link.version = VersionId(version);
  VARVE_ASSIGN(link.committed_at, file.Time("committed_at"));
  VARVE_ASSIGN(link.parent_sha256, file.Text("parent_sha256"));
  if (!IsSha256Hex(link.parent_sha256) && !(version == 1 && link.parent_sha256.empty())) {
    return Corruption("'parent_sha256' is not a SHA-256");
  }
  return link;
}

}  // namespace varve
