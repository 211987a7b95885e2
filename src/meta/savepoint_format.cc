#include "meta/savepoint_format.h"

#include <algorithm>

#include "meta/log_files_internal.h"
#include "meta/log_format_internal.h"
#include "model/table_schema.h"

namespace varve {
namespace {

constexpr std::string_view kFormat = "varve-savepoint";

Result<std::optional<TimestampUs>> OptionalTime(const JsonObject& json, std::string_view field) {
  if (json.Find(field) == nullptr) {
    return std::nullopt;
  }
  return json.Time(field);
}

Result<SavepointOrigin> OriginOf(const std::string& text) {
  for (const auto origin : {SavepointOrigin::kManual, SavepointOrigin::kAutomatic}) {
    if (text == SavepointOriginText(origin)) {
      return origin;
    }
  }
  return Corruption("the origin '{}' is not known", text);
}

Result<SavepointGroup> GroupFrom(const JsonObject& json) {
  SavepointGroup group;
  VARVE_ASSIGN(group.id, json.Id("id"));
  VARVE_ASSIGN(group.tables, json.U64("tables"));
  return group;
}

Result<Savepoint> SavepointFrom(const JsonObject& file) {
  Savepoint out;
  VARVE_ASSIGN(const uint64_t id, file.U64("id"));
  out.id = SavepointId(id);
  VARVE_ASSIGN(out.name, file.TextOr("name", ""));
  VARVE_ASSIGN(const uint64_t version, file.U64("savedSnapshotId"));
  out.saved_snapshot_id = VersionId(version);
  VARVE_ASSIGN(out.snapshot_time, file.Time("snapshotTime"));
  VARVE_ASSIGN(out.schema_id, file.U32("schemaId"));
  VARVE_ASSIGN(const std::string manifests, file.Text("fullManifestList"));
  if (manifests != out.full_manifest_list()) {
    return Corruption("'fullManifestList' is not that of version {}", version);
  }
  VARVE_ASSIGN(out.record_count, file.U64("recordCount"));
  VARVE_ASSIGN(out.held_bytes, file.U64("heldBytes"));
  VARVE_ASSIGN(out.save_time, file.Time("saveTime"));
  VARVE_ASSIGN(const std::string origin, file.Text("origin"));
  VARVE_ASSIGN(out.origin, OriginOf(origin));
  VARVE_ASSIGN(out.retain_until, OptionalTime(file, "retainUntil"));
  VARVE_ASSIGN(out.lock_until, OptionalTime(file, "lockUntil"));
  VARVE_ASSIGN(const JsonObject group, file.Object("group"));
  VARVE_ASSIGN(out.group, GroupFrom(group));
  return out;
}

}  // namespace

std::string_view SavepointOriginText(SavepointOrigin origin) {
  return origin == SavepointOrigin::kAutomatic ? "automatic" : "manual";
}

std::string Savepoint::full_manifest_list() const {
  return CheckpointPath("log", saved_snapshot_id);
}

Status CheckSavepointName(std::string_view name) {
  VARVE_TRY(CheckIdentifier("savepoint", name));
  if (std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; })) {
    return InvalidArgument(
        "the savepoint name '{}' is a number: VERSION AS OF would take it for a snapshot; put a "
        "letter in it",
        name);
  }
  if (name.contains('.')) {
    return InvalidArgument(
        "the savepoint name '{}' has a dot: VERSION AS OF 'savepoint.<name>' needs it; leave it "
        "out",
        name);
  }
  return {};
}

Result<std::string> EncodeSavepoint(const Savepoint& savepoint) {
  Json file = StartFile(kFormat);
  file["id"] = savepoint.id.value();
  if (!savepoint.name.empty()) {
    file["name"] = savepoint.name;
  }
  file["savedSnapshotId"] = savepoint.saved_snapshot_id.value();
  file["snapshotTime"] = savepoint.snapshot_time.value();
  file["schemaId"] = savepoint.schema_id;
  file["fullManifestList"] = savepoint.full_manifest_list();
  file["recordCount"] = savepoint.record_count;
  file["heldBytes"] = savepoint.held_bytes;
  file["saveTime"] = savepoint.save_time.value();
  file["origin"] = SavepointOriginText(savepoint.origin);
  if (savepoint.retain_until) {
    file["retainUntil"] = savepoint.retain_until->value();
  }
  if (savepoint.lock_until) {
    file["lockUntil"] = savepoint.lock_until->value();
  }
  file["group"]["id"] = savepoint.group.id.ToString();
  file["group"]["tables"] = savepoint.group.tables;
  return SealFile(file);
}

Result<std::string> EncodeDroppedSavepoint(SavepointId id) {
  Json file = StartFile(kFormat);
  file["id"] = id.value();
  file["dropped"] = true;
  return SealFile(file);
}

Result<DecodedSavepoint> DecodeSavepoint(std::string_view bytes) {
  VARVE_ASSIGN(const Json json, UnsealFile(kFormat, bytes));
  VARVE_ASSIGN(const JsonObject file, JsonObject::From(json, "file"));
  VARVE_ASSIGN(const uint64_t id, file.U64("id"));
  VARVE_ASSIGN(const bool dropped, file.BoolOr("dropped", false));
  if (dropped) {
    return DecodedSavepoint{SavepointId(id), std::nullopt};
  }
  VARVE_ASSIGN(Savepoint savepoint, SavepointFrom(file));
  return DecodedSavepoint{SavepointId(id), std::move(savepoint)};
}

}  // namespace varve
