#include "store/credentials.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "store/encoding_internal.h"
#include "store/profile_internal.h"

namespace varve {
namespace {

// The first of these variables that is set.
std::optional<std::string> FirstOf(const Environment& environment,
                                   std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (std::optional<std::string> value = environment(name)) {
      return value;
    }
  }
  return std::nullopt;
}

void FillIn(std::string& field, std::optional<std::string> value) {
  if (field.empty() && value) {
    field = *std::move(value);
  }
}

std::string HomeFile(const Environment& environment, std::string_view path) {
  const std::optional<std::string> home = environment("HOME");
  return home ? fmt::format("{}/{}", *home, path) : "";
}

// A profile is in the credentials file as "[name]" and in the config file as "[profile name]".
Result<Profile> AwsProfile(const std::string& name, const Environment& environment) {
  const std::string secrets = environment("AWS_SHARED_CREDENTIALS_FILE")
                                  .value_or(HomeFile(environment, ".aws/credentials"));
  const std::string config =
      environment("AWS_CONFIG_FILE").value_or(HomeFile(environment, ".aws/config"));
  VARVE_ASSIGN(Profile out, ReadProfile(secrets, name));
  VARVE_ASSIGN(const Profile settings,
               ReadProfile(config, name == "default" ? name : "profile " + name));
  out.insert(settings.begin(), settings.end());  // the credentials file goes first
  return out;
}

std::optional<std::string> Setting(const Profile& profile, std::string_view name) {
  const auto found = profile.find(name);
  return found == profile.end() ? std::nullopt : std::optional(found->second);
}

Status CheckKeyPair(const StoreCredentials& credentials, std::string_view where) {
  if (credentials.access_key_id.empty() != credentials.secret_access_key.empty()) {
    return InvalidArgument("an access key needs its secret and the other way round: {}", where);
  }
  return {};
}

struct KeyVariables {
  const char* id;
  const char* secret;
  const char* token;
};

void TakeKeyFromEnvironment(StoreCredentials& out, const Environment& environment,
                            const KeyVariables& names) {
  out.access_key_id = environment(names.id).value_or("");
  out.secret_access_key = Secret(environment(names.secret).value_or(""));
  out.session_token = Secret(environment(names.token).value_or(""));
}

Result<StoreCredentials> FindS3(StoreCredentials out, const Environment& environment) {
  const bool profile_given = !out.profile.empty();
  FillIn(out.profile, environment("AWS_PROFILE"));
  const bool profile_named = !out.profile.empty();
  FillIn(out.profile, "default");
  VARVE_ASSIGN(const Profile profile, AwsProfile(out.profile, environment));
  if (profile_named && profile.empty()) {
    return InvalidArgument("there is no profile '{}' in the AWS credentials and config files",
                           OneLine(out.profile));
  }
  FillIn(out.region, FirstOf(environment, {"AWS_REGION", "AWS_DEFAULT_REGION"}));
  FillIn(out.region, Setting(profile, "region"));
  FillIn(out.region, "us-east-1");
  FillIn(out.endpoint, FirstOf(environment, {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"}));
  FillIn(out.endpoint, Setting(profile, "endpoint_url"));
  FillIn(out.ca_file, environment("AWS_CA_BUNDLE"));
  if (out.identity == Identity::kAnonymous) {
    return out;
  }
  VARVE_TRY(CheckKeyPair(out, "see the settings of this store"));
  if (out.access_key_id.empty() && !profile_given) {
    TakeKeyFromEnvironment(out, environment,
                           {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"});
    VARVE_TRY(CheckKeyPair(out, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"));
  }
  if (out.access_key_id.empty()) {
    out.access_key_id = Setting(profile, "aws_access_key_id").value_or("");
    out.secret_access_key = Secret(Setting(profile, "aws_secret_access_key").value_or(""));
    out.session_token = Secret(Setting(profile, "aws_session_token").value_or(""));
    VARVE_TRY(CheckKeyPair(out, "see the AWS credentials file"));
  }
  if (out.access_key_id.empty()) {
    return InvalidArgument(
        "no credentials for s3: not in the settings, not in AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY, and not in the profile '{}' of the AWS credentials file",
        OneLine(out.profile));
  }
  return out;
}

Result<StoreCredentials> FindOss(StoreCredentials out, const Environment& environment) {
  FillIn(out.region, environment("OSS_REGION"));
  FillIn(out.endpoint, environment("OSS_ENDPOINT"));
  if (out.region.empty() && out.endpoint.empty()) {
    return InvalidArgument("oss needs a region (OSS_REGION, as 'cn-hangzhou') or an endpoint");
  }
  if (out.identity == Identity::kAnonymous) {
    return out;
  }
  VARVE_TRY(CheckKeyPair(out, "see the settings of this store"));
  if (out.access_key_id.empty()) {
    TakeKeyFromEnvironment(out, environment,
                           {"OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN"});
    VARVE_TRY(CheckKeyPair(out, "set OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET"));
  }
  if (out.access_key_id.empty()) {
    return InvalidArgument(
        "no credentials for oss: not in the settings, and not in OSS_ACCESS_KEY_ID and "
        "OSS_ACCESS_KEY_SECRET");
  }
  return out;
}

Result<StoreCredentials> FindGcs(StoreCredentials out, const Environment& environment) {
  if (const std::optional<std::string> emulator = environment("STORAGE_EMULATOR_HOST");
      emulator && out.endpoint.empty() && out.key_file.empty() && out.access_token.empty()) {
    out.endpoint = emulator->find("://") == std::string::npos ? "http://" + *emulator : *emulator;
    out.identity = Identity::kAnonymous;
  }
  if (out.identity == Identity::kAnonymous || !out.access_token.empty()) {
    return out;
  }
  if (out.key_file.empty()) {
    if (std::optional<std::string> token = environment("GOOGLE_OAUTH_ACCESS_TOKEN")) {
      out.access_token = Secret(*std::move(token));
      return out;
    }
  }
  FillIn(out.key_file, environment("GOOGLE_APPLICATION_CREDENTIALS"));
  const std::string usual =
      HomeFile(environment, ".config/gcloud/application_default_credentials.json");
  if (std::error_code ignored; out.key_file.empty() && std::filesystem::exists(usual, ignored)) {
    out.key_file = usual;
  }
  if (out.key_file.empty()) {
    return InvalidArgument(
        "no credentials for gs: not in the settings, not in GOOGLE_OAUTH_ACCESS_TOKEN or "
        "GOOGLE_APPLICATION_CREDENTIALS, and gcloud keeps no application default credentials");
  }
  return out;
}

// "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=…;EndpointSuffix=core.windows.net".
// Errors: none; parts that are not known are for other services of the account.
void TakeConnectionString(StoreCredentials& out, std::string_view text) {
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos) {
      continue;
    }
    const std::string_view name = part.substr(0, equals);
    const std::string value(part.substr(equals + 1));
    if (name == "AccountName") {
      FillIn(out.account, value);
    } else if (name == "AccountKey" && out.account_key.empty()) {
      out.account_key = Secret(value);
    } else if (name == "SharedAccessSignature" && out.sas_token.empty()) {
      out.sas_token = Secret(value);
    } else if (name == "BlobEndpoint") {
      FillIn(out.endpoint, value);
    }
  }
}

Result<StoreCredentials> FindAzure(StoreCredentials out, const Environment& environment) {
  const bool given = !out.account_key.empty() || !out.sas_token.empty();
  if (!given && out.identity == Identity::kFind) {
    out.account_key = Secret(environment("AZURE_STORAGE_KEY").value_or(""));
    out.sas_token = Secret(environment("AZURE_STORAGE_SAS_TOKEN").value_or(""));
  }
  FillIn(out.account, environment("AZURE_STORAGE_ACCOUNT"));
  if (out.account.empty() || (out.account_key.empty() && out.sas_token.empty())) {
    TakeConnectionString(out, environment("AZURE_STORAGE_CONNECTION_STRING").value_or(""));
  }
  if (out.account.empty()) {
    return InvalidArgument(
        "azblob needs the account's name: in the settings, in AZURE_STORAGE_ACCOUNT or in "
        "AZURE_STORAGE_CONNECTION_STRING");
  }
  if (out.identity == Identity::kFind && out.account_key.empty() && out.sas_token.empty()) {
    return InvalidArgument(
        "no credentials for azblob: neither a key nor a shared access signature in the settings, "
        "in AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN or AZURE_STORAGE_CONNECTION_STRING");
  }
  return out;
}

}  // namespace

Environment ProcessEnvironment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
  };
}

Result<StoreCredentials> FindCredentials(LocationScheme scheme, StoreCredentials given,
                                         const Environment& environment) {
  switch (scheme) {
    case LocationScheme::kFile:
      return given;
    case LocationScheme::kS3:
      return FindS3(std::move(given), environment);
    case LocationScheme::kOss:
      return FindOss(std::move(given), environment);
    case LocationScheme::kGcs:
      return FindGcs(std::move(given), environment);
    case LocationScheme::kAzure:
      return FindAzure(std::move(given), environment);
  }
  return Internal("a location of an unknown scheme");
}

}  // namespace varve
