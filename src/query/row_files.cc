#include "query/row_files.h"

#include <utility>

#include "query/copy_source.h"
#include "query/copy_target.h"
#include "query/longest_record.h"

namespace varve {
namespace {

constexpr CopyPolicy::Reach kAnywhere = CopyPolicy::Reach::kEverywhere;

// The rows, and the connection that they come from.
class OwnedRows final : public ResultStream {
 public:
  explicit OwnedRows(CopyRows copy) : copy_(std::move(copy)) {}
  ~OwnedRows() override { copy_.rows.reset(); }
  std::shared_ptr<arrow::Schema> schema() const override { return copy_.rows->schema(); }
  Result<std::shared_ptr<arrow::RecordBatch>> Next() override { return copy_.rows->Next(); }

 private:
  CopyRows copy_;
};

class CopyRowFiles final : public RowFiles {
 public:
  explicit CopyRowFiles(uint64_t memory_bytes_max)
      : writer_({.allowed_folders = {}, .reach = kAnywhere}, memory_bytes_max,
                CopyThreads::kCaller),
        source_({.allowed_folders = {}, .reach = kAnywhere}, memory_bytes_max,
                CopyThreads::kCaller) {}

  Result<uint64_t> Write(const std::string& path, std::string_view format,
                         ResultStream& rows) override {
    return writer_.Write({path, {{"format", std::string(format)}, {"overwrite", "true"}}}, rows,
                         [](duckdb::Connection*) {});
  }

  Result<RowFileContents> Read(const std::string& path, std::string_view format,
                               const TableSchema& schema) override {
    CopyRequest request{.path = path,
                        .options = {{"format", std::string(format)}},
                        .schema = &schema,
                        .columns = {},
                        .fields = CopyRequest::Fields::kDeclared};
    if (format != "parquet") {
      VARVE_ASSIGN(
          request.longest_record,
          LongestRecord(path, format == "csv" ? RecordFormat::kCsv : RecordFormat::kLines));
    }
    VARVE_ASSIGN(CopyRows copy, source_.Open(request));
    RowFileContents contents;
    contents.columns = copy.targets;
    contents.rows = std::make_unique<OwnedRows>(std::move(copy));
    return contents;
  }

 private:
  CopyWriter writer_;
  CopySource source_;
};

}  // namespace

std::unique_ptr<RowFiles> RowFiles::Make(uint64_t memory_bytes_max) {
  return std::make_unique<CopyRowFiles>(memory_bytes_max);
}

}  // namespace varve
