// GcsService: Google Cloud Storage by its JSON interface. Conditional writes are
// "ifGenerationMatch=0"; uploads carry their MD5, which the service checks. Private to this
// folder's stores.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "store/credentials.h"
#include "store/remote_service_internal.h"
#include "store/rest_client.h"

namespace varve {

inline constexpr std::string_view kGcsEndpoint = "https://storage.googleapis.com";
// The service takes chunks that are multiples of 256 KiB, and objects up to 5 TiB.
inline constexpr size_t kGcsPartBytes = size_t{16} << 20;
inline constexpr size_t kGcsPartsMax = (size_t{5} << 40) / kGcsPartBytes;

struct GcsOptions {
  std::string bucket;
  std::string endpoint{kGcsEndpoint};
  Identity identity = Identity::kFind;
  Secret access_token;
  std::string key_file;
  HttpOptions http;
  RetryPolicy retry;
  size_t part_bytes = kGcsPartBytes;
};

// Errors: those of GcsTokens::Open. The clock outlives the service.
Result<std::unique_ptr<RemoteService>> MakeGcsService(GcsOptions options, const Clock* clock);

}  // namespace varve
