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

// One JSON object: "query", and "params" where it is.
class BodyReader {
 public:
  explicit BodyReader(std::string_view body) : body_(body), padded_(body) {}

  Result<SqlText> Read() {
    if (const auto error = parser_.iterate(padded_).get(document_)) {
      return MalformedHere(error);
    }
    simdjson::ondemand::object object;
    if (const auto error = document_.get_object().get(object)) {
      return MalformedHere(error);
    }
    for (auto field : object) {
      std::string_view name;
      if (const auto error = field.unescaped_key().get(name)) {
        return MalformedHere(error);
      }
      VARVE_TRY(ReadMember(name, field.value()));
    }
    if (const char* more = nullptr; document_.current_location().get(more) == simdjson::SUCCESS) {
      return MalformedHere(simdjson::TRAILING_CONTENT);
    }
    if (!query_) {
      return InvalidArgument(
          R"(the body has no "query"; send {{"query":"..."}} or the bare statement)");
    }
    return SqlText{*std::move(query_), std::move(parameters_)};
  }

 private:
  using Value = simdjson::simdjson_result<simdjson::ondemand::value>;

  std::unexpected<Error> MalformedHere(simdjson::error_code error) {
    const char* at = nullptr;
    if (document_.is_alive() && document_.current_location().get(at) == simdjson::SUCCESS) {
      at = body_.data() + (at - padded_.data());
    }
    return Malformed(body_, at, simdjson::error_message(error));
  }

  Status ReadMember(std::string_view name, Value value) {
    if (name == "query") {
      return ReadQuery(value);
    }
    if (name == "params") {
      return ReadParameters(value);
    }
    std::string_view skipped;
    const auto error = value.raw_json_token().get(skipped);
    return error ? MalformedHere(error) : Status();
  }

  Status ReadQuery(Value value) {
    std::string_view text;
    const auto error = value.get_string().get(text);
    if (error == simdjson::INCORRECT_TYPE) {
      return InvalidArgument("\"query\" must be a string");
    }
    if (error) {
      return MalformedHere(error);
    }
    query_ = text;
    return {};
  }

  Status ReadParameters(Value value) {
    simdjson::ondemand::array array;
    const auto error = value.get_array().get(array);
    if (error == simdjson::INCORRECT_TYPE) {
      return InvalidArgument("\"params\" must be an array");
    }
    if (error) {
      return MalformedHere(error);
    }
    parameters_.clear();
    for (auto element : array) {
      VARVE_TRY(ReadParameter(element));
    }
    return {};
  }

  Status ReadParameter(Value value) {
    simdjson::ondemand::json_type type;
    if (const auto error = value.type().get(type)) {
      return MalformedHere(error);
    }
    switch (type) {
      case simdjson::ondemand::json_type::null: {
        bool null = false;
        const auto error = value.is_null().get(null);
        if (error || !null) {
          return MalformedHere(error ? error : simdjson::N_ATOM_ERROR);
        }
        parameters_.emplace_back();
        return {};
      }
      case simdjson::ondemand::json_type::boolean:
        return Add<bool>(value.get_bool());
      case simdjson::ondemand::json_type::string:
        return Add<std::string>(value.get_string());
      case simdjson::ondemand::json_type::number:
        return AddNumber(value);
      default:
        return InvalidArgument(
            "parameter {} is an array or an object; send null, a boolean, a number or a string",
            parameters_.size() + 1);
    }
  }

  template <class T, class R>
  Status Add(R result) {
    if (result.error()) {
      return MalformedHere(result.error());
    }
    parameters_.emplace_back(T(result.value_unsafe()));
    return {};
  }

  Status AddNumber(Value value) {
    simdjson::ondemand::number number;
    const auto error = value.get_number().get(number);
    if (error) {
      return InvalidArgument("parameter {} is malformed, or a number that does not fit 64 bits",
                             parameters_.size() + 1);
    }
    if (number.is_int64()) {
      parameters_.emplace_back(number.get_int64());
    } else if (number.is_uint64()) {
      parameters_.emplace_back(number.get_uint64());
    } else {
      parameters_.emplace_back(number.get_double());
    }
    return {};
  }

  const std::string_view body_;
  const simdjson::padded_string padded_;
  simdjson::ondemand::parser parser_;
  simdjson::ondemand::document document_;
  std::optional<std::string> query_;
  std::vector<Parameter> parameters_;
};

const std::string* Given(const HttpRequest& request, std::string_view parameter,
                         std::string_view header) {
  const std::string* const value = request.Parameter(parameter);
  return value != nullptr ? value : request.Header(header);
}

}  // namespace

Result<SqlText> SqlOf(const HttpRequest& request) {
  if (request.method == "GET" || request.method == "HEAD") {
    const std::string* query = request.Parameter("q");
    query = query != nullptr ? query : request.Parameter("query");
    if (query == nullptr || query->find_first_not_of(kBlanks) == std::string::npos) {
      return InvalidArgument("there is no statement; send /sql?q=SELECT..., or POST it");
    }
    return SqlText{*query, {}};
  }
  const size_t first = request.body.find_first_not_of(kBlanks);
  if (first == std::string::npos) {
    return InvalidArgument(R"(the body is empty; send {{"query":"..."}} or the bare statement)");
  }
  if (request.body[first] == '{') {
    return BodyReader(request.body).Read();
  }
  return SqlText{request.body, {}};
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

Result<SessionSettings> SettingsOf(const HttpRequest& request, SessionSettings defaults) {
  if (const auto* const value = Given(request, "timeout", "x-varve-statement-timeout")) {
    VARVE_ASSIGN(defaults, WithSessionSetting(std::move(defaults), "statement_timeout", *value));
  }
  if (const auto* const value = Given(request, "time_zone", "x-varve-time-zone")) {
    VARVE_ASSIGN(defaults, WithSessionSetting(std::move(defaults), "time_zone", *value));
  }
  return defaults;
}

}  // namespace varve
