// S3Service: the S3 protocol, as Amazon, MinIO, versitygw, Cloudflare R2, Ceph and Alibaba's OSS
// speak it. Every request with a key is signed over its whole body, so that a server takes no
// upload that was damaged on its way. Private to this folder's stores.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "store/remote_service_internal.h"
#include "store/rest_client.h"
#include "store/sigv4.h"

namespace varve {

enum class S3AddressStyle {
  kPath,         // https://host/bucket/key
  kVirtualHost,  // https://bucket.host/key
};

// How a service is told to make an object only if there is none.
enum class S3Condition {
  kIfNoneMatch,         // "If-None-Match: *": Amazon and most others
  kOssForbidOverwrite,  // "x-oss-forbid-overwrite: true": Alibaba's OSS
};

// Amazon's limits: parts of 5 MiB to 5 GiB, 10 000 of them; a PUT or a copy of at most 5 GiB.
inline constexpr size_t kS3PartsMax = 10'000;
inline constexpr uint64_t kS3CopyBytesMax = uint64_t{5} << 30;
// 10 000 of these make 156 GiB, ten times the largest segment; all parts are equally long, which R2
// insists on.
inline constexpr size_t kS3PartBytes = size_t{16} << 20;

struct S3Options {
  std::string bucket;
  std::string endpoint;  // "https://s3.eu-west-1.amazonaws.com"
  S3AddressStyle address_style = S3AddressStyle::kPath;
  S3Condition condition = S3Condition::kIfNoneMatch;
  SigV4Key key;  // without access_key_id, requests are anonymous
  // Asked when the service says that the key is not good any more, as temporary ones become.
  std::function<Result<SigV4Key>()> renew_key;
  HttpOptions http;
  RetryPolicy retry;
  size_t part_bytes = kS3PartBytes;
  uint64_t copy_bytes_max = kS3CopyBytesMax;  // larger objects are copied in parts of this size
};

// The clock dates the signatures and outlives the service.
std::unique_ptr<RemoteService> MakeS3Service(S3Options options, const Clock* clock);

}  // namespace varve
