#include "protect/import_record.h"

#include <algorithm>

#include "base/checksum.h"
#include "protect/json_fields.h"

namespace varve {
namespace {

constexpr uint64_t kRecordVersion = 1;

std::string RecordPath(const ImportRequest& request) {
  // As JSON, in which no name can look like the end of another.
  const auto names = [](std::optional<std::vector<std::string>> list) -> SnapshotJson {
    if (!list) {
      return nullptr;
    }
    std::ranges::sort(*list);
    return *list;
  };
  const SnapshotJson key = {names(request.schemas), names(request.tables), request.rename_schemas};
  return fmt::format("imports/{}.json",
                     Sha256Hex(key.dump(-1, ' ', false, SnapshotJson::error_handler_t::replace)));
}

std::string Checksum(const std::vector<std::string>& ids) {
  std::string text;
  for (const std::string& id : ids) {
    text += id + "\n";
  }
  return Sha256Hex(text);
}

Result<std::vector<Uuid>> SnapshotsIn(const std::string& text) {
  VARVE_ASSIGN(const SnapshotJson json, ParseSnapshotJson(text));
  VARVE_ASSIGN(const JsonFields fields, JsonFields::Of(json, "the note of an import"));
  VARVE_ASSIGN(const uint64_t version, fields.U64("version"));
  if (version > kRecordVersion) {
    return NotSupported("it has version {}, this Varve reads {}: use a newer one", version,
                        kRecordVersion);
  }
  if (version == 0) {
    return Corruption("there is no version 0 of it");
  }
  VARVE_ASSIGN(const auto texts, fields.Texts("snapshots"));
  VARVE_ASSIGN(const std::string checksum, fields.Sha256("checksum"));
  if (checksum != Checksum(texts)) {
    return Corruption(
        "its checksum does not fit: restore it from a copy, or delete it and import "
        "the whole snapshot again before its increments");
  }
  std::vector<Uuid> snapshots;
  for (const std::string& id : texts) {
    VARVE_ASSIGN(snapshots.emplace_back(), Uuid::Parse(id));
  }
  return snapshots;
}

}  // namespace

Result<std::vector<Uuid>> FindImported(ObjectStore& store, const ImportRequest& request) {
  const std::string path = RecordPath(request);
  const auto text = store.Get(path);
  if (!text && text.error().kind == ErrorKind::kNotFound) {
    return std::vector<Uuid>();
  }
  VARVE_TRY(text);
  auto snapshots = SnapshotsIn(*text);
  if (!snapshots) {
    return std::unexpected(snapshots.error().WithContext(path));
  }
  return snapshots;
}

Status NoteImported(ObjectStore& store, const Manifest& manifest, const ImportRequest& request,
                    ImportedNow now) {
  VARVE_ASSIGN(std::vector<Uuid> snapshots, FindImported(store, request));
  const bool noted = std::ranges::find(snapshots, manifest.snapshot_id) != snapshots.end();
  if (manifest.base ? noted : now == ImportedNow::kBefore && !snapshots.empty()) {
    return {};
  }
  if (!manifest.base) {
    snapshots.clear();
  }
  snapshots.push_back(manifest.snapshot_id);
  std::vector<std::string> ids;
  for (const Uuid& id : snapshots) {
    ids.push_back(id.ToString());
  }
  const SnapshotJson json = {
      {"version", kRecordVersion}, {"snapshots", ids}, {"checksum", "sha256:" + Checksum(ids)}};
  VARVE_ASSIGN(const std::string text, PrintSnapshotJson(json));
  return store.Put(RecordPath(request), text);
}

}  // namespace varve
