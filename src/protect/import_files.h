// Files of a snapshot as data files of a table.
//
// A Varve data file whose columns are the table's is copied (data_file_copy.h). All else is read
// row by row and sorted (engine/row_sorter.h).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/table_import.h"
#include "protect/copy_object.h"
#include "protect/data_file_copy.h"
#include "protect/manifest.h"
#include "protect/schema_files.h"
#include "query/row_files.h"
#include "store/object_store.h"

namespace varve {

struct ImportFilesInput {
  ObjectStore* snapshot = nullptr;  // all pointers outlive the call
  RowFiles* rows = nullptr;
  const std::map<std::string, HashedObject>* verified = nullptr;  // by path, at least of `files`
  std::string temp_folder;  // of this machine, for files that are read row by row
  DataFormat format = DataFormat::kParquet;
  const TableDefinition* definition = nullptr;  // as it was exported
  std::vector<const SnapshotFile*> files;       // of one chunk and one table or partition
  TimeRange range;                              // rows outside of it are left out
  size_t threads = 1;
  uint64_t sort_bytes_max = 0;  // of rows in memory, for those that are sorted, of each thread
  Pace pace;
};

// Writes data files at `place` that hold the rows; in OVERWRITE tables the last row of each key
// that is in files which are not copied. On an error none is left. Errors: those of both stores,
// RowFiles and `pace`; kCorruption for a file that is not what was written.
Result<std::vector<FileMeta>> WriteImportFiles(const ImportFilesInput& input,
                                               const ImportPlace& place);

}  // namespace varve
