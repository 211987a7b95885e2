#include "store/credentials.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "base/matchers.h"
#include "base/test_folder.h"
#include "store/open_location.h"

namespace varve {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

using Variables = std::map<std::string, std::string>;

Environment From(Variables variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

class CredentialsTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, std::string_view text) {
    const std::string path = folder_.path() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
  // The AWS files of the test, and variables beside them.
  Environment Aws(Variables variables = {}) {
    variables["AWS_SHARED_CREDENTIALS_FILE"] = Write("credentials", kCredentials);
    variables["AWS_CONFIG_FILE"] = Write("config", kConfig);
    return From(std::move(variables));
  }

  static constexpr std::string_view kCredentials =
      "# comment\n"
      "[default]\n"
      "aws_access_key_id = DEFAULTID\n"
      "aws_secret_access_key=hunter2default\n"
      "\n"
      "[ other ]\r\n"
      "AWS_ACCESS_KEY_ID = OTHERID\r\n"
      "aws_secret_access_key = hunter2=other==\r\n"
      "aws_session_token = hunter2token\r\n"
      "[half]\n"
      "aws_access_key_id = HALFID\n";
  static constexpr std::string_view kConfig =
      "[default]\nregion = eu-default-1\ns3 =\n  region = nested\n"
      "[profile other]\nregion = eu-other-1\nendpoint_url = https://other.example\n";
  TestFolder folder_;
};

TEST_F(CredentialsTest, WhatIsGivenGoesFirst) {
  const auto found = FindCredentials(
      LocationScheme::kS3, {.region = "r", .access_key_id = "ID", .secret_access_key = Secret("s")},
      Aws({{"AWS_ACCESS_KEY_ID", "ENVID"},
           {"AWS_SECRET_ACCESS_KEY", "e"},
           {"AWS_SESSION_TOKEN", "not of this key"},
           {"AWS_REGION", "env-region"}}));
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->access_key_id, "ID");
  EXPECT_EQ(found->secret_access_key.Reveal(), "s");
  EXPECT_TRUE(found->session_token.empty()) << "a token belongs to the key it came with";
  EXPECT_EQ(found->region, "r");
}

TEST_F(CredentialsTest, TheEnvironmentGoesBeforeTheFiles) {
  const auto found = FindCredentials(LocationScheme::kS3, {},
                                     Aws({{"AWS_ACCESS_KEY_ID", "ENVID"},
                                          {"AWS_SECRET_ACCESS_KEY", "e"},
                                          {"AWS_SESSION_TOKEN", "t"},
                                          {"AWS_ENDPOINT_URL", "http://127.0.0.1:1"}}));
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->access_key_id, "ENVID");
  EXPECT_EQ(found->session_token.Reveal(), "t");
  EXPECT_EQ(found->endpoint, "http://127.0.0.1:1");
  EXPECT_EQ(found->region, "eu-default-1");
}

TEST_F(CredentialsTest, ProfilesAreReadFromBothFiles) {
  const auto usual = FindCredentials(LocationScheme::kS3, {}, Aws());
  ASSERT_THAT(usual, IsOk());
  EXPECT_EQ(usual->access_key_id, "DEFAULTID");
  EXPECT_EQ(usual->region, "eu-default-1") << "not that of the nested settings";
  // A profile that is asked for goes before keys from the environment.
  const auto other =
      FindCredentials(LocationScheme::kS3, {.profile = "other"},
                      Aws({{"AWS_ACCESS_KEY_ID", "ENVID"}, {"AWS_SECRET_ACCESS_KEY", "e"}}));
  ASSERT_THAT(other, IsOk());
  EXPECT_EQ(other->access_key_id, "OTHERID");
  EXPECT_EQ(other->secret_access_key.Reveal(), "hunter2=other==");
  EXPECT_EQ(other->session_token.Reveal(), "hunter2token");
  EXPECT_EQ(other->region, "eu-other-1");
  EXPECT_EQ(other->endpoint, "https://other.example");
  EXPECT_EQ(FindCredentials(LocationScheme::kS3, {}, Aws({{"AWS_PROFILE", "other"}}))->region,
            "eu-other-1");
  EXPECT_THAT(FindCredentials(LocationScheme::kS3, {.profile = "none"}, Aws()),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("no profile 'none'")));
}

