#include "query/duckdb_bridge.h"

#include <duckdb/common/error_data.hpp>
#include <duckdb/common/exception.hpp>
#include <new>
#include <optional>

namespace varve {
namespace {

using duckdb::ExceptionType;

// Where Throw leaves the kind, so that it survives DuckDB, which copies errors as text.
constexpr const char* kKindKey = "varve_error_kind";

ErrorKind KindOf(ExceptionType type) {
  switch (type) {
    case ExceptionType::INTERRUPT:
      return ErrorKind::kCancelled;
    case ExceptionType::OUT_OF_MEMORY:
      return ErrorKind::kResourceExhausted;
    case ExceptionType::IO:
    case ExceptionType::NETWORK:
    case ExceptionType::HTTP:
      return ErrorKind::kIo;
    case ExceptionType::NOT_IMPLEMENTED:
    case ExceptionType::PERMISSION:
    case ExceptionType::MISSING_EXTENSION:
    case ExceptionType::AUTOLOAD:
      return ErrorKind::kNotSupported;
    case ExceptionType::INTERNAL:
    case ExceptionType::FATAL:
    case ExceptionType::NULL_POINTER:
    case ExceptionType::SERIALIZATION:
      return ErrorKind::kInternal;
    default:
      return ErrorKind::kInvalidArgument;
  }
}

std::optional<std::string> Extra(const duckdb::ErrorData& error, const char* key) {
  const auto found = error.ExtraInfo().find(key);
  if (found == error.ExtraInfo().end()) {
    return std::nullopt;
  }
  return found->second;
}

std::optional<ErrorKind> KindNamed(std::string_view name) {
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::kInternal); ++kind) {
    if (ErrorKindName(static_cast<ErrorKind>(kind)) == name) {
      return static_cast<ErrorKind>(kind);
    }
  }
  return std::nullopt;
}

std::optional<std::string> Between(std::string_view text, std::string_view before,
                                   std::string_view after) {
  const size_t begin = text.find(before);
  const size_t end = begin == std::string_view::npos ? begin : text.find(after, begin);
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  return std::string(text.substr(begin + before.size(), end - begin - before.size()));
}

// DuckDB would propose the functions that the fence has removed, and to install extensions.
std::optional<std::string> MissingFunction(const duckdb::ErrorData& error) {
  const auto type = Extra(error, "type");
  if (Extra(error, "error_subtype") == "MISSING_ENTRY" && type &&
      type->find("Function") != std::string::npos) {
    return Extra(error, "name");
  }
  return Between(error.RawMessage(), "Function with name \"", "\" is not in the catalog");
}

ExceptionType TypeOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kCancelled:
      return ExceptionType::INTERRUPT;
    case ErrorKind::kResourceExhausted:
      return ExceptionType::OUT_OF_MEMORY;
    case ErrorKind::kNotFound:
    case ErrorKind::kAlreadyExists:
      return ExceptionType::CATALOG;
    case ErrorKind::kInvalidArgument:
      return ExceptionType::INVALID_INPUT;
    default:
      return ExceptionType::IO;
  }
}

}  // namespace

Error ToError(const duckdb::ErrorData& error) {
  if (const auto name = Extra(error, kKindKey)) {
    if (const auto kind = KindNamed(*name)) {
      return Error{*kind, error.RawMessage()};
    }
  }
  if (Extra(error, "error_subtype") == "MISSING_ENTRY" && Extra(error, "type") == "Table") {
    return Error{ErrorKind::kNotFound,
                 fmt::format("Table not found, table:{}", Extra(error, "name").value_or(""))};
  }
  if (const auto schema = Between(error.RawMessage(), "because schema \"", "\" does not exist")) {
    return Error{ErrorKind::kNotFound, fmt::format("Schema not found, schema_name:{}", *schema)};
  }
  if (const auto function = MissingFunction(error)) {
    return Error{ErrorKind::kInvalidArgument, fmt::format("there is no function {}", *function)};
  }
  if (error.Type() == ExceptionType::INTERRUPT) {
    return Error{ErrorKind::kCancelled, "the query was cancelled"};
  }
  std::string message = error.RawMessage();
  if (const size_t stack = message.find("\n\nStack Trace:"); stack != std::string::npos) {
    message.resize(stack);
  }
  return Error{KindOf(error.Type()), std::move(message)};
}

Error CurrentError() {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return Error{ErrorKind::kResourceExhausted, "out of memory"};
  } catch (const std::exception& exception) {
    return ToError(duckdb::ErrorData(exception));
  } catch (...) {
    return Error{ErrorKind::kInternal, "an unknown exception"};
  }
}

void Throw(const Error& error) {
  throw duckdb::Exception({{kKindKey, std::string(ErrorKindName(error.kind))}}, TypeOf(error.kind),
                          error.message);
}

}  // namespace varve
