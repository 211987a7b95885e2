#include "protect/manifest.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>

#include "base/checksum.h"
#include "base/units.h"
#include "protect/json_fields.h"
#include "protect/manifest_increment_internal.h"
#include "protect/snapshot_error.h"
#include "store/object_store.h"

namespace varve {
namespace {

constexpr std::string_view kFormat = "varve-export";
constexpr std::array<std::string_view, 3> kFormats = {"parquet", "csv", "json"};
constexpr std::array<std::string_view, 5> kStatuses = {"Pending", "InProgress", "Completed",
                                                       "Failed", "Skipped"};

SnapshotJson RangeToJson(const TimeRange& range) {
  return {{"start", TimeText(range.start)}, {"end", TimeText(range.end)}};
}

Result<TimeRange> RangeFromJson(const JsonFields& fields) {
  const SnapshotJson* json = fields.Find("time_range");
  if (json == nullptr) {
    return Corruption("'time_range' is missing");
  }
  VARVE_ASSIGN(const JsonFields range, JsonFields::Of(*json, "time_range"));
  TimeRange out;
  VARVE_ASSIGN(out.start, range.Time("start"));
  VARVE_ASSIGN(out.end, range.Time("end"));
  return out;
}

SnapshotJson NotesToJson(const DataFileNotes& notes) {
  SnapshotJson counts = SnapshotJson::object();
  for (const auto& [column, count] : notes.null_counts) {
    counts[std::to_string(column)] = count;
  }
  // Texts: many readers take numbers for doubles, which have 53 bits.
  return {{"segment_start", TimeText(notes.segment_start)},
          {"tsid_min", std::to_string(notes.tsid_min)},
          {"tsid_max", std::to_string(notes.tsid_max)},
          {"null_counts", std::move(counts)}};
}

template <class Number>
Result<Number> NumberOf(std::string_view text) {
  Number value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
    return Corruption("'{}' is not a number", text);
  }
  return value;
}

Result<DataFileNotes> NotesFromJson(const SnapshotJson& json) {
  VARVE_ASSIGN(const JsonFields fields, JsonFields::Of(json, "varve"));
  DataFileNotes notes;
  VARVE_ASSIGN(notes.segment_start, fields.Time("segment_start"));
  VARVE_ASSIGN(const std::string tsid_min, fields.Text("tsid_min"));
  VARVE_ASSIGN(const std::string tsid_max, fields.Text("tsid_max"));
  VARVE_ASSIGN(notes.tsid_min, NumberOf<uint64_t>(tsid_min));
  VARVE_ASSIGN(notes.tsid_max, NumberOf<uint64_t>(tsid_max));
  const SnapshotJson* counts = fields.Find("null_counts");
  if (counts == nullptr || !counts->is_object()) {
    return Corruption("varve: 'null_counts' is missing");
  }
  for (const auto& [column, count] : counts->items()) {
    VARVE_ASSIGN(const auto id, NumberOf<uint32_t>(column));
    if (!count.is_number_unsigned()) {
      return Corruption("varve: 'null_counts' holds no number");
    }
    notes.null_counts[id] = count.get<uint64_t>();
  }
  return notes;
}

SnapshotJson FileToJson(const SnapshotFile& file) {
  SnapshotJson json = {{"path", file.path}, {"schema", file.schema}, {"table", file.table}};
  if (file.partition) {
    json["partition"] = *file.partition;
  }
  json["size_bytes"] = file.size_bytes;
  json["rows"] = file.rows;
  json["sha256"] = Hash(file.sha256);
  json["min_ts"] = TimeText(file.time_min);
  json["max_ts"] = TimeText(file.time_max);
  if (file.notes) {
    json["varve"] = NotesToJson(*file.notes);
  }
  return json;
}

// A path that leaves the snapshot must not reach a store, also not from a file that somebody has
// edited.
Result<std::string> PathOf(const JsonFields& fields) {
  VARVE_ASSIGN(std::string path, fields.Text("path"));
  if (auto status = CheckObjectPath(path); !status) {
    return Corruption("{}", status.error().message);
  }
  return path;
}

Result<SnapshotFile> FileFromJson(const SnapshotJson& json) {
  VARVE_ASSIGN(const JsonFields fields, JsonFields::Of(json, "an entry of 'files'"));
  SnapshotFile file;
  VARVE_ASSIGN(file.path, PathOf(fields));
  VARVE_ASSIGN(file.schema, fields.Text("schema"));
  VARVE_ASSIGN(file.table, fields.Text("table"));
  if (fields.Find("partition") != nullptr) {
    VARVE_ASSIGN(const uint64_t partition, fields.U64("partition"));
    file.partition = static_cast<uint32_t>(partition);
  }
  VARVE_ASSIGN(file.size_bytes, fields.U64("size_bytes"));
  VARVE_ASSIGN(file.rows, fields.U64("rows"));
  VARVE_ASSIGN(file.sha256, fields.Sha256("sha256"));
  VARVE_ASSIGN(file.time_min, fields.Time("min_ts"));
  VARVE_ASSIGN(file.time_max, fields.Time("max_ts"));
  if (const SnapshotJson* notes = fields.Find("varve")) {
    VARVE_ASSIGN(file.notes, NotesFromJson(*notes));
  }
  return file;
}

SnapshotJson ChunkToJson(const Chunk& chunk) {
  SnapshotJson files = SnapshotJson::array();
  for (const SnapshotFile& file : chunk.files) {
    files.push_back(FileToJson(file));
  }
  SnapshotJson json = {{"id", chunk.id},
                       {"time_range", RangeToJson(chunk.range)},
                       {"status", ChunkStatusName(chunk.status)},
                       {"files", std::move(files)}};
  if (!chunk.sources.empty()) {
    json["sources"] = ChunkSourcesToJson(chunk.sources);
  }
  if (!chunk.checksum.empty()) {
    json["checksum"] = Hash(chunk.checksum);
  }
  return json;
}

Result<Chunk> ChunkFromJson(const SnapshotJson& json) {
  VARVE_ASSIGN(const JsonFields fields, JsonFields::Of(json, "an entry of 'chunks'"));
  Chunk chunk;
  VARVE_ASSIGN(chunk.id, fields.U64("id"));
  VARVE_ASSIGN(chunk.range, RangeFromJson(fields));
  VARVE_ASSIGN(const std::string status, fields.Text("status"));
  const auto known = std::ranges::find(kStatuses, status);
  if (known == kStatuses.end()) {
    return Corruption("chunk {}: '{}' is no status", chunk.id, status);
  }
  chunk.status = static_cast<ChunkStatus>(known - kStatuses.begin());
  VARVE_ASSIGN(const SnapshotJson* files, fields.Array("files"));
  for (const SnapshotJson& file : *files) {
    VARVE_ASSIGN(chunk.files.emplace_back(), FileFromJson(file));
  }
  VARVE_ASSIGN(chunk.sources, ChunkSourcesFromJson(fields));
  if (fields.Find("checksum") != nullptr) {
    VARVE_ASSIGN(chunk.checksum, fields.Sha256("checksum"));
  }
  return chunk;
}

SnapshotJson SourceToJson(const ExportSource& source) {
  SnapshotJson json = {{"schema", source.schema}, {"table", source.table}};
  if (source.partition) {
    json["partition"] = *source.partition;
  }
  json["uuid"] = source.uuid.ToString();
  json["version"] = source.version.value();
  if (source.visible_from) {
    json["visible_from"] = TimeText(*source.visible_from);
  }
  return json;
}

Result<ExportSource> SourceFromJson(const SnapshotJson& json) {
  VARVE_ASSIGN(ExportSource source, TableSourceFromJson<ExportSource>(json));
  VARVE_ASSIGN(const JsonFields fields, JsonFields::Of(json, "an entry of 'sources'"));
  VARVE_ASSIGN(const uint64_t version, fields.U64("version"));
  source.version = VersionId(version);
  return source;
}

SnapshotJson HeadToJson(const Manifest& manifest) {
  const uint64_t version = manifest.base ? kManifestVersion : kWholeManifestVersion;
  SnapshotJson json = {{"format", kFormat},
                       {"version", version},
                       {"min_reader", version},
                       {"snapshot_id", manifest.snapshot_id.ToString()},
                       {"db_uuid", manifest.db_uuid.ToString()},
                       {"server_version", manifest.server_version},
                       {"catalog", manifest.catalog},
                       {"schemas", manifest.schemas},
                       {"tables", manifest.tables}};
  if (manifest.selection != ExportSelection()) {
    json["selection"] = SelectionToJson(manifest.selection);
  }
  json["time_range"] = RangeToJson(manifest.range);
  json["schema_only"] = manifest.schema_only;
  json["data_format"] = DataFormatName(manifest.format);
  json["chunk_time_window"] = FormatDuration(manifest.chunk_window);
  json["state"] = manifest.completed_at ? "complete" : "in_progress";
  json["created_at"] = TimeText(manifest.created_at);
  if (manifest.completed_at) {
    json["completed_at"] = TimeText(*manifest.completed_at);
  }
  if (manifest.base) {
    json["base"] = BaseToJson(*manifest.base);
    json["changes"] = ChangesToJson(manifest.changes);
  }
  return json;
}

SnapshotJson ManifestToJson(const Manifest& manifest) {
  SnapshotJson schema_files = SnapshotJson::array();
  for (const SchemaFile& file : manifest.schema_files) {
    schema_files.push_back(
        {{"path", file.path}, {"size_bytes", file.size_bytes}, {"sha256", Hash(file.sha256)}});
  }
  SnapshotJson chunks = SnapshotJson::array();
  for (const Chunk& chunk : manifest.chunks) {
    chunks.push_back(ChunkToJson(chunk));
  }
  SnapshotJson json = HeadToJson(manifest);
  SnapshotJson sources = SnapshotJson::array();
  for (const ExportSource& source : manifest.sources) {
    sources.push_back(SourceToJson(source));
  }
  json["sources"] = std::move(sources);
  json["schema_files"] = std::move(schema_files);
  json["chunks"] = std::move(chunks);
  if (!manifest.checksum.empty()) {
    json["checksum"] = Hash(manifest.checksum);
  }
  return json;
}

Status CheckVersion(const JsonFields& fields) {
  VARVE_ASSIGN(const std::string format, fields.Text("format"));
  if (format != kFormat) {
    return Corruption("its format is '{}', not '{}'", format, kFormat);
  }
  VARVE_ASSIGN(const uint64_t min_reader, fields.U64("min_reader"));
  if (min_reader > kManifestVersion) {
    return Named(ErrorKind::kNotSupported, kManifestTooNew,
                 "the snapshot takes a reader of version {}, this one has version {}: use a newer "
                 "Varve",
                 min_reader, kManifestVersion);
  }
  return {};
}

Status ReadHead(const JsonFields& fields, Manifest& manifest) {
  VARVE_ASSIGN(const std::string snapshot_id, fields.Text("snapshot_id"));
  VARVE_ASSIGN(manifest.snapshot_id, Uuid::Parse(snapshot_id));
  VARVE_ASSIGN(const std::string db_uuid, fields.Text("db_uuid"));
  VARVE_ASSIGN(manifest.db_uuid, Uuid::Parse(db_uuid));
  VARVE_ASSIGN(manifest.server_version, fields.Text("server_version"));
  VARVE_ASSIGN(manifest.catalog, fields.Text("catalog"));
  VARVE_ASSIGN(manifest.schemas, fields.Texts("schemas"));
  VARVE_ASSIGN(manifest.tables, fields.Texts("tables"));
  VARVE_ASSIGN(manifest.selection, SelectionFromJson(fields));
  VARVE_ASSIGN(manifest.range, RangeFromJson(fields));
  VARVE_ASSIGN(manifest.base, BaseFromJson(fields));
  if (manifest.base) {
    VARVE_ASSIGN(manifest.changes, ChangesFromJson(fields));
  }
  VARVE_ASSIGN(manifest.schema_only, fields.Boolean("schema_only"));
  VARVE_ASSIGN(const std::string format, fields.Text("data_format"));
  VARVE_ASSIGN(manifest.format, ParseDataFormat(format));
  VARVE_ASSIGN(const std::string window, fields.Text("chunk_time_window"));
  VARVE_ASSIGN(manifest.chunk_window, ParseDuration(window));
  VARVE_ASSIGN(manifest.created_at, fields.Time("created_at"));
  if (fields.Find("completed_at") != nullptr) {
    VARVE_ASSIGN(manifest.completed_at, fields.Time("completed_at"));
  }
  if (fields.Find("checksum") != nullptr) {
    VARVE_ASSIGN(manifest.checksum, fields.Sha256("checksum"));
  }
  return {};
}

Status ReadLists(const JsonFields& fields, Manifest& manifest) {
  if (fields.Find("sources") != nullptr) {
    VARVE_ASSIGN(const SnapshotJson* sources, fields.Array("sources"));
    for (const SnapshotJson& source : *sources) {
      VARVE_ASSIGN(manifest.sources.emplace_back(), SourceFromJson(source));
    }
  }
  VARVE_ASSIGN(const SnapshotJson* schema_files, fields.Array("schema_files"));
  for (const SnapshotJson& item : *schema_files) {
    VARVE_ASSIGN(const JsonFields file, JsonFields::Of(item, "an entry of 'schema_files'"));
    SchemaFile& out = manifest.schema_files.emplace_back();
    VARVE_ASSIGN(out.path, PathOf(file));
    VARVE_ASSIGN(out.size_bytes, file.U64("size_bytes"));
    VARVE_ASSIGN(out.sha256, file.Sha256("sha256"));
  }
  VARVE_ASSIGN(const SnapshotJson* chunks, fields.Array("chunks"));
  for (const SnapshotJson& item : *chunks) {
    VARVE_ASSIGN(Chunk chunk, ChunkFromJson(item));
    if (chunk.id != manifest.chunks.size() + 1) {
      return Corruption("chunk {} stands where chunk {} should", chunk.id,
                        manifest.chunks.size() + 1);
    }
    const bool follows =
        manifest.chunks.empty() || manifest.chunks.back().range.end == chunk.range.start;
    if (!follows || chunk.range.end < chunk.range.start) {
      return Corruption("chunk {} does not begin where the one before it ends", chunk.id);
    }
    manifest.chunks.push_back(std::move(chunk));
  }
  return {};
}

Result<Manifest> ManifestFromJson(std::string_view text) {
  VARVE_ASSIGN(const SnapshotJson json, ParseSnapshotJson(text));
  VARVE_ASSIGN(const JsonFields fields, JsonFields::Of(json, "the manifest"));
  VARVE_TRY(CheckVersion(fields));
  Manifest manifest;
  VARVE_TRY(ReadHead(fields, manifest));
  VARVE_TRY(ReadLists(fields, manifest));
  return manifest;
}

std::string Sum(std::vector<std::pair<std::string, std::string>> entries) {
  std::ranges::sort(entries);
  Sha256 sum;
  for (const auto& [path, sha256] : entries) {
    sum.Update(path);
    sum.Update(std::string_view("\0", 1));
    sum.Update(sha256);
    sum.Update("\n");
  }
  return sum.HexDigest();
}

std::unexpected<Error> Corrupt(const Error& error, std::string_view path) {
  if (error.kind == ErrorKind::kNotSupported) {
    return std::unexpected(error);
  }
  return Named(ErrorKind::kCorruption, kManifestCorrupt, "{}: {}", path, error.message);
}

}  // namespace

