// Checksums: XXH3 guards records against torn and flipped bytes, SHA-256 names the content of files
// and manifests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace varve {

// XXH3-64 with seed 0, as specified by xxHash 0.8. Also the hash of in-memory tables.
uint64_t Xxh3(std::string_view bytes);

// SHA-256, fed piece by piece. One thread.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  // The copy goes on by itself from here: for texts that begin alike.
  Sha256(const Sha256& other);
  Sha256& operator=(const Sha256&) = delete;
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void Update(std::string_view bytes);
  // 64 lower-case hexadecimal digits. Ends the hash: no Update afterwards.
  std::string HexDigest();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// SHA-256 of the bytes, 64 lower-case hexadecimal digits.
std::string Sha256Hex(std::string_view bytes);

}  // namespace varve
