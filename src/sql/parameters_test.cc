// Proves how parameters of a statement are counted, and which are refused.
#include "sql/parameters.h"

#include <gmock/gmock.h>

#include "base/matchers.h"

namespace varve {
namespace {

using testing::HasSubstr;

TEST(ParametersTest, AreCounted) {
  EXPECT_EQ(*CountParameters("SELECT 1"), 0);
  EXPECT_EQ(*CountParameters("SELECT ?, ? FROM t WHERE a = ?"), 3);
  EXPECT_EQ(*CountParameters("SELECT $2, $1, $2"), 2);
  EXPECT_EQ(*CountParameters("SELECT ?2, $1"), 2);
  EXPECT_EQ(*CountParameters("SELECT '?', \"$1\", `?` -- ? $9"), 0);
}

TEST(ParametersTest, OthersAreRefusedWithThePlace) {
  for (const char* const sql : {"SELECT $name", "SELECT $0", "SELECT $65536", "SELECT ?70000",
                                "SELECT $99999999999999999999"}) {
    EXPECT_THAT(CountParameters(sql),
                IsError(ErrorKind::kInvalidArgument, HasSubstr("line 1, column 8")))
        << sql;
  }
  EXPECT_THAT(CountParameters("SELECT ?, $1"),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("either all ? or all numbered")));
}

TEST(ParametersTest, ANumberAloneIsOne) {
  EXPECT_EQ(ParameterNumber("$1"), 1);
  EXPECT_EQ(ParameterNumber("$65535"), 65535);
  for (const char* const text : {"", "$", "$0", "1", "$1 + 1", "$1 ", "$x"}) {
    EXPECT_EQ(ParameterNumber(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace varve
