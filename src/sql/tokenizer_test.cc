// Where tokens begin and end, what they stand for, and that what is no token is said so at its
// place.
#include "sql/tokenizer.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "base/matchers.h"
#include "sql/error_text.h"
#include "sql/parser.h"

namespace varve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<Token> Tokens(std::string_view text) {
  std::vector<Token> tokens;
  Tokenizer tokenizer(text);
  for (Token token = tokenizer.Next();; token = tokenizer.Next()) {
    if (token.kind == TokenKind::kEnd) {
      return tokens;
    }
    tokens.push_back(token);
    if (token.kind == TokenKind::kInvalid) {
      return tokens;
    }
  }
}

std::vector<std::string> Texts(std::string_view text) {
  std::vector<std::string> texts;
  for (const Token& token : Tokens(text)) {
    texts.emplace_back(token.kind == TokenKind::kInvalid ? "<invalid>" : token.text);
  }
  return texts;
}

Token Only(std::string_view text) {
  const std::vector<Token> tokens = Tokens(text);
  EXPECT_EQ(tokens.size(), 1u) << text;
  return tokens.empty() ? Token{} : tokens[0];
}

TEST(TokenizerTest, WordsAreLettersDigitsUnderscoresAndOtherScripts) {
  EXPECT_THAT(Texts("SELECT a_1, _b, 温度 FROM größe$1"),
              ElementsAre("SELECT", "a_1", ",", "_b", ",", "温度", "FROM", "größe$1"));
  EXPECT_EQ(Only("温度").kind, TokenKind::kWord);
}

