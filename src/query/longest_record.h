// The longest record of a text file, so that who reads it needs no more memory than that asks for.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace varve {

// What is read of one record: twice that is in memory. Longer ones are most likely a quote that is
// missing.
inline constexpr uint64_t kRecordBytesMax = uint64_t{128} << 20;

enum class RecordFormat : uint8_t {
  kLines,  // newline-delimited JSON: each line is one
  kCsv,    // lines, but for those that end within quotes ('"', which stands for itself doubled)
};

// In bytes, with the end of its line; 0 for an empty file. Reads the whole file. Errors, which name
// the file: kNotFound, kIo; kInvalidArgument for a record above kRecordBytesMax.
Result<uint64_t> LongestRecord(const std::string& path, RecordFormat format);

}  // namespace varve
