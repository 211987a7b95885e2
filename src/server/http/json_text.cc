#include "server/http/json_text.h"

#include "server/http/json_write.h"

namespace varve {

void AppendJsonString(std::string& out, std::string_view text) {
  const size_t size = out.size();
  out.resize(size + JsonStringBytesMax(text.size()));
  char* const end = WriteJsonString(out.data() + size, text);
  out.resize(static_cast<size_t>(end - out.data()));
}

std::string JsonString(std::string_view text) {
  std::string out;
  AppendJsonString(out, text);
  return out;
}

}  // namespace varve
