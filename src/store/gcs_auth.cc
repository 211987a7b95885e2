#include "store/gcs_auth.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <nlohmann/json.hpp>

#include "store/encoding_internal.h"
#include "store/profile_internal.h"

namespace varve {
namespace {

constexpr std::string_view kScope = "https://www.googleapis.com/auth/devstorage.read_write";
constexpr std::string_view kTokenUri = "https://oauth2.googleapis.com/token";
constexpr int64_t kUsPerSecond = 1'000'000;
// Google's longest life of a claim.
constexpr int64_t kClaimSeconds = 3600;
// Renewed this long before its end, so that no request sets out with a token that expires under
// way.
constexpr int64_t kRenewBeforeSeconds = 300;

struct BioDeleter {
  void operator()(BIO* bio) const { ::BIO_free(bio); }
};
struct KeyDeleter {
  void operator()(EVP_PKEY* key) const { ::EVP_PKEY_free(key); }
};
struct DigestDeleter {
  void operator()(EVP_MD_CTX* digest) const { ::EVP_MD_CTX_free(digest); }
};

std::string TextOf(const nlohmann::json& document, const char* name) {
  const auto found = document.find(name);
  return found != document.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string FormField(std::string_view name, std::string_view value) {
  return fmt::format("{}={}", name, PercentEncode(value, Slash::kEncode));
}

}  // namespace

Result<std::string> SignRs256(const Secret& pem, std::string_view text) {
  const std::string& bytes = pem.Reveal();
  const std::unique_ptr<BIO, BioDeleter> bio(
      ::BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  const std::unique_ptr<EVP_PKEY, KeyDeleter> key(
      bio == nullptr ? nullptr : ::PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  const std::unique_ptr<EVP_MD_CTX, DigestDeleter> digest(::EVP_MD_CTX_new());
  size_t size = 0;
  const auto* data = reinterpret_cast<const unsigned char*>(text.data());
  if (key == nullptr || digest == nullptr ||
      ::EVP_DigestSignInit(digest.get(), nullptr, ::EVP_sha256(), nullptr, key.get()) != 1 ||
      ::EVP_DigestSign(digest.get(), nullptr, &size, data, text.size()) != 1) {
    return InvalidArgument("the private key of the service account cannot be used to sign");
  }
  std::string out(size, '\0');
  if (::EVP_DigestSign(digest.get(), reinterpret_cast<unsigned char*>(out.data()), &size, data,
                       text.size()) != 1) {
    return InvalidArgument("the private key of the service account cannot be used to sign");
  }
  out.resize(size);
  return out;
}

Result<GcsTokens::Key> GcsTokens::ReadKey(const std::string& file) {
  VARVE_ASSIGN(const std::string text, ReadCredentialsFile(file));
  const nlohmann::json document = nlohmann::json::parse(text, nullptr, false);
  if (!document.is_object()) {
    return InvalidArgument("'{}' is no JSON file of Google credentials", file);
  }
  const std::string type = TextOf(document, "type");
  const bool account = type == "service_account";
  if (!account && type != "authorized_user") {
    return InvalidArgument(
        "'{}' holds Google credentials of a type that is not supported; use the key of a service "
        "account, or a user's application default credentials",
        file);
  }
  Key key = {.kind = account ? Key::Kind::kServiceAccount : Key::Kind::kUser,
             .client = TextOf(document, account ? "client_email" : "client_id"),
             .secret = Secret(TextOf(document, account ? "private_key" : "client_secret")),
             .refresh_token = Secret(TextOf(document, "refresh_token")),
             .token_uri = TextOf(document, "token_uri")};
  if (key.token_uri.empty()) {
    key.token_uri = kTokenUri;
  }
  if (key.client.empty() || key.secret.empty() || (!account && key.refresh_token.empty())) {
    return InvalidArgument("'{}' lacks a part of the Google credentials of type '{}'", file, type);
  }
  return key;
}

Result<std::unique_ptr<GcsTokens>> GcsTokens::Open(GcsTokenOptions options, const Clock* clock) {
  Key key;
  if (options.identity == Identity::kFind && options.access_token.empty()) {
    VARVE_ASSIGN(key, ReadKey(options.key_file));
  }
  return std::unique_ptr<GcsTokens>(new GcsTokens(std::move(options), std::move(key), clock));
}

GcsTokens::GcsTokens(GcsTokenOptions options, Key key, const Clock* clock)
    : options_(std::move(options)),
      key_(std::move(key)),
      clock_(clock),
      client_(options_.http, options_.retry,
              {.sign = [](HttpCall&) { return Status(); },
               .secrets = [this] { return std::vector{key_.secret, key_.refresh_token}; }}) {}

Result<std::string> GcsTokens::Claim(TimestampUs now) const {
  if (key_.kind == Key::Kind::kUser) {
    return fmt::format("{}&{}&{}&grant_type=refresh_token", FormField("client_id", key_.client),
                       FormField("client_secret", key_.secret.Reveal()),
                       FormField("refresh_token", key_.refresh_token.Reveal()));
  }
  const int64_t seconds = now.value() / kUsPerSecond;
  const nlohmann::json header = {{"alg", "RS256"}, {"typ", "JWT"}};
  const nlohmann::json claims = {{"iss", key_.client},
                                 {"scope", kScope},
                                 {"aud", key_.token_uri},
                                 {"iat", seconds},
                                 {"exp", seconds + kClaimSeconds}};
  const std::string text = Base64Url(header.dump()) + "." + Base64Url(claims.dump());
  VARVE_ASSIGN(const std::string signature, SignRs256(key_.secret, text));
  return fmt::format("{}&{}",
                     FormField("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                     FormField("assertion", text + "." + Base64Url(signature)));
}

Status GcsTokens::Renew(TimestampUs now) {
  constexpr std::string_view kWhat = "get an access token for Google Cloud Storage";
  VARVE_ASSIGN(const std::string body, Claim(now));
  const HttpCall request = {.method = "POST",
                               .url = key_.token_uri,
                               .headers = {{"content-type", "application/x-www-form-urlencoded"}},
                               .body = body};
  VARVE_ASSIGN(const RestReply reply, client_.Send(request, RestClient::Effect::kRead, kWhat));
  if (!reply.ok()) {
    return std::unexpected(client_.FailureOf(reply, kWhat));
  }
  const nlohmann::json document = nlohmann::json::parse(reply.answer.body, nullptr, false);
  if (!document.is_object() || TextOf(document, "access_token").empty()) {
    return Io("cannot {}: the answer holds none", kWhat);
  }
  const auto life = document.find("expires_in");
  const int64_t seconds =
      life != document.end() && life->is_number_integer() ? life->get<int64_t>() : kClaimSeconds;
  token_ = Secret(TextOf(document, "access_token"));
  renew_at_ = TimestampUs(now.value() + (seconds - kRenewBeforeSeconds) * kUsPerSecond);
  return {};
}

Result<Secret> GcsTokens::Token() {
  if (options_.identity == Identity::kAnonymous) {
    return Secret();
  }
  if (key_.kind == Key::Kind::kNone) {
    return options_.access_token;
  }
  const std::lock_guard lock(mutex_);
  const TimestampUs now = clock_->Now();
  if (token_.empty() || now >= renew_at_) {
    VARVE_TRY(Renew(now));
  }
  return token_;
}

}  // namespace varve
