#include "query/copy_source.h"

#include <algorithm>
#include <array>
#include <duckdb/main/prepared_statement.hpp>
#include <duckdb/parser/parser.hpp>
#include <filesystem>
#include <optional>

#include "query/coercions.h"
#include "query/duckdb_bridge.h"
#include "query/duckdb_types.h"
#include "query/query_result.h"

namespace varve {
namespace {

// DuckDB expands these in paths.
constexpr std::string_view kGlobCharacters = "*?[]{}";

std::string Quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) {
      out.push_back(c);
    }
    out.push_back(c);
  }
  out.push_back(quote);
  return out;
}
std::string Text(std::string_view text) { return Quoted(text, '\''); }
std::string Name(std::string_view name) { return Quoted(name, '"'); }

enum class FileKind : uint8_t { kCsv, kJson, kParquet };

std::string_view Reader(FileKind kind) {
  switch (kind) {
    case FileKind::kCsv:
      return "read_csv";
    case FileKind::kJson:
      return "read_json";
    case FileKind::kParquet:
      return "read_parquet";
  }
  return "";
}

struct CsvOption {
  std::string_view name;    // as users write it
  std::string_view duckdb;  // read_csv's parameter
  enum class Kind { kText, kBoolean, kNumber } kind;
};
constexpr std::array kCsvOptions = {
    CsvOption{"header", "header", CsvOption::Kind::kBoolean},
    CsvOption{"delimiter", "delim", CsvOption::Kind::kText},
    CsvOption{"delim", "delim", CsvOption::Kind::kText},
    CsvOption{"sep", "delim", CsvOption::Kind::kText},
    CsvOption{"quote", "quote", CsvOption::Kind::kText},
    CsvOption{"escape", "escape", CsvOption::Kind::kText},
    CsvOption{"null", "nullstr", CsvOption::Kind::kText},
    CsvOption{"nullstr", "nullstr", CsvOption::Kind::kText},
    CsvOption{"skip", "skip", CsvOption::Kind::kNumber},
    CsvOption{"compression", "compression", CsvOption::Kind::kText},
    CsvOption{"decimal_separator", "decimal_separator", CsvOption::Kind::kText},
};

std::string Lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

Result<FileKind> KindOf(const CopyRequest& request) {
  std::string format;
  if (const auto option = request.options.find("format"); option != request.options.end()) {
    format = Lower(option->second);
  } else {
    std::filesystem::path path(Lower(request.path));
    if (path.extension() == ".gz" || path.extension() == ".zst") {
      path = path.stem();
    }
    const std::string ending = path.extension();
    format = ending == ".parquet"                                             ? "parquet"
             : ending == ".csv" || ending == ".tsv"                           ? "csv"
             : ending == ".json" || ending == ".ndjson" || ending == ".jsonl" ? "json"
                                                                              : "";
  }
  if (format == "csv") {
    return FileKind::kCsv;
  }
  if (format == "parquet") {
    return FileKind::kParquet;
  }
  if (format == "json") {
    return FileKind::kJson;
  }
  return InvalidArgument(
      "COPY reads csv, json and parquet; say which with (FORMAT csv), (FORMAT json) or (FORMAT "
      "parquet)");
}

Result<std::string> CsvParameter(const CsvOption& option, const std::string& value) {
  switch (option.kind) {
    case CsvOption::Kind::kText:
      return fmt::format("{} = {}", option.duckdb, Text(value));
    case CsvOption::Kind::kBoolean: {
      const std::string lower = Lower(value);
      if (lower == "true" || lower == "1" || lower.empty() || lower == "on") {
        return fmt::format("{} = true", option.duckdb);
      }
      if (lower == "false" || lower == "0" || lower == "off") {
        return fmt::format("{} = false", option.duckdb);
      }
      return InvalidArgument("COPY option {} is true or false, not '{}'", option.name, value);
    }
    case CsvOption::Kind::kNumber:
      if (value.empty() || value.size() > 9 ||
          !std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; })) {
        return InvalidArgument("COPY option {} is a number, not '{}'", option.name, value);
      }
      return fmt::format("{} = {}", option.duckdb, value);
  }
  return Internal("no such option kind");
}

// {'column': 'TYPE', …} of all columns of the table. Bytes are read as text: only a cast of text
// takes their escapes for what they stand for.
std::string DeclaredColumns(const TableSchema& schema) {
  std::string columns;
  for (const ColumnSchema& column : schema.columns()) {
    if (column.name != kTsidColumn) {
      const ColumnType type =
          column.type == ColumnType::kVarbinary ? ColumnType::kString : column.type;
      columns += fmt::format("{}{}: {}", columns.empty() ? "" : ", ", Text(column.name),
                             Text(DuckDbType(type).ToString()));
    }
  }
  return "{" + columns + "}";
}

constexpr uint64_t kCsvBufferBytesMin = uint64_t{2} << 20;
// DuckDB's own, which can only be raised.
constexpr uint64_t kJsonObjectBytes = uint64_t{16} << 20;

