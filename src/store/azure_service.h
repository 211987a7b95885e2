// AzureService: block blobs of Azure Blob Storage by its REST interface. Conditional writes are
// "If-None-Match: *"; uploads carry their MD5, which the service checks. Requests are signed with
// the account's key, or carry a shared access signature. Private to this folder's stores.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "store/remote_service_internal.h"
#include "store/rest_client.h"

namespace varve {

// The service takes 50 000 blocks for a blob.
inline constexpr size_t kAzureBlocksMax = 50'000;
inline constexpr size_t kAzureBlockBytes = size_t{16} << 20;

struct AzureOptions {
  std::string container;
  std::string endpoint;  // "https://account.blob.core.windows.net"
  std::string account;
  Secret account_key;  // base64
  Secret sas_token;    // "sv=…&sig=…"; used when there is no key. Neither: anonymous
  HttpOptions http;
  RetryPolicy retry;
  size_t part_bytes = kAzureBlockBytes;
};

// What the account's key signs: method, "/account" + path, query and headers of a request. Public
// for its test.
std::string AzureStringToSign(const HttpCall& request, std::string_view account);

// Errors: kInvalidArgument for a key that is not base64. The clock outlives the service.
Result<std::unique_ptr<RemoteService>> MakeAzureService(AzureOptions options, const Clock* clock);

}  // namespace varve
