#include "meta/history_format.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>

#include "base/bytes.h"
#include "base/checksum.h"
#include "meta/log_format_internal.h"

namespace varve {
namespace {

constexpr std::string_view kMagic = "VARVEHIS";
constexpr size_t kShaBytes = 32;

void AppendSha(std::string& out, std::string_view hex) {
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    uint8_t byte = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
    out.push_back(static_cast<char>(byte));
  }
}

std::string HexOf(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * bytes.size());
  for (const char byte : bytes) {
    hex.push_back(kDigits[static_cast<uint8_t>(byte) >> 4]);
    hex.push_back(kDigits[static_cast<uint8_t>(byte) & 0xf]);
  }
  return hex;
}

void AppendUuid(std::string& out, const Uuid& id) {
  AppendFixed(out, id.high());
  AppendFixed(out, id.low());
}

std::string EncodeStep(const VersionStep& step) {
  std::string out;
  const VersionSummary& summary = step.summary;
  AppendVarint(out, ZigZag(summary.committed_at.value()));
  AppendLengthPrefixed(out, summary.kind == EditKind::kOther ? std::string_view(step.other_kind)
                                                             : EditKindText(summary.kind));
  for (const uint64_t number :
       {uint64_t{summary.schema_id}, summary.rows, summary.files, summary.bytes, step.edit_bytes}) {
    AppendVarint(out, number);
  }
  AppendSha(out, step.edit_sha256);
  AppendVarint(out, step.added.size());
  for (const VersionStep::AddedFile& file : step.added) {
    AppendUuid(out, file.id);
    AppendVarint(out, file.size_bytes);
    AppendLengthPrefixed(out, file.path);
    AppendLengthPrefixed(out, file.vector_path);
  }
  AppendVarint(out, step.removed.size());
  for (const Uuid& id : step.removed) {
    AppendUuid(out, id);
  }
  AppendVarint(out, step.vectors.size());
  for (const auto& [id, path] : step.vectors) {
    AppendUuid(out, id);
    AppendLengthPrefixed(out, path);
  }
  return out;
}

Result<std::string> ReadSha(ByteReader& in) {
  VARVE_ASSIGN(const std::string_view bytes, in.Bytes(kShaBytes));
  return HexOf(bytes);
}

Result<std::string> ReadText(ByteReader& in) {
  VARVE_ASSIGN(const std::string_view text, in.LengthPrefixed());
  return std::string(text);
}

Result<Uuid> ReadUuid(ByteReader& in) {
  VARVE_ASSIGN(const auto high, in.Fixed<uint64_t>());
  VARVE_ASSIGN(const auto low, in.Fixed<uint64_t>());
  return Uuid(high, low);
}

Status ReadSummary(ByteReader& in, VersionStep& step) {
  VersionSummary& summary = step.summary;
  VARVE_ASSIGN(const uint64_t committed_at, in.Varint());
  summary.committed_at = TimestampUs(UnZigZag(committed_at));
  VARVE_ASSIGN(std::string kind, ReadText(in));
  if (kind.empty()) {
    return Corruption("version {} has no kind", summary.id);
  }
  summary.kind = EditKindNamed(kind);
  if (summary.kind == EditKind::kOther) {
    step.other_kind = std::move(kind);
  }
  VARVE_ASSIGN(const uint64_t schema_id, in.Varint());
  if (schema_id > std::numeric_limits<uint32_t>::max()) {
    return Corruption("version {} has schema {}", summary.id, schema_id);
  }
  summary.schema_id = static_cast<uint32_t>(schema_id);
  VARVE_ASSIGN(summary.rows, in.Varint());
  VARVE_ASSIGN(summary.files, in.Varint());
  VARVE_ASSIGN(summary.bytes, in.Varint());
  VARVE_ASSIGN(step.edit_bytes, in.Varint());
  VARVE_ASSIGN(step.edit_sha256, ReadSha(in));
  return {};
}

