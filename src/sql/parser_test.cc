// Every statement, every option in every place, and each error with its place.
#include "sql/parser.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/matchers.h"
#include "sql/test_parsing.h"

namespace varve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::StartsWith;
using testing::UnorderedElementsAre;

auto IsUnsupported(std::string_view message) {
  return IsError(ErrorKind::kNotSupported, HasSubstr(std::string(message)));
}

ColumnSchema ColumnOf(std::string_view declaration) {
  const auto create =
      Parsed<CreateTableStatement>("CREATE TABLE t (" + std::string(declaration) + ")");
  EXPECT_THAT(create.spec.columns, SizeIs(1));
  return create.spec.columns.empty() ? ColumnSchema{} : create.spec.columns[0];
}

TEST(ParserTest, CreateTableOfTheManual) {
  const auto create = Parsed<CreateTableStatement>(
      "CREATE TABLE `demo` (`name` string TAG COMMENT 'who', `value` double NOT NULL, "
      "`t` timestamp NOT NULL, TIMESTAMP KEY(t)) ENGINE=Analytic WITH (enable_ttl='false', "
      "ttl=\"7d\", num_rows_per_row_group = 100, update_mode = APPEND, segment_duration = NULL);");
  EXPECT_EQ(create.name, (TableName{"", "", "demo"}));
  EXPECT_EQ(create.if_present, IfPresent::kFail);
  EXPECT_EQ(create.engine, "Analytic");
  ASSERT_THAT(create.spec.columns, SizeIs(3));
  EXPECT_EQ(
      create.spec.columns[0],
      (ColumnSchema{.name = "name", .type = ColumnType::kString, .tag = true, .comment = "who"}));
  EXPECT_EQ(create.spec.columns[1],
            (ColumnSchema{.name = "value", .type = ColumnType::kDouble, .nullable = false}));
  EXPECT_EQ(create.spec.timestamp_key, "t");
  EXPECT_THAT(create.spec.primary_key, IsEmpty());
  EXPECT_THAT(create.options, UnorderedElementsAre(Pair("enable_ttl", "false"), Pair("ttl", "7d"),
                                                   Pair("num_rows_per_row_group", "100"),
                                                   Pair("update_mode", "APPEND")));
}

TEST(ParserTest, ColumnOptionsInAnyOrder) {
  std::vector<std::string> options = {"NOT NULL", "TAG", "DICTIONARY", "DEFAULT 'a' || 'b'",
                                      "COMMENT \"c\""};
  std::ranges::sort(options);
  do {
    std::string sql = "s string";
    for (const std::string& option : options) {
      sql += " " + option;
    }
    const ColumnSchema expected{.name = "s",
                                .type = ColumnType::kString,
                                .nullable = false,
                                .tag = true,
                                .dictionary = true,
                                .default_value = "'a' || 'b'",
                                .comment = "c"};
    EXPECT_EQ(ColumnOf(sql), expected) << sql;
  } while (std::ranges::next_permutation(options).found);
}

TEST(ParserTest, KeysAsColumnOptionsInAnyOrder) {
  for (const std::string_view options :
       {"TIMESTAMP KEY NOT NULL PRIMARY KEY", "PRIMARY KEY TIMESTAMP KEY NOT NULL",
        "NOT NULL DEFAULT 1 PRIMARY KEY COMMENT 'x' TIMESTAMP KEY"}) {
    const auto create =
        Parsed<CreateTableStatement>("CREATE TABLE t (ts timestamp " + std::string(options) + ")");
    EXPECT_EQ(create.spec.timestamp_key, "ts") << options;
    EXPECT_THAT(create.spec.primary_key, ElementsAre("ts")) << options;
    EXPECT_FALSE(create.spec.columns[0].nullable) << options;
  }
}

TEST(ParserTest, EveryTypeInBothCases) {
  for (const ColumnType type : kAllColumnTypes) {
    std::string name(ColumnTypeName(type));
    EXPECT_EQ(ColumnOf("c " + name).type, type);
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    EXPECT_EQ(ColumnOf("c " + name).type, type);
  }
  EXPECT_EQ(ColumnOf("c bigint UNSIGN").type, ColumnType::kUInt64);
  EXPECT_EQ(ColumnOf("c INT NOT NULL unsign").type, ColumnType::kUInt32);
  EXPECT_EQ(ColumnOf("c smallint unsigned").type, ColumnType::kUInt16);
  EXPECT_EQ(ColumnOf("c tinyint UNSIGN TAG").type, ColumnType::kUInt8);
}

