#include "main/local_host.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <memory>
#include <set>

namespace varve {
namespace {

// "" for other families.
std::string AddressText(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address != nullptr && address->sa_family == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text,
                sizeof(text));
  } else if (address != nullptr && address->sa_family == AF_INET6) {
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, text,
                sizeof(text));
  }
  return text;
}

std::set<std::string> OwnAddresses() {
  std::set<std::string> own;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) == 0) {
    for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
      own.insert(AddressText(one->ifa_addr));
    }
    ::freeifaddrs(all);
  }
  return own;
}

std::string HostOf(std::string url) {
  if (const size_t scheme = url.find("://"); scheme != std::string::npos) {
    url.erase(0, scheme + 3);
  }
  url.erase(std::min(url.find_first_of("/?#"), url.size()));
  if (const size_t at = url.rfind('@'); at != std::string::npos) {
    url.erase(0, at + 1);
  }
  if (url.starts_with('[')) {
    return url.substr(1, url.find(']') - 1);
  }
  return url.substr(0, url.rfind(':'));
}

}  // namespace

Result<bool> IsThisMachine(const std::string& url) {
  const std::string host = HostOf(url);
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, nullptr, &found) != 0) {
    return Unavailable("the host '{}' is not known", host);
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, ::freeaddrinfo);
  const std::set<std::string> own = OwnAddresses();
  for (const addrinfo* one = addresses.get(); one != nullptr; one = one->ai_next) {
    const std::string text = AddressText(one->ai_addr);
    if (!text.starts_with("127.") && text != "::1" && !own.contains(text)) {
      return false;
    }
  }
  return true;
}

}  // namespace varve
