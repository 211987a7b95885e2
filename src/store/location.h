// Location: where a store lies, as users write it.
//
//   s3://bucket/prefix      Amazon S3 and what speaks its protocol (MinIO, R2, Ceph, …)
//   oss://bucket/prefix     Alibaba Cloud OSS
//   gs://bucket/prefix      Google Cloud Storage (gcs:// means the same)
//   azblob://container/pre  Azure Blob Storage; the account comes with the credentials
//   file:///abs/path        a folder of the machine that runs this process
//
// Nothing is decoded: "%20" is three characters. The scheme alone decides the kind of place; a bare
// path is refused, since it would mean another folder on each machine that reads it. Endpoints and
// credentials are not part of a location (store/credentials.h), so that it may be printed, logged
// and stored.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace varve {

enum class LocationScheme { kFile, kS3, kOss, kGcs, kAzure };

// "file", "s3", "oss", "gs", "azblob".
std::string_view LocationSchemeName(LocationScheme scheme);

struct Location {
  LocationScheme scheme = LocationScheme::kFile;
  std::string bucket;  // or container; empty for kFile
  std::string prefix;  // segments joined by '/', without one at either end; "" = the whole bucket

  // Errors: kInvalidArgument "INVALID_LOCATION: <reason>: …". Reasons, stable: no scheme, unknown
  // scheme, empty bucket, bad bucket, empty root, empty segment, dot segment, query or fragment,
  // credentials, control characters, not UTF-8, not absolute, too long. The message shows nothing
  // of a location that may hold a secret.
  static Result<Location> Parse(std::string_view text);

  // What Parse reads back to the same value.
  std::string ToString() const;
  // kFile: "/abs/path".
  std::string FilePath() const { return "/" + prefix; }
  // How many segments the prefix has: 0 = the root of a bucket. Callers that delete below a
  // location refuse those that are too shallow.
  size_t Depth() const;
  // The location of `segments` below this one. Errors: as Parse.
  Result<Location> Child(std::string_view segments) const;

  bool operator==(const Location&) const = default;
};

// Leaves half of the 1024 bytes that services take for what is below the prefix.
inline constexpr size_t kLocationPrefixBytesMax = 512;
// The longest bucket names (GCS with dots) have 222.
inline constexpr size_t kBucketBytesMax = 222;

}  // namespace varve