TEST(ParserTest, ConstraintsStandAnywhereAndATrailingCommaIsAllowed) {
  for (const std::string_view items :
       {"PRIMARY KEY(a, ts), TIMESTAMP KEY(ts), a int, ts timestamp",
        "a int, CONSTRAINT pk PRIMARY KEY(a,ts), ts timestamp, TIMESTAMP KEY (ts),",
        "a int, ts timestamp TIMESTAMP KEY, primary key (`a`, \"ts\"),"}) {
    const auto create = Parsed<CreateTableStatement>("create table t (" + std::string(items) + ")");
    EXPECT_THAT(create.spec.columns, SizeIs(2)) << items;
    EXPECT_THAT(create.spec.primary_key, ElementsAre("a", "ts")) << items;
    EXPECT_EQ(create.spec.timestamp_key, "ts") << items;
  }
  EXPECT_EQ(ColumnOf("timestamp timestamp").name, "timestamp");
  EXPECT_THAT(Parsed<CreateTableStatement>("CREATE TABLE t (a int, PRIMARY KEY(t1, tsid))")
                  .spec.primary_key,
              ElementsAre("t1", "tsid"));
}

TEST(ParserTest, IfNotExistsInBothSpellings) {
  for (const std::string_view words : {"IF NOT EXISTS", "if not exist"}) {
    const auto create =
        Parsed<CreateTableStatement>("CREATE TABLE " + std::string(words) + " c.s.t (a int)");
    EXPECT_EQ(create.if_present, IfPresent::kIgnore);
    EXPECT_EQ(create.name, (TableName{"c", "s", "t"}));
  }
  EXPECT_EQ(Parsed<CreateTableStatement>("CREATE TABLE if (a int)").name.table, "if");
}

TEST(ParserTest, TailOfCreateTableInAnyOrder) {
  const auto create =
      Parsed<CreateTableStatement>("CREATE TABLE t (a int) WITH (a=-1, b=TRUE) ENGINE='Memory'");
  EXPECT_EQ(create.engine, "Memory");
  EXPECT_THAT(create.options, ElementsAre(Pair("a", "-1"), Pair("b", "TRUE")));
  EXPECT_EQ(Parsed<CreateTableStatement>("CREATE TABLE t (a int) ENGINE=analytic").engine,
            "Analytic");
  EXPECT_THAT(
      Parsed<CreateTableStatement>("CREATE TABLE t (a int) WITH (snapshot.num-retained.min = 3, "
                                   "'snapshot.time-retained'='2h')")
          .options,
      UnorderedElementsAre(Pair("snapshot.num-retained.min", "3"),
                           Pair("snapshot.time-retained", "2h")));
  EXPECT_THAT(Parsed<CreateTableStatement>("CREATE TABLE t (a int) WITH ()").options, IsEmpty());
  EXPECT_THAT(
      Parsed<CreateTableStatement>("CREATE TABLE t (a int) WITH (compaction_strategy=default)")
          .options,
      ElementsAre(Pair("compaction_strategy", "default")));
}

TEST(ParserTest, DefaultExpressionsAreNormalAndEndAtTheNextOption) {
  EXPECT_EQ(ColumnOf("c uint32 default c3*2 + 1").default_value, "c3 * 2 + 1");
  EXPECT_EQ(ColumnOf("c string DEFAULT \"x\" TAG").default_value, "'x'");
  EXPECT_EQ(ColumnOf("c int DEFAULT -1 NOT NULL").default_value, "-1");
  EXPECT_EQ(ColumnOf("c int DEFAULT NULL NULL").default_value, "NULL");
  EXPECT_EQ(ColumnOf("c int DEFAULT tag + 1 TAG").default_value, "tag + 1");
  EXPECT_EQ(ColumnOf("c boolean DEFAULT a IS NOT NULL NOT NULL").default_value, "a IS NOT NULL");
  EXPECT_EQ(ColumnOf("c boolean DEFAULT a NOT IN (1,2) COMMENT 'x'").default_value,
            "a NOT IN (1, 2)");
  EXPECT_EQ(ColumnOf("c int DEFAULT f(a, (b), NULL) COMMENT 'x'").default_value, "f(a, (b), NULL)");
  EXPECT_EQ(ColumnOf("c int DEFAULT case when a then null else 1 end TAG").default_value,
            "CASE WHEN a THEN NULL ELSE 1 END");
}

