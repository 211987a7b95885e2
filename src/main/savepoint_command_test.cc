// What `varve savepoint` sends.
#include "main/savepoint_command.h"

#include <gmock/gmock.h>

#include "base/matchers.h"

namespace varve {
namespace {

using testing::HasSubstr;

TEST(SavepointCommand, Create) {
  EXPECT_EQ(CreateSavepointSql({}).value(), "CREATE SAVEPOINT");
  EXPECT_EQ(CreateSavepointSql({.name = "it's",
                                .tables = {"cpu", "s.`a b`"},
                                .as_of = "42",
                                .retain = "30d",
                                .lock_until = "2030-01-01"})
                .value(),
            "CREATE SAVEPOINT 'it''s' FOR TABLE `cpu`, `s`.`a b` AS OF VERSION '42' RETAIN '30d' "
            "LOCK UNTIL '2030-01-01'");
  EXPECT_EQ(CreateSavepointSql({.name = "x", .schema = "s", .as_of_time = "2024-01-01"}).value(),
            "CREATE SAVEPOINT 'x' FOR SCHEMA `s` AS OF TIMESTAMP '2024-01-01'");
}

TEST(SavepointCommand, ListAndDrop) {
  EXPECT_EQ(ListSavepointsSql({}).value(), "SHOW SAVEPOINTS");
  EXPECT_EQ(ListSavepointsSql({.tables = {"cpu"}}).value(), "SHOW SAVEPOINTS FOR TABLE `cpu`");
  EXPECT_EQ(DropSavepointSql({.name = "7", .tables = {"cpu"}}).value(),
            "DROP SAVEPOINT '7' FOR TABLE `cpu`");
  EXPECT_THAT(DropSavepointSql({.name = "7", .tables = {"a", "b"}}),
              IsError(ErrorKind::kInvalidArgument));
}

TEST(SavepointCommand, ATableIsANameAndNothingElse) {
  for (const char* const table : {"", "a; DROP TABLE b", "a b", "a.b.c.d", "'a'", "a,b"}) {
    EXPECT_THAT(ListSavepointsSql({.tables = {table}}),
                IsError(ErrorKind::kInvalidArgument, HasSubstr("is no name of a table")))
        << table;
  }
}

}  // namespace
}  // namespace varve
