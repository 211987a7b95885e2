#include "store/open_location.h"

#include "store/azure_service.h"
#include "store/gcs_service.h"
#include "store/local_store.h"
#include "store/remote_store.h"
#include "store/s3_service.h"

namespace varve {
namespace {

// "https://host:9000/base/" → "https://host:9000/base". Errors: kInvalidArgument, without the text:
// it may hold a password.
Result<std::string> CheckEndpoint(std::string endpoint) {
  while (endpoint.ends_with('/')) {
    endpoint.pop_back();
  }
  const size_t scheme = endpoint.find("://");
  const std::string_view host = scheme == std::string::npos
                                    ? std::string_view()
                                    : std::string_view(endpoint).substr(scheme + 3);
  const bool known = endpoint.starts_with("http://") || endpoint.starts_with("https://");
  if (!known || host.empty() || host.find_first_of("@?# \t\r\n") != std::string_view::npos) {
    return InvalidArgument(
        "the endpoint of a store is written http://host[:port] or https://host[:port], without "
        "user, query or fragment");
  }
  return endpoint;
}

std::string AmazonEndpoint(std::string_view region) {
  return fmt::format("https://s3.{}.amazonaws.com{}", region,
                     region.starts_with("cn-") ? ".cn" : "");
}

// Regions are written with and without the "oss-" that the host name has.
std::string OssEndpoint(std::string_view region) {
  return fmt::format("https://s3.{}{}.aliyuncs.com", region.starts_with("oss-") ? "" : "oss-",
                     region);
}

S3AddressStyle StyleOf(const Location& location, const StoreCredentials& credentials) {
  if (credentials.address_style != AddressStyle::kUsual) {
    return credentials.address_style == AddressStyle::kPath ? S3AddressStyle::kPath
                                                            : S3AddressStyle::kVirtualHost;
  }
  if (location.scheme == LocationScheme::kOss) {
    return S3AddressStyle::kVirtualHost;  // OSS takes no other
  }
  // A certificate for *.host does not fit a bucket with a dot; others than Amazon rarely have the
  // names that virtual hosts need.
  const bool dotted = location.bucket.find('.') != std::string::npos;
  return dotted || !credentials.endpoint.empty() ? S3AddressStyle::kPath
                                                 : S3AddressStyle::kVirtualHost;
}

SigV4Key KeyOf(const StoreCredentials& credentials) {
  if (credentials.identity == Identity::kAnonymous) {
    return {};
  }
  return {.access_key_id = credentials.access_key_id,
          .secret_access_key = credentials.secret_access_key,
          .session_token = credentials.session_token,
          .region = credentials.region,
          .service = "s3"};
}

struct Opening {
  const Location& location;
  const StoreCredentials& given;
  const StoreCredentials& credentials;  // complete
  const Clock* clock;
  const StoreLimits& limits;
  HttpOptions http;

  // Errors: those of CheckEndpoint.
  Result<std::string> EndpointOr(std::string usual) const {
    return CheckEndpoint(credentials.endpoint.empty() ? std::move(usual) : credentials.endpoint);
  }
  size_t PartBytesOr(size_t usual) const {
    return limits.part_bytes > 0 ? limits.part_bytes : usual;
  }
};

Result<std::unique_ptr<RemoteService>> OpenS3(const Opening& opening) {
  const StoreCredentials& credentials = opening.credentials;
  const bool oss = opening.location.scheme == LocationScheme::kOss;
  VARVE_ASSIGN(std::string endpoint, opening.EndpointOr(oss ? OssEndpoint(credentials.region)
                                                            : AmazonEndpoint(credentials.region)));
  // The signature covers the whole path, which a service behind another path does not see.
  if (endpoint.find('/', endpoint.find("://") + 3) != std::string::npos) {
    return InvalidArgument("the endpoint of an s3 or oss store has no path");
  }
  S3Options options = {
      .bucket = opening.location.bucket,
      .endpoint = std::move(endpoint),
      .address_style = StyleOf(opening.location, credentials),
      .condition = oss ? S3Condition::kOssForbidOverwrite : S3Condition::kIfNoneMatch,
      .key = KeyOf(credentials),
      .renew_key = [scheme = opening.location.scheme, given = opening.given]() -> Result<SigV4Key> {
        VARVE_ASSIGN(const StoreCredentials found,
                     FindCredentials(scheme, given, ProcessEnvironment()));
        return KeyOf(found);
      },
      .http = opening.http,
      .retry = opening.limits.retry,
      .part_bytes = opening.PartBytesOr(kS3PartBytes)};
  if (opening.limits.copy_bytes_max > 0) {
    options.copy_bytes_max = opening.limits.copy_bytes_max;
  }
  return MakeS3Service(std::move(options), opening.clock);
}

Result<std::unique_ptr<RemoteService>> OpenGcs(const Opening& opening) {
  const StoreCredentials& credentials = opening.credentials;
  VARVE_ASSIGN(std::string endpoint, opening.EndpointOr(std::string(kGcsEndpoint)));
  return MakeGcsService({.bucket = opening.location.bucket,
                         .endpoint = std::move(endpoint),
                         .identity = credentials.identity,
                         .access_token = credentials.access_token,
                         .key_file = credentials.key_file,
                         .http = opening.http,
                         .retry = opening.limits.retry,
                         .part_bytes = opening.PartBytesOr(kGcsPartBytes)},
                        opening.clock);
}

Result<std::unique_ptr<RemoteService>> OpenAzure(const Opening& opening) {
  const StoreCredentials& credentials = opening.credentials;
  VARVE_ASSIGN(std::string endpoint, opening.EndpointOr(fmt::format(
                                         "https://{}.blob.core.windows.net", credentials.account)));
  return MakeAzureService({.container = opening.location.bucket,
                           .endpoint = std::move(endpoint),
                           .account = credentials.account,
                           .account_key = credentials.account_key,
                           .sas_token = credentials.sas_token,
                           .http = opening.http,
                           .retry = opening.limits.retry,
                           .part_bytes = opening.PartBytesOr(kAzureBlockBytes)},
                          opening.clock);
}

Result<std::unique_ptr<RemoteService>> OpenService(const Opening& opening) {
  switch (opening.location.scheme) {
    case LocationScheme::kGcs:
      return OpenGcs(opening);
    case LocationScheme::kAzure:
      return OpenAzure(opening);
    default:
      return OpenS3(opening);
  }
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> OpenLocation(const Location& location,
                                                  const StoreCredentials& credentials,
                                                  const Clock* clock, const StoreLimits& limits) {
  if (location.scheme == LocationScheme::kFile) {
    return LocalObjectStore::Open({.root = location.FilePath()});
  }
  VARVE_ASSIGN(const StoreCredentials complete,
               FindCredentials(location.scheme, credentials, ProcessEnvironment()));
  HttpOptions http = limits.http;
  http.ca_file = complete.ca_file;
  VARVE_ASSIGN(std::unique_ptr<RemoteService> service, OpenService({.location = location,
                                                                    .given = credentials,
                                                                    .credentials = complete,
                                                                    .clock = clock,
                                                                    .limits = limits,
                                                                    .http = http}));
  auto store = std::make_unique<RemoteObjectStore>(
      std::move(service),
      RemoteObjectStore::Options{.prefix = location.prefix, .describe = location.ToString()});
  if (Status access = store->CheckAccess(); !access) {
    return std::unexpected(
        access.error().WithContext(fmt::format("cannot open {}", location.ToString())));
  }
  return store;
}

}  // namespace varve
