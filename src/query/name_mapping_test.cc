#include "query/name_mapping.h"

#include <gtest/gtest.h>

namespace varve {
namespace {

TableSchema SchemaOf(const std::vector<std::string>& names) {
  TableSpec spec;
  spec.columns.push_back({.name = "t", .type = ColumnType::kTimestamp, .nullable = false});
  for (const std::string& name : names) {
    spec.columns.push_back({.name = name});
  }
  return TableSchema::Make(spec).value();
}

TEST(NameMapping, IsEmptyWhereNoNamesCollide) {
  NameMapping names;
  names.Add(SchemaOf({"a", "B", "c"}));
  EXPECT_TRUE(names.empty());
  EXPECT_EQ(names.ToDuckDb("a"), "a");
}

TEST(NameMapping, GivesEachSpellingANameOfItsOwnAndBack) {
  NameMapping names;
  names.Add(SchemaOf({"abc", "ABC", "Abc", "x"}));
  EXPECT_EQ(names.ToDuckDb("abc"), "abc");
  EXPECT_NE(names.ToDuckDb("ABC"), "ABC");
  EXPECT_NE(names.ToDuckDb("ABC"), names.ToDuckDb("Abc"));
  for (const std::string spelling : {"abc", "ABC", "Abc", "x"}) {
    EXPECT_EQ(NameMapping::FromDuckDb(names.ToDuckDb(spelling)), spelling);
  }
}

TEST(NameMapping, TakesSuffixesOutOfExpressions) {
  NameMapping names;
  names.Add(SchemaOf({"a", "A"}));
  EXPECT_EQ(NameMapping::FromDuckDb("max(" + names.ToDuckDb("A") + ") + 1"), "max(A) + 1");
  EXPECT_EQ(NameMapping::FromDuckDb("\"x y\" + \"" + names.ToDuckDb("A") + "\""), "\"x y\" + A");
}

TEST(NameMapping, KeepsOneNamePerSpellingOverSeveralTables) {
  NameMapping names;
  names.Add(SchemaOf({"a", "A"}));
  const std::string before = names.ToDuckDb("A");
  names.Add(SchemaOf({"a", "A", "b", "B"}));
  EXPECT_EQ(names.ToDuckDb("A"), before);
  EXPECT_NE(names.ToDuckDb("B"), "B");
}

}  // namespace
}  // namespace varve
