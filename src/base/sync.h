// Durability of a file or folder that was written by path, for code that holds no descriptor of it.
#pragma once

#include <string>

#include "base/result.h"

namespace varve {

// The bytes of the file, or the entries of the folder, survive a power loss when it returns ok.
// Errors: kIo; kResourceExhausted when the disk is full.
Status SyncPath(const std::string& path);

}  // namespace varve
