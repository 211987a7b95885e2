// Object services for tests: the fake one of this process, and servers that whoever starts the test
// names in the environment. For tests only.
//
//   VARVE_TEST_STORE_S3, VARVE_TEST_STORE_GCS, VARVE_TEST_STORE_AZURE   a location, as s3://bucket
//
// Credentials and endpoints of the latter come from the usual variables (credentials.h).
#pragma once

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <memory>
#include <string>

#include "base/check.h"
#include "base/ids.h"
#include "store/fake_s3_server.h"
#include "store/open_location.h"

namespace varve {

inline SigV4Key FakeS3Key() {
  return {.access_key_id = "AKIDTESTONLY",
          .secret_access_key = Secret("hunter2-the-secret-key"),
          .session_token = Secret("hunter2-the-session-token"),
          .region = "eu-test-1",
          .service = "s3"};
}

inline std::unique_ptr<FakeS3Server> MakeFakeS3() {
  return std::make_unique<FakeS3Server>(FakeS3Server::Options{.key = FakeS3Key()});
}

inline StoreCredentials FakeS3Credentials(const FakeS3Server& server) {
  const SigV4Key key = FakeS3Key();
  return {.endpoint = server.endpoint(),
          .region = key.region,
          .access_key_id = key.access_key_id,
          .secret_access_key = key.secret_access_key,
          .session_token = key.session_token};
}

// Short waits, so that faults cost no time, and parts of 64 KiB.
inline StoreLimits FakeS3Limits() {
  return {.http = {.request_timeout = std::chrono::seconds(30)},
          .retry = {.attempts_max = 3,
                    .first_wait = std::chrono::milliseconds(1),
                    .wait_max = std::chrono::milliseconds(4)},
          .part_bytes = size_t{64} << 10,
          .copy_bytes_max = uint64_t{128} << 10};
}

inline std::unique_ptr<ObjectStore> OpenFakeS3(const FakeS3Server& server, const Clock* clock,
                                               const StoreLimits& limits = FakeS3Limits()) {
  Result<std::unique_ptr<ObjectStore>> store = OpenLocation(
      Location::Parse("s3://bucket/some/prefix").value(), FakeS3Credentials(server), clock, limits);
  VARVE_CHECK(store.has_value(), "{}", store.error().message);
  return *std::move(store);
}

inline std::string ServerVariable(std::string name) {
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
  return "VARVE_TEST_STORE_" + name;
}

// A new prefix at the server that the environment names; null when it names none.
inline std::unique_ptr<ObjectStore> OpenServerOfEnvironment(const std::string& name,
                                                            const Clock* clock) {
  const char* place = std::getenv(ServerVariable(name).c_str());
  if (place == nullptr) {
    return nullptr;
  }
  RandomIdSource ids;
  const Location location =
      Location::Parse(place).value().Child("test/" + ids.NewUuid().ToString()).value();
  // The least that Amazon takes as a part; Google wants multiples of 256 KiB.
  Result<std::unique_ptr<ObjectStore>> store =
      OpenLocation(location, {}, clock, {.part_bytes = size_t{5} << 20});
  VARVE_CHECK(store.has_value(), "{}", store.error().message);
  return *std::move(store);
}

}  // namespace varve
