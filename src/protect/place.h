// Places of snapshots: from a location, as users write it, to the store whose root is there.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "query/session.h"
#include "store/object_store.h"

namespace varve {

// How deep a folder must lie to be deleted from: "/a/b", not "/a".
inline constexpr size_t kDeleteDepthMin = 2;

enum class PlaceUse : uint8_t { kRead, kWrite, kDelete };

// Opens the location. Folders of this machine must lie in those that the policy allows. Errors:
// kInvalidArgument INVALID_LOCATION with the reason: no scheme, unknown scheme, not absolute, empty
// root, dot segment, too shallow (kDelete), not allowed; kNotFound SNAPSHOT_NOT_FOUND for a folder
// that is to be read and is not there; those of the store.
Result<std::unique_ptr<ObjectStore>> OpenPlace(std::string_view location, const CopyPolicy& policy,
                                               PlaceUse use);

}  // namespace varve
