// Signature Version 4 of Amazon Web Services, which S3 and its relatives ask for.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "store/secret.h"

namespace varve {

struct SigV4Key {
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;  // empty for long-lived keys
  std::string region;
  std::string service;
  bool operator==(const SigV4Key&) const = default;
};

// What is signed. Nothing else of a request is protected.
struct SigV4Request {
  std::string method;
  std::string path;   // as sent: encoded, beginning with '/'
  std::string query;  // as sent: made by CanonicalQuery
  // Names in lower case, with "host". Those that are sent beside these may be changed on the way.
  std::map<std::string, std::string> headers;
  std::string payload_sha256;  // 64 hexadecimal digits, or "UNSIGNED-PAYLOAD"
};

// "a=1&b=" from names and values that are not encoded: the form and order that a signature needs.
std::string CanonicalQuery(const std::map<std::string, std::string>& query);

// The headers to send beside the signed ones: "authorization", "x-amz-date" and, with a session
// token, "x-amz-security-token".
std::map<std::string, std::string> SignV4(const SigV4Key& key, const SigV4Request& request,
                                          TimestampUs now);

}  // namespace varve
