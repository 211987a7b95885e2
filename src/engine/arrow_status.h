// The crossing from Arrow's Status and Result to Varve's.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <utility>

#include "base/result.h"

namespace varve {

inline Status FromArrow(const arrow::Status& status) {
  if (status.ok()) {
    return {};
  }
  if (status.IsOutOfMemory()) {
    return ResourceExhausted("out of memory: {}", status.message());
  }
  return Internal("{}", status.message());
}

template <class T>
Result<T> FromArrow(arrow::Result<T> result) {
  if (!result.ok()) {
    return std::unexpected(FromArrow(result.status()).error());
  }
  return std::move(result).MoveValueUnsafe();
}

}  // namespace varve