TEST(ParserTest, ErrorsOfCreateTable) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"CREATE TABLE t (a varchar)",
       "Unsupported SQL data type: varchar; the types are timestamp,"},
      {"CREATE TABLE t (a null)", "Unsupported SQL data type: null"},
      {"CREATE TABLE t (a)", "Expected the type of column a"},
      {"CREATE TABLE t ()", "Expected the name of a column, found ')'"},
      {"CREATE TABLE t", "Expected '(', found the end of the text"},
      {"CREATE TABLE t (a int", "found the end of the text"},
      {"CREATE TABLE t (a int b int)", "Expected an option of the column"},
      {"CREATE TABLE t (order int)", "reserved word order: as a name it is written `order`"},
      {"CREATE TABLE select (a int)", "reserved word select"},
      {"CREATE TABLE 7d (a int)", "back quotes"},
      {"CREATE TABLE `` (a int)", "The name of a table is empty"},
      {"CREATE TABLE a.b.c.d (a int)", "at most three parts"},
      {"CREATE TABLE t (d double DICTIONARY)",
       "Only string column can be dictionary encoded: \"d double DICTIONARY\""},
      {"CREATE TABLE t (d double UNSIGN)", "UNSIGN stands behind bigint"},
      {"CREATE TABLE t (a int NULL NOT NULL)", "NULL is said twice of column a"},
      {"CREATE TABLE t (a int TAG TAG)", "TAG is said twice"},
      {"CREATE TABLE t (a int DEFAULT)", "Expected an expression"},
      {"CREATE TABLE t (a int DEFAULT (1)", "the end of the text"},
      {"CREATE TABLE t (a int COMMENT 5)", "Expected the comment's text"},
      {"CREATE TABLE t (a timestamp TIMESTAMP KEY, TIMESTAMP KEY(a))",
       "Table must contain only one timestamp key"},
      {"CREATE TABLE t (a timestamp, TIMESTAMP KEY(a, b))",
       "Table must contain only one timestamp key"},
      {"CREATE TABLE t (a int PRIMARY KEY, b int PRIMARY KEY)",
       "Duplicate definitions of primary key are found"},
      {"CREATE TABLE t (a int, PRIMARY KEY())", "Expected the name of a column"},
      {"CREATE TABLE t (CONSTRAINT c a int)", "Expected PRIMARY KEY or TIMESTAMP KEY"},
      {"CREATE TABLE t (a int) WITH (ttl='1d', ttl='2d')", "Option ttl is given twice"},
      {"CREATE TABLE t (a int) WITH (ttl=7d)", "a value in single quotes ('7d')"},
      {"CREATE TABLE t (a int) WITH (ttl)", "Expected '='"},
      {"CREATE TABLE t (a int) WITH (ttl=)", "Expected the value of the option"},
      {"CREATE TABLE t (a int) FOO", "Expected ENGINE = ..., WITH (...)"},
      {"CREATE TABLE t (a int) ENGINE Analytic", "Expected '='"},
      {"CREATE TABLE IF NOT t (a int)", "Expected EXISTS"},
      {"CREATE 5", "Expected TABLE, VIEW, SCHEMA, DATABASE or SAVEPOINT"},
  };
  for (const auto& [sql, message] : cases) {
    EXPECT_THAT(ParseSql(sql), IsInvalid(message)) << sql;
  }
  EXPECT_THAT(ParseSql("CREATE TABLE t (a int, UNIQUE (a))"), IsUnsupported("constraint: UNIQUE"));
  EXPECT_THAT(ParseSql("CREATE TABLE t AS SELECT 1"), IsUnsupported("INSERT INTO ... SELECT"));
}

TEST(ParserTest, TheCaretStandsUnderThePlace) {
  const auto statements = ParseSql("CREATE TABLE t (\n  `温度` varchar(20)\n)");
  ASSERT_FALSE(statements.has_value());
  EXPECT_THAT(statements.error().message,
              testing::EndsWith("\nline 2, column 8:\n    `温度` varchar(20)\n         ^"));
}