TEST(TokenizerTest, QuotesAreDoubledInsideQuotesAndBackslashesMeanNothing) {
  EXPECT_EQ(QuotedValue(Only("'it''s'")), "it's");
  EXPECT_EQ(QuotedValue(Only("''")), "");
  EXPECT_EQ(QuotedValue(Only("''''")), "'");
  EXPECT_EQ(QuotedValue(Only(R"("say ""hi""")")), R"(say "hi")");
  EXPECT_EQ(QuotedValue(Only("`a``b`")), "a`b");
  EXPECT_EQ(QuotedValue(Only(R"('a\')")), R"(a\)");
  EXPECT_EQ(QuotedValue(Only("'-- ; /* \n'")), "-- ; /* \n");
}

TEST(TokenizerTest, DollarQuotesEndAtTheirOwnTag) {
  EXPECT_EQ(QuotedValue(Only("$$it's$$")), "it's");
  EXPECT_EQ(QuotedValue(Only("$a$ $$ $b$ $a$")), " $$ $b$ ");
  EXPECT_EQ(Only("$$x").kind, TokenKind::kInvalid);
}

TEST(TokenizerTest, EscapeStringsEndWhereDuckDbEndsThem) {
  EXPECT_THAT(Texts(R"(E'a\'b' x)"), ElementsAre(R"(E'a\'b')", "x"));
  EXPECT_THAT(Texts(R"(e'a''b\\' x)"), ElementsAre(R"(e'a''b\\')", "x"));
  EXPECT_THAT(Texts(R"(E'a\')"), ElementsAre("<invalid>"));
  EXPECT_THAT(Texts("name'x'"), ElementsAre("name", "'x'"));
}

TEST(TokenizerTest, HexLiteralsAreBytes) {
  EXPECT_EQ(HexValue(Only("x'0aFF'")), "\x0a\xff");
  EXPECT_EQ(HexValue(Only("X''")), "");
  EXPECT_THAT(Only("x'0'").problem, HasSubstr("two hexadecimal digits"));
  EXPECT_THAT(Only("x'0g'").problem, HasSubstr("hexadecimal digits only"));
  EXPECT_THAT(Only("x'00").problem, HasSubstr("hex literal"));
}

TEST(TokenizerTest, NumbersInAllSpellings) {
  for (const std::string_view text : {"0", "12", "1.5", ".5", "1.", "1e3", "1.5E-3", "1_000"}) {
    EXPECT_EQ(Only(text).kind, TokenKind::kNumber) << text;
  }
  EXPECT_THAT(Only("12ab").problem, HasSubstr("goes on with letters"));
  EXPECT_EQ(Only("0x1F").kind, TokenKind::kInvalid);
  EXPECT_THAT(Texts("1-2"), ElementsAre("1", "-", "2"));
  EXPECT_THAT(Texts("t.c"), ElementsAre("t", ".", "c"));
}

TEST(TokenizerTest, TheLongestOperatorWins) {
  for (const std::string_view text :
       {"::", "->>", "->", "=>", "<=>", "||",   "**", "@>", "<@", "<=",
        ">=", "<>",  "!=", "==", "//",  "!~~*", ":=", "&&", "%",  "^"}) {
    EXPECT_EQ(Only(text).text, text);
    EXPECT_EQ(Only(text).kind, TokenKind::kSymbol) << text;
  }
  EXPECT_THAT(Texts("a::int->>'b'"), ElementsAre("a", "::", "int", "->>", "'b'"));
  EXPECT_THAT(Texts("(('x'),("), ElementsAre("(", "(", "'x'", ")", ",", "("));
}

TEST(TokenizerTest, NoOperatorReachesIntoAComment) {
  EXPECT_THAT(Texts("1 //* x */ 2"), ElementsAre("1", "/", "2"));
  EXPECT_THAT(Texts("1 @--x\n2"), ElementsAre("1", "@", "2"));
}

TEST(TokenizerTest, ParametersAreTokens) {
  for (const std::string_view text : {"?", "?1", "$1", "$name"}) {
    EXPECT_EQ(Only(text).kind, TokenKind::kParameter) << text;
  }
  EXPECT_EQ(Only("$").kind, TokenKind::kInvalid);
}

TEST(TokenizerTest, CommentsAndUnicodeBlanksAreGaps) {
  EXPECT_THAT(Texts("-- a\n1 /* ; ' */ + -- end"), ElementsAre("1", "+"));
  EXPECT_THAT(Texts("-- a\r1"), ElementsAre("1"));
  EXPECT_THAT(Texts("SELECT\u00a01\u3000,\ufeff2"), ElementsAre("SELECT", "1", ",", "2"));
  EXPECT_THAT(Texts(" \t\r\n-- only this"), IsEmpty());
  const std::vector<Token> tokens = Tokens("a b/**/c,d");
  EXPECT_EQ(tokens[1].gap, Gap::kBlanks);
  EXPECT_EQ(tokens[2].gap, Gap::kOther);
  EXPECT_EQ(tokens[3].gap, Gap::kNone);
}

TEST(TokenizerTest, WhatIsNoTokenIsSaidWhereItBegins) {
  for (const std::string_view text :
       {"a 'x", "a \"x", "a `x", "a /* x", "a \\", "a \x01", "a $$x", "a E'x"}) {
    const std::vector<Token> tokens = Tokens(text);
    ASSERT_EQ(tokens.size(), 2u) << text;
    EXPECT_EQ(tokens[1].kind, TokenKind::kInvalid) << text;
    EXPECT_EQ(tokens[1].offset, 2u) << text;
    EXPECT_NE(tokens[1].problem[0], '\0') << text;
  }
}

// Texts that make careless scanners quadratic: such a one would take minutes here.
TEST(TokenizerTest, IsLinearInTheText) {
  constexpr size_t kSize = 1 << 18;
  for (const std::string_view piece :
       {"'", "$a", "$", "/*", "``", "x'", "(", "''\"", "1e", "--\n"}) {
    std::string text;
    while (text.size() < kSize) {
      text += piece;
    }
    EXPECT_LE(Tokens(text).size(), kSize);
    text.insert(0, "a");
    EXPECT_LE(Tokens(text).size(), kSize + 1);
  }
}

TEST(ErrorTextTest, ShowsLineColumnAndCaret) {
  EXPECT_EQ(ErrorAt(ErrorKind::kInvalidArgument, "SELECT 1;\nFOO bar", 14, "Wrong").error().message,
            "Wrong\nline 2, column 5:\n  FOO bar\n      ^");
  EXPECT_EQ(ErrorAt(ErrorKind::kInvalidArgument, "ab", 2, "Wrong").error().message,
            "Wrong\nline 1, column 3:\n  ab\n    ^");
  EXPECT_EQ(ErrorAt(ErrorKind::kInvalidArgument, "", 0, "Wrong").error().message,
            "Wrong\nline 1, column 1:\n\n  ^");
}

TEST(ErrorTextTest, ColumnsAreCharactersAndControlsAreBlanks) {
  EXPECT_EQ(ErrorAt(ErrorKind::kInvalidArgument, "温\t度 x", 8, "W").error().message,
            "W\nline 1, column 5:\n  温 度 x\n      ^");
}

TEST(ErrorTextTest, LongLinesAreShownAroundThePlace) {
  std::string text(5000, 'a');
  text += "X";
  text.append(5000, 'b');
  const std::string message = ErrorAt(ErrorKind::kInvalidArgument, text, 5000, "W").error().message;
  EXPECT_THAT(message, HasSubstr("line 1, column 5001:"));
  EXPECT_THAT(message, HasSubstr("aXb"));
  EXPECT_LT(message.size(), 250u);
}

TEST(ErrorTextTest, TextsThatAreNotUtf8AreRefusedAtTheByte) {
  EXPECT_THAT(CheckText("温度 größe 😀"), IsOk());
  for (const std::string_view bad : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                     "\xe6\xb8", "\x80", "\xe0\x80\x80"}) {
    const std::string text = "SELECT 'abcdefgh " + std::string(bad);
    EXPECT_THAT(CheckText(text), IsError(ErrorKind::kInvalidArgument, HasSubstr("column 18:")));
  }
  EXPECT_THAT(CheckText(std::string_view("SELECT\0 1", 9)),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("NUL")));
  EXPECT_THAT(CheckText(std::string(kStatementBytesMax + 1, ' ')),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("several requests")));
}

}  // namespace
}  // namespace varve