std::string_view DataFormatName(DataFormat format) { return kFormats[static_cast<size_t>(format)]; }

Result<DataFormat> ParseDataFormat(std::string_view name) {
  const auto found = std::ranges::find(kFormats, name);
  if (found == kFormats.end()) {
    return InvalidArgument("'{}' is no format of snapshots: they are parquet, csv and json", name);
  }
  return static_cast<DataFormat>(found - kFormats.begin());
}

std::string_view ChunkStatusName(ChunkStatus status) {
  return kStatuses[static_cast<size_t>(status)];
}

bool ChunkSource::HasRows() const {
  return change == ChunkChange::kAdd || (change != ChunkChange::kNone && !files.empty());
}

uint64_t Manifest::row_count() const {
  uint64_t rows = 0;
  for (const Chunk& chunk : chunks) {
    for (const SnapshotFile& file : chunk.files) {
      rows += file.rows;
    }
  }
  return rows;
}

uint64_t Manifest::data_bytes() const {
  uint64_t bytes = 0;
  for (const Chunk& chunk : chunks) {
    for (const SnapshotFile& file : chunk.files) {
      bytes += file.size_bytes;
    }
  }
  return bytes;
}

Result<std::string> EncodeManifest(const Manifest& manifest) {
  return PrintSnapshotJson(ManifestToJson(manifest));
}