TEST(ParserTest, CreateSchema) {
  EXPECT_EQ(Parsed<CreateSchemaStatement>("CREATE SCHEMA s").name, (SchemaName{"", "s"}));
  EXPECT_EQ(Parsed<CreateSchemaStatement>("CREATE DATABASE IF NOT EXISTS `a b`").if_present,
            IfPresent::kIgnore);
}

TEST(ParserTest, DropTable) {
  EXPECT_EQ(Parsed<DropTableStatement>("DROP TABLE t").if_missing, IfMissing::kFail);
  const auto drop = Parsed<DropTableStatement>("drop table if exists s.`t` ENGINE = Analytic;");
  EXPECT_EQ(drop.if_missing, IfMissing::kIgnore);
  EXPECT_EQ(drop.name, (TableName{"", "s", "t"}));
  EXPECT_THAT(ParseSql("DROP TABLE a, b"), IsUnsupported("one table with each statement"));
  EXPECT_THAT(ParseSql("DROP INDEX v"), IsUnsupported("Unsupported SQL statement: DROP INDEX"));
  EXPECT_THAT(ParseSql("DROP TABLE"), IsInvalid("Expected the name of a table"));
}

TEST(ParserTest, AlterTable) {
  const auto one =
      Parsed<AddColumnsStatement>("ALTER TABLE t ADD COLUMN c string TAG DICTIONARY DEFAULT 'x'");
  EXPECT_EQ(one.name.table, "t");
  EXPECT_THAT(one.columns, ElementsAre(ColumnSchema{.name = "c",
                                                    .type = ColumnType::kString,
                                                    .tag = true,
                                                    .dictionary = true,
                                                    .default_value = "'x'"}));
  EXPECT_THAT(
      Parsed<AddColumnsStatement>("ALTER TABLE t ADD COLUMN (a int, b double NOT NULL)").columns,
      SizeIs(2));
  EXPECT_THAT(Parsed<ModifySettingStatement>(
                  "ALTER TABLE t MODIFY SETTING ttl='10d', write_buffer_size = '300M'")
                  .options,
              ElementsAre(Pair("ttl", "10d"), Pair("write_buffer_size", "300M")));
  EXPECT_THAT(ParseSql("ALTER TABLE t ADD COLUMN ts timestamp TIMESTAMP KEY"),
              IsInvalid("an added column cannot be one"));
  EXPECT_THAT(ParseSql("ALTER TABLE t ADD c int"), IsInvalid("Expected ADD COLUMN"));
  EXPECT_THAT(ParseSql("ALTER TABLE t ALTER COLUMN c int"), IsUnsupported("... ALTER"));
  EXPECT_THAT(ParseSql("ALTER VIEW v"), IsUnsupported("ALTER VIEW"));
}

std::vector<std::vector<InsertValue>> RowsOf(std::string_view sql, ParseOptions options = {}) {
  auto insert = Parsed<InsertStatement>(sql, options);
  EXPECT_TRUE(std::holds_alternative<std::vector<std::vector<InsertValue>>>(insert.source)) << sql;
  return std::get<0>(std::move(insert.source));
}

TEST(ParserTest, InsertValuesOfEveryKind) {
  EXPECT_THAT(
      RowsOf(R"(INSERT INTO t VALUES (NULL, 12, - 1.5e3, +7, 'it''s', "d", x'0aff', true, FALSE))"),
      ElementsAre(ElementsAre(NullLiteral{}, NumberLiteral{"12"}, NumberLiteral{"-1.5e3"},
                              NumberLiteral{"7"}, StringLiteral{"it's"}, StringLiteral{"d"},
                              BytesLiteral{"\x0a\xff"}, BooleanLiteral{true},
                              BooleanLiteral{false})));
}

