#include "store/xml_internal.h"

#include <gmock/gmock.h>

#include <random>

#include "store/rest_client.h"

namespace varve {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(XmlTest, ElementsAndTheirTextAreFound) {
  const std::string_view xml =
      "<?xml version=\"1.0\"?><List xmlns=\"x\"><Item><Name a=\"b\">1&amp;2&#x41;&#66;&lt;</Name>"
      "</Item><Items>no</Items><Item/><Item ><Name></Name></Item></List>";
  EXPECT_EQ(XmlText(xml, "Name"), "1&2AB<");
  EXPECT_EQ(XmlText(xml, "None"), "");
  EXPECT_THAT(XmlElements(xml, "Item"),
              ElementsAre("<Name a=\"b\">1&amp;2&#x41;&#66;&lt;</Name>", "", "<Name></Name>"));
  EXPECT_EQ(XmlText("<A>&bad; & &#xZZ; &#9999999;</A>", "A"), "&bad; & &#xZZ; &#9999999;");
  EXPECT_EQ(XmlEscape("<a&\"b\">'"), "&lt;a&amp;&quot;b&quot;&gt;&apos;");
}

TEST(XmlTest, WhatIsCutHoldsLess) {
  for (const std::string_view xml : {"<A>x", "<A", "<A>x</A", "<", "<A/", "", "<AB>x</AB>"}) {
    EXPECT_THAT(XmlElements(xml, "A"), IsEmpty()) << xml;
  }
}

TEST(XmlTest, BrokenAnswersDoNoHarm) {
  constexpr uint64_t kSeed = 7;
  SCOPED_TRACE(fmt::format("seed {}", kSeed));
  std::mt19937_64 random(kSeed);
  const std::string seeds[] = {
      "<L><C><K>a&amp;b</K><S>1</S></C><C/></L>",
      "<Error><Code>NoSuchKey</Code><Message>m</Message></Error>",
      "{\"error\":{\"code\":412,\"message\":\"m\",\"errors\":[{\"reason\":\"r\"}]}}"};
  for (int round = 0; round < 20'000; ++round) {
    std::string text = seeds[random() % std::size(seeds)];
    for (uint64_t edits = random() % 5; edits > 0; --edits) {
      const size_t at = random() % (text.size() + 1);
      text.erase(at, random() % 4);
      text.insert(at, 1, "<>&;/#x{}[]\"a"[random() % 13]);
    }
    XmlText(text, "K");
    XmlElements(text, "C");
    const ServiceError error = ReadServiceError({.status = 400, .body = text});
    EXPECT_LT(error.message.size(), 1000u);
  }
}

TEST(ServiceErrorTest, TheThreeFormsAreRead) {
  const auto read = [](std::string body) {
    return ReadServiceError({.status = 400, .body = body});
  };
  EXPECT_EQ(read("<?xml?><Error><Code>C</Code><Message>M\nN</Message></Error>").code, "C");
  EXPECT_EQ(read("<Error><Code>C</Code><Message>M\nN</Message></Error>").message, "M N");
  const ServiceError json =
      read(R"({"error":{"code":412,"message":"m","errors":[{"reason":"conditionNotMet"}]}})");
  EXPECT_EQ(json.code, "conditionNotMet");
  EXPECT_EQ(json.message, "m");
  EXPECT_EQ(read(R"({"error":"invalid_grant","error_description":"d"})").code, "invalid_grant");
  EXPECT_EQ(read("[1]").code, "");
  EXPECT_EQ(read(R"({"error":{"errors":["x"]}})").code, "");
  EXPECT_EQ(
      ReadServiceError({.status = 404, .headers = {{"x-ms-error-code", "BlobNotFound"}}}).code,
      "BlobNotFound");
}

}  // namespace
}  // namespace varve
