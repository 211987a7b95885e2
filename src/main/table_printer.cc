#include "main/table_printer.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <wchar.h>

#include <algorithm>
#include <utility>

#include "main/value_text.h"

namespace varve {
namespace {

constexpr size_t kOutputBytes = 64 << 10;  // written at once

// Decodes one character at `at`, moves on. What is not UTF-8 is taken byte by byte.
wchar_t NextCharacter(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at++);
  const size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
  wchar_t character = more == 0 ? first : first & (0x3f >> more);
  for (size_t i = 0; i < more && at < text.size() && (byte(at) & 0xc0) == 0x80; ++i) {
    character = (character << 6) | (byte(at++) & 0x3f);
  }
  return character;
}

// A value must stay in its line: line breaks and other control characters are shown by their
// escapes.
std::string OneLine(std::string text) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::ranges::none_of(text, is_control)) {
    return text;
  }
  std::string shown;
  for (const char c : text) {
    if (c == '\n') {
      shown += "\\n";
    } else if (c == '\t') {
      shown += "\\t";
    } else if (is_control(c)) {
      shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      shown += c;
    }
  }
  return shown;
}

class BufferedOutput {
 public:
  explicit BufferedOutput(TextOutput output) : output_(std::move(output)) {}
  Status Write(std::string_view text) {
    buffer_ += text;
    return buffer_.size() < kOutputBytes ? Status() : Flush();
  }
  Status Flush() {
    const std::string text = std::exchange(buffer_, {});
    return text.empty() ? Status() : output_(text);
  }

 private:
  TextOutput output_;
  std::string buffer_;
};

class AlignedPrinter final : public TablePrinter {
 public:
  explicit AlignedPrinter(TextOutput output) : output_(std::move(output)) {}

  Status Begin(const arrow::Schema& schema) override {
    for (const auto& field : schema.fields()) {
      names_.push_back(OneLine(field->name()));
      widths_.push_back(DisplayWidth(names_.back()));
      right_.push_back(IsNumberType(*field->type()));
    }
    return {};
  }

  Status Rows(const arrow::RecordBatch& batch) override {
    for (int64_t row = 0; row < batch.num_rows(); ++row) {
      std::vector<std::string> cells;
      for (const auto& column : batch.columns()) {
        cells.push_back(OneLine(ValueText(*column, row, TextStyle::kPlain)));
      }
      ++row_count_;
      if (header_written_) {
        VARVE_TRY(WriteLine(cells));
        continue;
      }
      for (size_t i = 0; i < cells.size(); ++i) {
        widths_[i] = std::max(widths_[i], DisplayWidth(cells[i]));
      }
      measured_.push_back(std::move(cells));
      if (measured_.size() >= kRowsMeasured) {
        VARVE_TRY(WriteMeasured());
      }
    }
    return {};
  }

  Status Finish() override {
    if (!header_written_) {
      VARVE_TRY(WriteMeasured());
    }
    VARVE_TRY(output_.Write(fmt::format("({} row{})\n", row_count_, row_count_ == 1 ? "" : "s")));
    return output_.Flush();
  }

 private:
  Status WriteMeasured() {
    header_written_ = true;
    VARVE_TRY(WriteLine(names_));
    std::string rule;
    for (const size_t width : widths_) {
      rule += (rule.empty() ? "-" : "+-") + std::string(width + 1, '-');
    }
    VARVE_TRY(output_.Write(rule + "\n"));
    for (const std::vector<std::string>& cells : measured_) {
      VARVE_TRY(WriteLine(cells));
    }
    measured_.clear();
    return {};
  }

