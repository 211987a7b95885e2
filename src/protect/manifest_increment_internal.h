// The parts of a manifest that increments need, as JSON: see manifest.h. For manifest.cc. Errors of
// what reads: kCorruption.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "protect/json_fields.h"
#include "protect/manifest.h"

namespace varve {

inline std::string Hash(const std::string& hex) { return "sha256:" + hex; }
inline std::string TimeText(TimestampUs time) { return FormatTimestamp(time.value()); }

// A table or partition and since when its rows are visible, which an ExportSource and a ChunkSource
// both name: "schema", "table", "partition"?, "uuid", "visible_from"?.
template <class Source>
Result<Source> TableSourceFromJson(const SnapshotJson& json) {
  VARVE_ASSIGN(const JsonFields fields, JsonFields::Of(json, "an entry of 'sources'"));
  Source source;
  VARVE_ASSIGN(source.schema, fields.Text("schema"));
  VARVE_ASSIGN(source.table, fields.Text("table"));
  if (fields.Find("partition") != nullptr) {
    VARVE_ASSIGN(const uint64_t partition, fields.U64("partition"));
    source.partition = static_cast<uint32_t>(partition);
  }
  VARVE_ASSIGN(const std::string uuid, fields.Text("uuid"));
  VARVE_ASSIGN(source.uuid, Uuid::Parse(uuid));
  if (fields.Find("visible_from") != nullptr) {
    VARVE_ASSIGN(source.visible_from, fields.Time("visible_from"));
  }
  return source;
}

SnapshotJson ChunkSourcesToJson(const std::vector<ChunkSource>& sources);
// Of a CHUNK; empty when it has none.
Result<std::vector<ChunkSource>> ChunkSourcesFromJson(const JsonFields& chunk);

// Of a MANIFEST.
SnapshotJson SelectionToJson(const ExportSelection& selection);
Result<ExportSelection> SelectionFromJson(const JsonFields& manifest);
SnapshotJson BaseToJson(const SnapshotBase& base);
Result<std::optional<SnapshotBase>> BaseFromJson(const JsonFields& manifest);
SnapshotJson ChangesToJson(const SchemaChanges& changes);
Result<SchemaChanges> ChangesFromJson(const JsonFields& manifest);

}  // namespace varve
