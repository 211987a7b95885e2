// The server's side of HTTP, as little as a fake service needs, and the ways a connection can end
// badly. For tests only.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "store/encoding_internal.h"

namespace varve {

struct HttpTestRequest {
  using Headers = std::map<std::string, std::string>;

  std::string method;
  std::string path;       // encoded
  std::string raw_query;  // encoded
  std::map<std::string, std::string> query;
  Headers headers;
  std::string body;

  std::string Header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
  bool Has(const std::string& parameter) const { return query.contains(parameter); }
};

inline std::map<std::string, std::string> ParseTestQuery(std::string_view text) {
  std::map<std::string, std::string> out;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    const size_t equals = part.find('=');
    out[PercentDecode(part.substr(0, equals)).value_or("")] =
        equals == std::string_view::npos ? "" : PercentDecode(part.substr(equals + 1)).value_or("");
  }
  return out;
}

// The server's end of a connection. Owns the socket.
class HttpTestConnection {
 public:
  explicit HttpTestConnection(int fd) : fd_(fd) {}
  ~HttpTestConnection() { ::close(fd_); }
  void Break() { ::shutdown(fd_, SHUT_RDWR); }
  // So that the other side sees a reset, not an orderly end.
  void Reset() {
    const linger hard = {.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    Break();
  }
  void Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) {
        return;
      }
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  // Until the other side gives up.
  void WaitForEnd() {
    char byte = 0;
    while (::recv(fd_, &byte, 1, 0) > 0) {
    }
  }
  std::optional<HttpTestRequest> Read() {
    size_t head_end = 0;
    while ((head_end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!More()) {
        return std::nullopt;
      }
    }
    HttpTestRequest request = ParseHead(buffer_.substr(0, head_end));
    const size_t length = ParseByteCount(request.Header("content-length")).value_or(0);
    buffer_.erase(0, head_end + 4);
    while (buffer_.size() < length) {
      if (!More()) {
        return std::nullopt;
      }
    }
    request.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return request;
  }

 private:
  bool More() {
    std::string part(size_t{64} << 10, '\0');
    const ssize_t got = ::recv(fd_, part.data(), part.size(), 0);
    if (got <= 0) {
      return false;
    }
    buffer_.append(part, 0, static_cast<size_t>(got));
    return true;
  }

  static HttpTestRequest ParseHead(std::string_view head) {
    HttpTestRequest request;
    const std::string_view line = head.substr(0, head.find("\r\n"));
    const size_t space = line.find(' ');
    request.method = line.substr(0, space);
    const std::string_view target = line.substr(space + 1, line.rfind(' ') - space - 1);
    request.path = target.substr(0, target.find('?'));
    if (const size_t question = target.find('?'); question != std::string_view::npos) {
      request.raw_query = target.substr(question + 1);
      request.query = ParseTestQuery(request.raw_query);
    }
    head.remove_prefix(line.size());
    while (!head.empty()) {
      head.remove_prefix(2);
      const std::string_view header = head.substr(0, head.find("\r\n"));
      head.remove_prefix(header.size());
      const size_t colon = header.find(':');
      request.headers[LowerCase(header.substr(0, colon))] = Trimmed(header.substr(colon + 1));
    }
    return request;
  }

  const int fd_;
  std::string buffer_;
};

}  // namespace varve
