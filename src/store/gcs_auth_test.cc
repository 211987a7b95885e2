#include "store/gcs_auth.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/matchers.h"
#include "base/test_folder.h"
#include "store/encoding_internal.h"

namespace varve {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct KeyPair {
  EVP_PKEY* key = ::EVP_RSA_gen(2048);
  ~KeyPair() { ::EVP_PKEY_free(key); }

  std::string Pem() const {
    BIO* bio = ::BIO_new(::BIO_s_mem());
    ::PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    char* data = nullptr;
    const long size = ::BIO_get_mem_data(bio, &data);
    std::string out(data, static_cast<size_t>(size));
    ::BIO_free(bio);
    return out;
  }

  bool Verifies(std::string_view text, std::string_view signature) const {
    EVP_MD_CTX* digest = ::EVP_MD_CTX_new();
    const bool good =
        ::EVP_DigestVerifyInit(digest, nullptr, ::EVP_sha256(), nullptr, key) == 1 &&
        ::EVP_DigestVerify(digest, reinterpret_cast<const unsigned char*>(signature.data()),
                           signature.size(), reinterpret_cast<const unsigned char*>(text.data()),
                           text.size()) == 1;
    ::EVP_MD_CTX_free(digest);
    return good;
  }
};

TEST(GcsAuthTest, SignaturesVerify) {
  const KeyPair pair;
  const Result<std::string> signature = SignRs256(Secret(pair.Pem()), "text");
  ASSERT_THAT(signature, IsOk());
  EXPECT_TRUE(pair.Verifies("text", *signature));
  EXPECT_FALSE(pair.Verifies("test", *signature));
  EXPECT_THAT(SignRs256(Secret("hunter2"), "text"),
              IsError(ErrorKind::kInvalidArgument, Not(HasSubstr("hunter2"))));
}

TEST(GcsAuthTest, GivenTokensAndAnonymousRequestsAskNobody) {
  SystemClock clock;
  const auto given = GcsTokens::Open({.access_token = Secret("t")}, &clock).value();
  EXPECT_EQ(given->Token()->Reveal(), "t");
  const auto anonymous = GcsTokens::Open({.identity = Identity::kAnonymous}, &clock).value();
  EXPECT_TRUE(anonymous->Token()->empty());
}

// The token service cannot be reached: the key stays out of the message.
TEST(GcsAuthTest, AFailureShowsNoKey) {
  const TestFolder folder;
  const KeyPair pair;
  const std::string file = folder.path() + "/key.json";
  std::ofstream(file) << nlohmann::json{{"type", "service_account"},
                                        {"client_email", "me@example"},
                                        {"private_key", pair.Pem()},
                                        {"token_uri", "http://127.0.0.1:1/token"}};
  SystemClock clock;
  const auto tokens =
      GcsTokens::Open({.key_file = file, .retry = {.attempts_max = 1}}, &clock).value();
  const Result<Secret> token = tokens->Token();
  ASSERT_FALSE(token.has_value());
  EXPECT_EQ(token.error().kind, ErrorKind::kIo);
  EXPECT_THAT(token.error().message, HasSubstr("get an access token"));
  EXPECT_THAT(token.error().message, Not(HasSubstr("PRIVATE KEY")));
}

}  // namespace
}  // namespace varve
