#include "sst/sst_format.h"

#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

namespace varve {
namespace {

constexpr const char* kFormatKey = "varve.format";
constexpr const char* kVersionKey = "varve.version";
constexpr const char* kFileIdKey = "varve.file_id";
constexpr const char* kSchemaIdKey = "varve.schema_id";
constexpr const char* kSegmentStartKey = "varve.segment_start";
constexpr const char* kColumnsKey = "varve.columns";
constexpr const char* kSeriesTagsKey = "varve.series_tags";
constexpr const char* kConstantTags = "constant";
constexpr const char* kMixedTags = "mixed";
constexpr const char* kFieldIdKey = "PARQUET:field_id";

using Pairs = std::map<std::string, std::string>;

Result<std::string> Find(const Pairs& pairs, const char* key) {
  const auto found = pairs.find(key);
  if (found == pairs.end()) {
    return Corruption("not a Varve data file: the key/value metadata has no '{}'", key);
  }
  return found->second;
}

template <class T>
std::optional<T> ParseNumber(std::string_view text) {
  T value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

template <class T>
Result<T> FindNumber(const Pairs& pairs, const char* key) {
  VARVE_ASSIGN(const std::string text, Find(pairs, key));
  const auto value = ParseNumber<T>(text);
  if (!value) {
    return Corruption("'{}' of the key/value metadata is '{}', not a number", key, text);
  }
  return *value;
}

Status CheckVersion(const Pairs& pairs) {
  VARVE_ASSIGN(const std::string format, Find(pairs, kFormatKey));
  if (format != kSstFormat) {
    return Corruption("'{}' is '{}', not '{}'", kFormatKey, format, kSstFormat);
  }
  VARVE_ASSIGN(const std::string version, Find(pairs, kVersionKey));
  const std::string_view view = version;
  const size_t dot = view.find('.');
  const auto major = ParseNumber<uint32_t>(view.substr(0, dot));
  if (dot == std::string_view::npos || !major || !ParseNumber<uint32_t>(view.substr(dot + 1))) {
    return Corruption("'{}' is '{}', not a version", kVersionKey, version);
  }
  if (*major > kSstVersionMajor) {
    return NotSupported(
        "the data file has format version {}, this Varve reads up to {}.x: use a newer Varve",
        version, kSstVersionMajor);
  }
  return {};
}

Result<std::map<uint32_t, ColumnType>> ParseColumns(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return Corruption("'{}' is not a JSON object", kColumnsKey);
  }
  std::map<uint32_t, ColumnType> columns;
  for (const auto& [key, value] : json.items()) {
    const auto id = ParseNumber<uint32_t>(key);
    const auto* name = value.get_ptr<const std::string*>();
    const auto type = name == nullptr ? std::nullopt : ParseColumnType(*name);
    if (!id || !type) {
      return Corruption("'{}' has the entry '{}', which is no column id with a column type",
                        kColumnsKey, key);
    }
    columns[*id] = *type;
  }
  return columns;
}

}  // namespace

std::map<std::string, std::string> EncodeSstHeader(const SstHeader& header) {
  // Written by hand so that ids stand in numeric order; type names need no escaping.
  std::string columns;
  for (const auto& [id, type] : header.columns) {
    columns += fmt::format("{}\"{}\":\"{}\"", columns.empty() ? "" : ",", id, ColumnTypeName(type));
  }
  std::map<std::string, std::string> pairs = {
      {kFormatKey, std::string(kSstFormat)},
      {kVersionKey, fmt::format("{}.{}", kSstVersionMajor, kSstVersionMinor)},
      {kFileIdKey, header.file_id.ToString()},
      {kSchemaIdKey, fmt::format("{}", header.schema_id)},
      {kSegmentStartKey, fmt::format("{}", header.segment_start.value())},
      {kColumnsKey, "{" + columns + "}"}};
  if (header.series_tags != SeriesTags::kUnknown) {
    pairs[kSeriesTagsKey] =
        header.series_tags == SeriesTags::kConstant ? kConstantTags : kMixedTags;
  }
  return pairs;
}

Result<SstHeader> DecodeSstHeader(const std::map<std::string, std::string>& pairs) {
  VARVE_TRY(CheckVersion(pairs));
  VARVE_ASSIGN(const std::string file_id, Find(pairs, kFileIdKey));
  const auto uuid = Uuid::Parse(file_id);
  if (!uuid) {
    return Corruption("'{}' is '{}', not a UUID", kFileIdKey, file_id);
  }
  SstHeader header;
  header.file_id = *uuid;
  VARVE_ASSIGN(header.schema_id, FindNumber<uint32_t>(pairs, kSchemaIdKey));
  VARVE_ASSIGN(const int64_t segment_start, FindNumber<int64_t>(pairs, kSegmentStartKey));
  header.segment_start = TimestampUs(segment_start);
  VARVE_ASSIGN(const std::string columns, Find(pairs, kColumnsKey));
  VARVE_ASSIGN(header.columns, ParseColumns(columns));
  if (const auto tags = pairs.find(kSeriesTagsKey); tags != pairs.end()) {
    header.series_tags = tags->second == kConstantTags ? SeriesTags::kConstant
                         : tags->second == kMixedTags  ? SeriesTags::kMixed
                                                       : SeriesTags::kUnknown;
  }
  return header;
}

std::shared_ptr<arrow::DataType> StoredType(ColumnType type) {
  switch (type) {
    case ColumnType::kUInt8:
    case ColumnType::kUInt16:
      return arrow::int32();
    case ColumnType::kUInt32:
      return arrow::int64();
    default:
      return ArrowType(type);
  }
}

std::shared_ptr<arrow::Schema> StoredSchema(const TableSchema& schema) {
  arrow::FieldVector fields;
  for (const auto& column : schema.columns()) {
    auto metadata = arrow::key_value_metadata({kFieldIdKey}, {fmt::format("{}", column.id)});
    fields.push_back(
        arrow::field(column.name, StoredType(column.type), column.nullable, std::move(metadata)));
  }
  return arrow::schema(std::move(fields));
}

}  // namespace varve