TEST(ParserTest, OtherValuesAreExpressionsInTheSpellingOfDuckDb) {
  EXPECT_THAT(
      RowsOf("INSERT INTO t VALUES (now() - INTERVAL 1 DAY, 1 + 2, -(3), f(a, `b`), "
             "'a' || \"b\", 1_000, - -5, NULL IS NULL)"),
      ElementsAre(ElementsAre(ExpressionText{"now() - INTERVAL 1 DAY"}, ExpressionText{"1 + 2"},
                              ExpressionText{"-(3)"}, ExpressionText{R"(f(a, "b"))"},
                              ExpressionText{"'a' || 'b'"}, ExpressionText{"1_000"},
                              ExpressionText{"- -5"}, ExpressionText{"NULL IS NULL"})));
  EXPECT_THAT(RowsOf(R"(INSERT INTO t VALUES ("a"))", {DoubleQuotes::kIdentifier}),
              ElementsAre(ElementsAre(ExpressionText{R"("a")"})));
}

TEST(ParserTest, InsertInAllItsForms) {
  for (const std::string_view words :
       {"INSERT INTO TABLE t", "INSERT INTO t", "INSERT TABLE t", "insert t"}) {
    const auto insert = Parsed<InsertStatement>(std::string(words) + " VALUES (1), (2), (3)");
    EXPECT_EQ(insert.name.table, "t") << words;
    EXPECT_EQ(insert.columns, std::nullopt) << words;
    EXPECT_THAT(std::get<0>(insert.source), SizeIs(3)) << words;
  }
  EXPECT_THAT(*Parsed<InsertStatement>("INSERT INTO t (a, `b c`, values) VALUES (1, 2, 3)").columns,
              ElementsAre("a", "b c", "values"));
}

TEST(ParserTest, InsertFromAQuery) {
  const auto insert =
      Parsed<InsertStatement>("INSERT INTO t (a) SELECT \"x\" FROM `u` LIMIT 1, 2;");
  EXPECT_THAT(*insert.columns, ElementsAre("a"));
  EXPECT_EQ(std::get<1>(insert.source), R"(SELECT 'x' FROM "u" OFFSET 1 LIMIT 2)");
  const auto bracketed = Parsed<InsertStatement>("INSERT INTO t (SELECT 1)");
  EXPECT_EQ(bracketed.columns, std::nullopt);
  EXPECT_EQ(std::get<1>(bracketed.source), "(SELECT 1)");
  EXPECT_EQ(
      std::get<1>(Parsed<InsertStatement>("INSERT INTO t WITH c AS (SELECT 1) FROM c").source),
      "WITH c AS (SELECT 1) FROM c");
}

TEST(ParserTest, ErrorsOfInsert) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"INSERT INTO t", "Expected VALUES or a query"},
      {"INSERT INTO t VALUES", "Expected '('"},
      {"INSERT INTO t VALUES ()", "Expected a value, found ')'"},
      {"INSERT INTO t VALUES (1,)", "Expected a value, found ')'"},
      {"INSERT INTO t VALUES (1", "Expected ',' or ')', found the end"},
      {"INSERT INTO t VALUES (1, 'x)", "no closing single quote"},
      {"INSERT INTO t VALUES (1),", "Expected '('"},
      {"INSERT INTO t VALUES (1) (2)", "Expected ';' or the end of the statement"},
      {"INSERT INTO t VALUES (1; 2)", "Expected"},
      {"INSERT INTO t VALUES ((1)", "Expected ',' or ')'"},
      {"INSERT INTO t () VALUES (1)", "Expected the name of a column"},
      {"INSERT INTO t (a b) VALUES (1)", "Expected ')'"},
      {"INSERT INTO t VALUES (x'0')", "two hexadecimal digits"},
  };
  for (const auto& [sql, message] : cases) {
    EXPECT_THAT(ParseSql(sql), IsInvalid(message)) << sql;
  }
  EXPECT_THAT(ParseSql("INSERT INTO t VALUES (DEFAULT)"), IsUnsupported("leave its column out"));
  EXPECT_THAT(ParseSql("INSERT OR REPLACE INTO t VALUES (1)"), IsUnsupported("INSERT OR"));
  EXPECT_THAT(ParseSql("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING"), IsUnsupported("ON"));
}