Result<Manifest> DecodeManifest(std::string_view text) {
  auto manifest = ManifestFromJson(text);
  if (!manifest) {
    return Corrupt(manifest.error(), kManifestPath);
  }
  return manifest;
}

Result<std::string> EncodeChunk(const Chunk& chunk) {
  return PrintSnapshotJson(ChunkToJson(chunk));
}

Result<Chunk> DecodeChunk(std::string_view text) {
  VARVE_ASSIGN(const SnapshotJson json, ParseSnapshotJson(text));
  return ChunkFromJson(json);
}

std::string ChunkChecksum(const std::vector<SnapshotFile>& files) {
  std::vector<std::pair<std::string, std::string>> entries;
  for (const SnapshotFile& file : files) {
    entries.emplace_back(file.path, file.sha256);
  }
  return Sum(std::move(entries));
}

std::string SnapshotChecksum(const Manifest& manifest) {
  std::vector<std::pair<std::string, std::string>> entries;
  for (const SchemaFile& file : manifest.schema_files) {
    entries.emplace_back(file.path, file.sha256);
  }
  for (const Chunk& chunk : manifest.chunks) {
    if (chunk.status == ChunkStatus::kCompleted) {
      entries.emplace_back(fmt::format("data/{}", chunk.id), chunk.checksum);
    }
  }
  return Sum(std::move(entries));
}

std::string SnapshotSegment(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '_' || c == '-') {
      out.push_back(c);
    } else {
      out += fmt::format("%{:02X}", byte);
    }
  }
  return out;
}

}  // namespace varve
