// Every spelling of a name goes through CREATE, INSERT, SELECT, DELETE, SHOW CREATE TABLE and a
// restart, and what SHOW CREATE TABLE prints makes the same table again.
#include <gmock/gmock.h>

#include <array>
#include <string>

#include "base/matchers.h"
#include "query/name_text.h"
#include "query/test_database.h"

namespace varve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<std::string>& Spellings() {
  static const std::vector<std::string> spellings = {
      "plain",
      "UPPER",
      "sys.cpu.nice",
      "a.b",
      ".",
      "select",
      "Table",
      "order",
      "primary",
      "timestamp",
      "null",
      "default",
      "rowid",
      "温度",
      "Größe",
      "данные",
      "🌡️ sensor",
      "two words",
      " leading and trailing ",
      "7d",
      "00_table",
      "1",
      "-",
      "it's",
      "say \"hi\"",
      "back`quote",
      "``",
      "'",
      "\"",
      "semi;colon",
      "--comment",
      "/*comment*/",
      "$1",
      "?",
      "per%cent_like",
      "a\\b",
      "(brackets)[]{}",
      "e'x'",
      "x'00'",
      "e\u0301 combining",
      "\u202eright to left",
      std::string(1024, 'n'),
  };
  return spellings;
}

class IdentifierTest : public testing::TestWithParam<size_t> {
 protected:
  std::string Only(std::string_view sql) {
    const auto rows = database_.Rows(sql);
    EXPECT_THAT(rows, IsOk()) << sql;
    return rows && rows->size() == 1 ? rows->front() : "";
  }
  // The second column of its row.
  std::string ShowCreate(const std::string& table) {
    const std::string row = Only("SHOW CREATE TABLE " + table);
    return row.substr(std::min(row.size(), row.find('\t') + 1));
  }

  const std::string name_ = Spellings()[GetParam()];
  const std::string quoted_ = QuotedName(name_);
  TestDatabase database_;
};

TEST_P(IdentifierTest, GoesThroughEveryStatement) {
  const std::string tag = QuotedName(name_ == "k" ? "kk" : "k");
  ASSERT_THAT(database_.Rows(fmt::format(
                  "CREATE TABLE {0} (t timestamp NOT NULL, {0} int COMMENT 'a ''comment''', {1} "
                  "string TAG, later int DEFAULT {0} + 1, TIMESTAMP KEY(t)) WITH "
                  "(enable_ttl=false)",
                  quoted_, tag)),
              IsOk());
  ASSERT_THAT(database_.Rows(fmt::format("INSERT INTO {0} (t, {0}, {1}) VALUES (1, 5, 'x'), (2, 6, "
                                         "'y')",
                                         quoted_, tag)),
              IsOk());
  ASSERT_TRUE(database_.database().FlushAll());
  database_.Restart();
  EXPECT_EQ(Only(fmt::format("SELECT {0}, later FROM {0} WHERE {0} = 5", quoted_)), "5\t6");
  EXPECT_EQ(Only(fmt::format("SELECT max(t.{0}) FROM {0} t GROUP BY {1} HAVING max({0}) > 5",
                             quoted_, tag)),
            "6");
  EXPECT_EQ(Only(fmt::format("SELECT {0}.{0} FROM public.{0} ORDER BY {0}.{0} LIMIT 1", quoted_)),
            "5");
  EXPECT_EQ(Only(fmt::format("DELETE FROM {0} WHERE {0} = 6", quoted_)), "affected 1");
  EXPECT_EQ(Only("SHOW TABLES"), name_);
  EXPECT_EQ(Only(fmt::format("EXISTS TABLE {}", quoted_)), "1");
}

