#include "main/local_connection.h"

#include <utility>
#include <variant>

#include "main/statement_runner.h"

namespace varve {

Result<std::unique_ptr<SqlConnection>> LocalConnection::Open(const std::string& folder) {
  DataFolderOptions options;
  options.folder = folder;
  options.engine.copy.reach = CopyPolicy::Reach::kEverywhere;
  VARVE_ASSIGN(std::unique_ptr<DataFolder> opened, DataFolder::Open(std::move(options)));
  VARVE_ASSIGN(std::unique_ptr<Session> session, opened->engine().NewSession({}));
  return std::unique_ptr<SqlConnection>(new LocalConnection(std::move(opened), std::move(session)));
}

Result<std::optional<uint64_t>> LocalConnection::Execute(std::string_view statement,
                                                         RowSink& sink) {
  VARVE_ASSIGN(const QueryResult result, session_->Execute(statement));
  if (const auto* affected = std::get_if<AffectedRows>(&result)) {
    for (const std::string& warning : affected->warnings) {
      PrintWarning(warning);
    }
    return affected->rows;
  }
  ResultStream& stream = *std::get<std::unique_ptr<ResultStream>>(result);
  VARVE_TRY(sink.Begin(*stream.schema()));
  while (true) {
    VARVE_ASSIGN(const std::shared_ptr<arrow::RecordBatch> batch, stream.Next());
    if (batch == nullptr) {
      return std::nullopt;
    }
    VARVE_TRY(sink.Rows(*batch));
  }
}

}  // namespace varve
