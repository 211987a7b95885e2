// The options of EXPORT DATABASE and IMPORT DATABASE, which are those of `varve export create` and
// `varve import` with '_' for '-'.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "protect/export_request.h"
#include "protect/import_request.h"
#include "store/credentials.h"

namespace varve {

struct TransferMode {
  enum class Run : uint8_t { kRun, kPlan } run = Run::kRun;                   // dry_run
  enum class Wait : uint8_t { kForEnd, kForBeginning } wait = Wait::kForEnd;  // wait
};

struct ExportOptions {
  ExportRequest request;
  TransferMode mode;
  StoreCredentials credentials;
};
struct ImportOptions {
  ImportRequest request;
  TransferMode mode;
  StoreCredentials credentials;
};

// Errors: kInvalidArgument that names the option, the text and what is allowed.
Result<ExportOptions> ParseExportOptions(std::map<std::string, std::string> options);
Result<ImportOptions> ParseImportOptions(std::map<std::string, std::string> options);
// Those of a place alone: endpoint, access_key_id and so on. Same errors; none shows a value.
Result<StoreCredentials> ParseCredentialOptions(std::map<std::string, std::string> options);

}  // namespace varve
