// Whatever the text is, the parser answers, its errors point into the text, and a query that it
// hands on is still one query when it is read again. Inputs are mutated from good statements, some
// of them made at random from the grammar, with a seed that is printed.
//
// VARVE_FUZZ_MINUTES makes it run that long; VARVE_TEST_ROUNDS that many rounds.
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <random>
#include <string>

#include "base/matchers.h"
#include "sql/default_expression.h"
#include "sql/parser.h"
#include "sql/rewrite.h"
#include "sql/test_grammar.h"

namespace varve {
namespace {

constexpr uint64_t kRounds =
    20'000;  // about two seconds without optimization; more: VARVE_TEST_ROUNDS
constexpr size_t kTextBytesMax = 400;

constexpr std::array<std::string_view, 18> kSeeds = {
    "CREATE TABLE IF NOT EXISTS `t` (a string TAG DICTIONARY DEFAULT 'x' || \"y\" COMMENT 'c', b "
    "bigint UNSIGN NOT NULL, ts timestamp TIMESTAMP KEY, PRIMARY KEY(a, ts),) ENGINE=Analytic WITH "
    "(ttl='7d', enable_ttl=false, x=NULL)",
    "CREATE TABLE t (c int DEFAULT case when a > -1 then f(b, 2)*3 else - -1 end NOT NULL, "
    "CONSTRAINT p TIMESTAMP KEY(t))",
    "DROP TABLE IF EXISTS a.b.c ENGINE=x; USE s; EXISTS TABLE t",
    "ALTER TABLE t ADD COLUMN (a int TAG, b double DEFAULT 1+1)",
    "ALTER TABLE t MODIFY SETTING ttl='1d', compression=ZSTD",
    "INSERT INTO t (a, `b`) VALUES (1, -2.5e3, 'it''s', x'0aff', NULL, true), (now() - INTERVAL 1 "
    "DAY, \"z\", (1+2)*3, E'a\\'b')",
    "INSERT INTO TABLE t SELECT a, \"b\" FROM `u` LIMIT 5, 10",
    "SHOW TABLES LIKE 'a%'; SHOW CREATE TABLE t; SHOW DATABASES; DESC t",
    "COPY t (a, b) FROM 'x.csv' WITH (FORMAT='csv', header, DELIMITER ';')",
    "EXPLAIN ANALYZE SELECT x->>'a', y::INT FROM t WHERE ts >= '2020-01-01' -- end",
    "WITH \"c\" AS (SELECT EXTRACT(year FROM \"x\"), [1,2][1] FROM \"s\".\"t\") SELECT * FROM c "
    "JOIN "
    "\"u\" USING (\"id\")",
    "SELECT $$a'b$$, $1, ?, 1 //2, `温度` /* ; */ FROM t LIMIT ?, ?; ATTACH 'x'",
    "SELECT 'a'\n'b', x'00', b'1', U&'x', a<=>b, [1,2], {a: 1} FROM t ORDER BY 1",
    "VALUES (1, ($tag$ $$ $tag$)), (2, `a``b`)",
    "BEGIN; SET x = 1; DELETE FROM t; CREATE VIEW v AS SELECT 1",
    "DELETE FROM `t` WHERE (a = \"x\" OR b IN (1, 2)) AND c IS NOT NULL; TRUNCATE TABLE s.t",
    "CREATE OR REPLACE VIEW v AS SELECT `a`, \"b\", $$c$$ FROM \"t\" LIMIT 1, 2; DROP SCHEMA IF "
    "EXISTS horaedb.s CASCADE; USE a.b",
    "COPY (SELECT (a), \"b\" FROM t) TO 'x.csv' (FORMAT csv, OVERWRITE); COPY DATABASE s TO 'd' "
    "WITH (START_TIME = 5); ALTER TABLE IF EXISTS t RENAME COLUMN a TO `b`, DROP c"};

constexpr std::array<std::string_view, 46> kPieces = {
    "'",    "\"",  "`",      "''",      "\"\"",   "``",    "x'",  "E'", "$$", "$a$",
    "/*",   "*/",  "--",     "\n",      ";",      "(",     ")",   "[",  "]",  "{",
    "}",    ",",   ".",      "::",      "-",      "//",    "&",   "?",  "\\", "\xc2\xa0",
    "\xff", "温",  "LIMIT ", "NULL",    "NOT",    "FROM ", "AS ", "1",  "1e", "DEFAULT ",
    "TAG",  "KEY", "VALUES", "SELECT ", "USING(", "0x"};

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : random_(seed), grammar_(seed) {}

  std::string Next() {
    std::string text = Below(2) == 0 ? std::string(kSeeds[Below(kSeeds.size())]) : grammar_.Next();
    for (size_t changes = 1 + Below(6); changes > 0; --changes) {
      Change(text);
    }
    text.resize(std::min(text.size(), kTextBytesMax));
    return text;
  }

 private:
  size_t Below(size_t limit) { return random_() % limit; }

  void Change(std::string& text) {
    const size_t at = Below(text.size() + 1);
    const size_t size = 1 + Below(12);
    switch (Below(5)) {
      case 0:
        text.insert(at, kPieces[Below(kPieces.size())]);
        break;
      case 1:
        text.erase(at, size);
        break;
      case 2:
        text.insert(at, 1, static_cast<char>(Below(256)));
        break;
      case 3:
        text.insert(at, text.substr(Below(text.size() + 1), size));
        break;
      default: {
        const std::string_view other = kSeeds[Below(kSeeds.size())];
        text.insert(at, other.substr(Below(other.size()), size));
      }
    }
  }