TEST(ParserTest, DescribeShowExistsUse) {
  for (const std::string_view sql :
       {"DESC t", "DESCRIBE t", "DESCRIBE TABLE `t`;", "desc table t"}) {
    EXPECT_EQ(Parsed<DescribeStatement>(sql).name.table, "t");
  }
  EXPECT_EQ(Parsed<ShowTablesStatement>("SHOW TABLES").pattern, std::nullopt);
  EXPECT_EQ(Parsed<ShowTablesStatement>("SHOW TABLES LIKE 'c%'").pattern, "c%");
  EXPECT_EQ(Parsed<ShowTablesStatement>("show tables like \"c_\";").pattern, "c_");
  Parsed<ShowDatabasesStatement>("SHOW DATABASES");
  EXPECT_EQ(Parsed<ShowCreateTableStatement>("SHOW CREATE TABLE a.b").name,
            (TableName{"", "a", "b"}));
  EXPECT_EQ(Parsed<ExistsStatement>("EXISTS t").name.table, "t");
  EXPECT_EQ(Parsed<ExistsStatement>("EXISTS TABLE t").name.table, "t");
  EXPECT_EQ(Parsed<CompactTableStatement>("compact table s.`a b`").name,
            (TableName{"", "s", "a b"}));
  EXPECT_THAT(ParseSql("COMPACT t"), IsInvalid("Expected TABLE"));
  EXPECT_THAT(ParseSql("COMPACT TABLE"), IsInvalid("Expected"));
  EXPECT_THAT(ParseSql("COMPACT TABLE t FULL"), IsInvalid("Expected"));
  EXPECT_EQ(Parsed<UseStatement>("USE s").name, (SchemaName{"", "s"}));
  EXPECT_THAT(ParseSql("SHOW TABLES FROM s"), IsInvalid("Expected LIKE, found 'FROM'"));
  EXPECT_THAT(ParseSql("SHOW TABLES LIKE x"), IsInvalid("Expected a pattern"));
  EXPECT_THAT(ParseSql("SHOW VARIABLES"),
              IsUnsupported("Unsupported SQL statement: SHOW VARIABLES"));
  EXPECT_THAT(ParseSql("SHOW"),
              IsInvalid("Expected TABLES, DATABASES, CREATE TABLE or CREATE VIEW"));
  EXPECT_THAT(ParseSql("DESC t u"), IsInvalid("Expected ';' or the end of the statement"));
}

TEST(ParserTest, CopyFrom) {
  const auto plain = Parsed<CopyFromStatement>("COPY t FROM 'a.parquet'");
  EXPECT_EQ(plain.path, "a.parquet");
  EXPECT_THAT(plain.columns, IsEmpty());
  EXPECT_THAT(plain.options, IsEmpty());
  for (const std::string_view options :
       {"(FORMAT csv, HEADER true, DELIMITER ';', \"Skip\" 1)",
        "WITH (FORMAT='csv', header=true, delimiter=\";\", skip=1)",
        "with (format csv, HEADER, "
        "delimiter = ';', SKIP 1)"}) {
    const auto copy =
        Parsed<CopyFromStatement>("COPY s.t (a, b) FROM \"dir/a.csv\" " + std::string(options));
    EXPECT_EQ(copy.path, "dir/a.csv");
    EXPECT_THAT(copy.columns, ElementsAre("a", "b"));
    EXPECT_THAT(copy.options, ElementsAre(Pair("delimiter", ";"), Pair("format", "csv"),
                                          Pair("header", "true"), Pair("skip", "1")))
        << options;
  }
  EXPECT_THAT(Parsed<CopyFromStatement>("COPY t FROM 'x' (NULL 'NA')").options,
              ElementsAre(Pair("null", "NA")));
  EXPECT_THAT(ParseSql("COPY t FROM x"), IsInvalid("the path of a file in single quotes"));
  EXPECT_THAT(ParseSql("COPY t FROM 'x' ()"), IsInvalid("the name of an option"));
  EXPECT_THAT(ParseSql("COPY t FROM 'x' (a, A 1)"), IsInvalid("Option a is given twice"));
  EXPECT_THAT(ParseSql("COPY t FROM \"x\"", {DoubleQuotes::kIdentifier}), IsInvalid("the path"));
}

TEST(ParserTest, QueriesStayText) {
  EXPECT_EQ(Parsed<QueryStatement>("SELECT `a` FROM t;").sql, R"(SELECT "a" FROM t)");
  for (const std::string_view sql :
       {"select 1", "WITH a AS (SELECT 1) SELECT * FROM a", "VALUES (1), (2)", "FROM t",
        "(SELECT 1)", "((SELECT 1) UNION (SELECT 2)) ORDER BY 1"}) {
    EXPECT_EQ(Parsed<QueryStatement>(sql).sql, sql);
  }
}

