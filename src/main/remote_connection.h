// RemoteConnection: statements to a server, by POST /sql; rows come back as an Arrow stream, so
// that their types are known and they need not all fit into memory.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "main/sql_connection.h"

namespace varve {

class RemoteConnection final : public SqlConnection {
 public:
  // Nothing is sent yet. Errors: kInvalidArgument for something that is no http:// address.
  static Result<std::unique_ptr<SqlConnection>> Open(std::string url);

  Result<std::optional<uint64_t>> Execute(std::string_view statement, RowSink& sink) override;
  void Cancel() override { cancelled_ = true; }

 private:
  explicit RemoteConnection(std::string url) : url_(std::move(url)) {}

  const std::string url_;  // without a slash at the end
  std::atomic<bool> cancelled_ = false;
};

}  // namespace varve
