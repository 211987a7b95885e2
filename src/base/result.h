// Result and Status: how every fallible function of Varve answers. No exceptions outside `query/`
// and the few .cc files that wrap a throwing library.
//
// An error has one of 12 kinds. A kind stands for what the *caller* does about it; everything else
// (which file, which table, what to try next) is in the message. A layer that adds context does so
// once, with `WithContext`.
#pragma once

#include <fmt/format.h>

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace varve {

enum class ErrorKind {
  kNotFound,           // the named thing is not there; the caller may create it or tell the user
  kAlreadyExists,      // the named thing is there already
  kInvalidArgument,    // the request is wrong; repeating it does not help
  kConflict,           // somebody else committed first; load the new state and try again
  kUnknownOutcome,     // it may or may not have happened; clean nothing up
  kUnavailable,        // not now; try again with a backoff
  kResourceExhausted,  // memory, disk or a limit; free some or wait
  kCorruption,         // stored bytes are not what was written; stop using them
  kIo,                 // the operating system or a remote store failed
  kCancelled,          // the caller asked to stop
  kNotSupported,       // understood, but Varve does not do it
  kInternal,           // a mistake in Varve
};

// "not_found", "invalid_argument", ...: stable, used in logs and metrics.
std::string_view ErrorKindName(ErrorKind kind);

struct [[nodiscard]] Error {
  ErrorKind kind;
  std::string message;

  // "context: message", same kind.
  Error WithContext(std::string_view context) const;
  bool operator==(const Error&) const = default;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

// One factory per kind. `return NotFound("table {} is not there", name);`
#define VARVE_ERROR_FACTORY(Name)                                                     \
  template <class... Args>                                                            \
  std::unexpected<Error> Name(fmt::format_string<Args...> format, Args&&... args) {   \
    return std::unexpected(                                                           \
        Error{ErrorKind::k##Name, fmt::format(format, std::forward<Args>(args)...)}); \
  }
VARVE_ERROR_FACTORY(NotFound)
VARVE_ERROR_FACTORY(AlreadyExists)
VARVE_ERROR_FACTORY(InvalidArgument)
VARVE_ERROR_FACTORY(Conflict)
VARVE_ERROR_FACTORY(UnknownOutcome)
VARVE_ERROR_FACTORY(Unavailable)
VARVE_ERROR_FACTORY(ResourceExhausted)
VARVE_ERROR_FACTORY(Corruption)
VARVE_ERROR_FACTORY(Io)
VARVE_ERROR_FACTORY(Cancelled)
VARVE_ERROR_FACTORY(NotSupported)
VARVE_ERROR_FACTORY(Internal)
#undef VARVE_ERROR_FACTORY

#define VARVE_CONCAT_INNER(a, b) a##b
#define VARVE_CONCAT(a, b) VARVE_CONCAT_INNER(a, b)

// VARVE_TRY(expr): leaves the function with the error of a Status or Result.
#define VARVE_TRY(expr)                                           \
  do {                                                            \
    if (auto varve_status = (expr); !varve_status) [[unlikely]] { \
      return std::unexpected(std::move(varve_status).error());    \
    }                                                             \
  } while (false)

// VARVE_ASSIGN(auto x, expr): x = the value of a Result, or leaves the function with its error.
#define VARVE_ASSIGN(lhs, expr) VARVE_ASSIGN_INNER(VARVE_CONCAT(varve_result_, __LINE__), lhs, expr)
#define VARVE_ASSIGN_INNER(result, lhs, expr)          \
  auto result = (expr);                                \
  if (!result) [[unlikely]] {                          \
    return std::unexpected(std::move(result).error()); \
  }                                                    \
  lhs = *std::move(result)

}  // namespace varve