TEST(ParserTest, Explain) {
  using Kind = ExplainStatement::Kind;
  EXPECT_EQ(Parsed<ExplainStatement>("EXPLAIN SELECT `a`").sql, R"(SELECT "a")");
  EXPECT_EQ(Parsed<ExplainStatement>("EXPLAIN SELECT 1").kind, Kind::kPlan);
  EXPECT_EQ(Parsed<ExplainStatement>("EXPLAIN VERBOSE SELECT 1").kind, Kind::kVerbose);
  EXPECT_EQ(Parsed<ExplainStatement>("explain analyze FROM t").kind, Kind::kAnalyze);
  EXPECT_THAT(ParseSql("EXPLAIN INSERT INTO t VALUES (1)"), IsInvalid("Expected a query"));
}

TEST(ParserTest, ExportAndImport) {
  const auto out = Parsed<ExportDatabaseStatement>(
      "EXPORT DATABASE TO 's3://b/x' WITH (FORMAT = 'csv', schema_only)");
  EXPECT_EQ(out.location, "s3://b/x");
  EXPECT_EQ(out.options,
            (std::map<std::string, std::string>{{"format", "csv"}, {"schema_only", "true"}}));
  const auto in = Parsed<ImportDatabaseStatement>("import database from 'file:///x/y'");
  EXPECT_EQ(in.location, "file:///x/y");
  EXPECT_TRUE(in.options.empty());
  EXPECT_THAT(ParseSql("EXPORT DATABASE FROM 'x'"), IsError(ErrorKind::kInvalidArgument));
  EXPECT_THAT(ParseSql("EXPORT TABLE t TO 'x'"), IsError(ErrorKind::kInvalidArgument));
}

TEST(ParserTest, CallsOfProcedures) {
  EXPECT_EQ(Parsed<GcStatement>("CALL varve_gc()").mode, CallMode::kRun);
  EXPECT_EQ(Parsed<GcStatement>("call VARVE_GC(dry_run => TRUE);").mode, CallMode::kDryRun);
  EXPECT_EQ(Parsed<GcStatement>("CALL varve_gc(grace=>'2h', dry_run=>false)").grace, "2h");
  const auto expire = Parsed<ExpireSnapshotsStatement>(
      "CALL varve_expire_snapshots('ops.`My t`', retain_last => 5, older_than => '1d', "
      "dry_run => true)");
  EXPECT_EQ(expire.name, (TableName{"", "ops", "My t"}));
  EXPECT_EQ(expire.retain_last, 5u);
  EXPECT_EQ(expire.older_than, "1d");
  EXPECT_EQ(expire.mode, CallMode::kDryRun);
  EXPECT_EQ(
      Parsed<ExpireSnapshotsStatement>("CALL varve_expire_snapshots(table => 't')").name.table,
      "t");
  const std::vector<std::pair<const char*, const char*>> wrong = {
      {"CALL",
       "Expected the name of a procedure (varve_gc, varve_expire_snapshots, varve_release_export, "
       "create_savepoint, "
       "delete_savepoint, create_consumer, reset_consumer or delete_consumer)"},
      {"CALL pragma_version()", "Expected the name of a procedure"},
      {"CALL varve_gc", "Expected '('"},
      {"CALL varve_gc(true)", "The arguments are dry_run => ..., grace => ..."},
      {"CALL varve_gc(dry_run => 1)", "dry_run is true or false"},
      {"CALL varve_gc(dry_run => true, dry_run => true)", "Argument dry_run is given twice"},
      {"CALL varve_gc(grace => 2)", "grace is a duration in single quotes"},
      {"CALL varve_gc(dry_run => true grace => '1h')", "Expected ',' or ')'"},
      {"CALL varve_gc(dry_run =>", "Expected an argument"},
      {"CALL varve_expire_snapshots()", "the table first"},
      {"CALL varve_expire_snapshots('t', retain_last => 0)", "1 or more"},
      {"CALL varve_expire_snapshots('t', retain_last => '5')", "1 or more"},
      {"CALL varve_expire_snapshots('t t')", "Expected"},
      {"CALL varve_expire_snapshots('t', keep => 5)", "The arguments are table => ..."},
      {"CALL varve_gc() now", "Expected"}};
  for (const auto& [sql, message] : wrong) {
    EXPECT_THAT(ParseSql(sql), IsInvalid(message)) << sql;
  }
}

