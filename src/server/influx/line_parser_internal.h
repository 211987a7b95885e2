// LineParser: the one pass over the text. Fast where a line looks like those before it: the series
// is the predicted one, the fields come in the order of the columns, numbers are short.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/influx/line_protocol.h"
#include "server/influx/line_table.h"
#include "server/influx/series_cache.h"

namespace varve {

// One thread. Functions that read return where they stopped, nullptr for an error, which is then in
// error_.
class LineParser {
 public:
  LineParser(std::string_view body, const LineOptions& options);
  Result<ParsedLines> Run();

 private:
  struct FieldValue {
    const char* end = nullptr;
    ColumnType type = ColumnType::kDouble;
    uint64_t word = 0;
    std::string_view text;
  };

  const char* ReadLine(const char* at);
  const char* ReadKey(const char* at);
  const char* ReadNewKey(const char* at);
  bool SplitKey(std::string_view key);
  bool SplitTags(std::string_view text);
  bool PlaceSeries(std::string_view key);
  std::optional<uint32_t> TableOf(std::string_view raw_measurement);
  std::string_view CanonicalKey();

  const char* ReadFields(LineTable& table, const char* at);
  const char* ReadUnexpectedField(LineTable& table, const char* at);
  const char* EndOfFieldName(const char* at);
  bool SetField(LineTable& table, FieldColumn& column, const FieldValue& value);
  FieldValue ReadValue(const char* at);
  FieldValue ReadNumber(const char* at);
  FieldValue ReadAnyDouble(const char* at);
  FieldValue ReadBoolean(const char* at);
  FieldValue ReadString(const char* at);
  FieldValue ReadEscapedString(const char* at);
  const char* ReadTime(const char* at);

  bool IsValueEnd(const char* at) const;
  const char* AfterLineBreak(const char* at) const;
  const char* EndOfBadLine(const char* at) const;
  const char* Fail(std::string_view reason);
  FieldValue FailValue(std::string_view reason);
  void DropLine(const char* begin, const char* end);
  std::string Shown(std::string_view line) const;
  Result<ParsedLines> Finish();

  const std::string_view body_;
  const char* const end_;
  const LineOptions options_;
  const int64_t now_us_;
  bool utf8_ = true;  // all of the body

  SeriesCache cache_;
  std::deque<LineTable> tables_;
  std::unordered_map<std::string, uint32_t> table_index_;  // by raw measurement
  std::deque<std::string> canonical_keys_;

  // Of the line that is being read.
  int64_t time_us_ = 0;
  std::string_view raw_measurement_;
  std::vector<LineTable::Tag> tags_;
  std::string unescaped_;  // of a string field
  LineTable* table_ = nullptr;
  LineTable::Mark mark_;
  size_t cache_mark_ = 0;

  size_t padded_cells_ = 0;
  std::string error_;      // of the line
  std::string too_large_;  // of the request: ends it
  ParsedLines parsed_;
  const char* counted_to_;  // lines are counted only when one is bad
  size_t line_number_ = 1;
};

}  // namespace varve