// What DuckDB's reader is to expect: buffers that hold some records.
std::string SizeParameters(FileKind kind, uint64_t longest_record) {
  const uint64_t limit = longest_record + 1;
  if (kind == FileKind::kCsv) {
    return fmt::format(", max_line_size = {}, buffer_size = {}", limit,
                       std::max(kCsvBufferBytesMin, 2 * limit));
  }
  return fmt::format(", maximum_object_size = {}", std::max(kJsonObjectBytes, limit));
}

// The call of DuckDB's reader. All CSV fields are read as text: what they mean is in the table, not
// in their looks.
Result<std::string> ReaderCall(const CopyRequest& request, FileKind kind, const std::string& path) {
  std::string call = fmt::format("{}({}", Reader(kind), Text(path));
  if (kind == FileKind::kCsv) {
    call += ", all_varchar = true";
  }
  const bool declared = request.fields == CopyRequest::Fields::kDeclared;
  if (kind == FileKind::kCsv && declared) {
    call += ", header = true, delim = ',', quote = '\"', escape = '\"', allow_quoted_nulls = false";
  }
  if (kind == FileKind::kJson && declared) {
    call += fmt::format(", format = 'newline_delimited', columns = {}",
                        DeclaredColumns(*request.schema));
  } else if (kind == FileKind::kJson) {
    // All rows say what is in a column, not the first ones only.
    call += ", sample_size = -1";
  }
  if (request.longest_record && kind != FileKind::kParquet) {
    call += SizeParameters(kind, *request.longest_record);
  }
  for (const auto& [key, value] : request.options) {
    if (key == "format") {
      continue;
    }
    const auto option = std::ranges::find(kCsvOptions, key, &CsvOption::name);
    if (kind != FileKind::kCsv || option == kCsvOptions.end()) {
      return InvalidArgument("COPY has no option {} for {} files", key,
                             Reader(kind).substr(std::string_view("read_").size()));
    }
    VARVE_ASSIGN(const std::string parameter, CsvParameter(*option, value));
    call += ", " + parameter;
  }
  return call + ")";
}

struct FileColumn {
  std::string name;
  duckdb::LogicalType type;
};

Result<std::vector<FileColumn>> Describe(duckdb::Connection& connection, const std::string& call) {
  return Caught([&]() -> Result<std::vector<FileColumn>> {
    const auto prepared = connection.Prepare("SELECT * FROM " + call);
    if (prepared->HasError()) {
      return std::unexpected(ToError(prepared->GetErrorObject()));
    }
    std::vector<FileColumn> columns;
    for (size_t i = 0; i < prepared->GetNames().size(); ++i) {
      columns.push_back({prepared->GetNames()[i], prepared->GetTypes()[i]});
    }
    return columns;
  });
}

// Column of the file -> column of the table: by name, else (a CSV without a header, whose names
// DuckDB makes up) by place.
struct Pair {
  size_t file = 0;
  size_t table = 0;
};

bool HasMadeUpNames(const std::vector<FileColumn>& file) {
  for (size_t i = 0; i < file.size(); ++i) {
    if (!file[i].name.starts_with("column") ||
        file[i].name.find_first_not_of("0123456789", 6) != std::string::npos ||
        file[i].name.size() == 6) {
      return false;
    }
  }
  return true;
}

Result<std::vector<Pair>> MatchByPlace(const CopyRequest& request,
                                       const std::vector<FileColumn>& file,
                                       const std::vector<size_t>& wanted) {
  if (file.size() != wanted.size()) {
    return InvalidArgument(
        "'{}' has {} columns, {} were expected; a file with names matches by name", request.path,
        file.size(), wanted.size());
  }
  std::vector<Pair> pairs;
  for (size_t i = 0; i < wanted.size(); ++i) {
    pairs.push_back({i, wanted[i]});
  }
  return pairs;
}

Result<std::vector<size_t>> WantedColumns(const CopyRequest& request) {
  std::vector<size_t> wanted;
  if (request.columns.empty()) {
    for (size_t i = 0; i < request.schema->columns().size(); ++i) {
      if (i != request.schema->tsid_index()) {
        wanted.push_back(i);
      }
    }
    return wanted;
  }
  for (const std::string& name : request.columns) {
    const auto index = request.schema->FindIndex(name);
    if (!index || index == request.schema->tsid_index()) {
      return InvalidArgument("Unknown insert column, name:{}", name);
    }
    wanted.push_back(*index);
  }
  return wanted;
}

