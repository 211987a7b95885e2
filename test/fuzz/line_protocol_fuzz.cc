// libFuzzer over the line protocol: whatever the text, what comes out are well-formed points.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/influx/line_protocol_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  varve::CheckAnyLines({reinterpret_cast<const char*>(data), size});
  return 0;
}