TEST_P(IdentifierTest, ShowCreateTableMakesTheSameTableAgain) {
  const auto statements = {
      fmt::format("CREATE TABLE {0} ({0} timestamp NOT NULL, b int DEFAULT 1, TIMESTAMP KEY({0}))",
                  quoted_),
      fmt::format("CREATE TABLE {0} (t timestamp NOT NULL, {0} string DEFAULT 'it''s' COMMENT "
                  "'`c`', z int DEFAULT length({0}), PRIMARY KEY({0}, t), TIMESTAMP KEY(t)) WITH "
                  "({0} = 'option')",
                  quoted_)};
  for (const std::string& statement : statements) {
    ASSERT_THAT(database_.Rows(statement), IsOk()) << statement;
    const std::string shown = ShowCreate(quoted_);
    ASSERT_THAT(database_.Rows("DROP TABLE " + quoted_), IsOk());
    ASSERT_THAT(database_.Rows(shown), IsOk()) << shown;
    EXPECT_EQ(ShowCreate(quoted_), shown);
    ASSERT_THAT(database_.Rows("DROP TABLE " + quoted_), IsOk());
  }
}

TEST_P(IdentifierTest, NamesSchemasAndViewsToo) {
  ASSERT_THAT(database_.Rows("CREATE SCHEMA " + quoted_), IsOk());
  ASSERT_THAT(database_.Rows(fmt::format(
                  "CREATE TABLE {0}.{0} ({0} timestamp NOT NULL, TIMESTAMP KEY({0})) WITH "
                  "(enable_ttl=false)",
                  quoted_)),
              IsOk());
  ASSERT_THAT(database_.Rows(fmt::format("INSERT INTO {0}.{0} VALUES (7)", quoted_)), IsOk());
  ASSERT_THAT(database_.Rows(
                  fmt::format("CREATE VIEW {0} AS SELECT count(*) AS {0} FROM {0}.{0}", quoted_)),
              IsOk());
  database_.Restart();
  EXPECT_EQ(Only(fmt::format("SELECT {0} FROM {0}", quoted_)), "1");
  const std::string shown = Only("SHOW CREATE VIEW " + quoted_);
  ASSERT_THAT(database_.Rows("DROP VIEW " + quoted_), IsOk());
  ASSERT_THAT(database_.Rows(shown.substr(shown.find('\t') + 1)), IsOk()) << shown;
  EXPECT_EQ(Only("SHOW CREATE VIEW " + quoted_), shown);
  EXPECT_THAT(database_.Rows("USE " + quoted_), IsOk());
  EXPECT_EQ(Only("SHOW TABLES"), name_);
}

INSTANTIATE_TEST_SUITE_P(Spellings, IdentifierTest, testing::Range<size_t>(0, Spellings().size()));

TEST(IdentifierLimitsTest, ColumnsThatDifferByCaseOnly) {
  TestDatabase database;
  ASSERT_THAT(database.Rows("CREATE TABLE c (`col` int, `COL` int DEFAULT `col` * 2, `Col` string "
                            "TAG, t timestamp NOT NULL, TIMESTAMP KEY(t)) WITH (enable_ttl=false)"),
              IsOk());
  ASSERT_THAT(database.Rows("INSERT INTO c (t, col, Col) VALUES (1, 21, 'x')"), IsOk());
  EXPECT_THAT(database.Rows("SELECT col, COL, Col FROM c WHERE COL = 42 AND Col = 'x'").value(),
              ElementsAre("21\t42\tx"));
  const auto shown = database.Rows("SHOW CREATE TABLE c").value().front();
  ASSERT_THAT(database.Rows("DROP TABLE c"), IsOk());
  ASSERT_THAT(database.Rows(shown.substr(2)), IsOk()) << shown;
  EXPECT_THAT(database.Rows("SHOW CREATE TABLE c").value(), ElementsAre(shown));
}

TEST(IdentifierLimitsTest, SaysWhatANameMayBe) {
  TestDatabase database;
  const auto refuses = [&](const std::string& name, const std::string& message) {
    EXPECT_THAT(database.Rows("CREATE TABLE " + QuotedName(name) + " (t timestamp)"),
                IsError(ErrorKind::kInvalidArgument, HasSubstr(message)));
    EXPECT_THAT(database.Rows("CREATE TABLE x (" + QuotedName(name) + " timestamp)"),
                IsError(ErrorKind::kInvalidArgument, HasSubstr(message)));
  };
  refuses("", "is empty");
  refuses(std::string(1025, 'n'), "has 1025 bytes, 1024 are allowed");
  refuses("a\nb", "holds a control character");
  refuses("\x7f", "holds a control character");
}

}  // namespace
}  // namespace varve