Result<std::vector<Pair>> Match(const CopyRequest& request, const std::vector<FileColumn>& file,
                                FileKind kind) {
  VARVE_ASSIGN(const std::vector<size_t> wanted, WantedColumns(request));
  const auto header = request.options.find("header");
  const bool no_names = kind == FileKind::kCsv &&
                        (HasMadeUpNames(file) ||
                         (header != request.options.end() && Lower(header->second) == "false"));
  if (no_names) {
    return MatchByPlace(request, file, wanted);
  }
  std::vector<Pair> pairs;
  for (size_t i = 0; i < file.size(); ++i) {
    const auto index = request.schema->FindIndex(file[i].name);
    if (index && std::ranges::find(wanted, *index) != wanted.end()) {
      pairs.push_back({i, *index});
    } else if (request.columns.empty() && file[i].name != kTsidColumn) {
      return InvalidArgument(
          "'{}' has a column that the table lacks: {}; list the columns to copy, or add it to the "
          "table",
          request.path, file[i].name);
    }
  }
  if (!request.columns.empty() && pairs.size() != wanted.size()) {
    return InvalidArgument("'{}' does not have all of the listed columns", request.path);
  }
  if (pairs.empty()) {
    return InvalidArgument("'{}' has none of the table's columns", request.path);
  }
  return pairs;
}

// The value in the table's type, NULL when it does not fit.
std::string Converted(const std::string& value, const FileColumn& from, const ColumnSchema& to) {
  const std::string type = DuckDbType(to.type).ToString();
  if (to.type == ColumnType::kTimestamp && from.type.id() == duckdb::LogicalTypeId::VARCHAR) {
    return fmt::format(
        "CASE WHEN regexp_full_match({0}, '[+-]?[0-9]+') THEN TRY_CAST(TRY_CAST({0} AS BIGINT) AS "
        "{1}) "
        "ELSE CAST(TRY_CAST({0} AS TIMESTAMPTZ) AS {1}) END",
        value, type);
  }
  return fmt::format("TRY_CAST({} AS {})", value, type);
}

std::string Selected(const CopyRequest& request, const FileColumn& from, const ColumnSchema& to) {
  const std::string value = Name(from.name);
  if (from.type == DuckDbType(to.type)) {
    return value;
  }
  const std::string problem = fmt::format("'{}', column {}: cannot be stored as {}: ", request.path,
                                          to.name, ColumnTypeName(to.type));
  return fmt::format(
      "CASE WHEN {0} IS NULL THEN NULL ELSE coalesce({1}, error({2} || CAST({0} AS VARCHAR))) END",
      value, Converted(value, from, to), Text(problem));
}

}  // namespace

CopySource::CopySource(CopyPolicy policy, uint64_t memory_bytes_max, CopyThreads threads)
    : policy_(std::move(policy)), engine_(memory_bytes_max, threads, RegisterCoercions) {}

Result<std::string> CopySource::CheckPath(const std::string& path) const {
  if (path.find_first_of(kGlobCharacters) != std::string::npos ||
      path.find('\0') != std::string::npos) {
    return InvalidArgument("COPY reads one file: '{}' may hold none of {}", path, kGlobCharacters);
  }
  const auto not_allowed = [&] {
    return InvalidArgument(
        "COPY may not read '{}': the server reads files below its copy folders only (see its "
        "configuration)",
        path);
  };
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(path, error);
  const bool everywhere = policy_.reach == CopyPolicy::Reach::kEverywhere;
  if (error) {
    // Elsewhere, whether a file is there is nobody's business.
    return everywhere ? Result<std::string>(NotFound("there is no file '{}'", path))
                      : not_allowed();
  }
  if (!AllowsPath(policy_, real)) {
    return not_allowed();
  }
  if (!std::filesystem::is_regular_file(real, error)) {
    return InvalidArgument("'{}' is no file", path);
  }
  if (real.string().find_first_of(kGlobCharacters) != std::string::npos) {
    return InvalidArgument("COPY cannot read '{}': its path holds one of {}", path,
                           kGlobCharacters);
  }
  return real.string();
}

Result<CopyRows> CopySource::Open(const CopyRequest& request) {
  VARVE_ASSIGN(const std::string path, CheckPath(request.path));
  VARVE_ASSIGN(const FileKind kind, KindOf(request));
  VARVE_ASSIGN(const std::string call, ReaderCall(request, kind, path));
  CopyRows copy;
  VARVE_ASSIGN(copy.connection, engine_.Connect());
  VARVE_ASSIGN(const std::vector<FileColumn> file, Describe(*copy.connection, call));
  VARVE_ASSIGN(const std::vector<Pair> pairs, Match(request, file, kind));
  std::string selected;
  for (const Pair& pair : pairs) {
    selected += selected.empty() ? "" : ", ";
    selected += Selected(request, file[pair.file], request.schema->columns()[pair.table]);
    copy.targets.push_back(pair.table);
  }
  const std::string sql = fmt::format("SELECT {} FROM {}", selected, call);
  VARVE_ASSIGN(auto statement,
               Caught([&] { return std::move(copy.connection->ExtractStatements(sql).front()); }));
  VARVE_ASSIGN(copy.rows, RunQuery(*copy.connection, std::move(statement),
                                   [](std::string message) { return message; }));
  return copy;
}

}  // namespace varve
