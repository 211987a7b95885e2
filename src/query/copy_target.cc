#include "query/copy_target.h"

#include <arrow/c/bridge.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <duckdb/function/table/arrow.hpp>
#include <duckdb/main/relation.hpp>
#include <fstream>
#include <optional>

#include "base/ids.h"
#include "base/sync.h"
#include "query/copy_options.h"
#include "query/duckdb_bridge.h"
#include "query/name_text.h"

namespace varve {
namespace {

// DuckDB takes these in paths for patterns.
constexpr std::string_view kPatternCharacters = "*?[]{}";

// The rows of a stream as Arrow hands them on between libraries.
class StreamReader final : public arrow::RecordBatchReader {
 public:
  explicit StreamReader(ResultStream& rows) : rows_(rows), schema_(rows.schema()) {}

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    auto next = rows_.Next();
    if (!next) {
      failure_ = next.error();
      return arrow::Status::Invalid(failure_->message);
    }
    *batch = *std::move(next);
    return arrow::Status::OK();
  }

  // Why the stream ended before its end.
  const std::optional<Error>& failure() const { return failure_; }

 private:
  ResultStream& rows_;
  const std::shared_ptr<arrow::Schema> schema_;
  std::optional<Error> failure_;
};

// What DuckDB's arrow_scan calls with the address that it is given.
duckdb::unique_ptr<duckdb::ArrowArrayStreamWrapper> Produce(uintptr_t reader,
                                                            duckdb::ArrowStreamParameters&) {
  auto stream = duckdb::make_uniq<duckdb::ArrowArrayStreamWrapper>();
  stream->number_of_rows = -1;
  const auto& shared = *reinterpret_cast<std::shared_ptr<arrow::RecordBatchReader>*>(reader);
  const auto status = arrow::ExportRecordBatchReader(shared, &stream->arrow_array_stream);
  if (!status.ok()) {
    Throw(Error{ErrorKind::kInternal, status.ToString()});
  }
  return stream;
}

void GetSchema(ArrowArrayStream* reader, ArrowSchema& schema) {
  const auto& shared = *reinterpret_cast<std::shared_ptr<arrow::RecordBatchReader>*>(reader);
  const auto status = arrow::ExportSchema(*shared->schema(), &schema);
  if (!status.ok()) {
    Throw(Error{ErrorKind::kInternal, status.ToString()});
  }
}

// A file that goes when nobody has given it a name.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& target) {
    RandomIdSource ids;
    path_ = target.parent_path() / fmt::format(".varve-copy-{}.tmp", ids.NewUuid().ToString());
  }
  ~TemporaryFile() {
    std::error_code error;
    std::filesystem::remove(path_, error);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::filesystem::path& path() const { return path_; }

  // Durable when it returns ok. Never takes the place of another file unless told to, also when
  // that comes at this moment.
  Status Keep(const std::filesystem::path& target, CopyToOptions::Overwrite overwrite) {
    VARVE_TRY(SyncPath(path_.string()));
    std::error_code error;
    if (overwrite == CopyToOptions::Overwrite::kYes) {
      std::filesystem::rename(path_, target, error);
    } else {
      std::filesystem::create_hard_link(path_, target, error);
    }
    if (error == std::errc::file_exists) {
      return AlreadyExists("'{}' is there already: take another name, or say OVERWRITE true",
                           target.string());
    }
    if (error) {
      return Io("'{}' could not be written: {}", target.string(), error.message());
    }
    return SyncPath(target.parent_path().string());
  }

 private:
  std::filesystem::path path_;
};

Result<uint64_t> RunCopy(duckdb::Connection& connection,
                         std::shared_ptr<arrow::RecordBatchReader>& reader, const std::string& file,
                         const CopyToOptions& options) {
  return Caught([&]() -> Result<uint64_t> {
    const auto pointer = [](auto value) {
      return duckdb::Value::POINTER(reinterpret_cast<uintptr_t>(value));
    };
    connection
        .TableFunction("arrow_scan", {pointer(&reader), pointer(&Produce), pointer(&GetSchema)})
        ->CreateView("copied_rows", /*replace=*/true, /*temporary=*/true);
    const auto result = connection.Query(fmt::format("COPY (SELECT * FROM copied_rows) TO {} ({})",
                                                     QuotedText(file), options.duckdb));
    if (result->HasError()) {
      return std::unexpected(ToError(result->GetErrorObject()));
    }
    return static_cast<uint64_t>(result->GetValue(0, 0).GetValue<int64_t>());
  });
}

}  // namespace