TEST_F(CredentialsTest, HalfAKeyAndNoKeyAreSaid) {
  EXPECT_THAT(FindCredentials(LocationScheme::kS3, {}, Aws({{"AWS_ACCESS_KEY_ID", "x"}})),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("AWS_SECRET_ACCESS_KEY")));
  EXPECT_THAT(FindCredentials(LocationScheme::kS3, {.secret_access_key = Secret("hunter2")}, Aws()),
              IsError(ErrorKind::kInvalidArgument, Not(HasSubstr("hunter2"))));
  EXPECT_THAT(FindCredentials(LocationScheme::kS3, {.profile = "half"}, Aws()),
              IsError(ErrorKind::kInvalidArgument));
  for (const LocationScheme scheme :
       {LocationScheme::kS3, LocationScheme::kOss, LocationScheme::kGcs, LocationScheme::kAzure}) {
    EXPECT_THAT(FindCredentials(scheme, {}, From({{"HOME", folder_.path()}})),
                IsError(ErrorKind::kInvalidArgument));
  }
  EXPECT_THAT(FindCredentials(LocationScheme::kS3, {.identity = Identity::kAnonymous}, From({})),
              IsOk());
}

TEST_F(CredentialsTest, TheOtherServicesHaveTheirVariables) {
  const auto oss = FindCredentials(LocationScheme::kOss, {},
                                   From({{"OSS_ACCESS_KEY_ID", "ID"},
                                         {"OSS_ACCESS_KEY_SECRET", "s"},
                                         {"OSS_REGION", "cn-hangzhou"},
                                         {"AWS_ACCESS_KEY_ID", "not this"}}));
  ASSERT_THAT(oss, IsOk());
  EXPECT_EQ(oss->access_key_id, "ID");
  const auto azure =
      FindCredentials(LocationScheme::kAzure, {},
                      From({{"AZURE_STORAGE_CONNECTION_STRING",
                             "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=a2V5==;"
                             "BlobEndpoint=http://127.0.0.1:1/acc"}}));
  ASSERT_THAT(azure, IsOk());
  EXPECT_EQ(azure->account, "acc");
  EXPECT_EQ(azure->account_key.Reveal(), "a2V5==");
  EXPECT_EQ(azure->endpoint, "http://127.0.0.1:1/acc");
  const auto gcs =
      FindCredentials(LocationScheme::kGcs, {}, From({{"GOOGLE_OAUTH_ACCESS_TOKEN", "t"}}));
  ASSERT_THAT(gcs, IsOk());
  EXPECT_EQ(gcs->access_token.Reveal(), "t");
  const auto emulator =
      FindCredentials(LocationScheme::kGcs, {}, From({{"STORAGE_EMULATOR_HOST", "localhost:1"}}));
  ASSERT_THAT(emulator, IsOk());
  EXPECT_EQ(emulator->endpoint, "http://localhost:1");
}

// Files that are no credentials: what is in them is not shown.
TEST_F(CredentialsTest, BrokenKeyFilesAreRefusedWithoutTheirText) {
  SystemClock clock;
  const Location gcs = Location::Parse("gs://bucket/p").value();
  for (const std::string_view text :
       {"", "hunter2", "{\"type\":\"hunter2\"}",
        "{\"type\":\"service_account\",\"private_key\":\"hunter2\"}",
        "{\"type\":\"authorized_user\",\"client_id\":\"x\",\"client_secret\":\"hunter2\"}",
        "[\"hunter2\"]", "{\"type\":1}"}) {
    const auto opened = OpenLocation(gcs, {.key_file = Write("key.json", text)}, &clock);
    EXPECT_THAT(opened, IsError(ErrorKind::kInvalidArgument,
                                AllOf(Not(HasSubstr("hunter2")), HasSubstr("key.json"))))
        << text;
  }
  EXPECT_THAT(OpenLocation(gcs, {.key_file = "/no/such/file"}, &clock),
              IsError(ErrorKind::kNotFound));
  const Location azure = Location::Parse("azblob://container/p").value();
  EXPECT_THAT(
      OpenLocation(azure, {.account = "a", .account_key = Secret("hunter2 no base64")}, &clock),
      IsError(ErrorKind::kInvalidArgument, Not(HasSubstr("hunter2"))));
}

TEST_F(CredentialsTest, EndpointsThatCannotBeRightAreRefused) {
  SystemClock clock;
  const Location place = Location::Parse("s3://bucket/p").value();
  for (const std::string_view endpoint :
       {"127.0.0.1:9000", "ftp://x", "http://", "http://user:hunter2@x", "http://x?hunter2",
        "http://x/path"}) {
    EXPECT_THAT(
        OpenLocation(place, {.identity = Identity::kAnonymous, .endpoint = std::string(endpoint)},
                     &clock),
        IsError(ErrorKind::kInvalidArgument, Not(HasSubstr("hunter2"))))
        << endpoint;
  }
}

TEST_F(CredentialsTest, AFileLocationNeedsNone) {
  SystemClock clock;
  const Location place = Location::Parse("file://" + folder_.path() + "/store").value();
  const auto store = OpenLocation(place, {}, &clock).value();
  ASSERT_THAT(store->Put("a", "x"), IsOk());
  EXPECT_EQ(store->Get("a"), "x");
  EXPECT_EQ(store->Describe(), folder_.path() + "/store");
}

}  // namespace
}  // namespace varve
