// FileMeta: what the manifest knows of one data file: enough to decide whether to open it, and to
// check it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/ids.h"

namespace varve {

// A deletion vector: the rows of a file that later writes have replaced. See sst/deletion_vector.h.
struct DeletionVectorMeta {
  std::string path;  // relative to the store
  uint64_t size_bytes = 0;
  std::string sha256;  // 64 hexadecimal digits
  uint64_t rows = 0;   // how many rows it deletes
  bool operator==(const DeletionVectorMeta&) const = default;
};

struct FileMeta {
  Uuid id;
  std::string path;  // relative to the store: "tables/<uuid>/data/<segment start>/<id>.parquet"
  TimestampUs segment_start;  // no row is before it or beyond the segment
  uint32_t schema_id = 0;     // of the schema it was written with
  uint64_t rows = 0;          // as written, without regard to the deletion vector
  uint64_t size_bytes = 0;
  std::string sha256;    // of the file, 64 hexadecimal digits
  TimestampUs time_min;  // of the timestamp key, both inclusive
  TimestampUs time_max;
  uint64_t tsid_min = 0;  // 0 and 0 in tables without tsid
  uint64_t tsid_max = 0;
  Sequence sequence_max;                     // the newest write that the file holds rows of
  std::map<uint32_t, uint64_t> null_counts;  // by column id; a column that is not there is all NULL
  std::optional<DeletionVectorMeta> deletion_vector;

  bool operator==(const FileMeta&) const = default;
};

}  // namespace varve
