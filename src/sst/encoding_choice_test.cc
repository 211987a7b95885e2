// The encoding follows the data: each case is a kind of column that real tables have.
#include "sst/encoding_choice.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace varve {
namespace {

constexpr int kRows = 100'000;

template <class Builder, class Fn>
ColumnEncoding Choice(Fn value) {
  Builder builder;
  for (int i = 0; i < kRows; ++i) {
    EXPECT_TRUE(builder.Append(value(i)).ok());
  }
  return ChooseEncoding(arrow::ChunkedArray(*builder.Finish()));
}

TEST(EncodingChoiceTest, Integers) {
  std::mt19937_64 random(1);
  using Builder = arrow::Int64Builder;
  EXPECT_EQ(Choice<Builder>([](int i) { return 1'451'606'400'000'000 + i * 10'000'000LL; }),
            ColumnEncoding::kDelta);
  EXPECT_EQ(Choice<Builder>([](int i) { return i / 1000 * 0x123456789abcdLL; }),
            ColumnEncoding::kDictionary);
  EXPECT_EQ(Choice<Builder>([&](int) { return static_cast<int64_t>(random()); }),
            ColumnEncoding::kDelta);
  EXPECT_EQ(Choice<Builder>([&](int) { return static_cast<int64_t>(random() % 4) << 40; }),
            ColumnEncoding::kDictionary);
  EXPECT_EQ(Choice<Builder>([](int) { return 42; }), ColumnEncoding::kDictionary);
  int64_t walk = 50;
  EXPECT_EQ(Choice<Builder>([&](int) { return walk += static_cast<int64_t>(random() % 5) - 2; }),
            ColumnEncoding::kDelta);
}

TEST(EncodingChoiceTest, Doubles) {
  std::mt19937_64 random(2);
  std::normal_distribution<double> normal;
  using Builder = arrow::DoubleBuilder;
  EXPECT_EQ(Choice<Builder>([&](int) { return normal(random); }), ColumnEncoding::kByteStreamSplit);
  EXPECT_EQ(Choice<Builder>([&](int) { return static_cast<double>(random() % 100); }),
            ColumnEncoding::kDictionary);
  EXPECT_EQ(Choice<Builder>([&](int) { return static_cast<double>(random() % 10'000) / 100; }),
            ColumnEncoding::kDictionary);
  EXPECT_EQ(Choice<Builder>([](int) { return 0.0; }), ColumnEncoding::kDictionary);
  // A gauge that moves a little: it stays near where it was, which a dictionary does not use.
  double walk = 50;
  EXPECT_EQ(Choice<Builder>([&](int) {
              walk = std::clamp(walk + normal(random), 0.0, 100.0);
              return std::trunc(walk);
            }),
            ColumnEncoding::kByteStreamSplit);
  EXPECT_EQ(Choice<arrow::FloatBuilder>([&](int) { return static_cast<float>(normal(random)); }),
            ColumnEncoding::kByteStreamSplit);
}

TEST(EncodingChoiceTest, Strings) {
  std::mt19937_64 random(3);
  using Builder = arrow::StringBuilder;
  EXPECT_EQ(Choice<Builder>([&](int) { return std::to_string(random()); }), ColumnEncoding::kPlain);
  EXPECT_EQ(Choice<Builder>([&](int) { return std::to_string(random() % 50); }),
            ColumnEncoding::kDictionary);
}

TEST(EncodingChoiceTest, StringsThatRepeatButDoNotFitADictionaryPage) {
  arrow::StringBuilder builder;
  for (int i = 0; i < 2'000; ++i) {
    ASSERT_TRUE(builder.Append(std::to_string(i % 200) + std::string(8'000, 'x')).ok());
  }
  EXPECT_EQ(ChooseEncoding(arrow::ChunkedArray(*builder.Finish())), ColumnEncoding::kPlain);
}

TEST(EncodingChoiceTest, BooleansAndNothing) {
  EXPECT_EQ(Choice<arrow::BooleanBuilder>([](int i) { return i % 3 == 0; }),
            ColumnEncoding::kPlain);
  EXPECT_EQ(ChooseEncoding(arrow::ChunkedArray(*arrow::MakeArrayOfNull(arrow::float64(), 10))),
            ColumnEncoding::kDictionary);
  EXPECT_EQ(ChooseEncoding(arrow::ChunkedArray(*arrow::MakeArrayOfNull(arrow::int64(), 0))),
            ColumnEncoding::kDictionary);
}

}  // namespace
}  // namespace varve
