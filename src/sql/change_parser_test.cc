// What changes tables, rows, views and schemas, and what goes out by COPY: every form, and each
// error with its place.
#include <gmock/gmock.h>

#include <string>
#include <utility>
#include <vector>

#include "base/matchers.h"
#include "sql/parser.h"
#include "sql/rewrite.h"
#include "sql/test_parsing.h"

namespace varve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(ChangeParserTest, Rename) {
  const auto table = Parsed<RenameTableStatement>("ALTER TABLE IF EXISTS s.t RENAME TO `u v`");
  EXPECT_EQ(table.name, (TableName{"", "s", "t"}));
  EXPECT_EQ(table.if_missing, IfMissing::kIgnore);
  EXPECT_EQ(table.new_name, "u v");
  for (const std::string_view sql :
       {"alter table t rename column a to \"b\"", "ALTER TABLE t RENAME `a` TO b"}) {
    const auto column = Parsed<RenameColumnStatement>(sql);
    EXPECT_EQ(column.if_missing, IfMissing::kFail);
    EXPECT_EQ(column.column, "a");
    EXPECT_EQ(column.new_name, "b");
  }
  EXPECT_THAT(ParseSql("ALTER TABLE t RENAME"), IsInvalid("Expected the name of a column"));
  EXPECT_THAT(ParseSql("ALTER TABLE t RENAME COLUMN a b"), IsInvalid("Expected TO, found 'b'"));
  EXPECT_THAT(ParseSql("ALTER TABLE t RENAME TO s.t"), IsError(ErrorKind::kNotSupported));
}

TEST(ChangeParserTest, DropColumns) {
  EXPECT_THAT(Parsed<DropColumnsStatement>("ALTER TABLE t DROP c").columns, ElementsAre("c"));
  const auto several =
      Parsed<DropColumnsStatement>("ALTER TABLE t DROP COLUMN IF EXISTS a, DROP COLUMN (b, `c`)");
  EXPECT_THAT(several.columns, ElementsAre("a", "b", "c"));
  EXPECT_EQ(several.if_column_missing, IfMissing::kIgnore);
  EXPECT_THAT(ParseSql("ALTER TABLE t DROP COLUMN a, b"), IsInvalid("Expected DROP"));
  EXPECT_THAT(ParseSql("ALTER TABLE t DROP COLUMN"), IsInvalid("Expected the name of a column"));
}

TEST(ChangeParserTest, Delete) {
  EXPECT_EQ(Parsed<DeleteStatement>("DELETE FROM a.b.c").where, std::nullopt);
  const auto some = Parsed<DeleteStatement>("delete from t where `a b` = \"x\" -- why\n and c;");
  EXPECT_EQ(some.name.table, "t");
  EXPECT_EQ(some.where, "\"a b\" = 'x' and c");
  EXPECT_TRUE(Parsed<DeleteStatement>("DELETE FROM t WHERE (SELECT true)").where);
  EXPECT_THAT(ParseSql("DELETE t"), IsInvalid("Expected FROM"));
  EXPECT_THAT(ParseSql("DELETE FROM t WHERE"), IsInvalid("Expected a condition"));
  EXPECT_THAT(ParseSql("DELETE FROM t WHERE SELECT 1"), IsInvalid("Expected a condition"));
  EXPECT_THAT(ParseSql("DELETE FROM t USING u"), IsInvalid("Expected WHERE"));
  EXPECT_THAT(ParseSql("DELETE FROM t WHERE a) OR (b"), IsInvalid("closes nothing"));
  EXPECT_EQ(Parsed<TruncateStatement>("TRUNCATE TABLE t").name.table, "t");
  EXPECT_EQ(Parsed<TruncateStatement>("TRUNCATE s.t").name.schema, "s");
}

TEST(ChangeParserTest, Views) {
  const auto view = Parsed<CreateViewStatement>(
      "CREATE VIEW IF NOT EXISTS s.v (a, `b c`) AS SELECT \"x\", `y`, x'0a', $$it's$$ /* why */ "
      "FROM \"t\" LIMIT 1, 2");
  EXPECT_EQ(view.name, (TableName{"", "s", "v"}));
  EXPECT_EQ(view.if_taken, IfTaken::kKeep);
  EXPECT_THAT(view.columns, ElementsAre("a", "b c"));
  EXPECT_EQ(view.query, "SELECT 'x', `y`, x'0a', 'it''s' FROM `t` LIMIT 1, 2");
  EXPECT_EQ(Parsed<CreateViewStatement>("CREATE OR REPLACE VIEW v AS FROM t").if_taken,
            IfTaken::kReplace);
  const auto postgres = Parsed<CreateViewStatement>("CREATE VIEW v AS SELECT \"a\"\"b\" FROM t",
                                                    {DoubleQuotes::kIdentifier});
  EXPECT_EQ(postgres.query, "SELECT `a\"b` FROM t");
  EXPECT_EQ(Parsed<DropViewStatement>("DROP VIEW IF EXISTS v").if_missing, IfMissing::kIgnore);
  EXPECT_EQ(Parsed<ShowCreateViewStatement>("SHOW CREATE VIEW v").name.table, "v");
  EXPECT_THAT(ParseSql("CREATE VIEW v SELECT 1"), IsInvalid("Expected AS"));
  EXPECT_THAT(ParseSql("CREATE VIEW v AS DELETE"), IsInvalid("Expected a query"));
  EXPECT_THAT(ParseSql("CREATE VIEW v AS SELECT ?"), IsInvalid("A view has no parameters"));
  EXPECT_THAT(ParseSql("CREATE OR REPLACE VIEW IF NOT EXISTS v AS SELECT 1"),
              IsInvalid("exclude each other"));
  EXPECT_THAT(ParseSql("CREATE OR REPLACE TABLE t"), IsError(ErrorKind::kNotSupported));
}

