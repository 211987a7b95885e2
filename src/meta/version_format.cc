#include "meta/version_format.h"

#include <algorithm>
#include <array>
#include <utility>

#include "meta/log_format_internal.h"
#include "meta/model_format_internal.h"

namespace varve {
namespace {

constexpr std::string_view kEditFormat = "varve-table-edit";
constexpr std::string_view kCheckpointFormat = "varve-table-checkpoint";

constexpr uint32_t kRestoresMajor = 4;  // and clones

constexpr std::array<std::pair<EditKind, std::string_view>, 7> kKindNames = {{
    {EditKind::kCreate, "create"},
    {EditKind::kFlush, "flush"},
    {EditKind::kAlter, "alter"},
    {EditKind::kCompact, "compact"},
    {EditKind::kDelete, "delete"},
    {EditKind::kExpire, "expire"},
    {EditKind::kRestore, "restore"},
}};

}  // namespace

std::string_view EditKindText(EditKind kind) {
  const auto found = std::ranges::find(kKindNames, kind, [](const auto& e) { return e.first; });
  return found == kKindNames.end() ? "other" : found->second;
}

EditKind EditKindNamed(std::string_view name) {
  const auto found = std::ranges::find(kKindNames, name, [](const auto& e) { return e.second; });
  return found == kKindNames.end() ? EditKind::kOther : found->first;
}

namespace {

std::string KindName(EditKind kind, const std::string& other_kind) {
  return kind == EditKind::kOther ? other_kind : std::string(EditKindText(kind));
}

// The members `kind` and `other_kind` of an edit or a version.
template <class T>
Status SetKind(T& target, std::string name) {
  if (name.empty()) {
    return Corruption("'kind' is empty");
  }
  target.kind = EditKindNamed(name);
  target.other_kind = target.kind == EditKind::kOther ? std::move(name) : std::string();
  return {};
}

Json EditToJson(const VersionEdit& edit) {
  Json json = Json::object();
  for (const FileMeta& file : edit.added_files) {
    json["added_files"].push_back(FileToJson(file));
  }
  for (const Uuid& id : edit.removed_files) {
    json["removed_files"].push_back(id.ToString());
  }
  for (const auto& [id, vector] : edit.deletion_vectors) {
    Json entry;
    entry["file"] = id.ToString();
    entry["vector"] = VectorToJson(vector);
    json["deletion_vectors"].push_back(std::move(entry));
  }
  for (const TableSchema& schema : edit.former_schemas) {
    json["former_schemas"].push_back(SchemaToJson(schema));
  }
  if (edit.schema) {
    json["schema"] = SchemaToJson(*edit.schema);
  }
  if (edit.options) {
    json["options"] = OptionsToJson(*edit.options);
  }
  if (edit.flushed) {
    json["flushed"] = edit.flushed->value();
  }
  if (edit.operation_id) {
    json["operation_id"] = *edit.operation_id;
  }
  return json;
}

Status ReadFileChanges(const JsonObject& json, VersionEdit& edit) {
  if (json.Find("added_files") != nullptr) {
    VARVE_ASSIGN(const Json* files, json.Array("added_files"));
    for (const Json& file : *files) {
      VARVE_ASSIGN(FileMeta meta, FileFromJson(file));
      edit.added_files.push_back(std::move(meta));
    }
  }
  if (json.Find("removed_files") != nullptr) {
    VARVE_ASSIGN(const Json* files, json.Array("removed_files"));
    for (const Json& file : *files) {
      VARVE_ASSIGN(const Uuid id, AsUuid(file, "removed_files"));
      edit.removed_files.push_back(id);
    }
  }
  if (json.Find("deletion_vectors") != nullptr) {
    VARVE_ASSIGN(const Json* vectors, json.Array("deletion_vectors"));
    for (const Json& item : *vectors) {
      VARVE_ASSIGN(const JsonObject entry, JsonObject::From(item, "deletion_vectors"));
      VARVE_ASSIGN(const Uuid id, entry.Id("file"));
      VARVE_ASSIGN(const Json* vector, entry.Get("vector"));
      VARVE_ASSIGN(edit.deletion_vectors[id], VectorFromJson(*vector));
    }
  }
  return {};
}

Result<VersionEdit> EditFromJson(const JsonObject& json) {
  VersionEdit edit;
  VARVE_TRY(ReadFileChanges(json, edit));
  if (json.Find("former_schemas") != nullptr) {
    VARVE_ASSIGN(const Json* const schemas, json.Array("former_schemas"));
    for (const Json& schema : *schemas) {
      VARVE_ASSIGN(TableSchema former, SchemaFromJson(schema));
      edit.former_schemas.push_back(std::move(former));
    }
  }
  if (const Json* schema = json.Find("schema")) {
    VARVE_ASSIGN(edit.schema, SchemaFromJson(*schema));
  }
  if (const Json* options = json.Find("options")) {
    VARVE_ASSIGN(edit.options, OptionsFromJson(*options));
  }
  if (json.Find("flushed") != nullptr) {
    VARVE_ASSIGN(const uint64_t flushed, json.U64("flushed"));
    edit.flushed = Sequence(flushed);
  }
  if (json.Find("operation_id") != nullptr) {
    VARVE_ASSIGN(edit.operation_id, json.Text("operation_id"));
  }
  return edit;
}

Json StateToJson(const Version& version) {
  Json json;
  json["kind"] = KindName(version.kind, version.other_kind);
  json["schema_id"] = version.schema->schema_id();
  json["schemas"] = Json::array();
  for (const auto& [id, schema] : version.schemas) {
    json["schemas"].push_back(SchemaToJson(*schema));
  }
  json["options"] = OptionsToJson(version.options);
  Json files = Json::array();
  for (const auto& [id, file] : version.files) {
    Json entry = FileToJson(file);
    if (const auto masked = version.masked_at.find(id); masked != version.masked_at.end()) {
      entry["masked_at"] = masked->second.value();
    }
    files.push_back(std::move(entry));
  }
  json["files"] = std::move(files);
  json["flushed"] = version.flushed.value();
  for (const auto& [operation, id] : version.operations) {
    json["operations"].push_back(Json::array({operation, id.value()}));
  }
  return json;
}

Status ReadSchemas(const JsonObject& json, Version& version) {
  VARVE_ASSIGN(const Json* schemas, json.Array("schemas"));
  for (const Json& item : *schemas) {
    VARVE_ASSIGN(TableSchema schema, SchemaFromJson(item));
    const uint32_t id = schema.schema_id();
    version.schemas[id] = std::make_shared<const TableSchema>(std::move(schema));
  }
  VARVE_ASSIGN(const uint32_t current, json.U32("schema_id"));
  const auto found = version.schemas.find(current);
  if (found == version.schemas.end()) {
    return Corruption("the current schema {} is not among 'schemas'", current);
  }
  version.schema = found->second;
  return {};
}

Status ReadFiles(const JsonObject& json, Version& version) {
  VARVE_ASSIGN(const Json* files, json.Array("files"));
  for (const Json& item : *files) {
    VARVE_ASSIGN(FileMeta file, FileFromJson(item));
    VARVE_ASSIGN(const JsonObject object, JsonObject::From(item, "files"));
    const Uuid id = file.id;
    if (object.Find("masked_at") != nullptr) {
      VARVE_ASSIGN(const uint64_t masked_at, object.U64("masked_at"));
      version.masked_at[id] = VersionId(masked_at);
    }
    if (!version.schemas.contains(file.schema_id)) {
      return Corruption("the file '{}' has schema {}, which is not among 'schemas'", file.path,
                        file.schema_id);
    }
    if (!version.files.try_emplace(id, std::move(file)).second) {
      return Corruption("the file {} is there twice", id.ToString());
    }
  }
  return {};
}

Status ReadOperations(const JsonObject& json, Version& version) {
  if (json.Find("operations") == nullptr) {
    return {};
  }
  VARVE_ASSIGN(const Json* operations, json.Array("operations"));
  for (const Json& item : *operations) {
    if (!item.is_array() || item.size() != 2) {
      return Corruption("'operations' has an entry that is not a pair");
    }
    VARVE_ASSIGN(std::string operation, AsText(item[0], "operations"));
    VARVE_ASSIGN(const uint64_t id, AsU64(item[1], "operations"));
    version.operations[std::move(operation)] = VersionId(id);
  }
  return {};
}

}  // namespace

namespace {

// A reader of an earlier major refuses an edit that adds what it removes.
uint32_t MajorOf(const VersionEdit& edit) {
  const bool replaces = std::ranges::any_of(edit.added_files, [&](const FileMeta& file) {
    return std::ranges::find(edit.removed_files, file.id) != edit.removed_files.end();
  });
  return replaces || !edit.former_schemas.empty() ? kRestoresMajor : kLogFormatBaseMajor;
}

}  // namespace

Result<std::string> EncodeTableEdit(const VersionEdit& edit, const EditLink& link) {
  Json file = StartEdit(kEditFormat, link, KindName(edit.kind, edit.other_kind), MajorOf(edit));
  file["edit"] = EditToJson(edit);
  return SealFile(file);
}

Result<std::string> EncodeTableCheckpoint(const Version& version, std::string_view edit_sha256) {
  Json file = StartCheckpoint(kCheckpointFormat, version.id, version.committed_at, edit_sha256);
  file["state"] = StateToJson(version);
  return SealFile(file);
}

Result<DecodedEdit<VersionEdit>> DecodeTableEdit(std::string_view bytes) {
  VARVE_ASSIGN(const Json json, UnsealFile(kEditFormat, bytes));
  VARVE_ASSIGN(const JsonObject file, JsonObject::From(json, "file"));
  VARVE_ASSIGN(EditLink link, ReadEditLink(file));
  VARVE_ASSIGN(const JsonObject body, file.Object("edit"));
  VARVE_ASSIGN(VersionEdit edit, EditFromJson(body));
  VARVE_ASSIGN(std::string kind, file.Text("kind"));
  VARVE_TRY(SetKind(edit, std::move(kind)));
  return DecodedEdit<VersionEdit>{std::move(link), std::move(edit)};
}

Result<DecodedCheckpoint<Version>> DecodeTableCheckpoint(std::string_view bytes) {
  VARVE_ASSIGN(const Json json, UnsealFile(kCheckpointFormat, bytes));
  VARVE_ASSIGN(const JsonObject file, JsonObject::From(json, "file"));
  Version version;
  VARVE_ASSIGN(const uint64_t id, file.U64("version"));
  version.id = VersionId(id);
  VARVE_ASSIGN(version.committed_at, file.Time("committed_at"));
  VARVE_ASSIGN(std::string edit_sha256, file.Sha256("edit_sha256"));
  VARVE_ASSIGN(const JsonObject state, file.Object("state"));
  VARVE_ASSIGN(std::string kind, state.Text("kind"));
  VARVE_TRY(SetKind(version, std::move(kind)));
  VARVE_TRY(ReadSchemas(state, version));
  VARVE_ASSIGN(const Json* options, state.Get("options"));
  VARVE_ASSIGN(version.options, OptionsFromJson(*options));
  VARVE_TRY(ReadFiles(state, version));
  VARVE_ASSIGN(const uint64_t flushed, state.U64("flushed"));
  version.flushed = Sequence(flushed);
  VARVE_TRY(ReadOperations(state, version));
  return DecodedCheckpoint<Version>{std::move(version), std::move(edit_sha256)};
}

Status CheckOptions(const TableOptions& options) {
  auto restored = OptionsFromJson(OptionsToJson(options));
  if (!restored || *restored != options) {
    return InvalidArgument("the table options do not hold together: {}",
                           restored ? "a value is out of its range" : restored.error().message);
  }
  return {};
}

}  // namespace varve
