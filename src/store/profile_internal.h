// Small files that hold credentials: the INI files of the AWS tools, the JSON files of gcloud.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace varve {

using Profile = std::map<std::string, std::string, std::less<>>;

// The settings of one section, names in lower case. Empty when the file or the section is not
// there. Errors: kIo. No error shows what is in the file.
Result<Profile> ReadProfile(const std::string& file, std::string_view section);

// Errors: kNotFound, kIo; kInvalidArgument when it is too long for what it should be.
Result<std::string> ReadCredentialsFile(const std::string& file);

}  // namespace varve
