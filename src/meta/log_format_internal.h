// Writes and reads the envelope that log_format.h specifies. Private to this folder.
#pragma once

#include <string>
#include <string_view>

#include "meta/json_internal.h"
#include "meta/log_format.h"

namespace varve {

// The `writer` of the files that this program makes: "0.1.0".
std::string_view Release();

// An object with the fields that stand first in every file.
Json StartFile(std::string_view format, uint32_t major = kLogFormatBaseMajor);
Json StartEdit(std::string_view format, const EditLink& link, std::string_view kind,
               uint32_t major = kLogFormatBaseMajor);
Json StartCheckpoint(std::string_view format, VersionId version, TimestampUs committed_at,
                     std::string_view edit_sha256, uint32_t major = kLogFormatBaseMajor);

// The bytes of the file. Errors: kInvalidArgument when a text is not UTF-8.
Result<std::string> SealFile(const Json& file);

// The object of a file that must be of this format. Errors: kCorruption that says what is wrong;
// kNotSupported for a newer major, naming the release to use.
Result<Json> UnsealFile(std::string_view format, std::string_view bytes);

Result<EditLink> ReadEditLink(const JsonObject& file);

}  // namespace varve
