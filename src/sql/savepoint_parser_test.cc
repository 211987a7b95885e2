// Savepoints, rollback, clones and versions in queries: every form, and each error with its place.
#include <gmock/gmock.h>

#include "base/matchers.h"
#include "sql/parser.h"
#include "sql/rewrite.h"
#include "sql/test_parsing.h"

namespace varve {
namespace {

using testing::HasSubstr;
using Kind = VersionText::Kind;

TEST(SavepointParserTest, Create) {
  const auto bare = Parsed<CreateSavepointStatement>("CREATE SAVEPOINT");
  EXPECT_EQ(bare.name, "");
  EXPECT_TRUE(bare.tables.empty());
  EXPECT_FALSE(bare.schema || bare.as_of || bare.retain || bare.lock_until);
  const auto all = Parsed<CreateSavepointStatement>(
      "create savepoint before for table s.a, `b` AS OF VERSION 42 RETAIN INTERVAL '30 days' "
      "LOCK UNTIL TIMESTAMP '2030-01-01'");
  EXPECT_EQ(all.name, "before");
  ASSERT_EQ(all.tables.size(), 2U);
  EXPECT_EQ(all.tables[0], (TableName{"", "s", "a"}));
  EXPECT_EQ(all.as_of, (VersionText{Kind::kVersion, "42"}));
  EXPECT_EQ(all.retain, "30d");
  EXPECT_EQ(all.lock_until, "2030-01-01");
  EXPECT_EQ(Parsed<CreateSavepointStatement>("CREATE SAVEPOINT x FOR SCHEMA s").schema->schema,
            "s");
  EXPECT_EQ(Parsed<CreateSavepointStatement>("CREATE SAVEPOINT x FOR DATABASE").name, "x");
  EXPECT_EQ(
      Parsed<CreateSavepointStatement>("CREATE SAVEPOINT x AS OF TIMESTAMP 1700000000000").as_of,
      (VersionText{Kind::kTimestamp, "1700000000000"}));
  for (const char* const text : {"RETAIN '12h'", "RETAIN 12 HOURS", "RETAIN INTERVAL 12 HOUR",
                                 "RETAIN '12 hours'", "RETAIN INTERVAL '12' HOUR"}) {
    EXPECT_EQ(Parsed<CreateSavepointStatement>(std::string("CREATE SAVEPOINT ") + text).retain,
              "12h")
        << text;
  }
  EXPECT_THAT(ParseSql("CREATE SAVEPOINT x FOR t"),
              IsInvalid("Expected TABLE, SCHEMA or DATABASE"));
  EXPECT_THAT(ParseSql("CREATE SAVEPOINT x AS OF 4"),
              IsInvalid("Expected VERSION, TIMESTAMP or SAVEPOINT"));
  EXPECT_THAT(ParseSql("CREATE SAVEPOINT x LOCK '2030-01-01'"), IsInvalid("Expected UNTIL"));
  EXPECT_THAT(ParseSql("CREATE SAVEPOINT x RETAIN"), IsInvalid("Expected a duration"));
}

TEST(SavepointParserTest, DropAlterShow) {
  const auto drop = Parsed<DropSavepointStatement>("DROP SAVEPOINT IF EXISTS 7 FOR TABLE t");
  EXPECT_EQ(drop.savepoint, "7");
  EXPECT_EQ(drop.if_missing, IfMissing::kIgnore);
  EXPECT_EQ(drop.table->table, "t");
  using Change = AlterSavepointStatement::Change;
  const auto retain = Parsed<AlterSavepointStatement>("ALTER SAVEPOINT x SET RETAIN 2 DAYS");
  EXPECT_EQ(retain.change, Change::kRetain);
  EXPECT_EQ(retain.value, "2d");
  EXPECT_EQ(Parsed<AlterSavepointStatement>("ALTER SAVEPOINT x SET RETAIN FOREVER").change,
            Change::kRetainForever);
  EXPECT_EQ(
      Parsed<AlterSavepointStatement>("ALTER SAVEPOINT x FOR TABLE t SET LOCK UNTIL '2030'").value,
      "2030");
  EXPECT_THAT(ParseSql("ALTER SAVEPOINT x SET name = 'y'"), IsInvalid("Expected RETAIN or LOCK"));
  EXPECT_FALSE(Parsed<ShowSavepointsStatement>("SHOW SAVEPOINTS").table);
  EXPECT_EQ(Parsed<ShowSavepointsStatement>("SHOW SAVEPOINTS FOR TABLE t").table->table, "t");
}

TEST(SavepointParserTest, RollbackCloneUndrop) {
  EXPECT_EQ(Parsed<RollbackTableStatement>("ROLLBACK TABLE t TO VERSION 4").to,
            (VersionText{Kind::kVersion, "4"}));
  EXPECT_EQ(Parsed<RollbackTableStatement>("ROLLBACK TABLE t TO SAVEPOINT x").to,
            (VersionText{Kind::kSavepoint, "x"}));
  EXPECT_EQ(Parsed<RollbackTableStatement>("rollback table t to timestamp '2024-01-01'").to,
            (VersionText{Kind::kTimestamp, "2024-01-01"}));
  EXPECT_THAT(ParseSql("ROLLBACK"), IsError(ErrorKind::kNotSupported, HasSubstr("ROLLBACK")));
  const auto clone = Parsed<CloneTableStatement>(
      "CREATE TABLE IF NOT EXISTS u CLONE s.t FOR SYSTEM_TIME AS OF '2024-01-01'");
  EXPECT_EQ(clone.source.table, "t");
  EXPECT_EQ(clone.if_present, IfPresent::kIgnore);
  EXPECT_EQ(clone.as_of, (VersionText{Kind::kTimestamp, "2024-01-01"}));
  EXPECT_FALSE(Parsed<CloneTableStatement>("CREATE TABLE u CLONE t").as_of);
  EXPECT_THAT(ParseSql("CREATE TABLE u CLONE t AS OF 3"), IsInvalid("Expected ';'"));
  EXPECT_EQ(Parsed<UndropTableStatement>("UNDROP TABLE t").new_name, "t");
  EXPECT_EQ(Parsed<UndropTableStatement>("UNDROP TABLE s.t AS u").new_name, "u");
}

TEST(SavepointParserTest, Calls) {
  const auto made = Parsed<CreateSavepointStatement>(
      "CALL create_savepoint('s.t', 'x', version => 4, retain => '1d')");
  EXPECT_EQ(made.tables[0], (TableName{"", "s", "t"}));
  EXPECT_EQ(made.name, "x");
  EXPECT_EQ(made.as_of, (VersionText{Kind::kVersion, "4"}));
  EXPECT_EQ(Parsed<DropSavepointStatement>("CALL delete_savepoint('t', 7)").savepoint, "7");
  EXPECT_THAT(ParseSql("CALL create_savepoint()"), IsInvalid("Expected the table first"));
  EXPECT_THAT(ParseSql("CALL delete_savepoint('t')"), IsInvalid("the table and the savepoint"));
  EXPECT_THAT(ParseSql("CALL create_savepoint('t', version => 1, timestamp => 2)"),
              IsInvalid("Either version or timestamp"));
}

std::string Rewritten(std::string_view sql) { return RewriteForDuckDb(sql).value_or("error"); }

TEST(AsOfRewriteTest, BecomesWhatDuckDbReads) {
  EXPECT_EQ(Rewritten("SELECT * FROM t VERSION AS OF 42 a"),
            "SELECT * FROM t a AT (VERSION => 42)");
  EXPECT_EQ(Rewritten("SELECT * FROM s.`T x` for version as of \"savepoint.a\" AS a"),
            "SELECT * FROM s.\"T x\" AS a AT (VERSION => 'savepoint.a')");
  EXPECT_EQ(Rewritten("SELECT * FROM t FOR SYSTEM_TIME AS OF '2024-01-01' WHERE x"),
            "SELECT * FROM t AT (TIMESTAMP => '2024-01-01') WHERE x");
  EXPECT_EQ(
      Rewritten("FROM t TIMESTAMP AS OF now() - INTERVAL 1 HOUR JOIN t VERSION AS OF ? u ON 1"),
      "FROM t AT (TIMESTAMP => now() - INTERVAL 1 HOUR) JOIN t u AT (VERSION => $1) ON 1");
  EXPECT_EQ(Rewritten("FROM t TIMESTAMP AS OF TIMESTAMP '2024-01-01' - INTERVAL '1 day', u"),
            "FROM t AT (TIMESTAMP => TIMESTAMP '2024-01-01' - INTERVAL '1 day'), u");
  EXPECT_EQ(Rewritten("FROM t TIMESTAMP AS OF (1 + f(2)) LIMIT 1"),
            "FROM t AT (TIMESTAMP => (1 + f(2))) LIMIT 1");
  EXPECT_EQ(Rewritten("FROM t VERSION AS OF 1 AS a(x, y) WHERE x"),
            "FROM t AS a(x, y) AT (VERSION => 1) WHERE x");
  EXPECT_EQ(Rewritten("FROM t VERSION AS OF 1 `left` LEFT JOIN u VERSION AS OF 2 USING (a)"),
            "FROM t \"left\" AT (VERSION => 1) LEFT JOIN u AT (VERSION => 2) USING (a)");
  EXPECT_EQ(Rewritten("FROM t AT (VERSION => 3)"), "FROM t AT (VERSION => 3)");
}

TEST(AsOfRewriteTest, NamesThatLookLikeItStay) {
  for (const char* const sql :
       {"SELECT version AS of FROM t", "SELECT a, version AS of, timestamp AS of FROM t",
        "SELECT x.version AS of FROM t", "SELECT DISTINCT version AS of FROM t"}) {
    EXPECT_EQ(Rewritten(sql), sql);
  }
  EXPECT_THAT(RewriteForDuckDb("SELECT * FROM t VERSION AS OF (1"), IsInvalid("never closed"));
}

}  // namespace
}  // namespace varve
