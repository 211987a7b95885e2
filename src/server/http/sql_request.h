// What a request to /sql asks for: the statements, their parameters, the session, the format of the
// answer.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "query/session.h"
#include "server/http/http_server.h"
#include "server/http/result_encoder.h"

namespace varve {

struct SqlText {
  std::string sql;
  std::vector<Parameter> parameters;
};

// Of GET: the parameter `q` or `query`. Of POST: the members "query" and "params" when the body is
// a JSON object, else the body as it is (no SQL starts with '{'). Errors: kInvalidArgument that
// names the place in the JSON, or the parameter that is neither null, boolean, number nor string.
Result<SqlText> SqlOf(const HttpRequest& request);

// Parameter `format`, else the first known media type of Accept, else JSON.
// Errors: kInvalidArgument for a format that does not exist.
Result<ResultFormat> FormatOf(const HttpRequest& request);

// The schema of x-varve-schema, x-horaedb-schema, x-ceresdb-schema or their older "access-schema"
// spelling; "" when none is given. Tenant headers have no effect. Errors: kInvalidArgument "Catalog
// not found, catalog_name:C" when a catalog header names another one than ours.
Result<std::string> SchemaOf(const HttpRequest& request);

// The settings, changed by the parameters `timeout` and `time_zone`, or the headers
// x-varve-statement-timeout and x-varve-time-zone. Errors: kInvalidArgument.
Result<SessionSettings> SettingsOf(const HttpRequest& request, SessionSettings defaults);

}  // namespace varve
