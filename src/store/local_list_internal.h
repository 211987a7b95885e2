// The walk behind LocalObjectStore::List. Private to this folder.
#pragma once

#include <string>
#include <vector>

#include "store/object_store.h"

namespace varve {

// The regular files below `<root>/<prefix>` as objects, sorted by path, without what the store
// keeps for itself. Files that vanish during the walk are left out. Errors: kIo.
Result<std::vector<ObjectInfo>> ListObjectFiles(const std::string& root, const std::string& prefix);

}  // namespace varve
