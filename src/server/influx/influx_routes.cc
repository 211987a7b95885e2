#include <memory>

#include "query/session.h"
#include "server/http/json_text.h"
#include "server/http/sql_request.h"
#include "server/http/warning_header.h"
#include "server/influx/influx_routes_internal.h"
#include "server/influx/line_protocol.h"

namespace varve {
namespace {

// What clients compare against the features they know; the API here is that of 1.8.
constexpr std::string_view kInfluxVersion = "1.8.10";
// An error also stands in a header, which must not become longer than clients take.
constexpr size_t kErrorHeaderBytesMax = 512;

enum class Api { kV1, kV2 };

std::string_view V2Code(int status) {
  switch (status) {
    case 404:
      return "not found";
    case 503:
      return "unavailable";
    case 500:
      return "internal error";
    default:
      return "invalid";
  }
}

// Header values hold no line breaks and only ASCII.
std::string HeaderText(std::string_view text) {
  std::string out(text.substr(0, kErrorHeaderBytesMax));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) {
      c = ' ';
    }
  }
  return out;
}

HttpResponse InfluxError(Api api, int status, std::string_view message) {
  HttpResponse response = ErrorResponse(status, message);  // for Retry-After
  response.body = api == Api::kV1 ? fmt::format(R"({{"error":{}}})", JsonString(message))
                                  : fmt::format(R"({{"code":"{}","message":{}}})", V2Code(status),
                                                JsonString(message));
  response.headers["X-Influxdb-Version"] = kInfluxVersion;
  response.headers["X-Influxdb-Error"] = HeaderText(message);
  return response;
}

HttpResponse NoContent() {
  HttpResponse response;
  response.status = 204;
  response.headers["X-Influxdb-Version"] = kInfluxVersion;
  response.headers["X-Influxdb-Build"] = "OSS";
  return response;
}

class Writer {
 public:
  Writer(PointSink sink, const Clock& clock) : sink_(std::move(sink)), clock_(clock) {}

  HttpResponse Write(const HttpRequest& request, Api api, LinePrecision precision) const {
    if (const std::string* const name = request.Parameter("precision")) {
      const auto named = ParseLinePrecision(*name);
      if (!named) {
        return InfluxError(api, 400,
                           fmt::format("invalid precision '{}'; use ns, us, ms, s, m or h", *name));
      }
      precision = *named;
    }
    auto schema = SchemaFor(request);
    if (!schema) {
      return InfluxError(api, HttpStatusOf(schema.error().kind), schema.error().message);
    }
    auto parsed = ParseLines(request.body, {precision, clock_.Now()});
    if (!parsed) {
      return InfluxError(api, 413, parsed.error().message);
    }
    WriteReport report;
    if (parsed->rows > 0) {
      const Result<WriteReport> written = sink_.write(*schema, std::move(parsed->batches));
      if (!written) {
        return InfluxError(api, HttpStatusOf(written.error().kind), written.error().message);
      }
      report = *written;
    }
    HttpResponse response =
        parsed->dropped == 0
            ? NoContent()
            : InfluxError(api, 400,
                          parsed->rows == 0 ? parsed->errors
                                            : fmt::format("partial write: {} dropped={}",
                                                          parsed->errors, parsed->dropped));
    AddWarnings(response, report.Warnings());
    return response;
  }

 private:
  Result<std::string> SchemaFor(const HttpRequest& request) const {
    VARVE_ASSIGN(std::string schema, SchemaOf(request));
    if (!schema.empty()) {
      return schema;
    }
    for (const std::string_view parameter : {"db", "bucket"}) {
      const std::string* const value = request.Parameter(parameter);
      if (value != nullptr) {
        std::string name = value->substr(0, value->find('/'));  // a bucket may be "db/policy"
        if (sink_.has_schema(name)) {
          return name;
        }
      }
    }
    return std::string(kDefaultSchema);
  }

  PointSink sink_;
  const Clock& clock_;
};

}  // namespace

void AddInfluxRoutes(Router& router, PointSink sink, const Clock& clock) {
  const auto writer = std::make_shared<Writer>(std::move(sink), clock);
  const auto add = [&](std::string_view path, Api api, LinePrecision precision) {
    router.Add("POST", path, [writer, api, precision](const HttpRequest& request) {
      return writer->Write(request, api, precision);
    });
  };
  add("/write", Api::kV1, LinePrecision::kNanoseconds);
  add("/api/v2/write", Api::kV2, LinePrecision::kNanoseconds);
  add("/influxdb/v1/write", Api::kV1, LinePrecision::kMilliseconds);
  const auto ping = [](const HttpRequest&) { return NoContent(); };
  router.Add("GET", "/ping", ping);
  router.Add("GET", "/influxdb/v1/ping", ping);
}

}  // namespace varve
