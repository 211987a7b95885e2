#include "store/sigv4.h"

#include <fmt/format.h>

#include "base/checksum.h"
#include "store/encoding_internal.h"

namespace varve {

std::string CanonicalQuery(const std::map<std::string, std::string>& query) {
  // Sorted by encoded name; encoding keeps the order of bytes only for what it leaves alone.
  std::map<std::string, std::string> encoded;
  for (const auto& [name, value] : query) {
    encoded.emplace(PercentEncode(name, Slash::kEncode), PercentEncode(value, Slash::kEncode));
  }
  std::string out;
  for (const auto& [name, value] : encoded) {
    out += fmt::format("{}{}={}", out.empty() ? "" : "&", name, value);
  }
  return out;
}

std::map<std::string, std::string> SignV4(const SigV4Key& key, const SigV4Request& request,
                                          TimestampUs now) {
  const std::string time = BasicIsoTime(now);
  const std::string day = time.substr(0, 8);
  std::map<std::string, std::string> added = {{"x-amz-date", time}};
  if (!key.session_token.empty()) {
    added["x-amz-security-token"] = key.session_token.Reveal();
  }
  std::map<std::string, std::string> headers = request.headers;
  headers.insert(added.begin(), added.end());
  std::string header_lines;
  std::string signed_names;
  for (const auto& [name, value] : headers) {
    header_lines += fmt::format("{}:{}\n", name, Trimmed(value));
    signed_names += (signed_names.empty() ? "" : ";") + name;
  }
  const std::string canonical =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, request.path, request.query,
                  header_lines, signed_names, request.payload_sha256);
  const std::string scope = fmt::format("{}/{}/{}/aws4_request", day, key.region, key.service);
  const std::string to_sign =
      fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", time, scope, Sha256Hex(canonical));
  std::string signing_key = HmacSha256("AWS4" + key.secret_access_key.Reveal(), day);
  for (const std::string_view part : {std::string_view(key.region), std::string_view(key.service),
                                      std::string_view("aws4_request")}) {
    signing_key = HmacSha256(signing_key, part);
  }
  added["authorization"] = fmt::format(
      "AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}", key.access_key_id, scope,
      signed_names, HexLower(HmacSha256(signing_key, to_sign)));
  return added;
}

}  // namespace varve
