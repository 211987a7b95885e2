#include <algorithm>

#include "base/check.h"
#include "base/clock.h"
#include "server/http/http_server.h"
#include "server/http/json_text.h"

namespace varve {
namespace {

const std::string* FindIn(const std::map<std::string, std::string>& map, std::string_view name) {
  const auto found = map.find(std::string(name));
  return found == map.end() ? nullptr : &found->second;
}

// Where the "{name}" of a pattern starts; npos when it has none.
size_t ParameterAt(std::string_view pattern) {
  return pattern.ends_with('}') ? pattern.rfind('{') : std::string_view::npos;
}

bool Matches(std::string_view pattern, std::string_view path) {
  const size_t at = ParameterAt(pattern);
  if (at == std::string_view::npos) {
    return pattern == path;
  }
  return path.size() > at && path.starts_with(pattern.substr(0, at)) &&
         path.find('/', at) == std::string_view::npos;
}

}  // namespace

const std::string* HttpRequest::Header(std::string_view name) const {
  return FindIn(headers, name);
}

const std::string* HttpRequest::Parameter(std::string_view name) const {
  return FindIn(query, name);
}

HttpResponse TextResponse(std::string body) {
  HttpResponse response;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(body);
  return response;
}

HttpResponse ErrorResponse(int status, std::string_view message) {
  HttpResponse response;
  response.status = status;
  response.body = fmt::format(R"({{"code":{},"message":{}}})", status, JsonString(message));
  if (status == 503) {
    response.headers.insert_or_assign("Retry-After", std::string(kRetryAfterSeconds));
  }
  return response;
}

HttpResponse ErrorResponse(const Error& error) {
  return ErrorResponse(HttpStatusOf(error.kind), error.message);
}

int HttpStatusOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidArgument:
    case ErrorKind::kNotSupported:
      return 400;
    case ErrorKind::kNotFound:
      return 404;
    case ErrorKind::kAlreadyExists:
    case ErrorKind::kConflict:
      return 409;
    case ErrorKind::kCancelled:
      return 499;
    case ErrorKind::kUnavailable:
    case ErrorKind::kResourceExhausted:
      return 503;
    case ErrorKind::kUnknownOutcome:
    case ErrorKind::kCorruption:
    case ErrorKind::kIo:
    case ErrorKind::kInternal:
      return 500;
  }
  return 500;
}

void Router::Add(std::string_view method, std::string_view path, HttpHandler handler) {
  for (const Route& route : routes_) {
    VARVE_CHECK(route.method != method || route.path != path, "{} {} twice", method, path);
  }
  routes_.push_back({std::string(method), std::string(path), std::move(handler)});
}

Router::Match Router::Find(const HttpRequest& request) const {
  Match match;
  for (const Route& route : routes_) {
    if (!Matches(route.path, request.path)) {
      continue;
    }
    if (route.method == request.method) {
      match.route = &route;
      return match;
    }
    if (request.method == "HEAD" && route.method == "GET") {
      match.route = &route;
    }
    match.allowed.append(match.allowed.empty() ? "" : ", ").append(route.method);
  }
  return match;
}

HttpResponse Router::Handle(HttpRequest& request) const {
  const SystemClock clock;
  const auto start = clock.Steady();
  const auto [route, allowed] = Find(request);
  HttpResponse response;
  if (route != nullptr) {
    if (const size_t at = ParameterAt(route->path); at != std::string::npos) {
      const std::string name = route->path.substr(at + 1, route->path.size() - at - 2);
      request.query.insert_or_assign(name, request.path.substr(at));
    }
    response = route->handler(request);
  } else if (allowed.empty()) {
    response = ErrorResponse(404, "NOT_FOUND");
  } else {
    response = ErrorResponse(
        405, fmt::format("{} does not take {}, but {}", request.path, request.method, allowed));
    response.headers["Allow"] = allowed;
  }
  if (observer_) {
    observer_(route == nullptr ? std::string_view() : route->path, response.status,
              clock.Steady() - start);
  }
  return response;
}

}  // namespace varve