  std::mt19937_64 random_;
  StatementGrammar grammar_;
};

size_t NumberAfter(std::string_view text, size_t at) {
  size_t number = 0;
  std::from_chars(text.data() + at, text.data() + text.size(), number);
  return number;
}

// Every error ends with "line L, column C:", the line and a caret; L and C are within the text.
void ExpectPlaceInside(std::string_view text, const Error& error) {
  const size_t line_at = error.message.rfind("\nline ");
  const size_t column_at = error.message.rfind(", column ");
  ASSERT_NE(line_at, std::string::npos) << error.message;
  ASSERT_NE(column_at, std::string::npos) << error.message;
  ASSERT_EQ(error.message.back(), '^') << error.message;
  const size_t line = NumberAfter(error.message, line_at + 6);
  const size_t column = NumberAfter(error.message, column_at + 9);
  ASSERT_GE(line, 1u);
  ASSERT_GE(column, 1u);
  std::string_view rest = text;
  for (size_t i = 1; i < line; ++i) {
    const size_t end = rest.find('\n');
    ASSERT_NE(end, std::string_view::npos) << error.message;
    rest.remove_prefix(end + 1);
  }
  ASSERT_LE(column, rest.substr(0, rest.find('\n')).size() + 1) << error.message;
}

// What DuckDB gets is one query that reads the same a second time: no string became SQL on the way.
void ExpectOneQuery(const std::string& sql) {
  const auto again = ParseSql(sql, {DoubleQuotes::kIdentifier});
  ASSERT_THAT(again, IsOk()) << sql;
  ASSERT_EQ(again->size(), 1u) << sql;
}

// What is kept of a view reads the same a second time.
void ExpectKeptQuery(const std::string& query) {
  for (const DoubleQuotes mode : {DoubleQuotes::kString, DoubleQuotes::kIdentifier}) {
    const auto again = ParseSql("CREATE VIEW v AS " + query, {mode});
    ASSERT_THAT(again, IsOk()) << query;
    ASSERT_EQ(again->size(), 1u) << query;
    ASSERT_EQ(std::get<CreateViewStatement>(again->front()).query, query);
  }
}

void CheckText(const std::string& text) {
  for (const DoubleQuotes mode : {DoubleQuotes::kString, DoubleQuotes::kIdentifier}) {
    const auto statements = ParseSql(text, {mode});
    if (!statements) {
      ASSERT_TRUE(statements.error().kind == ErrorKind::kInvalidArgument ||
                  statements.error().kind == ErrorKind::kNotSupported);
      ExpectPlaceInside(text, statements.error());
      continue;
    }
    for (const Statement& statement : *statements) {
      if (const auto* query = std::get_if<QueryStatement>(&statement)) {
        ExpectOneQuery(query->sql);
      }
      if (const auto* view = std::get_if<CreateViewStatement>(&statement)) {
        ExpectKeptQuery(view->query);
      }
      if (const auto* rows = std::get_if<DeleteStatement>(&statement); rows && rows->where) {
        ExpectOneQuery("SELECT 1 WHERE (" + *rows->where + ")");
      }
      const auto* create = std::get_if<CreateTableStatement>(&statement);
      for (const ColumnSchema& column :
           create ? create->spec.columns : std::vector<ColumnSchema>{}) {
        if (!column.default_value.empty()) {
          ASSERT_EQ(NormalizeExpression(column.default_value), column.default_value);
          ASSERT_THAT(RewriteForDuckDb(column.default_value), IsOk());
        }
      }
    }
  }
}

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* given = std::getenv(name);
  return given ? std::strtoull(given, nullptr, 10) : otherwise;
}

TEST(ParserMutationTest, AnswersWhateverTheTextIs) {
  const uint64_t seed = FromEnvironment("VARVE_TEST_SEED", std::random_device()());
  const uint64_t rounds = FromEnvironment("VARVE_TEST_ROUNDS", kRounds);
  SCOPED_TRACE(fmt::format("VARVE_TEST_SEED={}", seed));
  Mutator mutator(seed);
  const std::chrono::minutes time(FromEnvironment("VARVE_FUZZ_MINUTES", 0));
  const auto start = std::chrono::steady_clock::now();
  for (uint64_t round = 0; round < rounds || std::chrono::steady_clock::now() - start < time;
       ++round) {
    const std::string text = mutator.Next();
    CheckText(text);
    if (testing::Test::HasFatalFailure()) {
      FAIL() << "the text: " << text;
    }
  }
}

TEST(ParserMutationTest, TakesWhateverTheGrammarMakes) {
  constexpr uint64_t kStatements = 5'000;
  const uint64_t seed = FromEnvironment("VARVE_TEST_SEED", std::random_device()());
  SCOPED_TRACE(fmt::format("VARVE_TEST_SEED={}", seed));
  StatementGrammar grammar(seed);
  for (uint64_t i = 0; i < kStatements; ++i) {
    const std::string text = grammar.Next();
    const auto statements = ParseSql(text);
    ASSERT_THAT(statements, IsOk()) << text;
    ASSERT_EQ(statements->size(), 1u) << text;
    CheckText(text);
    if (testing::Test::HasFatalFailure()) {
      FAIL() << "the text: " << text;
    }
  }
}

TEST(ParserMutationTest, AnswersEveryPrefixOfEveryStatement) {
  for (const std::string_view seed : kSeeds) {
    for (size_t size = 0; size <= seed.size(); ++size) {
      CheckText(std::string(seed.substr(0, size)));
    }
  }
}

}  // namespace
}  // namespace varve
