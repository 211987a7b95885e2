#include "server/http/result_encoder.h"

#include <arrow/io/interfaces.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/status.h>
#include <arrow/type.h>

#include <array>

#include "server/http/json_text.h"
#include "server/http/result_type_name.h"

namespace varve {
namespace {

struct FormatName {
  std::string_view name;
  ResultFormat format;
  std::string_view content_type;
};

constexpr std::array kFormats = {
    FormatName{"json", ResultFormat::kJson, "application/json"},
    FormatName{"json_columns", ResultFormat::kJsonColumns, "application/json"},
    FormatName{"ndjson", ResultFormat::kNdjson, "application/x-ndjson"},
    FormatName{"csv", ResultFormat::kCsv, "text/csv; charset=utf-8"},
    FormatName{"arrow", ResultFormat::kArrow, "application/vnd.apache.arrow.stream"},
};

Status FromArrow(const arrow::Status& status) {
  if (!status.ok()) {
    return Internal("the result cannot be written as Arrow: {}", status.ToString());
  }
  return {};
}

// A stream that ends in a string.
class StringStream final : public arrow::io::OutputStream {
 public:
  arrow::Status Close() override { return arrow::Status::OK(); }
  bool closed() const override { return false; }
  arrow::Result<int64_t> Tell() const override { return written_; }
  arrow::Status Write(const void* data, int64_t bytes) override {
    text.append(static_cast<const char*>(data), static_cast<size_t>(bytes));
    written_ += bytes;
    return arrow::Status::OK();
  }
  std::string text;

 private:
  int64_t written_ = 0;
};

std::string CsvName(const std::string& name) {
  if (!name.empty() && name.find_first_of(",\"\r\n") == std::string::npos) {
    return name;
  }
  std::string quoted = "\"";
  for (const char c : name) {
    quoted.append(c == '"' ? 2 : 1, c);
  }
  return quoted + '"';
}

}  // namespace

struct ResultEncoder::ArrowStream {
  std::shared_ptr<StringStream> sink = std::make_shared<StringStream>();
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer;
};

std::optional<ResultFormat> ParseResultFormat(std::string_view name) {
  for (const FormatName& format : kFormats) {
    if (format.name == name) {
      return format.format;
    }
  }
  return std::nullopt;
}

std::string_view ContentTypeOf(ResultFormat format) {
  return kFormats[static_cast<size_t>(format)].content_type;
}

ResultEncoder::ResultEncoder(ResultFormat format) : format_(format) {}
ResultEncoder::~ResultEncoder() = default;

Status ResultEncoder::Start(const std::shared_ptr<arrow::Schema>& schema) {
  if (format_ != ResultFormat::kArrow) {
    StartText(*schema);
    return {};
  }
  arrow_ = std::make_unique<ArrowStream>();
  auto writer = arrow::ipc::MakeStreamWriter(arrow_->sink, schema);
  VARVE_TRY(FromArrow(writer.status()));
  arrow_->writer = *std::move(writer);
  return {};
}

void ResultEncoder::StartText(const arrow::Schema& schema) {
  std::string names;
  std::string types;
  for (int i = 0; i < schema.num_fields(); ++i) {
    const std::string& name = schema.field(i)->name();
    const std::string_view comma = i == 0 ? "" : ",";
    const bool object = format_ == ResultFormat::kJson || format_ == ResultFormat::kNdjson;
    const std::string_view open = object ? "{" : (format_ == ResultFormat::kCsv ? "" : "[");
    Prefix prefix;
    prefix.text.append(i == 0 ? open : comma).append(object ? JsonString(name) + ":" : "");
    prefix.size = prefix.text.size();
    prefix.text.resize(std::max(prefix.size, Prefix::kBlockBytes));
    prefixes_.push_back(std::move(prefix));
    names.append(comma).append(format_ == ResultFormat::kCsv ? CsvName(name) : JsonString(name));
    types.append(comma).append(JsonString(ResultTypeName(*schema.field(i)->type())));
  }
  switch (format_) {
    case ResultFormat::kJson:
      out_.Write(R"({"rows":[)");
      row_end_ = "}";
      row_separator_ = ",";
      break;
    case ResultFormat::kJsonColumns:
      out_.Write(fmt::format(R"({{"names":[{}],"types":[{}],"values":[)", names, types));
      row_end_ = "]";
      row_separator_ = ",";
      break;
    case ResultFormat::kNdjson:
      row_end_ = "}\n";
      break;
    default:
      out_.Write(names + "\r\n");
      row_end_ = "\r\n";
  }
}

Status ResultEncoder::Append(std::shared_ptr<arrow::RecordBatch> batch) {
  if (arrow_ != nullptr) {
    return FromArrow(arrow_->writer->WriteRecordBatch(*batch));
  }
  columns_.clear();
  for (const auto& array : batch->columns()) {
    columns_.emplace_back(array);
  }
  row_ = 0;
  row_count_ = batch->num_rows();
  return {};
}

ResultEncoder::Progress ResultEncoder::Encode(size_t bytes_wanted) {
  while (row_ < row_count_ && out_.size() < bytes_wanted) {
    WriteRow(row_++);
  }
  return row_ < row_count_ ? Progress::kRowsLeft : Progress::kBatchDone;
}

void ResultEncoder::WriteRow(int64_t row) {
  const bool csv = format_ == ResultFormat::kCsv;
  if (!std::exchange(first_row_, false)) {
    out_.Write(row_separator_);
  }
  for (size_t i = 0; i < columns_.size(); ++i) {
    const Prefix& prefix = prefixes_[i];
    out_.Ensure(prefix.text.size());
    if (prefix.size <= Prefix::kBlockBytes) [[likely]] {
      std::memcpy(out_.at, prefix.text.data(), Prefix::kBlockBytes);
    } else {
      std::memcpy(out_.at, prefix.text.data(), prefix.size);
    }
    out_.at += prefix.size;
    csv ? columns_[i].WriteCsv(out_, row) : columns_[i].WriteJson(out_, row);
  }
  out_.Write(row_end_);
}

Status ResultEncoder::Finish() {
  if (arrow_ != nullptr) {
    return FromArrow(arrow_->writer->Close());
  }
  if (format_ == ResultFormat::kJson || format_ == ResultFormat::kJsonColumns) {
    out_.Write("]}");
  }
  return {};
}

size_t ResultEncoder::size_bytes() const {
  return arrow_ != nullptr ? arrow_->sink->text.size() : out_.size();
}

std::string ResultEncoder::Take() {
  return arrow_ != nullptr ? std::exchange(arrow_->sink->text, std::string()) : out_.Take();
}

}  // namespace varve
