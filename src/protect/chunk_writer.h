// ChunkWriter: the rows of one pinned table in one chunk, written as files of a snapshot.
//
// The same pin, chunk and format give the same bytes, whoever writes them and however often: an
// export that is resumed, or done by two at once, ends as one that was not.
#pragma once

#include <cstdint>
#include <optional>
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

// What becomes at most one file.
struct ChunkPart {
  enum class Kind : uint8_t {
    kCopy,    // one data file, as it is
    kEncode,  // Parquet, of the rows of data files of one segment
    kText,    // CSV or JSON, of the rows of data files
  } kind = Kind::kCopy;
  size_t number = 0;                   // among those of the table in the chunk
  std::vector<const FileMeta*> files;  // of the pinned table
};

// Thread-safe.
class ChunkWriter {
 public:
  explicit ChunkWriter(ChunkWriterOptions options) : options_(std::move(options)) {}

  // How the rows of the source in the chunk are written: those of all its data files, or of those
  // that have been added (kAdd). A Parquet file that holds nothing but rows of the chunk is copied.
  std::vector<ChunkPart> Plan(const PinnedTable& table, const Chunk& chunk,
                              const ChunkSource& source) const;

  // Writes the part's rows in the chunk, durably; nullopt when there are none. Errors: those of the
  // stores and of `pace`; kCorruption for a file of the database that is not what was written.
  Result<std::optional<SnapshotFile>> Write(const PinnedTable& table, const Chunk& chunk,
                                            const ChunkPart& part) const;

 private:
  using Written = Result<std::optional<SnapshotFile>>;
  SnapshotFile NewFile(const PinnedTable& table, const Chunk& chunk, const ChunkPart& part) const;
  Written Copy(const PinnedTable& table, const Chunk& chunk, const ChunkPart& part) const;
  Written Encode(const PinnedTable& table, const Chunk& chunk, const ChunkPart& part) const;
  Written WriteText(const PinnedTable& table, const Chunk& chunk, const ChunkPart& part) const;

  const ChunkWriterOptions options_;
};

}  // namespace varve
