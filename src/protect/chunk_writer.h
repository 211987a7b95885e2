// ChunkWriter: the rows of one pinned table in one chunk, written as files of a snapshot.
//
// The same pin, chunk and format give the same bytes, whoever writes them and however often: an
// export that is resumed, or done by two at once, ends as one that was not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "protect/copy_object.h"
#include "protect/manifest.h"
#include "protect/pinned_table.h"
#include "query/row_files.h"
#include "store/object_store.h"

namespace varve {

struct ChunkWriterOptions {
  ObjectStore* source = nullptr;  // of the database; all pointers outlive the writer
  ObjectStore* target = nullptr;  // the snapshot
  RowFiles* text = nullptr;       // writes CSV and JSON
  std::string temp_folder;        // of this machine, for files of these formats
  DataFormat format = DataFormat::kParquet;
  Pace pace;
};

// Thread-safe.
class ChunkWriter {
 public:
  explicit ChunkWriter(ChunkWriterOptions options) : options_(std::move(options)) {}

  // Writes the rows of the source in the chunk to files, durably: of all its data files, or of
  // those that have been added (kAdd). None when there are no rows. Parquet files that hold nothing
  // but rows of the chunk are copied. Errors: those of the stores and of `pace`; kCorruption for a
  // file of the database that is not what was written.
  Result<std::vector<SnapshotFile>> Write(const PinnedTable& table, const Chunk& chunk,
                                          const ChunkSource& source) const;

 private:
  struct Job;
  Status WriteParquet(Job& job) const;
  Status CopyWhole(Job& job, const FileMeta& file) const;
  Status WriteSegment(Job& job, const std::vector<const FileMeta*>& files) const;
  Status WriteText(Job& job) const;

  const ChunkWriterOptions options_;
};

}  // namespace varve
