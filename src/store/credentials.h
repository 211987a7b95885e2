// StoreCredentials: what it takes to be let into a place, and how to reach it. Never part of a
// location, a manifest, a message or a log: secrets are of the type Secret, which does not print.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "store/location.h"
#include "store/secret.h"

namespace varve {

// How a bucket is named in a request: by the service's usual way, in the path, or in the host name.
enum class AddressStyle { kUsual, kPath, kVirtualHost };
enum class Identity {
  kFind,       // given here, else from the environment, else from the service's files
  kAnonymous,  // requests without a signature, for public buckets and emulators
};

// Empty fields are filled in by FindCredentials.
struct StoreCredentials {
  Identity identity = Identity::kFind;
  std::string endpoint;  // "https://minio.example:9000"; "" = the service's own
  std::string ca_file;   // PEM of trusted authorities; "" = those of the system

  // s3 and oss.
  std::string region;
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;
  std::string profile;  // of the AWS files; goes before keys from the environment
  AddressStyle address_style = AddressStyle::kUsual;

  // gs: a token that someone else renews, or the JSON file of a service account or of a user.
  Secret access_token;
  std::string key_file;

  // azblob: an account with its key (base64) or with a shared access signature.
  std::string account;
  Secret account_key;
  Secret sas_token;
};

// The value of a variable; nothing when it is not set or empty.
using Environment = std::function<std::optional<std::string>(const std::string&)>;
Environment ProcessEnvironment();

// Fills in what is not given:
//   s3      AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN; else the profile
//           (AWS_PROFILE, "default") of ~/.aws/credentials and ~/.aws/config
//           (AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE). AWS_REGION, AWS_DEFAULT_REGION,
//           AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL. Without a region: us-east-1.
//   oss     OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET, OSS_SESSION_TOKEN, OSS_REGION, OSS_ENDPOINT
//   gs      GOOGLE_OAUTH_ACCESS_TOKEN, GOOGLE_APPLICATION_CREDENTIALS, the application default
//           file of gcloud; STORAGE_EMULATOR_HOST makes requests anonymous
//   azblob  AZURE_STORAGE_ACCOUNT, AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN,
//           AZURE_STORAGE_CONNECTION_STRING
// A key and its secret always come from the same source. Errors: kInvalidArgument when there are
// none or half of them, and says where was looked; kIo when a file cannot be read. No error shows a
// value.
Result<StoreCredentials> FindCredentials(LocationScheme scheme, StoreCredentials given,
                                         const Environment& environment);

}  // namespace varve
