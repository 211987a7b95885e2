#include "query/copy_options.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "query/name_text.h"
#include "sql/keywords.h"

namespace varve {
namespace {

struct Option {
  std::string_view format;
  std::string_view name;    // as users write it
  std::string_view duckdb;  // as DuckDB's COPY has it
  enum class Kind : uint8_t { kText, kBoolean, kNumber } kind;
};
constexpr std::array kOptions = {
    Option{"csv", "header", "HEADER", Option::Kind::kBoolean},
    Option{"csv", "delimiter", "DELIMITER", Option::Kind::kText},
    Option{"csv", "delim", "DELIMITER", Option::Kind::kText},
    Option{"csv", "sep", "DELIMITER", Option::Kind::kText},
    Option{"csv", "quote", "QUOTE", Option::Kind::kText},
    Option{"csv", "escape", "ESCAPE", Option::Kind::kText},
    Option{"csv", "null", "NULLSTR", Option::Kind::kText},
    Option{"csv", "nullstr", "NULLSTR", Option::Kind::kText},
    Option{"csv", "compression", "COMPRESSION", Option::Kind::kText},
    Option{"json", "array", "ARRAY", Option::Kind::kBoolean},
    Option{"json", "compression", "COMPRESSION", Option::Kind::kText},
    Option{"parquet", "compression", "COMPRESSION", Option::Kind::kText},
    Option{"parquet", "row_group_size", "ROW_GROUP_SIZE", Option::Kind::kNumber},
};
constexpr std::array<std::string_view, 3> kFormats = {"csv", "json", "parquet"};

Result<std::string> FormatOf(const std::string& path,
                             const std::map<std::string, std::string>& options) {
  if (const auto given = options.find("format"); given != options.end()) {
    std::string format = ToLower(given->second);
    if (std::ranges::find(kFormats, format) == kFormats.end()) {
      return InvalidArgument("COPY writes csv, json and parquet, not '{}'", given->second);
    }
    return format;
  }
  std::filesystem::path name(ToLower(path));
  if (name.extension() == ".gz" || name.extension() == ".zst") {
    name = name.stem();
  }
  const std::string ending = name.extension();
  if (ending == ".parquet") {
    return "parquet";
  }
  if (ending == ".csv" || ending == ".tsv") {
    return "csv";
  }
  if (ending == ".json" || ending == ".ndjson" || ending == ".jsonl") {
    return "json";
  }
  return InvalidArgument(
      "'{}': say what to write with (FORMAT csv), (FORMAT json) or (FORMAT parquet)", path);
}

Result<bool> BooleanOf(std::string_view name, const std::string& value) {
  const std::string lower = ToLower(value);
  if (lower == "true" || lower == "1" || lower == "on") {
    return true;
  }
  if (lower == "false" || lower == "0" || lower == "off") {
    return false;
  }
  return InvalidArgument("COPY option {} is true or false, not '{}'", name, value);
}

Result<std::string> ValueOf(const Option& option, const std::string& value) {
  switch (option.kind) {
    case Option::Kind::kText:
      return QuotedText(value);
    case Option::Kind::kBoolean: {
      VARVE_ASSIGN(const bool on, BooleanOf(option.name, value));
      return std::string(on ? "true" : "false");
    }
    case Option::Kind::kNumber:
      if (value.empty() || value.size() > 9 ||
          !std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; })) {
        return InvalidArgument("COPY option {} is a number, not '{}'", option.name, value);
      }
      return value;
  }
  return Internal("no such option kind");
}

}  // namespace

Result<CopyToOptions> ParseCopyToOptions(const std::string& path,
                                         const std::map<std::string, std::string>& options) {
  CopyToOptions out;
  VARVE_ASSIGN(out.format, FormatOf(path, options));
  out.duckdb = "FORMAT " + out.format;
  bool header = false;
  for (const auto& [key, value] : options) {
    if (key == "format") {
      continue;
    }
    if (key == "overwrite") {
      VARVE_ASSIGN(const bool on, BooleanOf(key, value));
      out.overwrite = on ? CopyToOptions::Overwrite::kYes : CopyToOptions::Overwrite::kNo;
      continue;
    }
    const auto option = std::ranges::find_if(kOptions, [&](const Option& known) {
      return known.format == out.format && known.name == key;
    });
    if (option == kOptions.end()) {
      return InvalidArgument("COPY has no option {} for {} files", key, out.format);
    }
    VARVE_ASSIGN(const std::string text, ValueOf(*option, value));
    out.duckdb += fmt::format(", {} {}", option->duckdb, text);
    header = header || option->name == "header";
  }
  if (out.format == "csv" && !header) {
    out.duckdb += ", HEADER true";
  }
  return out;
}

}  // namespace varve
