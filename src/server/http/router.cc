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

// Up to the next slash; the slash goes too.
std::string_view TakeSegment(std::string_view& path) {
  const size_t end = std::min(path.find('/'), path.size());
  const std::string_view segment = path.substr(0, end);
  path.remove_prefix(std::min(end + 1, path.size()));
  return segment;
}

bool IsParameter(std::string_view segment) {
  return segment.starts_with('{') && segment.ends_with('}');
}

// Calls `take(name, value)` for each parameter; false: the path is not of the pattern.
template <class Take>
bool MatchSegments(std::string_view pattern, std::string_view path, const Take& take) {
  if (pattern == path) {
    return true;
  }
  // A slash at the end is a segment too, an empty one.
  if (std::ranges::count(pattern, '/') != std::ranges::count(path, '/')) {
    return false;
  }
  while (!pattern.empty() || !path.empty()) {
    const std::string_view wanted = TakeSegment(pattern);
    const std::string_view given = TakeSegment(path);
    if (IsParameter(wanted) ? given.empty() : wanted != given) {
      return false;
    }
    if (IsParameter(wanted)) {
      take(wanted.substr(1, wanted.size() - 2), given);
    }
  }
  return true;
}

bool Matches(std::string_view pattern, std::string_view path) {
  return MatchSegments(pattern, path, [](std::string_view, std::string_view) {});
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
    MatchSegments(route->path, request.path, [&](std::string_view name, std::string_view value) {
      request.query.insert_or_assign(std::string(name), std::string(value));
    });
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
