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
