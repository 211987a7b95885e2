#include "server/http/url.h"

#include <algorithm>
#include <charconv>

namespace varve {

Result<std::string> PercentDecode(std::string_view text, PlusSign plus) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus == PlusSign::kSpace) {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else {
      const std::string_view digits = text.substr(i + 1, 2);
      uint8_t byte = 0;
      const auto [end, error] =
          std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
      if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2) {
        return InvalidArgument("'%{}' in the URL is not a percent-encoded byte", digits);
      }
      out.push_back(static_cast<char>(byte));
      i += 2;
    }
  }
  return out;
}

Result<std::map<std::string, std::string>> ParseParameters(std::string_view text) {
  std::map<std::string, std::string> parameters;
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) {
      continue;
    }
    const size_t equals = std::min(pair.find('='), pair.size());
    VARVE_ASSIGN(std::string name, PercentDecode(pair.substr(0, equals), PlusSign::kSpace));
    VARVE_ASSIGN(std::string value,
                 PercentDecode(pair.substr(std::min(equals + 1, pair.size())), PlusSign::kSpace));
    parameters.insert_or_assign(std::move(name), std::move(value));
  }
  return parameters;
}

}  // namespace varve