  Status WriteLine(const std::vector<std::string>& cells) {
    std::string line;
    for (size_t i = 0; i < cells.size(); ++i) {
      const size_t width = DisplayWidth(cells[i]);
      const std::string blanks(width < widths_[i] ? widths_[i] - width : 0, ' ');
      line += i == 0 ? " " : " | ";
      line += right_[i] ? blanks + cells[i] : cells[i] + blanks;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return output_.Write(line + "\n");
  }

  BufferedOutput output_;
  std::vector<std::string> names_;
  std::vector<size_t> widths_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> measured_;
  bool header_written_ = false;
  uint64_t row_count_ = 0;
};

std::string CsvText(const std::string& text) {
  if (!text.empty() && text.find_first_of(",\"\r\n") == std::string::npos) {
    return text;
  }
  std::string quoted = "\"";
  for (const char c : text) {
    quoted += c;
    if (c == '"') {
      quoted += c;
    }
  }
  return quoted + "\"";
}

class CsvPrinter final : public TablePrinter {
 public:
  explicit CsvPrinter(TextOutput output) : output_(std::move(output)) {}

  Status Begin(const arrow::Schema& schema) override {
    std::string line;
    for (int i = 0; i < schema.num_fields(); ++i) {
      line += (i == 0 ? "" : ",") + CsvText(schema.field(i)->name());
    }
    return output_.Write(line + "\n");
  }

  Status Rows(const arrow::RecordBatch& batch) override {
    for (int64_t row = 0; row < batch.num_rows(); ++row) {
      std::string line;
      for (int i = 0; i < batch.num_columns(); ++i) {
        const arrow::Array& column = *batch.column(i);
        line += i == 0 ? "" : ",";
        line += column.IsNull(row) ? "" : CsvText(ValueText(column, row, TextStyle::kPlain));
      }
      VARVE_TRY(output_.Write(line + "\n"));
    }
    return {};
  }

  Status Finish() override { return output_.Flush(); }

 private:
  BufferedOutput output_;
};

class JsonPrinter final : public TablePrinter {
 public:
  explicit JsonPrinter(TextOutput output) : output_(std::move(output)) {}

  Status Begin(const arrow::Schema& schema) override {
    for (const auto& field : schema.fields()) {
      names_.push_back(JsonString(field->name()));
    }
    return output_.Write("{\"rows\":[");
  }

  Status Rows(const arrow::RecordBatch& batch) override {
    for (int64_t row = 0; row < batch.num_rows(); ++row) {
      std::string line = first_ ? "\n{" : ",\n{";
      first_ = false;
      for (int i = 0; i < batch.num_columns(); ++i) {
        line += fmt::format("{}{}:{}", i == 0 ? "" : ",", names_[static_cast<size_t>(i)],
                            ValueText(*batch.column(i), row, TextStyle::kJson));
      }
      VARVE_TRY(output_.Write(line + "}"));
    }
    return {};
  }

  Status Finish() override {
    VARVE_TRY(output_.Write("]}\n"));
    return output_.Flush();
  }

 private:
  BufferedOutput output_;
  std::vector<std::string> names_;
  bool first_ = true;
};

}  // namespace

std::unique_ptr<TablePrinter> MakeTablePrinter(OutputFormat format, TextOutput output) {
  switch (format) {
    case OutputFormat::kTable:
      return std::make_unique<AlignedPrinter>(std::move(output));
    case OutputFormat::kCsv:
      return std::make_unique<CsvPrinter>(std::move(output));
    case OutputFormat::kJson:
      return std::make_unique<JsonPrinter>(std::move(output));
  }
  return nullptr;
}

Result<OutputFormat> ParseOutputFormat(std::string_view name) {
  if (name == "table") {
    return OutputFormat::kTable;
  }
  if (name == "csv") {
    return OutputFormat::kCsv;
  }
  if (name == "json") {
    return OutputFormat::kJson;
  }
  return InvalidArgument("'{}' is not a format: table, csv or json", name);
}

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  for (size_t at = 0; at < text.size();) {
    const int columns = ::wcwidth(NextCharacter(text, at));
    width += columns < 0 ? 1 : static_cast<size_t>(columns);
  }
  return width;
}

}  // namespace varve
