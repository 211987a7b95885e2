// `varve gc`: one pass of garbage collection over a data folder, or on a server.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "main/table_printer.h"

namespace varve {

enum class GcRun : uint8_t { kDelete, kDryRun };

struct GcCommandOptions {
  std::optional<std::string> folder;  // opened in this process; else `url`
  std::string url;                    // of a server
  GcRun run = GcRun::kDelete;
  std::optional<std::string> grace;  // a duration; nullopt: kGcGrace
  OutputFormat format = OutputFormat::kTable;
};

// Prints a line for each file, and on standard error the sums. Errors: kNotFound (no data folder),
// kUnavailable (a server has the folder open: ask it with the url), those of CollectGarbage;
// kIo when files could not be deleted.
Status RunGc(const GcCommandOptions& options);

}  // namespace varve
