#include "server/influx/line_protocol.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "model/row_batch.h"
#include "server/influx/line_parser_internal.h"

namespace varve {
namespace {

constexpr size_t kErrorsShownMax = 10;
constexpr size_t kLineBytesShownMax = 200;
// String columns count their bytes in 31 bits, and no server takes a body near that.
constexpr size_t kBodyBytesMax = std::numeric_limits<int32_t>::max();

bool IsUtf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

}  // namespace

LineParser::LineParser(std::string_view body, const LineOptions& options)
    : body_(body),
      end_(body.data() + body.size()),
      options_(options),
      now_us_(MicrosecondsOf(options.now.value(), LinePrecision::kMicroseconds).value_or(0)),
      utf8_(IsUtf8(body)),
      counted_to_(body.data()) {}

Result<ParsedLines> LineParser::Run() {
  const char* at = body_.data();
  while (at != end_) {
    while (at != end_ && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')) {
      ++at;
    }
    if (at == end_) {
      break;
    }
    if (*at == '#') {
      at = std::find(at, end_, '\n');
      continue;
    }
    const char* const begin = at;
    at = ReadLine(begin);
    if (!too_large_.empty()) {
      return InvalidArgument("{}; send less at a time", too_large_);
    }
    if (at == nullptr) {
      at = EndOfBadLine(begin);
      DropLine(begin, at);
    }
  }
  return Finish();
}

const char* LineParser::ReadLine(const char* at) {
  const char* const begin = at;
  table_ = nullptr;
  at = ReadKey(at);
  if (at == nullptr) {
    return nullptr;
  }
  const SeriesPlace place = cache_.place();
  LineTable& table = tables_[place.table];
  if (table_ == nullptr) {
    table_ = &table;
    mark_ = table.mark();
    cache_mark_ = cache_.size();
  }
  at = ReadFields(table, at);
  if (at == nullptr) {
    return nullptr;
  }
  at = ReadTime(at);
  if (at == nullptr) {
    return nullptr;
  }
  if (!utf8_ && !IsUtf8({begin, at})) [[unlikely]] {
    return Fail("the line is not valid UTF-8");
  }
  if (table.rows() >= static_cast<size_t>(kBatchRowsMax)) [[unlikely]] {
    too_large_ = fmt::format("the request has more than {} lines of measurement '{}'",
                             kBatchRowsMax, table.name());
    return nullptr;
  }
  table.AddRow(place.series, time_us_);
  return at;
}

// The line break that ends the line: not one inside of quotes, which count only in values of
// fields.
const char* LineParser::EndOfBadLine(const char* at) const {
  bool in_fields = false;
  bool in_value = false;
  bool quoted = false;
  for (; at != end_; ++at) {
    if (*at == '\\' && at + 1 != end_ && at[1] != '\n') {
      ++at;
    } else if (*at == '\n' && !quoted) {
      return at;
    } else if (*at == '"' && in_value) {
      quoted = !quoted;
    } else if (!quoted && *at == ' ') {
      in_fields = true;
    } else if (!quoted && in_fields && (*at == '=' || *at == ',')) {
      in_value = *at == '=';
    }
  }
  return at;
}

const char* LineParser::Fail(std::string_view reason) {
  error_ = reason;
  return nullptr;
}

void LineParser::DropLine(const char* begin, const char* end) {
  if (table_ != nullptr) {
    table_->BackTo(mark_);
    cache_.CutTo(cache_mark_);
  }
  if (parsed_.dropped++ >= kErrorsShownMax) {
    return;
  }
  line_number_ += static_cast<size_t>(std::count(counted_to_, begin, '\n'));
  counted_to_ = begin;
  fmt::format_to(std::back_inserter(parsed_.errors), "{}unable to parse '{}': {} (line {})",
                 parsed_.errors.empty() ? "" : "\n", Shown({begin, end}), error_, line_number_);
}

std::string LineParser::Shown(std::string_view line) const {
  line = line.substr(0, line.find_last_not_of('\r') + 1);
  std::string shown(line.substr(0, kLineBytesShownMax));
  if (shown.size() < line.size()) {
    while (!shown.empty() && (line[shown.size()] & 0xc0) == 0x80) {
      shown.pop_back();  // not in the middle of a character
    }
    shown += "…";
  }
  if (!IsUtf8(shown)) {
    std::ranges::replace_if(shown, [](char c) { return (c & 0x80) != 0; }, '?');
  }
  return shown;
}

Result<ParsedLines> LineParser::Finish() {
  size_t cells = 0;
  for (const LineTable& table : tables_) {
    cells += table.cells();
  }
  if (cells > kLineCellsMax) {
    return InvalidArgument(
        "the request has {} values, absent ones included, {} are allowed; send less at a time",
        cells, kLineCellsMax);
  }
  for (LineTable& table : tables_) {
    if (table.rows() > 0) {
      parsed_.rows += table.rows();
      parsed_.batches.push_back(table.Finish());
    }
  }
  return std::move(parsed_);
}

Result<ParsedLines> ParseLines(std::string_view body, const LineOptions& options) {
  if (body.size() > kBodyBytesMax) {
    return InvalidArgument("the body has {} bytes, {} are allowed", body.size(), kBodyBytesMax);
  }
  return LineParser(body, options).Run();
}

}  // namespace varve
