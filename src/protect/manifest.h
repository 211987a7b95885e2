// The manifest of a snapshot: what was exported, in which chunks and files, with their checksums.
//
// FORMAT, versions 1 and 2 (extended only here and in docs/export.md; `manifest_test.cc` pins it).
// Version 2, which asks for readers of version 2, is that of increments; all else is version 1.
//   manifest.json               MANIFEST. Written when the export begins, with nothing completed,
//                               and once more when it is complete; never changed afterwards.
//   schema/schemas.json, schema/tables.json, schema/views.json    see schema_files.h
//   data/<chunk>/<schema>.<table>[-<n>].<format>   rows; names as SnapshotSegment writes them;
//                               partitions of a table have "-p<partition>" before the number
//   COMPLETE                    {"manifest_sha256": "sha256:…"}: written last; a snapshot without
//   it is not complete
//   _state/*.json               while the export runs: see snapshot_folder.h
//
//   MANIFEST   {"format": "varve-export", "version": 1 | 2, "min_reader": 1 | 2, "snapshot_id":
//               UUID, "db_uuid": UUID, "server_version", "catalog", "schemas": [name…],
//               "tables": ["schema.table"…], "selection"?: SELECTION, "time_range": RANGE,
//               "schema_only": bool, "data_format": "parquet" | "csv" | "json",
//               "chunk_time_window": duration, "state": "in_progress" | "complete", "created_at":
//               TIME, "completed_at": TIME, "base"?: BASE, "changes"?: CHANGES,
//               "sources": [{"schema", "table", "partition"?, "uuid": UUID, "version",
//               "visible_from"?: TIME}…], "schema_files": [{"path", "size_bytes", "sha256"}…],
//               "chunks": [CHUNK…], "checksum": HASH}
//   CHUNK      {"id": from 1, "time_range": RANGE, "status": "Pending" | "InProgress" | "Completed"
//               | "Failed" | "Skipped", "files": [FILE…], "sources"?: [MADE_OF…], "checksum":
//               HASH}; Skipped: no files
//   FILE       {"path", "schema", "table", "partition"?, "size_bytes", "rows", "sha256": HASH,
//               "min_ts": TIME, "max_ts": TIME, "varve"?: {"segment_start": TIME, "tsid_min": text,
//               "tsid_max": text, "null_counts": {column id: count}}}
//               "varve": the file is a Varve data file (sst/sst_format.h), and what its importer
//               would have to read it for otherwise. Readers other than Varve ignore it.
//   sources    the point in time: the version of each table, or partition, that was exported, and
//               from when on its rows had not expired by then
//   MADE_OF    {"schema", "table", "partition"?, "uuid": UUID, "visible_from"?: TIME, "change"?:
//               "none" | "add" | "replace", "files": [{"id": UUID, "deletions"?: HASH}…],
//               "added"?: [the same…]}
//               The data files, with their deletion vectors, that had rows of the table, or
//               partition, in the chunk, sorted by id; visible_from: rows before it had expired,
//               where that leaves out rows of the chunk. It is what a later increment compares.
//               "change" is there in increments: against the base nothing has changed; or rows have
//               come, which are in the chunk's files, and come from "added"; or the chunk's files
//               (perhaps none) are all rows that the table has in the chunk now, in the place of
//               those that the base had. All partitions of a table are replaced, or none.
//   SELECTION  {"schemas"?: [name…], "tables"?: [name…], "start"?: TIME}: what the export was asked
//               for; what is missing: everything
//   BASE       {"snapshot_id": UUID, "manifest_sha256": HASH, "location"}: of an increment, the
//               snapshot that it is restored over; where that was then, without credentials
//   CHANGES    {"dropped_schemas": [name…], "dropped_tables": [{"schema", "name"}…],
//               "dropped_views": [the same…], "made_tables": [the same…], "base_columns":
//               [{"schema", "table", "columns": [{"id", "name"}…]}…]}
//               made_tables: those that the base does not have, or had another one of that name:
//               they begin empty. base_columns: of other tables whose columns have changed: what
//               the base had; a column with the same id is the same one
//   RANGE      {"start": TIME, "end": TIME}: half-open
//   TIME       ISO 8601, UTC, up to microseconds.   HASH  "sha256:" and 64 hexadecimal digits
//   Checksums: of a chunk, SHA-256 over "<path>\0<hex>\n" of its files, sorted by path; of the
//   snapshot, the same over its schema files and, as "data/<id>" with their checksums, its
//   completed chunks.
// A reader ignores fields that it does not know, and refuses a min_reader above its version.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "model/time_range.h"

