// The fence: what keeps a client's SQL inside its tables. DuckDB in its stock form reads and writes
// the server's files, the network, environment, settings and extensions from any SELECT. Four
// walls, each enough for most of it:
//   1. Only statements that Varve's parser calls queries reach DuckDB, and DuckDB's parser must see
//   one SELECT in them
//      (query_rewrite.h).
//   2. Table functions and macros are gone from the system catalogue but for an allowlist; scalar
//   functions on a
//      denylist, and all pragma and copy functions, are gone too. Replacement scans ('file.csv' as
//      a table) are off.
//   3. enable_external_access is off: DuckDB opens no files; Varve reads its own itself.
//   4. The configuration is locked; extensions are neither installed nor loaded by themselves.
#pragma once

#include <duckdb.hpp>

#include "base/result.h"

namespace varve {

// Settings that must be there before the instance starts.
void PrepareFencedConfig(duckdb::DBConfig& config);

// Removes functions, shuts file access and locks the settings. Nothing of a client may run before
// this has returned ok.
Status CloseFence(duckdb::Connection& connection);

}  // namespace varve
