#include "store/location.h"

#include <gtest/gtest.h>

#include <random>

#include "base/matchers.h"

namespace varve {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(LocationTest, EverySchemeIsReadAndWrittenBack) {
  struct Case {
    std::string_view text, written, bucket, prefix;
    LocationScheme scheme;
    size_t depth;
  };
  for (const Case& c : {
           Case{"s3://b/p/q", "s3://b/p/q", "b", "p/q", LocationScheme::kS3, 2},
           Case{"s3://b", "s3://b", "b", "", LocationScheme::kS3, 0},
           Case{"s3://b/", "s3://b", "b", "", LocationScheme::kS3, 0},
           Case{"s3://b/p/", "s3://b/p", "b", "p", LocationScheme::kS3, 1},
           Case{"oss://b/p", "oss://b/p", "b", "p", LocationScheme::kOss, 1},
           Case{"gs://b.c_d/p", "gs://b.c_d/p", "b.c_d", "p", LocationScheme::kGcs, 1},
           Case{"gcs://b/p", "gs://b/p", "b", "p", LocationScheme::kGcs, 1},
           Case{"azblob://c/ü x%20=", "azblob://c/ü x%20=", "c", "ü x%20=", LocationScheme::kAzure,
                1},
           Case{"file:///var/lib/", "file:///var/lib", "", "var/lib", LocationScheme::kFile, 2},
       }) {
    const Result<Location> location = Location::Parse(c.text);
    ASSERT_THAT(location, IsOk()) << c.text;
    EXPECT_EQ(location->scheme, c.scheme) << c.text;
    EXPECT_EQ(location->bucket, c.bucket);
    EXPECT_EQ(location->prefix, c.prefix);
    EXPECT_EQ(location->ToString(), c.written);
    EXPECT_EQ(location->Depth(), c.depth);
    EXPECT_EQ(Location::Parse(location->ToString()), location);
  }
  EXPECT_EQ(Location::Parse("file:///var/lib")->FilePath(), "/var/lib");
}

TEST(LocationTest, WhatIsNoLocationIsRefusedWithItsReason) {
  struct Case {
    std::string_view text, reason;
  };
  const std::string long_prefix = "s3://b/" + std::string(kLocationPrefixBytesMax + 1, 'x');
  const std::string long_bucket = "s3://" + std::string(kBucketBytesMax + 1, 'x');
  for (const Case& c : {
           Case{"", "no scheme"},
           Case{"/path", "no scheme"},
           Case{"./path", "no scheme"},
           Case{"path", "no scheme"},
           Case{"s3:/b/p", "no scheme"},
           Case{"://b", "no scheme"},
           Case{"S3://b", "unknown scheme"},
           Case{"http://b/p", "unknown scheme"},
           Case{"C://b/p", "unknown scheme"},
           Case{"s3://", "empty bucket"},
           Case{"s3:///p", "empty bucket"},
           Case{"azblob:///p", "empty bucket"},
           Case{"s3://key:hunter2@b/p", "credentials"},
           Case{"s3://b:9000/p", "bad bucket"},
           Case{"s3://../p", "bad bucket"},
           Case{"s3://.", "bad bucket"},
           Case{"s3://a b/p", "bad bucket"},
           Case{long_bucket, "bad bucket"},
           Case{"s3://b//p", "empty segment"},
           Case{"s3://b/p//", "empty segment"},
           Case{"s3://b//", "empty segment"},
           Case{"s3://b/../p", "dot segment"},
           Case{"s3://b/p/.", "dot segment"},
           Case{"file:///a/../b", "dot segment"},
           Case{"file:///", "empty root"},
           Case{"file://", "not absolute"},
           Case{"file://host/p", "not absolute"},
           Case{"file://../p", "not absolute"},
           Case{"s3://b/p?X-Secret=hunter2", "query or fragment"},
           Case{"s3://b/p#x", "query or fragment"},
           Case{"s3://b/p\nq", "control characters"},
           Case{std::string_view("s3://b/p\0q", 10), "control characters"},
           Case{"s3://b/\xff", "not UTF-8"},
           Case{"s3://b/\xc0\xaf", "not UTF-8"},
           Case{"s3://b/\xed\xa0\x80", "not UTF-8"},
           Case{long_prefix, "too long"},
       }) {
    EXPECT_THAT(Location::Parse(c.text),
                IsError(ErrorKind::kInvalidArgument,
                        AllOf(HasSubstr(fmt::format("INVALID_LOCATION: {}: ", c.reason)),
                              Not(HasSubstr("hunter2")))))
        << c.text;
  }
}

TEST(LocationTest, AChildStaysBelowItsParent) {
  const Location root = Location::Parse("s3://b").value();
  EXPECT_EQ(root.Child("a/b")->ToString(), "s3://b/a/b");
  EXPECT_EQ(root.Child("a")->Child("b")->Depth(), 2u);
  for (const std::string_view bad : {"", "..", "a/../b", "/a", "a/", "a?b", "a\nb"}) {
    EXPECT_THAT(Location::Parse("s3://b/p")->Child(bad), IsError(ErrorKind::kInvalidArgument))
        << bad;
  }
}

// Whatever Parse takes can be written, read back, and never climbs out of its root.
TEST(LocationTest, MutatedLocationsAreRefusedOrReadBack) {
  constexpr uint64_t kSeed = 20'260'221;
  constexpr int kRounds = 100'000;
  SCOPED_TRACE(fmt::format("seed {}", kSeed));
  std::mt19937_64 random(kSeed);
  const std::vector<std::string> seeds = {"s3://bucket/prefix/x", "gcs://b-c/ü",  "file:///a/b",
                                          "azblob://cont/a.b/..", "oss://b/%2e/", "s3://b"};
  const std::string_view pieces[] = {"/", ".", "..", ":",  "//",   "?",
                                     "#", "@", "%",  "\0", "\xff", "a"};
  int taken = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::string text = seeds[random() % seeds.size()];
    for (uint64_t edits = random() % 4; edits > 0; --edits) {
      const size_t at = random() % (text.size() + 1);
      text.erase(at, random() % 3);
      text.insert(at, random() % 2 == 0 ? std::string(1, static_cast<char>(random()))
                                        : std::string(pieces[random() % std::size(pieces)]));
    }
    const Result<Location> location = Location::Parse(text);
    if (!location) {
      EXPECT_THAT(location.error().message, HasSubstr("INVALID_LOCATION: "));
      continue;
    }
    ++taken;
    EXPECT_EQ(Location::Parse(location->ToString()), location) << text;
    EXPECT_THAT("/" + location->prefix + "/", Not(HasSubstr("/../"))) << text;
  }
  EXPECT_GT(taken, kRounds / 10);
}

}  // namespace
}  // namespace varve