namespace varve {

inline constexpr uint64_t kManifestVersion = 2;       // the newest that is read
inline constexpr uint64_t kWholeManifestVersion = 1;  // of snapshots that are no increments
inline constexpr std::string_view kManifestPath = "manifest.json";
inline constexpr std::string_view kCompletePath = "COMPLETE";

enum class DataFormat : uint8_t { kParquet, kCsv, kJson };
// "parquet", "csv", "json": also the ending of files.
std::string_view DataFormatName(DataFormat format);
// Errors: kInvalidArgument that names what is allowed.
Result<DataFormat> ParseDataFormat(std::string_view name);

enum class ChunkStatus : uint8_t { kPending, kInProgress, kCompleted, kFailed, kSkipped };
std::string_view ChunkStatusName(ChunkStatus status);

// Of a Varve data file: what is not in SnapshotFile.
struct DataFileNotes {
  TimestampUs segment_start;
  uint64_t tsid_min = 0;
  uint64_t tsid_max = 0;
  std::map<uint32_t, uint64_t> null_counts;
  bool operator==(const DataFileNotes&) const = default;
};

struct SnapshotFile {
  std::string path;
  std::string schema;
  std::string table;
  std::optional<uint32_t> partition = {};
  uint64_t size_bytes = 0;
  uint64_t rows = 0;
  std::string sha256 = {};
  TimestampUs time_min;  // both inclusive
  TimestampUs time_max;
  std::optional<DataFileNotes> notes = {};
  bool operator==(const SnapshotFile&) const = default;
};

// A data file of the database.
struct SourceFile {
  Uuid id;
  std::string deletions = {};  // the SHA-256 of its deletion vector; "": it has none
  auto operator<=>(const SourceFile&) const = default;
};

enum class ChunkChange : uint8_t {
  kWhole,    // of a snapshot that is no increment
  kNone,     // the rows are those of the base
  kAdd,      // rows have come, and none has gone
  kReplace,  // the rows are in the place of the base's
};

// What a table or partition was made of in a chunk.
struct ChunkSource {
  std::string schema;
  std::string table;
  std::optional<uint32_t> partition = {};
  Uuid uuid;  // of the table or partition itself
  std::optional<TimestampUs> visible_from = {};
  ChunkChange change = ChunkChange::kWhole;
  std::vector<SourceFile> files = {};  // both sorted
  std::vector<SourceFile> added = {};  // kAdd: those that the base does not have; not in `files`
  bool operator==(const ChunkSource&) const = default;

  // Whether files of the snapshot are to be written for it.
  bool HasRows() const;
};

struct Chunk {
  uint64_t id = 0;
  TimeRange range;
  ChunkStatus status = ChunkStatus::kPending;
  std::vector<SnapshotFile> files = {};
  std::vector<ChunkSource> sources = {};
  std::string checksum = {};
  bool operator==(const Chunk&) const = default;
};

// A table or partition that holds rows, and the version of it that is exported.
struct ExportSource {
  std::string schema;
  std::string table;
  std::optional<uint32_t> partition = {};
  Uuid uuid;  // of the table or partition itself
  VersionId version;
  std::optional<TimestampUs> visible_from = {};
  bool operator==(const ExportSource&) const = default;
};

// What an export was asked for; nullopt: everything.
struct ExportSelection {
  std::optional<std::vector<std::string>> schemas = {};
  std::optional<std::vector<std::string>> tables = {};
  std::optional<TimestampUs> start = {};
  bool operator==(const ExportSelection&) const = default;
};

// The snapshot that an increment is restored over.
struct SnapshotBase {
  Uuid snapshot_id;
  std::string manifest_sha256;
  std::string location;  // where it was then, without credentials
  bool operator==(const SnapshotBase&) const = default;
};

struct RelationName {
  std::string schema;
  std::string name;
  auto operator<=>(const RelationName&) const = default;
};

// The columns that a table had in the base, by id.
struct BaseColumns {
  RelationName table;
  std::map<uint32_t, std::string> columns;
  bool operator==(const BaseColumns&) const = default;
};

// What an increment has other schemas, tables and views in than its base.
struct SchemaChanges {
  std::vector<std::string> dropped_schemas = {};
  std::vector<RelationName> dropped_tables = {};
  std::vector<RelationName> dropped_views = {};
  std::vector<RelationName> made_tables = {};  // they begin empty, also where the name was there
  std::vector<BaseColumns> base_columns = {};
  bool operator==(const SchemaChanges&) const = default;
};

struct SchemaFile {
  std::string path;
  uint64_t size_bytes = 0;
  std::string sha256;
  bool operator==(const SchemaFile&) const = default;
};

struct Manifest {
  Uuid snapshot_id;
  Uuid db_uuid;
  std::string server_version;
  std::string catalog;
  std::vector<std::string> schemas;
  std::vector<std::string> tables;  // "schema.table"
  ExportSelection selection = {};
  TimeRange range;
  bool schema_only = false;
  DataFormat format = DataFormat::kParquet;
  std::chrono::milliseconds chunk_window = std::chrono::days(1);
  TimestampUs created_at;
  std::optional<TimestampUs> completed_at = {};  // set: the export is complete
  std::optional<SnapshotBase> base = {};         // set: the snapshot is an increment
  SchemaChanges changes = {};                    // since the base
  std::vector<ExportSource> sources = {};
  std::vector<SchemaFile> schema_files = {};
  std::vector<Chunk> chunks = {};
  std::string checksum = {};
  bool operator==(const Manifest&) const = default;

  uint64_t row_count() const;
  uint64_t data_bytes() const;
};

// Errors: kInvalidArgument when a name is not UTF-8.
Result<std::string> EncodeManifest(const Manifest& manifest);
// Errors: kCorruption MANIFEST_CORRUPT; kNotSupported MANIFEST_TOO_NEW.
Result<Manifest> DecodeManifest(std::string_view text);

// One chunk by itself, as in the manifest.
Result<std::string> EncodeChunk(const Chunk& chunk);
Result<Chunk> DecodeChunk(std::string_view text);

std::string ChunkChecksum(const std::vector<SnapshotFile>& files);
std::string SnapshotChecksum(const Manifest& manifest);

// A name as one segment of a path: letters, digits, '_' and '-' stay, other bytes are %XX.
std::string SnapshotSegment(std::string_view name);

}  // namespace varve
