// GoogleTest matchers for Result and Status: `EXPECT_THAT(Open(path), IsOk())`,
// `EXPECT_THAT(Open(path), IsError(ErrorKind::kNotFound, HasSubstr("path")))`. For tests only.
#pragma once

#include <gmock/gmock.h>

#include "base/result.h"

namespace varve {

MATCHER(IsOk, negation ? "is an error" : "is ok") {
  if (arg.has_value()) {
    return true;
  }
  *result_listener << ErrorKindName(arg.error().kind) << ": " << arg.error().message;
  return false;
}

MATCHER_P2(IsError, kind, message, "is an error of the kind with that message") {
  if (arg.has_value()) {
    *result_listener << "is ok";
    return false;
  }
  *result_listener << ErrorKindName(arg.error().kind) << ": " << arg.error().message;
  return arg.error().kind == kind && testing::Matches(message)(arg.error().message);
}

inline auto IsError(ErrorKind kind) { return IsError(kind, testing::_); }

}  // namespace varve
