#include "server/http/read_ahead.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gmock/gmock.h>

#include <atomic>

#include "base/matchers.h"

namespace varve {
namespace {

// Batches of 1, 2, … rows; then the end, or an error.
class Counting final : public ResultStream {
 public:
  Counting(int64_t batches, Status end, std::shared_ptr<std::atomic<int64_t>> given)
      : batches_(batches), end_(std::move(end)), given_(std::move(given)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return arrow::schema({}); }

  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    if (*given_ == batches_) {
      if (!end_) {
        return std::unexpected(end_.error());
      }
      return nullptr;
    }
    return arrow::RecordBatch::Make(schema(), ++*given_, arrow::ArrayVector());
  }

 private:
  const int64_t batches_;
  const Status end_;
  const std::shared_ptr<std::atomic<int64_t>> given_;
};

class ReadAheadTest : public testing::TestWithParam<bool> {
 protected:
  std::unique_ptr<ReadAhead> Open(int64_t batches, Status end = {}) {
    auto stream =
        std::make_unique<ReadAhead>(std::make_unique<Counting>(batches, std::move(end), given_));
    if (GetParam()) {
      stream->Begin();
    }
    return stream;
  }

  const std::shared_ptr<std::atomic<int64_t>> given_ = std::make_shared<std::atomic<int64_t>>(0);
};

INSTANTIATE_TEST_SUITE_P(WithAndWithoutAThread, ReadAheadTest, testing::Bool());

TEST_P(ReadAheadTest, GivesAllBatchesInOrderAndThenTheEnd) {
  const auto stream = Open(500);
  for (int64_t rows = 1; rows <= 500; ++rows) {
    const auto batch = stream->Next();
    ASSERT_THAT(batch, IsOk());
    ASSERT_NE(*batch, nullptr);
    ASSERT_EQ((*batch)->num_rows(), rows);
  }
  EXPECT_EQ(stream->Next().value(), nullptr);
  EXPECT_EQ(stream->Next().value(), nullptr);
}

TEST_P(ReadAheadTest, AnErrorComesAfterTheRowsBeforeIt) {
  const auto stream = Open(3, InvalidArgument("division by zero"));
  for (int64_t rows = 1; rows <= 3; ++rows) {
    ASSERT_EQ(stream->Next().value()->num_rows(), rows);
  }
  EXPECT_THAT(stream->Next(), IsError(ErrorKind::kInvalidArgument, testing::HasSubstr("division")));
}

TEST_P(ReadAheadTest, FetchesABoundedNumberAhead) {
  const auto stream = Open(1'000'000);
  ASSERT_EQ(stream->Next().value()->num_rows(), 1);
  EXPECT_LE(*given_, 32);
}

TEST_P(ReadAheadTest, MayBeLeftAtAnyTime) {
  for (int64_t taken = 0; taken < 40; ++taken) {
    *given_ = 0;
    const auto stream = Open(1'000'000);
    for (int64_t i = 0; i < taken; ++i) {
      ASSERT_THAT(stream->Next(), IsOk());
    }
  }
}

}  // namespace
}  // namespace varve
