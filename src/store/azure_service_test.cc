#include "store/azure_service.h"

#include <gtest/gtest.h>

#include "base/matchers.h"

namespace varve {
namespace {

// The form of the string is documented as "Authorize with Shared Key"; a real server checks it in
// the suite over all stores.
TEST(AzureServiceTest, TheStringToSignHasAllThatIsSent) {
  const HttpCall request = {
      .method = "PUT",
      .url = "https://acc.blob.core.windows.net/cont/a%20b?comp=block&blockid=QQ%3D%3D",
      .headers = {{"content-md5", "md5"},
                  {"if-none-match", "*"},
                  {"range", "bytes=0-1"},
                  {"x-ms-version", "2021-12-02"},
                  {"x-ms-date", "Sun, 30 Aug 2015 12:36:00 GMT"},
                  {"user-agent", "not signed"}},
      .body = "12345"};
  EXPECT_EQ(AzureStringToSign(request, "acc"),
            "PUT\n\n\n5\nmd5\n\n\n\n\n*\n\nbytes=0-1\n"
            "x-ms-date:Sun, 30 Aug 2015 12:36:00 GMT\nx-ms-version:2021-12-02\n"
            "/acc/cont/a%20b\nblockid:QQ==\ncomp:block");
}

TEST(AzureServiceTest, WithoutABodyTheLengthIsEmpty) {
  const HttpCall request = {.method = "GET", .url = "http://h/acc/cont"};
  EXPECT_EQ(AzureStringToSign(request, "acc"), "GET\n\n\n\n\n\n\n\n\n\n\n\n/acc/acc/cont");
}

TEST(AzureServiceTest, AKeyIsBase64) {
  EXPECT_THAT(MakeAzureService({.account = "acc", .account_key = Secret("no key!")}, nullptr),
              IsError(ErrorKind::kInvalidArgument, testing::HasSubstr("'acc' is not base64")));
}

}  // namespace
}  // namespace varve
