// The longest record of a text file, so that who reads it needs no more memory than that asks for.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace varve {

enum class RecordFormat : uint8_t {
  kLines,  // newline-delimited JSON: each line is one
  kCsv,    // lines, but for those that end within quotes ('"', which stands for itself doubled)
};

// In bytes, with the end of its line; 0 for an empty file. Reads the whole file. Errors: kNotFound,
// kIo, which name the file.
Result<uint64_t> LongestRecord(const std::string& path, RecordFormat format);

}  // namespace varve
