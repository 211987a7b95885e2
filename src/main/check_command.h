// `varve check`: reads a whole data folder, without a server, and compares it with every checksum
// and reference.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace varve {

// Gets a line for each table, and one for each finding.
struct CheckOutput {
  std::function<void(std::string_view line)> progress;
  std::function<void(std::string_view line)> finding;
};

// Verifies, of every table in the catalogue: the chain of its log, each version that is kept, size
// and SHA-256 of each file and deletion vector that such a version names; then the records of the
// write-ahead log that are not in files yet. Files that no version names are what a crash leaves:
// they are counted and harmless.
//
// Changes nothing but the log's torn tail, which is cut as any start would. Goes on after a
// finding. Errors: kNotFound (no data folder), kUnavailable (another process has it open);
// kCorruption when there were findings.
Status CheckDataFolder(const std::string& folder, const CheckOutput& output);

}  // namespace varve
