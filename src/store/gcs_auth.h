// GcsTokens: access tokens for Google Cloud Storage, made from a key file and renewed in time.
// Private to this folder's stores.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "store/credentials.h"
#include "store/rest_client.h"

namespace varve {

struct GcsTokenOptions {
  Identity identity = Identity::kFind;
  Secret access_token;   // used as it is, until the service refuses it
  std::string key_file;  // JSON of a service account, or of a user (gcloud's default file)
  HttpOptions http;
  RetryPolicy retry;
};

// Thread-safe. The clock outlives it.
class GcsTokens {
 public:
  // Errors: kInvalidArgument for a file that is no key; kNotFound, kIo. No error shows the file.
  static Result<std::unique_ptr<GcsTokens>> Open(GcsTokenOptions options, const Clock* clock);

  // The token for a request; empty for anonymous ones. Asks the token service when the last token
  // is about to expire, and holds a lock while it does: all requests need the answer. Errors: kIo,
  // kInvalidArgument.
  Result<Secret> Token();

 private:
  struct Key {
    enum class Kind { kNone, kServiceAccount, kUser } kind = Kind::kNone;
    std::string client;  // the e-mail address of the account, or the client's id
    Secret secret;       // the private key as PEM, or the client's secret
    Secret refresh_token;
    std::string token_uri;
  };

  GcsTokens(GcsTokenOptions options, Key key, const Clock* clock);
  static Result<Key> ReadKey(const std::string& file);
  // The body of the request for a new token.
  Result<std::string> Claim(TimestampUs now) const;
  Status Renew(TimestampUs now);

  const GcsTokenOptions options_;
  const Key key_;
  const Clock* const clock_;
  RestClient client_;
  std::mutex mutex_;
  Secret token_;
  TimestampUs renew_at_;
};

// RFC 7518 RS256: the signature of `text` with a private key in PEM. Errors: kInvalidArgument.
Result<std::string> SignRs256(const Secret& pem, std::string_view text);

}  // namespace varve
