// CompactionJob: some files of one segment in, fewer sorted ones out, without the rows that their
// deletion vectors delete. It commits nothing: the caller does.
//
// Reads and writes run side by side, a row group at a time: memory is that of one row group of each
// input and of two of the output.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "engine/compaction_picker.h"
#include "engine/row_mapping.h"
#include "meta/version.h"
#include "model/table_schema.h"
#include "store/object_store.h"

namespace varve {

struct CompactionInput {
  ObjectStore* store = nullptr;
  IdSource* ids = nullptr;
  std::string table_folder;  // "tables/<uuid>"
  std::shared_ptr<const TableSchema> schema;
  TableOptions options;
  CompactionLimits limits;
  // As they are in the version `base`: of one segment, oldest first.
  std::vector<FileMeta> files;
  VersionId base;
  // Asked between batches, with the bytes that are read and written next; may wait. An error ends
  // the job with it: kCancelled.
  std::function<Status(uint64_t bytes)> proceed = [](uint64_t) { return Status(); };
};

// One thread. The store outlives it.
class CompactionJob {
 public:
  explicit CompactionJob(CompactionInput input);

  // Merges. The new files are durable when it returns ok; the edit removes the inputs and adds
  // them. Rows of equal keys stay in the order of the inputs. On an error no file is left, as far
  // as the store lets them be deleted. Errors: kCorruption, kNotFound, kNotSupported for an input
  // that cannot be read (see damaged_input); kResourceExhausted, kIo, kUnavailable: try again
  // later; that of `proceed`. To be called once.
  Result<VersionEdit> Run();

  // The input that the error of Run is about, if it is about one.
  const std::optional<Uuid>& damaged_input() const { return damaged_input_; }

  // After Run: where the inputs' rows are in the added files, counted through them in order.
  const RowMapping& mapping() const { return mapping_; }

  uint64_t rows_read() const { return rows_read_; }
  uint64_t bytes_read() const;

 private:
  class Source;
  class Sink;
  Status Merge(VersionEdit& edit);

  const CompactionInput input_;
  RowMapping mapping_;
  std::optional<Uuid> damaged_input_;
  uint64_t rows_read_ = 0;
};

}  // namespace varve
