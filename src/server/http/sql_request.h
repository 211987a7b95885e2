// What a request to /sql asks for: the statement, the schema, the format of the answer.
#pragma once

#include <string>

#include "base/result.h"
#include "server/http/http_server.h"
#include "server/http/result_encoder.h"

namespace varve {

// The statement: the member "query" when the body is a JSON object, else the body as it is (no SQL
// starts with '{'). Errors: kInvalidArgument that names the place in the JSON.
Result<std::string> SqlOf(const HttpRequest& request);

// Parameter `format`, else the first known media type of Accept, else JSON.
// Errors: kInvalidArgument for a format that does not exist.
Result<ResultFormat> FormatOf(const HttpRequest& request);

// The schema of x-varve-schema, x-horaedb-schema, x-ceresdb-schema or their older "access-schema"
// spelling; "" when none is given. Tenant headers have no effect. Errors: kInvalidArgument "Catalog
// not found, catalog_name:C" when a catalog header names another one than ours.
Result<std::string> SchemaOf(const HttpRequest& request);

}  // namespace varve
