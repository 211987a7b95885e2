// sha224 … sha512 and digest(x, algorithm): the bytes of the hash, as in DataFusion, where DuckDB's
// sha256 gives hexadecimal text. md5 is DuckDB's, a text in both.
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <duckdb/common/vector_operations/binary_executor.hpp>
#include <duckdb/common/vector_operations/unary_executor.hpp>

#include "query/duckdb_bridge.h"
#include "query/functions.h"

namespace varve {
namespace {

using duckdb::LogicalType;
using duckdb::string_t;

struct Algorithm {
  std::string_view name;
  const EVP_MD* (*implementation)();
};
constexpr std::array kAlgorithms = {
    Algorithm{"md5", EVP_md5},           Algorithm{"sha224", EVP_sha224},
    Algorithm{"sha256", EVP_sha256},     Algorithm{"sha384", EVP_sha384},
    Algorithm{"sha512", EVP_sha512},     Algorithm{"blake2s", EVP_blake2s256},
    Algorithm{"blake2b", EVP_blake2b512}};

const Algorithm& Named(const string_t& name) {
  std::string lower = name.GetString();
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto found = std::ranges::find(kAlgorithms, std::string_view(lower), &Algorithm::name);
  if (found == kAlgorithms.end()) {
    Throw(Error{ErrorKind::kInvalidArgument,
                fmt::format("There is no built-in digest algorithm named '{}', currently supported "
                            "algorithms are: md5, sha224, sha256, sha384, sha512, blake2s, blake2b",
                            name.GetString())});
  }
  return *found;
}

string_t Hash(const string_t& bytes, const Algorithm& algorithm, duckdb::Vector& result) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int size = 0;
  if (EVP_Digest(bytes.GetData(), bytes.GetSize(), hash.data(), &size, algorithm.implementation(),
                 nullptr) != 1) {
    Throw(Error{ErrorKind::kNotSupported,
                fmt::format("digest: this machine's OpenSSL has no {}", algorithm.name)});
  }
  return duckdb::StringVector::AddStringOrBlob(
      result, string_t(reinterpret_cast<const char*>(hash.data()), size));
}

template <size_t kIndex>
void HashAll(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::UnaryExecutor::Execute<string_t, string_t>(
      arguments.data[0], result, arguments.size(),
      [&](const string_t& bytes) { return Hash(bytes, kAlgorithms[kIndex], result); });
}

void Digest(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::BinaryExecutor::Execute<string_t, string_t, string_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](const string_t& bytes, const string_t& name) {
        return Hash(bytes, Named(name), result);
      });
}

template <size_t kIndex>
duckdb::ScalarFunctionSet HashFunctions() {
  const std::string name(kAlgorithms[kIndex].name);
  duckdb::ScalarFunctionSet functions(name);
  for (const auto type : {LogicalType::VARCHAR, LogicalType::BLOB}) {
    functions.AddFunction(duckdb::ScalarFunction(name, {type}, LogicalType::BLOB, HashAll<kIndex>));
  }
  return functions;
}

}  // namespace

void AddDigestFunctions(FunctionCatalog& catalog) {
  catalog.Add(HashFunctions<1>());
  catalog.Replace(HashFunctions<2>());
  catalog.Add(HashFunctions<3>());
  catalog.Add(HashFunctions<4>());
  for (const auto type : {LogicalType::VARCHAR, LogicalType::BLOB}) {
    catalog.Add(
        duckdb::ScalarFunction("digest", {type, LogicalType::VARCHAR}, LogicalType::BLOB, Digest));
  }
}

}  // namespace varve
