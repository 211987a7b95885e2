// The examples that AWS publishes: of the signature itself (the "aws-sig-v4-test-suite") and of S3
// ("Signature Calculations for the Authorization Header").
#include "store/sigv4.h"

#include <gmock/gmock.h>

#include "base/checksum.h"
#include "store/encoding_internal.h"

namespace varve {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr TimestampUs kSuiteTime(1'440'938'160'000'000);  // 2015-08-30T12:36:00Z
constexpr TimestampUs kS3Time(1'369'353'600'000'000);     // 2013-05-24T00:00:00Z

SigV4Key SuiteKey() {
  return {.access_key_id = "AKIDEXAMPLE",
          .secret_access_key = Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
          .session_token = Secret(),
          .region = "us-east-1",
          .service = "service"};
}

SigV4Key S3Key() {
  return {.access_key_id = "AKIAIOSFODNN7EXAMPLE",
          .secret_access_key = Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
          .session_token = Secret(),
          .region = "us-east-1",
          .service = "s3"};
}

std::string SuiteSignature(std::string method, std::string path,
                           std::map<std::string, std::string> query) {
  return SignV4(SuiteKey(),
                {.method = std::move(method),
                 .path = std::move(path),
                 .query = CanonicalQuery(query),
                 .headers = {{"host", "example.amazonaws.com"}},
                 .payload_sha256 = Sha256Hex("")},
                kSuiteTime)
      .at("authorization");
}

std::string S3Signature(std::string method, std::string path,
                        std::map<std::string, std::string> query,
                        std::map<std::string, std::string> headers, std::string_view body) {
  headers["host"] = "examplebucket.s3.amazonaws.com";
  headers["x-amz-content-sha256"] = Sha256Hex(body);
  return SignV4(S3Key(),
                {.method = std::move(method),
                 .path = std::move(path),
                 .query = CanonicalQuery(query),
                 .headers = std::move(headers),
                 .payload_sha256 = Sha256Hex(body)},
                kS3Time)
      .at("authorization");
}

TEST(SigV4Test, ThePublishedSuite) {
  EXPECT_EQ(SuiteSignature("GET", "/", {}),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=host;x-amz-date, "
            "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  EXPECT_THAT(SuiteSignature("GET", "/", {{"Param2", "value2"}, {"Param1", "value1"}}),
              EndsWith("=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"));
  EXPECT_THAT(SuiteSignature("POST", "/", {}),
              EndsWith("=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"));
}

TEST(SigV4Test, TheExamplesOfS3) {
  EXPECT_THAT(S3Signature("GET", "/test.txt", {}, {{"range", "bytes=0-9"}}, ""),
              EndsWith("=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"));
  EXPECT_THAT(S3Signature("PUT", "/test%24file.text", {},
                          {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
                           {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                          "Welcome to Amazon S3."),
              EndsWith("=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
  EXPECT_THAT(S3Signature("GET", "/", {{"lifecycle", ""}}, {}, ""),
              EndsWith("=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
  EXPECT_THAT(S3Signature("GET", "/", {{"max-keys", "2"}, {"prefix", "J"}}, {}, ""),
              EndsWith("=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

TEST(SigV4Test, ASessionTokenIsSentAndSigned) {
  SigV4Key key = S3Key();
  key.session_token = Secret("the-token");
  const auto added = SignV4(key,
                            {.method = "GET",
                             .path = "/",
                             .query = "",
                             .headers = {{"host", "h"}},
                             .payload_sha256 = Sha256Hex("")},
                            kS3Time);
  EXPECT_EQ(added.at("x-amz-security-token"), "the-token");
  EXPECT_EQ(added.at("x-amz-date"), "20130524T000000Z");
  EXPECT_THAT(added.at("authorization"), HasSubstr("host;x-amz-date;x-amz-security-token"));
  EXPECT_THAT(added.at("authorization"), Not(HasSubstr("the-token")));
}

TEST(SigV4Test, TheQueryIsSortedAsItIsSent) {
  EXPECT_EQ(CanonicalQuery({{"b", "2 +/"}, {"a", ""}, {"ü", "="}}), "%C3%BC=%3D&a=&b=2%20%2B%2F");
}

TEST(EncodingTest, TextsAndDigestsMatchKnownValues) {
  EXPECT_EQ(PercentEncode("a b/ü~+=", Slash::kKeep), "a%20b/%C3%BC~%2B%3D");
  EXPECT_EQ(PercentEncode("a/b", Slash::kEncode), "a%2Fb");
  EXPECT_EQ(PercentDecode("a%20b%2F+"), "a b/ ");
  for (const std::string_view bad : {"%", "%1", "%zz", "a%2"}) {
    EXPECT_EQ(PercentDecode(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(Base64("foob"), "Zm9vYg==");
  EXPECT_EQ(Base64Url("\xff\xfe?"), "__4_");
  EXPECT_EQ(Base64Decode("Zm9vYg=="), "foob");
  EXPECT_EQ(Base64Decode("Zm9vY"), std::nullopt);
  EXPECT_EQ(Base64Decode("Zm9*Yg=="), std::nullopt);
  EXPECT_EQ(HexLower(Md5("")), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(HexLower(HmacSha256("key", "The quick brown fox jumps over the lazy dog")),
            "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
  EXPECT_EQ(OneLine(" two\r\nlines\x1b[1m "), "two  lines [1m");
}

TEST(EncodingTest, TimesAreReadAsTheyAreWritten) {
  EXPECT_EQ(BasicIsoTime(kSuiteTime), "20150830T123600Z");
  EXPECT_EQ(HttpTime(kSuiteTime), "Sun, 30 Aug 2015 12:36:00 GMT");
  EXPECT_EQ(ParseServiceTime("Sun, 30 Aug 2015 12:36:00 GMT"), kSuiteTime);
  EXPECT_EQ(ParseServiceTime("2015-08-30T12:36:00Z"), kSuiteTime);
  EXPECT_EQ(ParseServiceTime("2015-08-30T12:36:00.25Z"), TimestampUs(kSuiteTime.value() + 250'000));
  for (const std::string_view bad :
       {"", "2015-08-30", "2015-08-30T12:36:00", "2015-08-30T12:36:00.Z", "2015-08-30T12:36:00.xZ",
        "Sun, 30 Aug 2015 12:36:00 CET", "yesterday"}) {
    EXPECT_EQ(ParseServiceTime(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace varve
