// The two crossings between DuckDB, which throws, and Varve, which returns: `Caught` around every
// call into DuckDB, `OrThrow` inside the callbacks that DuckDB makes. No exception passes any other
// place.
#pragma once

#include <duckdb.hpp>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>

#include "base/result.h"

namespace varve {

// What a DuckDB error means to Varve's callers. The message is DuckDB's without its stack and class
// name; a missing table becomes "Table not found, table:T".
Error ToError(const duckdb::ErrorData& error);

// Of the exception being handled: call it inside a catch block only.
Error CurrentError();

// Throws what ToError turns back into the same error.
[[noreturn]] void Throw(const Error& error);

template <class T>
struct ResultOf {
  using Type = Result<T>;
};
template <class T>
struct ResultOf<Result<T>> {
  using Type = Result<T>;
};

// Runs `function`, which may throw; a function that returns a Result has it passed through.
template <class Function>
auto Caught(Function&& function) -> typename ResultOf<std::invoke_result_t<Function>>::Type {
  using Returned = std::invoke_result_t<Function>;
  try {
    if constexpr (std::is_void_v<Returned>) {
      std::forward<Function>(function)();
      return {};
    } else {
      return std::forward<Function>(function)();
    }
  } catch (...) {
    return std::unexpected(CurrentError());
  }
}

template <class T>
T OrThrow(Result<T> result) {
  if (!result) {
    Throw(result.error());
  }
  if constexpr (!std::is_void_v<T>) {
    return *std::move(result);
  }
}

}  // namespace varve
