// The payload of log records: pinned bytes, every type there and back, and no harm from damaged
// bytes.
#include "engine/batch_format.h"

#include <arrow/array/builder_base.h>
#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

#include <random>

#include "engine/test_rows.h"

namespace varve {
namespace {

using testing::HasSubstr;

std::string Hex(std::string_view bytes) {
  std::string out;
  for (const unsigned char c : bytes) {
    out += fmt::format("{:02x}", c);
  }
  return out;
}

TableSchema Schema() { return TableSchema::Make(TestSpec()).value(); }

TEST(BatchFormatTest, GoldenBytes) {
  const auto payload = EncodeBatch(TestBatch(Schema(), {{"a", 1, 7}, {"b", 2, 8}, {"a", 3, -1}}));
  ASSERT_THAT(payload, IsOk());
  EXPECT_EQ(Hex(*payload),
            "01"  // version
            "02"
            "05"
            "0903020261"
            "05"
            "0903020262"  // two series: host (column 3) = a, b
            "03"
            "000000000100000000000000"  // three rows of series 0, 1, 0
            "02"                        // two columns
            "02"
            "01"
            "00"
            "e803000000000000d007000000000000b80b000000000000"  // t in us
            "04"
            "06"
            "00"
            "07000000000000000800000000000000ffffffffffffffff");
}

TEST(BatchFormatTest, EveryTypeRoundTripsWithNullsAndFromASlice) {
  for (const ColumnType type : kAllColumnTypes) {
    const auto arrow_type = ArrowType(type);
    const auto nulls = arrow::MakeArrayOfNull(arrow_type, 4).ValueOrDie();
    auto builder = arrow::MakeBuilder(arrow_type).ValueOrDie();
    ASSERT_TRUE(builder->AppendEmptyValues(3).ok());
    ASSERT_TRUE(builder->AppendNull().ok());
    ASSERT_TRUE(builder->AppendEmptyValue().ok());
    const auto whole = builder->Finish().ValueOrDie();
    for (const auto& array : {whole, nulls, whole->Slice(2), whole->Slice(0, 0)}) {
      RowBatch batch;
      batch.series.Add("", 0);
      batch.row_series.assign(static_cast<size_t>(array->length()), 0);
      batch.column_ids = {9};
      batch.rows = arrow::RecordBatch::Make(arrow::schema({arrow::field("9", arrow_type)}),
                                            array->length(), {array});
      const auto payload = EncodeBatch(batch);
      ASSERT_THAT(payload, IsOk());
      const auto decoded = DecodeBatch(*payload);
      ASSERT_THAT(decoded, IsOk());
      EXPECT_TRUE(decoded->rows->Equals(*batch.rows)) << ColumnTypeName(type);
      EXPECT_EQ(decoded->row_series, batch.row_series);
    }
  }
}

TEST(BatchFormatTest, ANewerVersionIsRefused) {
  EXPECT_THAT(DecodeBatch("\x02"), IsError(ErrorKind::kNotSupported, HasSubstr("newer Varve")));
}

TEST(BatchFormatTest, DamagedBytesAreAnErrorOrAValidBatch) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  const auto payload = EncodeBatch(TestBatch(Schema(), {{"a", 1, 7}, {"bb", 2, 8}})).value();
  for (int round = 0; round < 20'000; ++round) {
    std::string damaged = payload;
    for (uint64_t flips = random() % 4 + 1; flips > 0; --flips) {
      damaged[random() % damaged.size()] = static_cast<char>(random());
    }
    damaged.resize(damaged.size() - random() % 3);
    if (const auto batch = DecodeBatch(damaged)) {
      const auto valid = batch->rows->Validate();
      EXPECT_TRUE(valid.ok()) << valid.ToString();
    }
  }
}

}  // namespace
}  // namespace varve
