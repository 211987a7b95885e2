// Whether a server's address is of this machine.
#pragma once

#include <string>

#include "base/result.h"

namespace varve {

// Whether all addresses of the URL's host are addresses of this machine. Errors: kUnavailable when
// the host is not known.
Result<bool> IsThisMachine(const std::string& url);

}  // namespace varve
