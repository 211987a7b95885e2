// What the S3 store does when requests fail: on every request of every operation, with every fault.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>

#include "base/matchers.h"
#include "base/test_folder.h"
#include "store/remote_store.h"
#include "store/remote_test_places.h"

namespace varve {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr HttpFault kAllFaults[] = {
    HttpFault::kReset,  HttpFault::kResetAfterEffect,  HttpFault::kBusy,
    HttpFault::kBroken, HttpFault::kBrokenAfterEffect, HttpFault::kCutBody,
    HttpFault::kStall,  HttpFault::kStallAfterEffect,  HttpFault::kGarbage,
    HttpFault::kHidden, HttpFault::kLongBody,
};

// One operation on a store that holds "old" = "old bytes".
struct Operation {
  std::string name;
  std::function<Status(ObjectStore&)> run;
  // What must be true when it was ok.
  std::function<void(ObjectStore&)> check;
};

Status WriteInParts(ObjectStore& store) {
  VARVE_ASSIGN(const auto writer, store.NewWriter("parts"));
  for (int part = 0; part < 5; ++part) {
    VARVE_TRY(writer->Append(std::string(50'000, static_cast<char>('a' + part))));
  }
  return writer->Finish();
}

Status ReadAll(ObjectStore& store, std::string_view path) {
  VARVE_ASSIGN(const auto reader, store.Open(path));
  std::string out(reader->size_bytes() - 1, ' ');
  VARVE_TRY(reader->ReadAt(1, out.size(), out.data()));
  return out.ends_with("old bytes") || out == "ld bytes" ? Status() : Corruption("read '{}'", out);
}

const std::string& LongBytes() {
  static const std::string bytes = std::string(300'000, 'l') + "old bytes";
  return bytes;
}

std::vector<Operation> Operations() {
  const auto holds = [](std::string path, std::string bytes) {
    return [path, bytes](ObjectStore& store) { EXPECT_EQ(store.Get(path), bytes); };
  };
  const auto nothing = [](ObjectStore&) {};
  return {
      {"put", [](ObjectStore& s) { return s.Put("new", "new bytes"); }, holds("new", "new bytes")},
      {"replace", [](ObjectStore& s) { return s.Put("old", "new bytes"); },
       holds("old", "new bytes")},
      {"put_if_absent", [](ObjectStore& s) { return s.PutIfAbsent("new", "new bytes"); },
       holds("new", "new bytes")},
      {"write_in_parts", &WriteInParts,
       [](ObjectStore& s) { EXPECT_EQ(s.Get("parts").value_or("").size(), 250'000u); }},
      {"get",
       [](ObjectStore& s) -> Status {
         VARVE_ASSIGN(const std::string bytes, s.Get("old"));
         return bytes == "old bytes" ? Status() : Corruption("got '{}'", bytes);
       },
       nothing},
      {"read_small", [](ObjectStore& s) { return ReadAll(s, "old"); }, nothing},
      {"read_large", [](ObjectStore& s) { return ReadAll(s, "long"); }, nothing},
      {"list",
       [](ObjectStore& s) -> Status {
         VARVE_ASSIGN(const auto objects, s.List(""));
         return objects.size() == 8 ? Status() : Corruption("{} objects", objects.size());
       },
       nothing},
      {"delete", [](ObjectStore& s) { return s.Delete("old"); },
       [](ObjectStore& s) { EXPECT_THAT(s.Get("old"), IsError(ErrorKind::kNotFound)); }},
      {"copy", [](ObjectStore& s) { return s.Copy("old", "new"); }, holds("new", "old bytes")},
      {"copy_in_parts", [](ObjectStore& s) { return s.Copy("long", "new"); },
       holds("new", LongBytes())},
  };
}

bool IsStall(HttpFault fault) {
  return fault == HttpFault::kStall || fault == HttpFault::kStallAfterEffect;
}

// A stall costs the whole time limit of a request, so not every operation waits for it.
bool CostsTooMuch(HttpFault fault, const Operation& operation) {
  return IsStall(fault) && operation.name != "put" && operation.name != "put_if_absent";
}

class S3FaultsTest : public ::testing::Test {
 protected:
  S3FaultsTest() : server_(MakeFakeS3()), store_(OpenFakeS3(*server_, &clock_)) {
    StoreLimits limits = FakeS3Limits();
    limits.http.request_timeout = std::chrono::milliseconds(300);
    impatient_ = OpenFakeS3(*server_, &clock_, limits);
  }

  // Only where a server stalls is the time limit part of the test; elsewhere a busy machine must
  // not meet it.
  ObjectStore& StoreFor(HttpFault fault) { return IsStall(fault) ? *impatient_ : *store_; }

  void Reset() {
    const auto objects = store_->List("").value();
    for (const ObjectInfo& object : objects) {
      ASSERT_THAT(store_->Delete(object.path), IsOk());
    }
    ASSERT_THAT(store_->Put("old", "old bytes"), IsOk());
    ASSERT_THAT(store_->Put("long", LongBytes()), IsOk());
    // The trial of conditions is not what is broken.
    ASSERT_THAT(impatient_->PutIfAbsent("more/trial", "x"), IsOk());
    ASSERT_THAT(impatient_->Delete("more/trial"), IsOk());
    for (int i = 0; i < 6; ++i) {
      ASSERT_THAT(store_->PutIfAbsent(fmt::format("more/{}", i), "x"), IsOk());
    }
  }

  SystemClock clock_;
  std::unique_ptr<FakeS3Server> server_;
  std::unique_ptr<ObjectStore> store_;
  std::unique_ptr<ObjectStore> impatient_;
};

// A single fault, wherever it strikes, is survived: every operation is ok and did its work once.
TEST_F(S3FaultsTest, OneFaultAnywhereIsSurvived) {
  for (const HttpFault fault : kAllFaults) {
    for (const Operation& operation : Operations()) {
      if (CostsTooMuch(fault, operation)) {
        continue;
      }
      uint64_t n = 1;
      while (true) {
        SCOPED_TRACE(
            fmt::format("{}: fault {} at request {}", operation.name, static_cast<int>(fault), n));
        Reset();
        server_->FailAt(n, fault);
        EXPECT_THAT(operation.run(StoreFor(fault)), IsOk());
        const bool struck = server_->failures() > 0;
        server_->FailAt(1, HttpFault::kNone);
        operation.check(*store_);
        ASSERT_FALSE(HasFailure());
        if (!struck) {
          break;
        }
        ++n;
      }
      EXPECT_GT(n, 1u) << operation.name << " asks nothing of the server";
    }
  }
}

// A server that stays broken: the error says whether the write may have happened, and an ok is
// true.
TEST_F(S3FaultsTest, LastingFaultsEndInAnHonestError) {
  for (const HttpFault fault : kAllFaults) {
    for (const Operation& operation : Operations()) {
      if (CostsTooMuch(fault, operation)) {
        continue;
      }
      SCOPED_TRACE(fmt::format("{}: fault {}", operation.name, static_cast<int>(fault)));
      Reset();
      const uint64_t before = server_->requests();
      server_->FailAt(1, fault, 1000);
      const Status status = operation.run(StoreFor(fault));
      EXPECT_LT(server_->requests() - before, 60u) << "attempts have a limit";
      server_->FailAt(1, HttpFault::kNone);
      if (status) {
        operation.check(*store_);
        continue;
      }
      EXPECT_THAT(status, AnyOf(IsError(ErrorKind::kIo), IsError(ErrorKind::kUnknownOutcome)));
      EXPECT_THAT(status.error().message, HasSubstr("attempt"));
      const bool new_is_there = store_->Get("new").has_value();
      if (operation.name == "put_if_absent" && status.error().kind == ErrorKind::kIo) {
        EXPECT_FALSE(new_is_there);
      }
    }
  }
}

TEST_F(S3FaultsTest, ALostAnswerIsNotMistakenForALostRace) {
  ASSERT_THAT(store_->PutIfAbsent("warm/up", "x"), IsOk());
  ASSERT_THAT(impatient_->PutIfAbsent("warm/up/2", "x"), IsOk());
  for (const HttpFault fault : {HttpFault::kResetAfterEffect, HttpFault::kBrokenAfterEffect,
                                HttpFault::kStallAfterEffect, HttpFault::kGarbage}) {
    const std::string path = fmt::format("log/{}", static_cast<int>(fault));
    server_->FailAt(1, fault);
    EXPECT_THAT(StoreFor(fault).PutIfAbsent(path, "mine"), IsOk());
    server_->FailAt(1, fault);
    EXPECT_THAT(StoreFor(fault).PutIfAbsent(path, "mine"), IsError(ErrorKind::kAlreadyExists));
    EXPECT_EQ(server_->failures(), 1u);
    EXPECT_EQ(store_->Get(path), "mine");
  }
  // Done, answer lost, and nothing answers any more: only then it is unknown.
  server_->FailAt(1, HttpFault::kResetAfterEffect, 100);
  EXPECT_THAT(store_->PutIfAbsent("log/x", "mine"),
              IsError(ErrorKind::kUnknownOutcome, HasSubstr("may have been done")));
}

TEST_F(S3FaultsTest, AServerThatIsNotThereIsNoDoubt) {
  ASSERT_THAT(store_->PutIfAbsent("warm/up", "x"), IsOk());
  server_.reset();
  EXPECT_THAT(store_->Put("a", "x"), IsError(ErrorKind::kIo, HasSubstr("after 3 attempts")));
  EXPECT_THAT(store_->PutIfAbsent("a", "x"), IsError(ErrorKind::kIo));
  EXPECT_THAT(store_->Delete("a"), IsError(ErrorKind::kIo));
  EXPECT_THAT(store_->Get("a"), IsError(ErrorKind::kIo));
  EXPECT_THAT(store_->List(""), IsError(ErrorKind::kIo));
}

TEST_F(S3FaultsTest, AServerThatIgnoresConditionsIsFoundOut) {
  FakeS3Server careless({.key = FakeS3Key(), .ignore_conditions = true});
  const auto store = OpenFakeS3(careless, &clock_);
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(store->PutIfAbsent("a", "x"),
                IsError(ErrorKind::kNotSupported, HasSubstr("not for live tables")));
  }
  EXPECT_THAT(store->Get("a"), IsError(ErrorKind::kNotFound));
  EXPECT_THAT(store->Put("a", "x"), IsOk());
  EXPECT_THAT(store->List("").value(), testing::SizeIs(1)) << "the trial leaves nothing";
}

TEST_F(S3FaultsTest, AnAbandonedUploadIsFreed) {
  {
    const auto writer = store_->NewWriter("parts").value();
    ASSERT_THAT(writer->Append(std::string(200'000, 'x')), IsOk());
    EXPECT_EQ(server_->open_uploads(), 1u);
  }
  EXPECT_EQ(server_->open_uploads(), 0u);
  EXPECT_THAT(store_->List("").value(), IsEmpty());
  EXPECT_THAT(server_->log(), Contains(StartsWith("DELETE /bucket/some/prefix/parts?uploadId=")));
}

TEST_F(S3FaultsTest, ALargeObjectThatIsReplacedWhileReadIsAnErrorNotAMixture) {
  const std::string old_bytes(kOpenReadsBytesMax + 1, 'o');
  ASSERT_THAT(store_->Put("a", old_bytes), IsOk());
  const auto reader = store_->Open("a").value();
  ASSERT_THAT(store_->Put("a", std::string(old_bytes.size(), 'n')), IsOk());
  std::string out(100, ' ');
  EXPECT_THAT(reader->ReadAt(10, 100, out.data()),
              IsError(ErrorKind::kNotFound, HasSubstr("replaced")));
  ASSERT_THAT(store_->Delete("a"), IsOk());
  EXPECT_THAT(reader->ReadAt(10, 100, out.data()),
              IsError(ErrorKind::kNotFound, HasSubstr("deleted")));
}

TEST_F(S3FaultsTest, WhatOthersLeaveInTheBucketIsNotListed) {
  ASSERT_THAT(store_->Put("a/b", "x"), IsOk());
  const auto root =
      OpenLocation(Location::Parse("s3://bucket").value(), FakeS3Credentials(*server_), &clock_)
          .value();
  ASSERT_THAT(root->Put("some/prefix/tmp/x", "x"), IsOk());
  ASSERT_THAT(root->Put("some/prefixes/x", "x"), IsOk());
  const auto objects = store_->List("").value();
  ASSERT_THAT(objects, testing::SizeIs(1));
  EXPECT_EQ(objects[0].path, "a/b");
}

// Neither what the server answers nor what the store says of itself holds a secret.
TEST_F(S3FaultsTest, SecretsAreInNoMessage) {
  const auto secret_free = [](const std::string& text) {
    EXPECT_THAT(text, Not(HasSubstr("hunter2")));
  };
  secret_free(store_->Describe());
  FakeS3Server server({.key = FakeS3Key(),
                       .echoed_in_errors = "you sent hunter2-the-session-token twice: "
                                           "hunter2-the-session-token"});
  StoreCredentials wrong = FakeS3Credentials(server);
  wrong.secret_access_key = Secret("hunter2-the-wrong-key");
  const auto refused =
      OpenLocation(Location::Parse("s3://bucket/p").value(), wrong, &clock_, FakeS3Limits());
  ASSERT_THAT(refused, IsError(ErrorKind::kIo, HasSubstr("SignatureDoesNotMatch")));
  EXPECT_THAT(refused.error().message, HasSubstr("you sent *** twice"));
  EXPECT_THAT(refused.error().message, HasSubstr("check the secret key"));
  secret_free(refused.error().message);

  testing::internal::CaptureStderr();
  const auto store = OpenFakeS3(server, &clock_);
  {
    const auto writer = store->NewWriter("parts").value();
    ASSERT_THAT(writer->Append(std::string(200'000, 'x')), IsOk());
    server.FailAt(1, HttpFault::kBusy, 100);
  }  // the abort fails and is logged
  for (const Operation& operation : Operations()) {
    if (const Status status = operation.run(*store); !status) {
      secret_free(status.error().message);
    }
  }
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("give up the unfinished object"));
  secret_free(log);
  for (const std::string& request : server.log()) {
    secret_free(request);
  }
}

// Temporary keys are replaced in the file while the store is open.
TEST_F(S3FaultsTest, AKeyThatIsReplacedInItsFileIsRead) {
  const TestFolder folder;
  const std::string file = folder.path() + "/credentials";
  SigV4Key key = FakeS3Key();
  const auto write = [&file](const SigV4Key& k) {
    std::ofstream(file) << "[rotated]\naws_access_key_id=" << k.access_key_id
                        << "\naws_secret_access_key=" << k.secret_access_key.Reveal()
                        << "\naws_session_token=" << k.session_token.Reveal() << "\n";
  };
  write(key);
  ::setenv("AWS_SHARED_CREDENTIALS_FILE", file.c_str(), 1);
  const auto store =
      OpenLocation(Location::Parse("s3://bucket/p").value(),
                   {.endpoint = server_->endpoint(), .region = key.region, .profile = "rotated"},
                   &clock_, FakeS3Limits())
          .value();
  ASSERT_THAT(store->Put("a", "x"), IsOk());
  key.access_key_id = "AKIDNEXT";
  key.session_token = Secret("hunter2-the-next-token");
  server_->SetKey(key);
  EXPECT_THAT(store->Put("a", "y"), IsError(ErrorKind::kIo, HasSubstr("InvalidAccessKeyId")));
  write(key);
  EXPECT_THAT(store->Put("a", "z"), IsOk());
  EXPECT_EQ(store->Get("a"), "z");
  ::unsetenv("AWS_SHARED_CREDENTIALS_FILE");
}

// https://bucket.host/key and https://host/bucket/key are the same object.
TEST_F(S3FaultsTest, BothAddressStylesReachTheBucket) {
  StoreCredentials credentials = FakeS3Credentials(*server_);
  credentials.address_style = AddressStyle::kVirtualHost;
  // Names below "localhost" lead to this machine.
  credentials.endpoint.replace(credentials.endpoint.find("127.0.0.1"), 9, "localhost");
  const Result<std::unique_ptr<ObjectStore>> by_host = OpenLocation(
      Location::Parse("s3://bucket/some/prefix").value(), credentials, &clock_, FakeS3Limits());
  ASSERT_THAT(by_host, IsOk());
  ASSERT_THAT((*by_host)->PutIfAbsent("a b", "x"), IsOk());
  ASSERT_THAT((*by_host)->Copy("a b", "c"), IsOk());
  EXPECT_EQ(store_->Get("c"), "x");
  EXPECT_THAT(server_->log(), Contains("PUT /some/prefix/c"));
}

TEST_F(S3FaultsTest, AMissingBucketIsSaidAtOnce) {
  EXPECT_THAT(OpenLocation(Location::Parse("s3://missing/p").value(), FakeS3Credentials(*server_),
                           &clock_, FakeS3Limits()),
              IsError(ErrorKind::kIo, HasSubstr("NoSuchBucket")));
}

}  // namespace
}  // namespace varve