TEST(ParserTest, WhatDuckDbWouldDoIsNotSupported) {
  for (const std::string_view word :
       {"ATTACH",  "DETACH",  "INSTALL", "LOAD",       "PRAGMA",     "UPDATE",    "MERGE",
        "BEGIN",   "START",   "COMMIT",  "ROLLBACK",   "CHECKPOINT", "FORCE",     "VACUUM",
        "ANALYZE", "PREPARE", "EXECUTE", "DEALLOCATE", "COMMENT",    "SUMMARIZE", "PIVOT",
        "UNPIVOT", "TABLE",   "REPLACE", "GRANT",      "REVOKE",     "ABORT"}) {
    EXPECT_THAT(ParseSql(std::string(word) + " x 'y'"),
                IsError(ErrorKind::kNotSupported,
                        StartsWith("Unsupported SQL statement: " + std::string(word) + "\n")));
  }
  EXPECT_THAT(ParseSql("attach 'x'"), IsUnsupported("Unsupported SQL statement: ATTACH"));
  for (const std::string_view what :
       {"TEMP", "MACRO", "INDEX", "SECRET", "TYPE", "SEQUENCE", "FUNCTION", "PERSISTENT"}) {
    EXPECT_THAT(ParseSql("CREATE " + std::string(what) + " x"),
                IsUnsupported("Unsupported SQL statement: CREATE " + std::string(what)));
  }
}

TEST(ParserTest, WhatNobodyKnowsIsInvalid) {
  EXPECT_THAT(ParseSql("SELEC 1"), IsInvalid("Expected a statement (SELECT, WITH, "));
  EXPECT_THAT(ParseSql("  5"), IsInvalid("column 3:"));
  EXPECT_THAT(ParseSql("SELECT 1; 'x'"), IsInvalid("column 11:"));
  EXPECT_THAT(ParseSql("SELECT 1; ATTACH 'x'"), IsUnsupported("line 1, column 11:"));
  EXPECT_THAT(ParseSql("SELECT (1; SELECT 2"), IsInvalid("'(' is never closed"));
  EXPECT_THAT(ParseSql("SELECT '\xff'"), IsInvalid("not UTF-8"));
}

TEST(ParserTest, SeveralStatements) {
  const auto statements = ParseSql(
      ";; CREATE TABLE t (a int); -- one\nINSERT t VALUES (1);;\n"
      "SELECT ';' /* ; */ FROM t;");
  ASSERT_THAT(statements, IsOk());
  ASSERT_THAT(*statements, SizeIs(3));
  EXPECT_TRUE(std::holds_alternative<CreateTableStatement>((*statements)[0]));
  EXPECT_TRUE(std::holds_alternative<InsertStatement>((*statements)[1]));
  EXPECT_EQ(std::get<QueryStatement>((*statements)[2]).sql, "SELECT ';' FROM t");
}

TEST(ParserTest, NothingIsNoStatement) {
  for (const std::string_view sql : {"", "  \n", ";", ";;", "-- x", "/* x */ ;"}) {
    const auto statements = ParseSql(sql);
    ASSERT_THAT(statements, IsOk()) << sql;
    EXPECT_THAT(*statements, IsEmpty()) << sql;
  }
}

TEST(ParserTest, LimitsHold) {
  std::string many;
  for (size_t i = 0; i < kStatementsMax; ++i) {
    many += "EXISTS t;";
  }
  EXPECT_THAT(ParseSql(many), IsOk());
  EXPECT_THAT(ParseSql(many + "EXISTS t"), IsInvalid("At most 1024 statements"));
  EXPECT_THAT(ParseSql(std::string(kStatementBytesMax + 1, ' ')),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("several requests")));
  std::string wide = "CREATE TABLE t (c0 int";
  for (size_t i = 1; i <= kColumnsMax; ++i) {
    wide += fmt::format(", c{} int", i);
  }
  EXPECT_THAT(ParseSql(wide + ")"), IsInvalid("at most 4096 columns"));
}

}  // namespace
}  // namespace varve
