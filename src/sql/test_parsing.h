// What the parser's tests share. For tests only.
#pragma once

#include <gmock/gmock.h>

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/matchers.h"
#include "sql/parser.h"

namespace varve {

// The one statement of the text, of the kind T; fails the test when it is anything else.
template <class T>
T Parsed(std::string_view sql, ParseOptions options = {}) {
  Result<std::vector<Statement>> statements = ParseSql(sql, options);
  EXPECT_THAT(statements, IsOk()) << sql;
  if (!statements || statements->size() != 1 || !std::holds_alternative<T>(statements->front())) {
    ADD_FAILURE() << "not one statement of the expected kind: " << sql;
    return T{};
  }
  return std::get<T>(std::move(statements->front()));
}

// An error that says so, and shows the place.
inline auto IsInvalid(std::string_view message) {
  return IsError(ErrorKind::kInvalidArgument,
                 testing::AllOf(testing::HasSubstr(std::string(message)),
                                testing::HasSubstr("line "), testing::HasSubstr("^")));
}

}  // namespace varve
