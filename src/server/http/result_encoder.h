// ResultEncoder: the rows of a query as the body of an HTTP answer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/http/column_text.h"
#include "server/http/text_out.h"

namespace arrow {
class RecordBatch;
class Schema;
}  // namespace arrow

namespace varve {

enum class ResultFormat {
  kJson,         // {"rows":[{"name":value,…},…]}: CeresDB's
  kJsonColumns,  // {"names":[…],"types":[…],"values":[[value,…],…]}: one array per row
  kNdjson,       // one object per line
  kCsv,          // RFC 4180 with a header; NULL is an empty field, the empty string is ""
  kArrow,        // an Arrow IPC stream
};

// "json", "json_columns", "ndjson", "csv", "arrow".
std::optional<ResultFormat> ParseResultFormat(std::string_view name);
std::string_view ContentTypeOf(ResultFormat format);

// About the size of a piece of a streamed answer: larger ones would come from fresh pages of the
// kernel every time, which costs as much as encoding; smaller ones cost a switch of threads each.
inline constexpr size_t kPieceBytes = 96 << 10;

// One thread. Calls: Start, any number of (Append, Encode until it returns kBatchDone), Finish;
// Take at any time.
class ResultEncoder {
 public:
  explicit ResultEncoder(ResultFormat format);
  ~ResultEncoder();

  // Errors, of all three: kInternal when Arrow cannot write what it has read.
  Status Start(const std::shared_ptr<arrow::Schema>& schema);
  // The batch has the schema's columns.
  Status Append(std::shared_ptr<arrow::RecordBatch> batch);
  enum class Progress { kRowsLeft, kBatchDone };
  // Writes rows of the batch until size_bytes() >= `bytes_wanted` or none is left.
  Progress Encode(size_t bytes_wanted);
  Status Finish();

  // What has been written and not yet taken.
  size_t size_bytes() const;
  std::string Take();

 private:
  struct ArrowStream;

  void StartText(const arrow::Schema& schema);
  void WriteRow(int64_t row);
  // What stands before each value of a row. Short ones, which are nearly all, are copied as a block
  // of fixed size.
  struct Prefix {
    static constexpr size_t kBlockBytes = 32;
    std::string text;  // padded to kBlockBytes
    size_t size = 0;
  };

  const ResultFormat format_;
  TextOut out_{kPieceBytes + kPieceBytes / 4};
  std::vector<Prefix> prefixes_;
  std::vector<ColumnText> columns_;  // of the batch
  int64_t row_ = 0;                  // the next of the batch
  int64_t row_count_ = 0;
  std::string_view row_end_;
  std::string_view row_separator_;
  bool first_row_ = true;
  std::unique_ptr<ArrowStream> arrow_;
};

}  // namespace varve