Result<VersionStep> DecodeStep(VersionId id, std::string_view bytes) {
  ByteReader in(bytes);
  VersionStep step;
  step.summary.id = id;
  VARVE_TRY(ReadSummary(in, step));
  VARVE_ASSIGN(const uint64_t added, in.Varint());
  for (uint64_t i = 0; i < added; ++i) {
    VersionStep::AddedFile& file = step.added.emplace_back();
    VARVE_ASSIGN(file.id, ReadUuid(in));
    VARVE_ASSIGN(file.size_bytes, in.Varint());
    VARVE_ASSIGN(file.path, ReadText(in));
    VARVE_ASSIGN(file.vector_path, ReadText(in));
  }
  VARVE_ASSIGN(const uint64_t removed, in.Varint());
  for (uint64_t i = 0; i < removed; ++i) {
    VARVE_ASSIGN(const Uuid file, ReadUuid(in));
    step.removed.push_back(file);
  }
  VARVE_ASSIGN(const uint64_t vectors, in.Varint());
  for (uint64_t i = 0; i < vectors; ++i) {
    VARVE_ASSIGN(const Uuid file, ReadUuid(in));
    VARVE_ASSIGN(std::string path, ReadText(in));
    step.vectors.emplace_back(file, std::move(path));
  }
  return step;
}

// The magic, major and checksum hold; what is between the writer and the checksum.
Result<std::string_view> Unseal(std::string_view bytes) {
  ByteReader in(bytes);
  const auto magic = in.Bytes(kMagic.size());
  if (!magic || *magic != kMagic) {
    return Corruption("it is not a history of versions");
  }
  VARVE_ASSIGN(const auto major, in.Fixed<uint32_t>());
  if (bytes.size() < in.offset() + kShaBytes) {
    return Corruption("it is cut off ({} bytes)", bytes.size());
  }
  const std::string_view body = bytes.substr(0, bytes.size() - kShaBytes);
  if (HexOf(bytes.substr(body.size())) != Sha256Hex(body)) {
    return Corruption("its bytes do not fit its checksum");
  }
  in = ByteReader(body.substr(in.offset()));
  VARVE_ASSIGN(const std::string writer, ReadText(in));
  if (major > kHistoryFormatMajor) {
    return NotSupported(
        "it has format major {}, and this is Varve {}, which reads up to {}: use Varve {}, which "
        "wrote it, or a newer one; nothing was changed",
        major, Release(), kHistoryFormatMajor, writer);
  }
  if (major == 0) {
    return Corruption("its format major is 0");
  }
  return body.substr(body.size() - in.remaining());
}

}  // namespace

VersionStep VersionStep::Of(const VersionEdit& edit) {
  VersionStep step;
  step.other_kind = edit.other_kind;
  for (const FileMeta& file : edit.added_files) {
    step.added.push_back({file.id, file.size_bytes, file.path,
                          file.deletion_vector ? file.deletion_vector->path : std::string()});
  }
  step.removed = edit.removed_files;
  for (const auto& [id, vector] : edit.deletion_vectors) {
    step.vectors.emplace_back(id, vector.path);
  }
  return step;
}

std::string EncodeHistory(const VersionHistory& history) {
  std::string out(kMagic);
  AppendFixed(out, kHistoryFormatMajor);
  AppendLengthPrefixed(out, Release());
  AppendVarint(out, history.steps.front().summary.id.value());
  AppendSha(out, history.parent_sha256);
  AppendVarint(out, history.steps.size());
  for (const VersionStep& step : history.steps) {
    AppendLengthPrefixed(out, EncodeStep(step));
  }
  AppendSha(out, Sha256Hex(out));
  return out;
}

Result<VersionHistory> DecodeHistory(std::string_view bytes) {
  VARVE_ASSIGN(const std::string_view body, Unseal(bytes));
  ByteReader in(body);
  VersionHistory history;
  VARVE_ASSIGN(const uint64_t first, in.Varint());
  VARVE_ASSIGN(history.parent_sha256, ReadSha(in));
  VARVE_ASSIGN(const uint64_t count, in.Varint());
  if (count == 0 || count > in.remaining()) {
    return Corruption("it cannot have {} versions in {} bytes", count, in.remaining());
  }
  history.steps.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    VARVE_ASSIGN(const std::string_view step, in.LengthPrefixed());
    VARVE_ASSIGN(history.steps.emplace_back(), DecodeStep(VersionId(first + i), step));
  }
  if (in.remaining() != 0) {
    return Corruption("{} bytes follow its last version", in.remaining());
  }
  return history;
}

}  // namespace varve
