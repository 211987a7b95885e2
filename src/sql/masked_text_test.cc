// Proves that secrets of a statement do not get into a log, whatever the statement looks like.
#include "sql/masked_text.h"

#include <gmock/gmock.h>

namespace varve {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(MaskedTextTest, LiteralsStayAsTheyAre) {
  EXPECT_EQ(MaskedText("SELECT *\n  FROM t -- all\nWHERE a='x'", 1024),
            "SELECT * FROM t WHERE a='x'");
}

TEST(MaskedTextTest, SecretsAreMasked) {
  for (const char* const sql :
       {"CREATE REPOSITORY r WITH (key_secret='hunter2', region='x')",
        "CREATE USER u IDENTIFIED BY 'hunter2'", "CREATE USER u WITH PASSWORD \"hunter2\"",
        "SET secret_access_key TO 'hunter2'", "COPY t TO 's3://b' (SECRET => $$hunter2$$)",
        "CALL f('{}', 'host=a password=hunter2')", "SELECT '\"token\": x', \"token\": 'hunter2'",
        "COPY t TO 'x' WITH (Access_Key = x'68756e74657232')"}) {
    const std::string masked = MaskedText(sql, 1024);
    EXPECT_THAT(masked, Not(HasSubstr("hunter2"))) << sql;
    EXPECT_THAT(masked, Not(HasSubstr("68756e74"))) << sql;
    EXPECT_THAT(masked, HasSubstr("'***'")) << sql;
  }
}

TEST(MaskedTextTest, WhatIsNotSecretIsNotMasked) {
  EXPECT_EQ(MaskedText("SELECT password, 'x' FROM users WHERE name = 'y'", 1024),
            "SELECT password, 'x' FROM users WHERE name = 'y'");
}

TEST(MaskedTextTest, IsCutBetweenCharacters) {
  EXPECT_EQ(MaskedText("SELECT 'äöü'", 9), "SELECT '…");
  EXPECT_EQ(MaskedText("SELECT 1", 8), "SELECT 1");
  EXPECT_EQ(MaskedText("SELECT 12", 8), "SELECT 1…");
}

TEST(MaskedTextTest, MessagesShowNoSecret) {
  const std::string sql =
      "EXPORT DATABASE TO 's3://b/x' WITH (account_key = 'aHVudGVyMg==' sas_token='sig=hunter2')";
  EXPECT_EQ(MaskedMessage("found 'aHVudGVyMg=='\nline 1:\n WITH (account_key = 'aHVudG", sql),
            "found '***'\nline 1:\n WITH (account_key = '***");
  EXPECT_EQ(MaskedMessage("sig=hunter2 at 's3://b/x'", sql), "*** at 's3://b/x'");
  EXPECT_EQ(MaskedMessage("near hunter2", "SET password = 'hunter2"),
            "(not shown: the statement ends within what may be a secret)");
  EXPECT_EQ(MaskedMessage("near x", "SELECT 'x"), "near x");
}

TEST(MaskedTextTest, ATextThatIsNoneShowsNothing) {
  EXPECT_EQ(MaskedText("SELECT '\xff'", 100), "(no text: too long, not UTF-8, or with NUL)");
  EXPECT_EQ(MaskedText("SET password = 'hunter2", 100), "SET password = …");
}

}  // namespace
}  // namespace varve
