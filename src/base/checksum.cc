#include "base/checksum.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include <array>

#include "base/check.h"

namespace varve {

uint64_t Xxh3(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

namespace {

// Looked up once: OpenSSL does it anew, under a lock, for each hash that begins with EVP_sha256().
const EVP_MD* Algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  VARVE_CHECK(algorithm != nullptr);
  return algorithm;
}

}  // namespace

struct Sha256::Context {
  EVP_MD_CTX* evp = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(evp); }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  VARVE_CHECK(EVP_DigestInit_ex(context_->evp, Algorithm(), nullptr) == 1);
}
Sha256::Sha256(const Sha256& other) : context_(std::make_unique<Context>()) {
  VARVE_CHECK(EVP_MD_CTX_copy_ex(context_->evp, other.context_->evp) == 1);
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::Update(std::string_view bytes) {
  VARVE_CHECK(EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()) == 1);
}

std::string Sha256::HexDigest() {
  std::array<unsigned char, 32> digest;
  unsigned int size = 0;
  VARVE_CHECK(EVP_DigestFinal_ex(context_->evp, digest.data(), &size) == 1 &&
              size == digest.size());
  std::string hex;
  hex.reserve(2 * digest.size());
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const unsigned char byte : digest) {
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 0xf]);
  }
  return hex;
}

std::string Sha256Hex(std::string_view bytes) {
  Sha256 hash;
  hash.Update(bytes);
  return hash.HexDigest();
}

}  // namespace varve
