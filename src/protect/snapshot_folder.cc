#include "protect/snapshot_folder.h"

#include <algorithm>

#include "base/checksum.h"
#include "protect/copy_object.h"
#include "protect/json_fields.h"
#include "protect/snapshot_error.h"

namespace varve {
namespace {

constexpr std::string_view kStateFolder = "_state";
constexpr const char* kManifestHash = "manifest_sha256";
constexpr const char* kAttempts = "attempts";
constexpr const char* kError = "error";

constexpr const char* kSchemaNote = "schema-";

std::string ChunkPath(uint64_t id) { return fmt::format("{}/{}.json", kStateFolder, id); }

std::string SchemaNotePath(const Manifest& manifest) {
  return fmt::format("{}/{}{}.json", kStateFolder, kSchemaNote, manifest.snapshot_id.ToString());
}

bool IsOurs(std::string_view path) {
  return path == kManifestPath || path == kCompletePath || path.starts_with("data/") ||
         path.starts_with("schema/") || SnapshotFolder::IsState(path);
}

Result<std::string> HashIn(const std::string& text) {
  const auto read = [&]() -> Result<std::string> {
    VARVE_ASSIGN(const SnapshotJson json, ParseSnapshotJson(text));
    VARVE_ASSIGN(const JsonFields fields, JsonFields::Of(json, "COMPLETE"));
    return fields.Sha256(kManifestHash);
  };
  auto hash = read();
  if (!hash) {
    return Named(ErrorKind::kCorruption, kManifestCorrupt, "{}: {}", kCompletePath,
                 hash.error().message);
  }
  return hash;
}

bool IsDone(const Chunk& chunk) {
  return chunk.status == ChunkStatus::kCompleted || chunk.status == ChunkStatus::kSkipped;
}

// How far a snapshot is that is not complete. What cannot be read is not counted.
void AddProgress(ObjectStore& store, const std::vector<ObjectInfo>& objects,
                 const std::string& folder, SnapshotListing& listing) {
  const std::string notes = fmt::format("{}{}/", folder, kStateFolder);
  for (const ObjectInfo& object : objects) {
    if (!object.path.starts_with(notes) || object.path.starts_with(notes + kSchemaNote)) {
      continue;
    }
    const auto text = store.Get(object.path);
    const auto chunk = text ? DecodeChunk(*text) : std::unexpected(text.error());
    if (!chunk) {
      continue;
    }
    listing.done_chunks += IsDone(*chunk) ? 1 : 0;
    if (chunk->status == ChunkStatus::kFailed) {
      const SnapshotJson json = ParseSnapshotJson(*text).value();
      const auto fields = JsonFields::Of(json, object.path);
      listing.failure =
          fmt::format("chunk {} has failed {} times: {}", chunk->id,
                      fields->U64(kAttempts).value_or(1), fields->Text(kError).value_or("?"));
    }
  }
}

template <class T>
bool IsMissing(const Result<T>& result) {
  return !result && result.error().kind == ErrorKind::kNotFound;
}

}  // namespace

Result<std::optional<Manifest>> SnapshotFolder::FindManifest() const {
  const auto text = store_.Get(kManifestPath);
  if (IsMissing(text)) {
    return std::nullopt;
  }
  VARVE_TRY(text);
  VARVE_ASSIGN(Manifest manifest, DecodeManifest(*text));
  return manifest;
}

Result<Manifest> SnapshotFolder::LoadManifest() const {
  VARVE_ASSIGN(auto manifest, FindManifest());
  if (!manifest) {
    return Named(ErrorKind::kNotFound, kSnapshotNotFound,
                 "{} holds no {}: name the folder of one snapshot; varve export list shows those "
                 "of a location",
                 store_.Describe(), kManifestPath);
  }
  return *std::move(manifest);
}

Result<Manifest> SnapshotFolder::LoadComplete() const {
  VARVE_ASSIGN(Manifest manifest, LoadManifest());
  const auto complete = store_.Get(kCompletePath);
  if (IsMissing(complete)) {
    return Named(ErrorKind::kInvalidArgument, kSnapshotIncomplete,
                 "{} has no {}: run its export again, which goes on where it stopped",
                 store_.Describe(), kCompletePath);
  }
  VARVE_TRY(complete);
  VARVE_ASSIGN(const std::string expected, HashIn(*complete));
  VARVE_ASSIGN(const std::string text, store_.Get(kManifestPath));
  const std::string actual = Sha256Hex(text);
  if (actual != expected) {
    return ChecksumMismatch(kManifestPath, expected, actual);
  }
  return manifest;
}

Result<bool> SnapshotFolder::IsComplete() const {
  const auto complete = store_.Get(kCompletePath);
  if (IsMissing(complete)) {
    return false;
  }
  VARVE_TRY(complete);
  return true;
}

Status SnapshotFolder::CheckEmpty() const {
  VARVE_ASSIGN(const auto objects, store_.List(""));
  // Notes of an export that has ended before it had made its snapshot go with the next one.
  const auto other = std::ranges::find_if_not(objects, IsState, &ObjectInfo::path);
  if (other != objects.end()) {
    return Named(ErrorKind::kInvalidArgument, kLocationNotEmpty,
                 "{} holds '{}' and no snapshot: name a folder that is empty or is not there",
                 store_.Describe(), other->path);
  }
  return {};
}

Status SnapshotFolder::Begin(const Manifest& manifest,
                             const std::vector<SchemaText>& schema) const {
  SnapshotJson note = SnapshotJson::object();
  for (const SchemaText& file : schema) {
    note[file.path] = file.text;
  }
  VARVE_ASSIGN(const std::string noted, PrintSnapshotJson(note));
  VARVE_TRY(store_.Put(SchemaNotePath(manifest), noted));
  VARVE_ASSIGN(const std::string text, EncodeManifest(manifest));
  return store_.PutIfAbsent(kManifestPath, text);
}

Status SnapshotFolder::CompleteSchema(const Manifest& manifest) const {
  std::optional<JsonFields> note;
  SnapshotJson json;
  for (const SchemaFile& file : manifest.schema_files) {
    const auto there = store_.Get(file.path);
    if (!IsMissing(there)) {
      VARVE_TRY(there);
      continue;
    }
    if (!note) {
      VARVE_ASSIGN(const std::string text, store_.Get(SchemaNotePath(manifest)));
      VARVE_ASSIGN(json, ParseSnapshotJson(text));
      VARVE_ASSIGN(note, JsonFields::Of(json, SchemaNotePath(manifest)));
    }
    VARVE_ASSIGN(const std::string text, note->Text(file.path.c_str()));
    VARVE_TRY(store_.Put(file.path, text));
  }
  return {};
}

Result<SnapshotSchema> SnapshotFolder::ReadSchema(const Manifest& manifest) const {
  std::map<std::string, std::string> texts;
  for (const SchemaFile& file : manifest.schema_files) {
    VARVE_ASSIGN(texts[file.path], store_.Get(file.path));
    const std::string actual = Sha256Hex(texts[file.path]);
    if (actual != file.sha256) {
      return ChecksumMismatch(file.path, file.sha256, actual);
    }
  }
  return DecodeSchema(texts[std::string(kSchemasPath)], texts[std::string(kTablesPath)],
                      texts[std::string(kViewsPath)]);
}

Status SnapshotFolder::NoteChunk(const Chunk& chunk) const {
  VARVE_ASSIGN(const std::string text, EncodeChunk(chunk));
  return store_.Put(ChunkPath(chunk.id), text);
}

Result<std::map<uint64_t, Chunk>> SnapshotFolder::DoneChunks() const {
  std::map<uint64_t, Chunk> chunks;
  VARVE_ASSIGN(const auto objects, store_.List(kStateFolder));
  for (const ObjectInfo& object : objects) {
    if (object.path.starts_with(fmt::format("{}/{}", kStateFolder, kSchemaNote))) {
      continue;
    }
    VARVE_ASSIGN(const std::string text, store_.Get(object.path));
    auto chunk = DecodeChunk(text);
    if (!chunk) {
      return std::unexpected(chunk.error().WithContext(object.path));
    }
    if (IsDone(*chunk)) {
      const uint64_t id = chunk->id;
      chunks[id] = *std::move(chunk);
    }
  }
  return chunks;
}

Status SnapshotFolder::NoteFailure(const Chunk& chunk, uint64_t attempts,
                                   std::string_view error) const {
  Chunk failed = chunk;
  failed.status = ChunkStatus::kFailed;
  VARVE_ASSIGN(const std::string plain, EncodeChunk(failed));
  VARVE_ASSIGN(SnapshotJson json, ParseSnapshotJson(plain));
  json[kAttempts] = attempts;
  json[kError] = std::string(error);
  VARVE_ASSIGN(const std::string text, PrintSnapshotJson(json));
  return store_.Put(ChunkPath(chunk.id), text);
}

Status SnapshotFolder::Complete(const Manifest& manifest) const {
  VARVE_ASSIGN(const std::string text, EncodeManifest(manifest));
  VARVE_TRY(store_.Put(kManifestPath, text));
  return MarkComplete();
}

Status SnapshotFolder::MarkComplete() const {
  VARVE_ASSIGN(const std::string text, store_.Get(kManifestPath));
  const SnapshotJson json = {{kManifestHash, "sha256:" + Sha256Hex(text)}};
  VARVE_ASSIGN(const std::string complete, PrintSnapshotJson(json));
  VARVE_TRY(store_.Put(kCompletePath, complete));
  return ClearState();
}

bool SnapshotFolder::IsState(std::string_view path) {
  return path.starts_with(fmt::format("{}/", kStateFolder));
}

Status SnapshotFolder::ClearState() const {
  VARVE_ASSIGN(const auto objects, store_.List(kStateFolder));
  for (const ObjectInfo& object : objects) {
    VARVE_TRY(store_.Delete(object.path));
  }
  return {};
}

Result<std::vector<std::string>> SnapshotFolder::Delete() const {
  VARVE_TRY(store_.Delete(kCompletePath));
  std::vector<std::string> foreign;
  VARVE_ASSIGN(const auto objects, store_.List(""));
  for (const ObjectInfo& object : objects) {
    if (!IsOurs(object.path)) {
      foreign.push_back(object.path);
    } else if (object.path != kManifestPath) {
      VARVE_TRY(store_.Delete(object.path));
    }
  }
  VARVE_TRY(store_.Delete(kManifestPath));
  return foreign;
}

Result<std::vector<SnapshotListing>> SnapshotFolder::List(ObjectStore& store) {
  std::vector<SnapshotListing> listings;
  VARVE_ASSIGN(const auto objects, store.List(""));
  for (const ObjectInfo& object : objects) {
    const bool itself = object.path == kManifestPath;
    if (!itself && !object.path.ends_with(fmt::format("/{}", kManifestPath))) {
      continue;
    }
    SnapshotListing listing;
    if (!itself) {
      listing.name = object.path.substr(0, object.path.size() - kManifestPath.size() - 1);
    }
    const std::string folder = listing.name.empty() ? "" : listing.name + "/";
    VARVE_ASSIGN(const std::string text, store.Get(object.path));
    auto manifest = DecodeManifest(text);
    if (manifest) {
      listing.manifest = *std::move(manifest);
    } else {
      listing.problem = manifest.error().message;
    }
    const std::string marker = folder + std::string(kCompletePath);
    listing.complete = std::ranges::find(objects, marker, &ObjectInfo::path) != objects.end();
    if (!listing.complete) {
      AddProgress(store, objects, folder, listing);
    }
    listings.push_back(std::move(listing));
  }
  return listings;
}

}  // namespace varve
