// Places of snapshots: from a location, as users write it, to the store whose root is there.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "query/session.h"
#include "store/credentials.h"
#include "store/object_store.h"
#include "store/open_location.h"

namespace varve {

// How deep a place must lie to be deleted from: a folder at "/a/b", a prefix at "bucket/a".
inline constexpr size_t kDeleteDepthMinOfFolder = 2;
inline constexpr size_t kDeleteDepthMinOfPrefix = 1;

enum class PlaceUse : uint8_t { kRead, kWrite, kDelete };

// Whose places they are, and how they are reached.
struct PlaceOptions {
  CopyPolicy policy;
  const Clock* clock = nullptr;  // outlives the stores
  StoreCredentials credentials = {};
  StoreLimits limits = {};
};

// Opens the location. A process that serves others (Reach::kAllowedFolders) has folders, key files
// and authorities of its machine below the folders that its policy allows only, and lends its own
// credentials to its own endpoints only: a request that names an endpoint names its credentials
// too.
//
// Errors: kInvalidArgument INVALID_LOCATION with the reason: those of Location::Parse, too shallow
// (kDelete), not allowed; kInvalidArgument for credentials; kNotFound SNAPSHOT_NOT_FOUND for a
// folder that is to be read and is not there; those of OpenLocation.
Result<std::unique_ptr<ObjectStore>> OpenPlace(std::string_view location,
                                               const PlaceOptions& options, PlaceUse use);

}  // namespace varve
