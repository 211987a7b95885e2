// A blocking HTTP client over one socket that can also do what no proper client does. For tests
// only.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "base/check.h"

namespace varve {

struct TestAnswer {
  int status = 0;  // 0: the connection ended before a whole answer
  std::map<std::string, std::string> headers;
  std::string body;
  bool complete = false;
};

class HttpTestClient {
 public:
  explicit HttpTestClient(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // A test that hangs is ended by this, and fails.
    const timeval limit{.tv_sec = 30, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~HttpTestClient() { Close(); }
  HttpTestClient(const HttpTestClient&) = delete;
  HttpTestClient& operator=(const HttpTestClient&) = delete;

  bool connected() const { return connected_; }
  void Close() {
    if (fd_ >= 0) {
      ::close(fd_);
      fd_ = -1;
    }
  }

  // False when the server has ended the connection.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) {
        return false;
      }
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  TestAnswer Receive() {
    TestAnswer answer;
    const size_t head_end = FillUntil("\r\n\r\n");
    if (head_end == std::string::npos) {
      return answer;
    }
    ParseHead(received_.substr(0, head_end + 2), answer);
    received_.erase(0, head_end + 4);
    if (answer.headers.contains("Content-Length")) {
      const size_t size = std::strtoull(answer.headers["Content-Length"].c_str(), nullptr, 10);
      answer.complete = FillTo(size);
      answer.body = received_.substr(0, size);
      received_.erase(0, answer.body.size());
    } else if (answer.headers.contains("Transfer-Encoding")) {
      answer.complete = ReceiveChunks(answer.body);
    } else if (answer.status == 204 || answer.status == 100) {
      answer.complete = true;
    } else {
      while (Fill()) {
      }
      answer.body = std::exchange(received_, std::string());
      answer.complete = ended_cleanly_;
    }
    return answer;
  }

  TestAnswer Ask(std::string_view request) {
    Send(request);
    return Receive();
  }

  // True when the server has closed the connection (waits for it).
  bool IsClosed() { return received_.empty() && !Fill(); }

 private:
  bool Fill() {
    char buffer[65536];
    const ssize_t size = ::recv(fd_, buffer, sizeof(buffer), 0);
    ended_cleanly_ = size == 0;
    if (size <= 0) {
      return false;
    }
    received_.append(buffer, static_cast<size_t>(size));
    return true;
  }
  size_t FillUntil(std::string_view mark) {
    while (received_.find(mark) == std::string::npos) {
      if (!Fill()) {
        return std::string::npos;
      }
    }
    return received_.find(mark);
  }
  bool FillTo(size_t size) {
    while (received_.size() < size) {
      if (!Fill()) {
        return false;
      }
    }
    return true;
  }
  bool ReceiveChunks(std::string& body) {
    while (true) {
      const size_t line = FillUntil("\r\n");
      if (line == std::string::npos) {
        return false;
      }
      const size_t size = std::strtoull(received_.c_str(), nullptr, 16);
      received_.erase(0, line + 2);
      if (!FillTo(size + 2)) {
        return false;
      }
      body.append(received_, 0, size);
      received_.erase(0, size + 2);
      if (size == 0) {
        return true;
      }
    }
  }
  static void ParseHead(const std::string& head, TestAnswer& answer) {
    answer.status = std::atoi(head.c_str() + head.find(' '));
    size_t at = head.find("\r\n") + 2;
    while (at < head.size()) {
      const size_t end = head.find("\r\n", at);
      const size_t colon = head.find(": ", at);
      answer.headers[head.substr(at, colon - at)] = head.substr(colon + 2, end - colon - 2);
      at = end + 2;
    }
  }

  int fd_;
  bool connected_ = false;
  bool ended_cleanly_ = false;
  std::string received_;
};

}  // namespace varve