Result<std::string> CopyFileEnding(const std::map<std::string, std::string>& options) {
  VARVE_ASSIGN(const CopyToOptions parsed, ParseCopyToOptions("x.parquet", options));
  return parsed.format;
}

Result<std::filesystem::path> CopyWriter::CheckPath(const std::string& path) const {
  const std::filesystem::path given(path);
  if (path.find_first_of(kPatternCharacters) != std::string::npos ||
      path.find('\0') != std::string::npos || given.filename().empty() || given.filename() == "." ||
      given.filename() == "..") {
    return InvalidArgument("COPY cannot write '{}': it names no file, or holds one of {}", path,
                           kPatternCharacters);
  }
  const auto not_allowed = [&] {
    return InvalidArgument(
        "COPY may not write '{}': the server writes files below its copy folders only (see its "
        "configuration)",
        path);
  };
  const std::filesystem::path parent = given.has_parent_path() ? given.parent_path() : ".";
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::canonical(parent, error);
  const bool everywhere = policy_.reach == CopyPolicy::Reach::kEverywhere;
  if (error) {
    // Elsewhere, whether a folder is there is nobody's business.
    return everywhere
               ? Result<std::filesystem::path>(NotFound("there is no folder '{}'", parent.string()))
               : not_allowed();
  }
  if (!AllowsPath(policy_, folder)) {
    return not_allowed();
  }
  if (folder.string().find_first_of(kPatternCharacters) != std::string::npos) {
    return InvalidArgument("COPY cannot write '{}': its path holds one of {}", path,
                           kPatternCharacters);
  }
  return folder / given.filename();
}

Status CopyWriter::Check(const CopyTarget& target) const {
  VARVE_ASSIGN(const std::filesystem::path path, CheckPath(target.path));
  VARVE_ASSIGN(const CopyToOptions options, ParseCopyToOptions(target.path, target.options));
  std::error_code error;
  const auto status = std::filesystem::symlink_status(path, error);
  if (!std::filesystem::exists(status)) {
    return {};
  }
  if (options.overwrite == CopyToOptions::Overwrite::kNo) {
    return AlreadyExists("'{}' is there already: take another name, or say OVERWRITE true",
                         target.path);
  }
  if (!std::filesystem::is_regular_file(status)) {
    return InvalidArgument("'{}' is there already and is no file", target.path);
  }
  return {};
}

Result<uint64_t> CopyWriter::Write(const CopyTarget& target, ResultStream& rows,
                                   const std::function<void(duckdb::Connection*)>& announce) {
  VARVE_TRY(Check(target));
  VARVE_ASSIGN(const std::filesystem::path path, CheckPath(target.path));
  VARVE_ASSIGN(const CopyToOptions options, ParseCopyToOptions(target.path, target.options));
  VARVE_ASSIGN(const auto connection, engine_.Connect());
  TemporaryFile file(path);
  const auto stream = std::make_shared<StreamReader>(rows);
  std::shared_ptr<arrow::RecordBatchReader> reader = stream;
  announce(connection.get());
  auto count = RunCopy(*connection, reader, file.path().string(), options);
  announce(nullptr);
  if (stream->failure()) {
    return std::unexpected(*stream->failure());
  }
  if (!count) {
    return std::unexpected(count.error().WithContext(fmt::format("writing '{}'", target.path)));
  }
  VARVE_TRY(file.Keep(path, options.overwrite));
  return count;
}

Status CopyWriter::WriteText(const CopyTarget& target, std::string_view text) const {
  VARVE_ASSIGN(const std::filesystem::path path, CheckPath(target.path));
  const auto overwrite = target.options.find("overwrite");
  TemporaryFile file(path);
  std::ofstream out(file.path(), std::ios::binary);
  out << text;
  out.close();
  if (!out) {
    return Io("'{}' could not be written", target.path);
  }
  return file.Keep(path, overwrite != target.options.end() && overwrite->second == "true"
                             ? CopyToOptions::Overwrite::kYes
                             : CopyToOptions::Overwrite::kNo);
}

Status CopyWriter::MakeFolder(const std::string& path) const {
  std::string trimmed = path;
  while (trimmed.size() > 1 && trimmed.ends_with('/')) {
    trimmed.pop_back();
  }
  VARVE_ASSIGN(const std::filesystem::path folder, CheckPath(trimmed));
  std::error_code error;
  std::filesystem::create_directory(folder, error);
  if (!std::filesystem::is_directory(folder)) {
    return Io("the folder '{}' could not be made: {}", path, error.message());
  }
  return {};
}

}  // namespace varve
