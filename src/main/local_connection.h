// LocalConnection: statements on a data folder that is opened in this process, without a server.
#pragma once

#include <memory>
#include <string>

#include "main/data_folder.h"
#include "main/sql_connection.h"

namespace varve {

class LocalConnection final : public SqlConnection {
 public:
  // Whoever runs the shell may COPY from whatever he may read. Errors: those of DataFolder::Open.
  static Result<std::unique_ptr<SqlConnection>> Open(const std::string& folder);

  Result<std::optional<uint64_t>> Execute(std::string_view statement, RowSink& sink) override;
  void Cancel() override { session_->Cancel(); }

 private:
  LocalConnection(std::unique_ptr<DataFolder> folder, std::unique_ptr<Session> session)
      : folder_(std::move(folder)), session_(std::move(session)) {}

  std::unique_ptr<DataFolder> folder_;
  std::unique_ptr<Session> session_;  // before the folder's engine goes
};

}  // namespace varve
