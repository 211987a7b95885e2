// EXPORT DATABASE and IMPORT DATABASE.
#include "base/units.h"
#include "query/session_internal.h"
#include "query/transfers.h"

namespace varve {
namespace {

std::unique_ptr<ResultStream> RowOf(const TransferStatus& status) {
  std::string warnings;
  for (const std::string& warning : status.warnings) {
    warnings += (warnings.empty() ? "" : "\n") + warning;
  }
  return TableOf({{"id", StringArray({status.id})},
                  {"location", StringArray({status.location})},
                  {"snapshot_id", StringArray({status.snapshot_id})},
                  {"state", StringArray({std::string(TransferStateName(status.state))})},
                  {"chunks", UInt64Array({status.chunks})},
                  {"chunks_done", UInt64Array({status.chunks_done})},
                  {"rows", UInt64Array({status.rows})},
                  {"bytes", UInt64Array({status.bytes})},
                  {"warnings", StringArray({warnings})}});
}

}  // namespace

std::string_view TransferStateName(TransferState state) {
  switch (state) {
    case TransferState::kPlanned:
      return "planned";
    case TransferState::kRunning:
      return "running";
    case TransferState::kDone:
      return "done";
    case TransferState::kFailed:
      return "failed";
  }
  return "";
}

Result<QueryResult> SessionImpl::RunTransfer(const TransferRequest& request) {
  if (engine_.options.transfers == nullptr) {
    return NotSupported("exports and imports are not available here");
  }
  const auto go_on = [this]() -> Status {
    const std::lock_guard lock(running_mutex_);
    return running_ ? running_->Continue() : Status();
  };
  VARVE_ASSIGN(const TransferStatus status, engine_.options.transfers->Run(request, go_on));
  return RowOf(status);
}

Result<QueryResult> SessionImpl::Run(const ExportDatabaseStatement& statement) {
  return RunTransfer({TransferKind::kExport, statement.location, statement.options});
}

Result<QueryResult> SessionImpl::Run(const ImportDatabaseStatement& statement) {
  return RunTransfer({TransferKind::kImport, statement.location, statement.options});
}

Result<QueryResult> SessionImpl::Run(const ReleaseExportStatement& statement) {
  if (engine_.options.transfers == nullptr) {
    return NotSupported("exports and imports are not available here");
  }
  VARVE_ASSIGN(const uint64_t tables,
               engine_.options.transfers->ReleaseExport(statement.snapshot_id));
  return TableOf(
      {{"snapshot_id", StringArray({statement.snapshot_id})}, {"tables", UInt64Array({tables})}});
}

}  // namespace varve
