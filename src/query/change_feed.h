// ChangeFeed: the changes of a table for somebody who follows them: from where he is, or where his
// consumer is, on and on.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "engine/changes.h"
#include "query/limiter.h"

namespace varve {

enum class Follow : uint8_t { kNo, kYes };

struct ChangeFeedOptions {
  std::string from;      // as ParseVersionText, "earliest" or "latest"; "": where the consumer is
  std::string to;        // likewise; "": the newest version, or no end when following
  std::string consumer;  // ""; one that does not exist is made, at `from`
  Follow follow = Follow::kYes;
};

// One thread.
class ChangeFeed {
 public:
  // Errors: kInvalidArgument; kNotFound that says what there is, when that has expired; those of
  // ChangeReader::Open and Table::CreateConsumer.
  static Result<std::unique_ptr<ChangeFeed>> Open(std::shared_ptr<Table> table,
                                                  const ChangeFeedOptions& options);

  struct Step {
    enum class Kind : uint8_t { kRows, kEndOfVersion, kNothingYet, kEnd };
    Kind kind = Kind::kEnd;
    VersionId version = {};
    std::shared_ptr<arrow::RecordBatch> rows = {};  // of `schema`
  };
  // kNothingYet: ask again later. kEnd: `to` is reached, or all when not following, or the table
  // has been dropped. Errors: those of ChangeReader.
  Result<Step> Next();

  // Of the rows from now on: may change at the end of a version.
  const std::shared_ptr<arrow::Schema>& schema() const { return reader_->schema(); }

 private:
  ChangeFeed(std::shared_ptr<Table> table, std::unique_ptr<ChangeReader> reader, VersionId position,
             Follow follow)
      : table_(std::move(table)),
        reader_(std::move(reader)),
        position_(position),
        follow_(follow) {}

  const std::shared_ptr<Table> table_;
  const std::unique_ptr<ChangeReader> reader_;
  VersionId position_;  // what the reader goes up to
  const Follow follow_;
};

// Before changes are read without a query: whether the table may be read. Errors: kInvalidArgument
// (limiter.h).
Status AllowReadingChanges(Limiter& limiter, const Database& database, const Table& table);

}  // namespace varve
