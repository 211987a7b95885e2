// SqlConnection: where the shell's statements go; RowSink: where the rows come out.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace arrow {
class RecordBatch;
class Schema;
}  // namespace arrow

namespace varve {

// Takes the rows of one statement: Begin once, then any number of batches with that schema.
class RowSink {
 public:
  virtual ~RowSink() = default;
  virtual Status Begin(const arrow::Schema& schema) = 0;
  virtual Status Rows(const arrow::RecordBatch& batch) = 0;
};

// One thread, but for Cancel.
class SqlConnection {
 public:
  virtual ~SqlConnection() = default;

  // Runs one statement. nullopt: it gave rows, which went to the sink; else how many rows it has
  // changed. Errors: those of the statement, of the sink, and kUnavailable when the server does not
  // answer.
  virtual Result<std::optional<uint64_t>> Execute(std::string_view statement, RowSink& sink) = 0;

  // Ends the statement that runs, with kCancelled. From any thread; nothing happens when there is
  // none.
  virtual void Cancel() = 0;
};

}  // namespace varve
