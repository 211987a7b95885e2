#include "main/statement_runner.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <utility>

#include "main/value_text.h"

namespace varve {
namespace {

class FirstColumnSink final : public RowSink {
 public:
  Status Begin(const arrow::Schema&) override { return {}; }
  Status Rows(const arrow::RecordBatch& batch) override {
    for (int64_t row = 0; batch.num_columns() > 0 && row < batch.num_rows(); ++row) {
      values_.push_back(ValueText(*batch.column(0), row, TextStyle::kPlain));
    }
    return {};
  }
  std::vector<std::string> Take() { return std::move(values_); }

 private:
  std::vector<std::string> values_;
};

}  // namespace

Status StatementRunner::Run(std::string_view statement) {
  const auto started = clock_.Steady();
  const std::unique_ptr<TablePrinter> printer = MakeTablePrinter(format_, PrintText);
  VARVE_ASSIGN(const std::optional<uint64_t> affected, connection_.Execute(statement, *printer));
  if (!affected) {
    VARVE_TRY(printer->Finish());
  } else if (format_ == OutputFormat::kTable) {
    VARVE_TRY(PrintText(fmt::format("{} row{} affected\n", *affected, *affected == 1 ? "" : "s")));
  } else if (format_ == OutputFormat::kJson) {
    VARVE_TRY(PrintText(fmt::format("{{\"affected_rows\":{}}}\n", *affected)));
  }
  if (timing_ == Timing::kOn) {
    const std::chrono::duration<double, std::milli> took = clock_.Steady() - started;
    VARVE_TRY(PrintText(fmt::format("Time: {:.3f} ms\n", took.count())));
  }
  return {};
}

std::vector<std::string> StatementRunner::FirstColumn(std::string_view statement) {
  FirstColumnSink sink;
  const auto done = connection_.Execute(statement, sink);
  return done ? sink.Take() : std::vector<std::string>();
}

void PrintWarning(std::string_view warning) {
  std::fflush(stdout);
  fmt::print(stderr, "varve: warning: {}\n", warning);
}

Status PrintText(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    return Io("standard output cannot be written: {}", std::strerror(errno));
  }
  return {};
}

}  // namespace varve
