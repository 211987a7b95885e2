#include "server/http/sql_request.h"

#include <simdjson.h>

#include <algorithm>
#include <array>

#include "query/session.h"

namespace varve {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
// How much of a malformed body an error shows.
constexpr size_t kShownBytesMax = 40;

// Ours, and the names CeresDB and HoraeDB give to theirs, which their clients send.
constexpr std::array kCatalogNames = {kDefaultCatalogName, std::string_view("horaedb"),
                                      std::string_view("ceresdb")};
constexpr std::array kSchemaHeaders = {
    std::string_view("x-varve-schema"),          std::string_view("x-horaedb-schema"),
    std::string_view("x-ceresdb-schema"),        std::string_view("x-varve-access-schema"),
    std::string_view("x-horaedb-access-schema"), std::string_view("x-ceresdb-access-schema")};
constexpr std::array kCatalogHeaders = {std::string_view("x-varve-catalog"),
                                        std::string_view("x-horaedb-catalog"),
                                        std::string_view("x-ceresdb-catalog")};

struct MediaType {
  std::string_view name;
  ResultFormat format;
};
constexpr std::array kMediaTypes = {
    MediaType{"application/json", ResultFormat::kJson},
    MediaType{"application/vnd.apache.arrow.stream", ResultFormat::kArrow},
    MediaType{"application/x-ndjson", ResultFormat::kNdjson},
    MediaType{"application/jsonl", ResultFormat::kNdjson},
    MediaType{"text/csv", ResultFormat::kCsv}};

std::unexpected<Error> Malformed(std::string_view body, const char* at, std::string_view reason) {
  const size_t offset = at == nullptr ? body.size() : static_cast<size_t>(at - body.data());
  const std::string_view rest = body.substr(std::min(offset, body.size()));
  return InvalidArgument(
      "the body is malformed JSON at offset {}, near '{}': {}; "
      R"(send {{"query":"..."}} or the bare statement)",
      offset, rest.substr(0, kShownBytesMax), reason);
}

Result<std::string> QueryMember(std::string_view body) {
  const simdjson::padded_string padded(body);
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  const auto malformed = [&](simdjson::error_code error) {
    const char* at = nullptr;
    if (document.is_alive() && document.current_location().get(at) == simdjson::SUCCESS) {
      at = body.data() + (at - padded.data());
    }
    return Malformed(body, at, simdjson::error_message(error));
  };
  if (const auto error = parser.iterate(padded).get(document)) {
    return malformed(error);
  }
  simdjson::ondemand::object object;
  if (const auto error = document.get_object().get(object)) {
    return malformed(error);
  }
  std::optional<std::string> query;
  for (auto field : object) {
    std::string_view name;
    if (const auto error = field.unescaped_key().get(name)) {
      return malformed(error);
    }
    if (name != "query") {
      std::string_view skipped;
      if (const auto error = field.value().raw_json_token().get(skipped)) {
        return malformed(error);
      }
      continue;
    }
    std::string_view text;
    const auto error = field.value().get_string().get(text);
    if (error == simdjson::INCORRECT_TYPE) {
      return InvalidArgument("\"query\" must be a string");
    }
    if (error) {
      return malformed(error);
    }
    query = text;
  }
  if (const char* more = nullptr; document.current_location().get(more) == simdjson::SUCCESS) {
    return malformed(simdjson::TRAILING_CONTENT);
  }
  if (!query) {
    return InvalidArgument(
        R"(the body has no "query"; send {{"query":"..."}} or the bare statement)");
  }
  return *std::move(query);
}

}  // namespace

Result<std::string> SqlOf(const HttpRequest& request) {
  const size_t first = request.body.find_first_not_of(kBlanks);
  if (first == std::string::npos) {
    return InvalidArgument(R"(the body is empty; send {{"query":"..."}} or the bare statement)");
  }
  if (request.body[first] == '{') {
    return QueryMember(request.body);
  }
  return request.body;
}

Result<ResultFormat> FormatOf(const HttpRequest& request) {
  if (const std::string* const name = request.Parameter("format")) {
    if (const auto format = ParseResultFormat(*name)) {
      return *format;
    }
    return InvalidArgument(
        "format '{}' does not exist; use json, json_columns, ndjson, csv or arrow", *name);
  }
  const std::string* const accept = request.Header("accept");
  std::string_view rest = accept == nullptr ? std::string_view() : *accept;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(','), rest.size());
    std::string_view type = rest.substr(0, std::min(rest.find(';'), end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    type.remove_prefix(std::min(type.find_first_not_of(kBlanks), type.size()));
    type = type.substr(0, type.find_last_not_of(kBlanks) + 1);
    for (const MediaType& known : kMediaTypes) {
      if (known.name == type) {
        return known.format;
      }
    }
  }
  return ResultFormat::kJson;
}

Result<std::string> SchemaOf(const HttpRequest& request) {
  for (const std::string_view name : kCatalogHeaders) {
    const std::string* const catalog = request.Header(name);
    if (catalog != nullptr && std::ranges::find(kCatalogNames, *catalog) == kCatalogNames.end()) {
      return InvalidArgument("Catalog not found, catalog_name:{}", *catalog);
    }
  }
  for (const std::string_view name : kSchemaHeaders) {
    if (const std::string* const schema = request.Header(name)) {
      return *schema;
    }
  }
  return std::string();
}

}  // namespace varve