// What is kept of a view reads the same a second time, whatever double quotes are then.
TEST(ChangeParserTest, AKeptQueryReadsTheSameAgain) {
  for (const std::string_view query :
       {"SELECT `a``b`, \"it's\", 'x''y' FROM `t` AS \"u\" WHERE a->>'x' = \"y\"",
        "WITH \"c\" AS (SELECT 1) SELECT * FROM \"c\" JOIN d USING (\"id\")",
        "SELECT x.\"y\", [1, 2], {a: 1}, E'\\'' FROM s.\"x\" ORDER BY 1 DESC LIMIT 5, 6"}) {
    const auto kept = Parsed<CreateViewStatement>("CREATE VIEW v AS " + std::string(query)).query;
    for (const DoubleQuotes mode : {DoubleQuotes::kString, DoubleQuotes::kIdentifier}) {
      EXPECT_EQ(Parsed<CreateViewStatement>("CREATE VIEW v AS " + kept, {mode}).query, kept);
      EXPECT_EQ(RewriteForDuckDb(kept, {mode}).value(), RewriteForDuckDb(query).value());
    }
  }
}

TEST(ChangeParserTest, Schemas) {
  const auto created = Parsed<CreateSchemaStatement>("CREATE SCHEMA IF NOT EXIST horaedb.s");
  EXPECT_EQ(created.name, (SchemaName{"horaedb", "s"}));
  EXPECT_EQ(created.if_present, IfPresent::kIgnore);
  using Contents = DropSchemaStatement::Contents;
  EXPECT_EQ(Parsed<DropSchemaStatement>("DROP SCHEMA s").contents, Contents::kRestrict);
  EXPECT_EQ(Parsed<DropSchemaStatement>("DROP DATABASE s RESTRICT").contents, Contents::kRestrict);
  const auto dropped = Parsed<DropSchemaStatement>("DROP DATABASE IF EXISTS a.`b` CASCADE");
  EXPECT_EQ(dropped.name, (SchemaName{"a", "b"}));
  EXPECT_EQ(dropped.if_missing, IfMissing::kIgnore);
  EXPECT_EQ(dropped.contents, Contents::kCascade);
  EXPECT_EQ(Parsed<UseStatement>("USE a.b").name, (SchemaName{"a", "b"}));
  EXPECT_THAT(ParseSql("DROP SCHEMA s NOW"), IsInvalid("Expected ';'"));
}

TEST(ChangeParserTest, CopyTo) {
  const auto table =
      Parsed<CopyToStatement>("COPY s.t (a, b) TO \"dir/a.csv\" WITH (FORMAT = csv, OVERWRITE)");
  EXPECT_EQ(table.name, (TableName{"", "s", "t"}));
  EXPECT_EQ(table.query, "");
  EXPECT_THAT(table.columns, ElementsAre("a", "b"));
  EXPECT_EQ(table.path, "dir/a.csv");
  EXPECT_THAT(table.options, ElementsAre(Pair("format", "csv"), Pair("overwrite", "true")));
  const auto query =
      Parsed<CopyToStatement>("COPY (SELECT (`a`), \"x\" FROM t LIMIT 1, 2) TO 'x.parquet'");
  EXPECT_EQ(query.query, "SELECT (\"a\"), 'x' FROM t OFFSET 1 LIMIT 2");
  const auto database = Parsed<CopyDatabaseStatement>(
      "COPY DATABASE s TO 'dir' WITH (START_TIME = '2020-01-01', END_TIME 5, FORMAT json)");
  EXPECT_EQ(database.name.schema, "s");
  EXPECT_EQ(database.folder, "dir");
  EXPECT_THAT(database.options, ElementsAre(Pair("end_time", "5"), Pair("format", "json"),
                                            Pair("start_time", "2020-01-01")));
  EXPECT_EQ(Parsed<CopyToStatement>("COPY database TO 'x'").name.table, "database");
  EXPECT_EQ(Parsed<CopyFromStatement>("COPY database (a) FROM 'x'").name.table, "database");
  EXPECT_THAT(ParseSql("COPY (SELECT 1 TO 'x'"), IsInvalid("Expected ')'"));
  EXPECT_THAT(ParseSql("COPY (DELETE FROM t) TO 'x'"), IsInvalid("Expected a query"));
  EXPECT_THAT(ParseSql("COPY t TO x"), IsInvalid("the path of a file in single quotes"));
  EXPECT_THAT(ParseSql("COPY t"), IsInvalid("Expected FROM or TO"));
}

}  // namespace
}  // namespace varve
