#include "server/http/content_encoding.h"

#include <zlib.h>

#include <algorithm>
#include <memory>

#include "base/units.h"

namespace varve {
namespace {

// Line protocol shrinks about 8 to 1: one growth in the usual case, and little wasted in the
// others.
constexpr uint64_t kUsualRatio = 8;
constexpr uint64_t kResultBytesMin = 4096;
constexpr int kGzipOrZlib = 15 + 32;  // zlib: the largest window, and find the header
constexpr int kRaw = -15;

int WindowBits(std::string_view body) {
  const auto first = static_cast<uint8_t>(body[0]);
  const auto second = static_cast<uint8_t>(body.size() > 1 ? body[1] : 0);
  const bool gzip = first == 0x1f && second == 0x8b;
  const bool zlib = (first & 0x0f) == Z_DEFLATED && (first * 256 + second) % 31 == 0;
  return gzip || zlib ? kGzipOrZlib : kRaw;
}

struct Stream {
  explicit Stream(std::string_view body) {
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
    z.avail_in = static_cast<uInt>(body.size());
    ready = inflateInit2(&z, WindowBits(body)) == Z_OK;
  }
  ~Stream() {
    if (ready) {
      inflateEnd(&z);
    }
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  z_stream z{};
  bool ready = false;
};

Status Grow(std::string& out, const InflateLimits& limits, uint64_t wanted) {
  // One byte more than is allowed, so that a body of exactly the limit still meets its end.
  const uint64_t size = std::min(wanted, limits.bytes_max + 1);
  if (!limits.may_hold(size)) {
    return Unavailable("the server holds as many request bodies as it may; try again later");
  }
  out.resize(size);
  return {};
}

}  // namespace

Result<std::string> Inflate(std::string_view body, const InflateLimits& limits) {
  if (body.empty()) {
    return InvalidArgument("the compressed body is empty");
  }
  Stream stream(body);
  if (!stream.ready) {
    return ResourceExhausted("no memory to decompress the body");
  }
  z_stream& z = stream.z;
  std::string out;
  VARVE_TRY(Grow(out, limits, std::max(kResultBytesMin, body.size() * kUsualRatio)));
  size_t used = 0;
  while (true) {
    z.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    z.avail_out = static_cast<uInt>(std::min<size_t>(out.size() - used, 1 << 30));
    const size_t room = z.avail_out;
    const int code = inflate(&z, Z_NO_FLUSH);
    used += room - z.avail_out;
    if (used > limits.bytes_max) {
      return ResourceExhausted("the body is larger than {} when decompressed; send less at a time",
                               FormatSize(limits.bytes_max));
    }
    const size_t offset = body.size() - z.avail_in;
    if (code == Z_STREAM_END) {
      if (z.avail_in == 0) {
        out.resize(used);
        return out;
      }
      if (inflateReset(&z) != Z_OK) {
        return Internal("zlib did not start again at offset {}", offset);
      }
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      return InvalidArgument("the compressed body is malformed at offset {}: {}", offset,
                             z.msg == nullptr ? "no reason given" : z.msg);
    } else if (z.avail_out > 0 && z.avail_in == 0) {
      return InvalidArgument("the compressed body ends too early, after {} bytes", body.size());
    }
    if (used == out.size()) {
      VARVE_TRY(Grow(out, limits, out.size() * 2));
    }
  }
}

}  // namespace varve
