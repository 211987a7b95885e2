// Proves: statements end at semicolons, but not at those in quotes and comments, whatever the
// pieces are.
#include "sql/statement_splitter.h"

#include <gmock/gmock.h>

#include <vector>

namespace varve {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Split(const std::vector<std::string>& pieces) {
  StatementSplitter splitter;
  std::vector<std::string> statements;
  for (const std::string& piece : pieces) {
    splitter.Add(piece);
    while (const auto statement = splitter.Next()) {
      statements.push_back(statement->text);
    }
  }
  if (const auto last = splitter.Last()) {
    statements.push_back(last->text);
  }
  return statements;
}

TEST(StatementSplitter, SplitsAtSemicolons) {
  EXPECT_THAT(Split({"SELECT 1; SELECT 2;\n ; ;SELECT 3"}),
              ElementsAre("SELECT 1", "SELECT 2", "SELECT 3"));
  EXPECT_THAT(Split({""}), IsEmpty());
  EXPECT_THAT(Split({"-- nothing\n"}), IsEmpty());
}

TEST(StatementSplitter, QuotesAndCommentsHideSemicolons) {
  EXPECT_THAT(Split({"SELECT 'a;''b', \"c;d\", `e;f` /* ; */ -- ;\n, 1; SELECT 2"}),
              ElementsAre("SELECT 'a;''b', \"c;d\", `e;f` /* ; */ -- ;\n, 1", "SELECT 2"));
}

TEST(StatementSplitter, AnyPiecesGiveTheSame) {
  const std::string text = "SELECT 'a;b';\nSELECT /* ;\n */ 2; -- end";
  const std::vector<std::string> whole = Split({text});
  for (size_t at = 0; at < text.size(); ++at) {
    EXPECT_EQ(Split({text.substr(0, at), text.substr(at)}), whole) << at;
  }
}

TEST(StatementSplitter, CountsLinesOverAllPieces) {
  StatementSplitter splitter;
  splitter.Add("SELECT 1;\n\n-- why\nSELECT\n2;\n");
  EXPECT_EQ(splitter.Next()->line, 1u);
  EXPECT_EQ(splitter.Next()->line, 4u);
  splitter.Add("SELECT 3;");
  EXPECT_EQ(splitter.Next()->line, 6u);
}

TEST(StatementSplitter, WhatIsNoTokenDoesNotSwallowTheRest) {
  EXPECT_THAT(Split({"SELECT \x01 1; SELECT 2;"}), ElementsAre("SELECT \x01 1", "SELECT 2"));
}

TEST(StatementSplitter, AnOpenQuoteWaits) {
  StatementSplitter splitter;
  splitter.Add("SELECT 'open;\n");
  EXPECT_EQ(splitter.Next(), std::nullopt);
  EXPECT_TRUE(splitter.HasPending());
  splitter.Add("';");
  EXPECT_EQ(splitter.Next()->text, "SELECT 'open;\n'");
  EXPECT_FALSE(splitter.HasPending());
}

}  // namespace
}  // namespace varve
