// `varve server`: serves a data folder until a signal ends it.
#pragma once

#include "base/result.h"
#include "main/server_config.h"

namespace varve {

// Opens the data folder, listens, prints one line per address and "varve: ready" on standard
// output, and returns after SIGTERM or SIGINT, when all that was being done has ended. A second
// signal ends the process at once.
//
// Must be called before other threads exist: it blocks the two signals for all of them.
// Errors: those of DataFolder::Open and HttpServer::Start.
Status RunServer(const ServerConfig& config);

}  // namespace varve
