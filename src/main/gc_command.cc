#include "main/gc_command.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <fmt/core.h>

#include <filesystem>
#include <map>
#include <memory>
#include <utility>

#include "base/units.h"
#include "engine/gc.h"
#include "main/local_connection.h"
#include "main/remote_connection.h"
#include "main/statement_runner.h"

namespace varve {
namespace {

constexpr std::string_view kFormatFile = "FORMAT";

// Passes the rows on and sums them up.
class Summing final : public RowSink {
 public:
  explicit Summing(RowSink& next) : next_(next) {}

  Status Begin(const arrow::Schema& schema) override { return next_.Begin(schema); }

  Status Rows(const arrow::RecordBatch& rows) override {
    const auto bytes = std::dynamic_pointer_cast<arrow::UInt64Array>(rows.GetColumnByName("bytes"));
    const auto reasons =
        std::dynamic_pointer_cast<arrow::StringArray>(rows.GetColumnByName("reason"));
    const auto outcomes =
        std::dynamic_pointer_cast<arrow::StringArray>(rows.GetColumnByName("outcome"));
    if (!bytes || !reasons || !outcomes) {
      return NotSupported("the server does not answer as this version of varve expects");
    }
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      Sum& sum = sums_[{reasons->GetString(row), outcomes->GetString(row)}];
      ++sum.files;
      sum.bytes += bytes->Value(row);
    }
    return next_.Rows(rows);
  }

  Status Report() const {
    uint64_t failed = 0;
    for (const auto& [what, sum] : sums_) {
      fmt::print(stderr, "{} file{}, {}, {}: {}\n", sum.files, sum.files == 1 ? "" : "s",
                 FormatSize(sum.bytes), what.second, what.first);
      failed += what.second == GcOutcomeText(GcOutcome::kFailed) ? sum.files : 0;
    }
    if (failed > 0) {
      return Io("{} files could not be deleted; the log says why, and the next run tries again",
                failed);
    }
    return {};
  }

 private:
  struct Sum {
    uint64_t files = 0;
    uint64_t bytes = 0;
  };
  RowSink& next_;
  std::map<std::pair<std::string, std::string>, Sum> sums_;  // by reason and outcome
};

Result<std::unique_ptr<SqlConnection>> Connect(const GcCommandOptions& options) {
  if (!options.folder) {
    return RemoteConnection::Open(options.url);
  }
  // Opening would make what is missing.
  std::error_code error;
  if (!std::filesystem::exists(*options.folder + "/" + std::string(kFormatFile), error)) {
    return NotFound("{} is not a data folder: it holds no file {}", *options.folder, kFormatFile);
  }
  auto opened = LocalConnection::Open(*options.folder);
  if (!opened && opened.error().kind == ErrorKind::kUnavailable) {
    return Unavailable("{}; or let its server do it: varve gc --url http://127.0.0.1:5440",
                       opened.error().message);
  }
  return opened;
}

}  // namespace

Status RunGc(const GcCommandOptions& options) {
  std::string call =
      fmt::format("CALL varve_gc(dry_run => {}", options.run == GcRun::kDryRun ? "true" : "false");
  if (options.grace) {
    VARVE_TRY(ParseDuration(*options.grace));  // so that it holds no quote
    call += fmt::format(", grace => '{}'", *options.grace);
  }
  VARVE_ASSIGN(const std::unique_ptr<SqlConnection> connection, Connect(options));
  const auto printer = MakeTablePrinter(options.format, PrintText);
  Summing sums(*printer);
  VARVE_TRY(connection->Execute(call + ")", sums));
  VARVE_TRY(printer->Finish());
  return sums.Report();
}

}  // namespace varve
