// What of a query changes on its way to DuckDB and what does not, and the normal form of DEFAULT
// expressions.
#include "sql/rewrite.h"

#include <gmock/gmock.h>

#include <string>

#include "base/matchers.h"
#include "sql/default_expression.h"

namespace varve {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr ParseOptions kIdentifiers{DoubleQuotes::kIdentifier};

std::string Rewritten(std::string_view sql, ParseOptions options = {}) {
  const Result<std::string> out = RewriteForDuckDb(sql, options);
  EXPECT_THAT(out, IsOk()) << sql;
  return out.value_or("");
}

std::string Normal(std::string_view sql, ParseOptions options = {}) {
  const Result<std::string> out = NormalizeExpression(sql, options);
  EXPECT_THAT(out, IsOk()) << sql;
  if (out) {
    EXPECT_THAT(NormalizeExpression(*out), testing::Eq(out)) << "not its own normal form";
  }
  return out.value_or("");
}

TEST(RewriteTest, WhatDuckDbReadsAsItIsStaysByteForByte) {
  for (const std::string_view sql :
       {"SELECT a,\n\tb  FROM t WHERE c='it''s'", "SELECT E'a\\'b', 'x\\', $1 FROM t",
        "SELECT [1,2][1:2], {a: 1}, x->>'k', y::INT, z //2", "SELECT 1 LIMIT 5 OFFSET 3",
        "SELECT 温度 FROM größe", "SELECT x -> x + 1"}) {
    EXPECT_EQ(Rewritten(sql), sql);
    EXPECT_EQ(Rewritten(sql, kIdentifiers), sql);
  }
}

TEST(RewriteTest, BackQuotesBecomeDoubleQuotes) {
  EXPECT_EQ(Rewritten("SELECT `sys.cpu.nice`, t.`a` FROM `00_t`"),
            R"(SELECT "sys.cpu.nice", t."a" FROM "00_t")");
  EXPECT_EQ(Rewritten("SELECT `a\"b`, `c``d`"), R"(SELECT "a""b", "c`d")");
}

TEST(RewriteTest, DoubleQuotesAreStringsInTheDialectOfCeresDb) {
  EXPECT_EQ(Rewritten(R"(SELECT "a", 'b' FROM t WHERE x = "it's ""so""")"),
            R"(SELECT 'a', 'b' FROM t WHERE x = 'it''s "so"')");
  EXPECT_EQ(Rewritten(R"(SELECT "a")", kIdentifiers), R"(SELECT "a")");
}

TEST(RewriteTest, DoubleQuotesAreNamesWhereOnlyANameCanStand) {
  EXPECT_EQ(Rewritten(R"(SELECT a AS "x" FROM "t" JOIN "u" USING ("id"))"),
            R"(SELECT a AS "x" FROM "t" JOIN "u" USING ("id"))");
  EXPECT_EQ(Rewritten(R"(SELECT "t"."c", u . "d" FROM "s"."t")"),
            R"(SELECT "t"."c", u . "d" FROM "s"."t")");
  EXPECT_EQ(Rewritten(R"(WITH "c" AS (SELECT 1) FROM "c")"), R"(WITH "c" AS (SELECT 1) FROM "c")");
}

TEST(RewriteTest, AfterTheFromOfAFunctionStandsAString) {
  EXPECT_EQ(Rewritten(R"(SELECT EXTRACT(year FROM "2020-01-01"), trim(both from "x") FROM "t")"),
            R"(SELECT EXTRACT(year FROM '2020-01-01'), trim(both from 'x') FROM "t")");
  EXPECT_EQ(Rewritten(R"(SELECT EXTRACT(year FROM (SELECT a FROM "t")))"),
            R"(SELECT EXTRACT(year FROM (SELECT a FROM "t")))");
  EXPECT_EQ(Rewritten(R"(SELECT a IS DISTINCT FROM "x")"), R"(SELECT a IS DISTINCT FROM 'x')");
}

TEST(RewriteTest, ArrayIsAFunctionWhenItIsCalled) {
  EXPECT_EQ(Rewritten("SELECT array(1, 'a'), ARRAY (x), array()"),
            "SELECT make_array(1, 'a'), make_array (x), make_array()");
  EXPECT_EQ(Rewritten("SELECT ARRAY[1], ARRAY(SELECT 1), `array`(1)"),
            R"(SELECT ARRAY[1], ARRAY(SELECT 1), "array"(1))");
}

TEST(RewriteTest, ParametersAreNumberedAndJoinNothing) {
  EXPECT_EQ(Rewritten("SELECT ?, ? + ? FROM t LIMIT ?, ?"),
            "SELECT $1, $2 + $3 FROM t OFFSET $4 LIMIT $5");
  EXPECT_EQ(Rewritten("SELECT ?2, $1"), "SELECT $2, $1");
  EXPECT_EQ(Rewritten("SELECT a?, ?b, ??, ?'x', ?::int"),
            "SELECT a $1, $2 b, $3 $4, $5 'x', $6::int");
  EXPECT_EQ(Rewritten("SELECT '?', `?`, /* ? */ ?"), "SELECT '?', \"?\", $1");
}

TEST(RewriteTest, HexLiteralsBecomeBlobs) {
  EXPECT_EQ(Rewritten("SELECT x'0aff', X''"),
            R"(SELECT CAST('\x0A\xFF' AS BLOB), CAST('' AS BLOB))");
}

TEST(RewriteTest, LimitWithAnOffsetBecomesBoth) {
  EXPECT_EQ(Rewritten("SELECT a FROM t LIMIT 5, 10"), "SELECT a FROM t OFFSET 5 LIMIT 10");
  EXPECT_EQ(Rewritten("SELECT a FROM t limit ? , ? "), "SELECT a FROM t OFFSET $1 LIMIT $2");
  EXPECT_EQ(Rewritten("SELECT a FROM t LIMIT (1), 2"), "SELECT a FROM t LIMIT (1), 2");
  EXPECT_EQ(Rewritten("SELECT (SELECT 1 LIMIT 5), 2"), "SELECT (SELECT 1 LIMIT 5), 2");
}

TEST(RewriteTest, CommentsBecomeOneBlankAndTheEndsAreTrimmed) {
  EXPECT_EQ(Rewritten(" /* a */ SELECT/* ; */1 -- end\n+2 ; -- bye"), "SELECT 1 +2");
}

// Each of these would merge with its neighbour into another token if it were only replaced in
// place.
TEST(RewriteTest, NeighboursNeverMerge) {
  EXPECT_EQ(Rewritten(R"(SELECT "a"'b')"), R"(SELECT 'a' 'b')");
  EXPECT_EQ(Rewritten(R"(SELECT `a`"b")", kIdentifiers), R"(SELECT "a" "b")");
  EXPECT_EQ(Rewritten("SELECT U&'x', b'1', n'x'"), "SELECT U& 'x', b '1', n 'x'");
  EXPECT_EQ(Rewritten(R"(SELECT e"x")"), R"(SELECT e 'x')");
  EXPECT_EQ(Rewritten("SELECT $$a'$$'b'"), "SELECT 'a''' 'b'");
  // The comment ends within what looks like a string: what follows is another statement.
  EXPECT_THAT(RewriteForDuckDb("SELECT 1 //* 'x */ ; ATTACH ''db'' --'"),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("one statement only")));
}

TEST(RewriteTest, OneStatementOnly) {
  EXPECT_THAT(RewriteForDuckDb("SELECT 1; SELECT 2"),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("column 11:")));
  EXPECT_EQ(Rewritten("SELECT ';'"), "SELECT ';'");
}

TEST(RewriteTest, BracketsMustMatchAndHaveALimit) {
  EXPECT_THAT(RewriteForDuckDb("SELECT (1"),
              IsError(ErrorKind::kInvalidArgument,
                      AllOf(HasSubstr("'(' is never closed"), HasSubstr("column 8:"))));
  EXPECT_THAT(RewriteForDuckDb("SELECT (1]"),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("']' closes nothing")));
  EXPECT_THAT(RewriteForDuckDb("SELECT 1)"), IsError(ErrorKind::kInvalidArgument));
  const std::string deep(kBracketsDeepMax, '(');
  const std::string closed(kBracketsDeepMax, ')');
  EXPECT_THAT(RewriteForDuckDb(deep + "1" + closed), IsOk());
  EXPECT_THAT(RewriteForDuckDb("(" + deep + "1" + closed + ")"),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("1000 deep")));
}

TEST(RewriteTest, WhatIsNoTokenIsAnError) {
  EXPECT_THAT(RewriteForDuckDb("SELECT 'x"),
              IsError(ErrorKind::kInvalidArgument,
                      AllOf(HasSubstr("no closing single quote"), HasSubstr("line 1, column 8:"))));
}

TEST(NormalizeExpressionTest, BlanksStandAroundBinaryOperatorsOnly) {
  EXPECT_EQ(Normal("c3*2 + 1"), "c3 * 2 + 1");
  EXPECT_EQ(Normal("a+-b"), "a + -b");
  EXPECT_EQ(Normal("- -1"), "- -1");
  EXPECT_EQ(Normal("-1"), "-1");
  EXPECT_EQ(Normal("a : :: b"), "a : ::b");
  EXPECT_EQ(Normal("( a+b )*-c"), "(a + b) * -c");
  EXPECT_EQ(Normal("concat ( a ,'x' , lower(b))"), "concat(a, 'x', lower(b))");
  EXPECT_EQ(Normal("a :: int || t . b [ 1 ]"), "a::int || t.b[1]");
}

TEST(NormalizeExpressionTest, WordsOfTheLanguageInUpperCaseNamesAsTheyAre) {
  EXPECT_EQ(Normal("null"), "NULL");
  EXPECT_EQ(Normal("TRUE"), "true");
  EXPECT_EQ(Normal("Abc is not null and x in(1,2)"), "Abc IS NOT NULL AND x IN (1, 2)");
  EXPECT_EQ(Normal("case when a>1 then -1 else b end"), "CASE WHEN a > 1 THEN -1 ELSE b END");
  EXPECT_EQ(Normal("cast(a as string)"), "CAST(a AS string)");
}

TEST(NormalizeExpressionTest, OneWayToQuote) {
  EXPECT_EQ(Normal(R"("default")"), "'default'");
  EXPECT_EQ(Normal("'it''s'"), "'it''s'");
  EXPECT_EQ(Normal(R"("it's")"), "'it''s'");
  EXPECT_EQ(Normal("`a` + `select` + `sys.cpu` + `b``c`"), "a + `select` + `sys.cpu` + `b``c`");
  EXPECT_EQ(Normal(R"("a" + "b c")", kIdentifiers), "a + `b c`");
  EXPECT_EQ(Normal("x'0a'"), "x'0a'");
  EXPECT_EQ(Rewritten(Normal("`b c` || \"x\"")), R"("b c" || 'x')");
}

TEST(NormalizeExpressionTest, Errors) {
  for (const std::string_view sql : {"", "(1", "1)", "1, 2", "1; 2", "'x", "[1)"}) {
    EXPECT_THAT(NormalizeExpression(sql), IsError(ErrorKind::kInvalidArgument, HasSubstr("line 1")))
        << sql;
  }
  EXPECT_THAT(NormalizeExpression(std::string(kBracketsDeepMax + 1, '(')),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("1000 deep")));
}

}  // namespace
}  // namespace varve
