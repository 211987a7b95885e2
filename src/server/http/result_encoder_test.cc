// Proves the text of every type in every format, byte by byte.
#include "server/http/result_encoder.h"

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <gmock/gmock.h>

#include <limits>

#include "base/matchers.h"
#include "server/http/column_text.h"
#include "server/http/json_text.h"
#include "server/http/result_type_name.h"

namespace varve {
namespace {

std::shared_ptr<arrow::Array> ArrayOf(const std::shared_ptr<arrow::DataType>& type,
                                      const std::vector<std::shared_ptr<arrow::Scalar>>& values) {
  auto builder = *arrow::MakeBuilder(type);
  for (const auto& value : values) {
    EXPECT_TRUE((value == nullptr ? builder->AppendNull() : builder->AppendScalar(*value)).ok());
  }
  return *builder->Finish();
}

template <class Builder, class... Values>
std::shared_ptr<arrow::Array> Build(Builder builder, const Values&... values) {
  EXPECT_TRUE((builder.Append(values).ok() && ...));
  EXPECT_TRUE(builder.AppendNull().ok());
  return *builder.Finish();
}

std::string Encode(ResultFormat format, const std::shared_ptr<arrow::RecordBatch>& batch) {
  ResultEncoder encoder(format);
  EXPECT_THAT(encoder.Start(batch->schema()), IsOk());
  EXPECT_THAT(encoder.Append(batch), IsOk());
  std::string text;
  while (encoder.Encode(encoder.size_bytes() + 1) == ResultEncoder::Progress::kRowsLeft) {
    text += encoder.Take();
  }
  EXPECT_THAT(encoder.Finish(), IsOk());
  return text + encoder.Take();
}

std::shared_ptr<arrow::RecordBatch> Batch(
    const std::vector<std::pair<std::string, std::shared_ptr<arrow::Array>>>& columns) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const auto& [name, array] : columns) {
    fields.push_back(arrow::field(name, array->type()));
    arrays.push_back(array);
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), arrays[0]->length(), arrays);
}

// All values of the array, as the JSON array of one column.
std::string Json(const std::shared_ptr<arrow::Array>& array) {
  const ColumnText column(array);
  TextOut out;
  for (int64_t i = 0; i < array->length(); ++i) {
    column.WriteJson(out, i);
    out.Write(' ');
  }
  std::string text = out.Take();
  text.pop_back();
  return text;
}

std::string Csv(const std::shared_ptr<arrow::Array>& array) {
  const ColumnText column(array);
  TextOut out;
  for (int64_t i = 0; i < array->length(); ++i) {
    column.WriteCsv(out, i);
    out.Write('|');
  }
  return out.Take();
}

TEST(ColumnText, Integers) {
  EXPECT_EQ(Json(Build(arrow::Int8Builder(), int8_t{-128}, int8_t{127})), "-128 127 null");
  EXPECT_EQ(Json(Build(arrow::Int16Builder(), int16_t{-32768})), "-32768 null");
  EXPECT_EQ(Json(Build(arrow::Int32Builder(), INT32_MIN, 0, 99, 100)), "-2147483648 0 99 100 null");
  EXPECT_EQ(Json(Build(arrow::Int64Builder(), INT64_MIN, INT64_MAX, int64_t{7})),
            "-9223372036854775808 9223372036854775807 7 null");
  EXPECT_EQ(Json(Build(arrow::UInt8Builder(), uint8_t{255})), "255 null");
  EXPECT_EQ(Json(Build(arrow::UInt16Builder(), uint16_t{65535})), "65535 null");
  EXPECT_EQ(Json(Build(arrow::UInt32Builder(), UINT32_MAX)), "4294967295 null");
  EXPECT_EQ(Json(Build(arrow::UInt64Builder(), UINT64_MAX)), "18446744073709551615 null");
}

TEST(ColumnText, Doubles) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(Json(Build(arrow::DoubleBuilder(), 100.0, 0.0, -0.0, 0.5, -0.25, 0.1, 58.13, -1.0)),
            "100.0 0.0 -0.0 0.5 -0.25 0.1 58.13 -1.0 null");
  EXPECT_EQ(Json(Build(arrow::DoubleBuilder(), 1e15, 1e16, 123456789012345680.0, 1e-5, 1e-6, 1.5e-7,
                       1.7976931348623157e308, 5e-324)),
            "1000000000000000.0 1e16 1.2345678901234568e17 0.00001 1e-6 1.5e-7 "
            "1.7976931348623157e308 5e-324 null");
  EXPECT_EQ(
      Json(Build(arrow::DoubleBuilder(), 3.141592653589793, 1.0 / 3, 9999999999999.99, 0.015)),
      "3.141592653589793 0.3333333333333333 9999999999999.99 0.015 null");
  EXPECT_EQ(Json(Build(arrow::DoubleBuilder(), std::nan(""), kInfinity, -kInfinity)),
            "null null null null");
  EXPECT_EQ(Json(Build(arrow::FloatBuilder(), 0.1f, 16777216.0f, 1e20f)),
            "0.1 16777216.0 1e20 null");
}

// The fast path must give the same text as the shortest one that reads back.
TEST(ColumnText, DoublesReadBack) {
  constexpr uint64_t kSeed = 42;
  RecordProperty("seed", static_cast<int>(kSeed));
  uint64_t state = kSeed;
  for (int i = 0; i < 200'000; ++i) {
    state = state * 6364136223846793005 + 1442695040888963407;
    const double value = i % 2 == 0 ? static_cast<double>(static_cast<int64_t>(state >> 20)) / 100.0
                                    : static_cast<double>(state % 1'000'000) / 1000.0;
    char fast[kScalarBytesMax];
    char slow[kScalarBytesMax];
    const std::string_view fast_text(fast, static_cast<size_t>(WriteDouble(fast, value) - fast));
    const std::string_view slow_text(slow, static_cast<size_t>(WriteShortest(slow, value) - slow));
    ASSERT_EQ(fast_text, slow_text) << "seed " << kSeed << " round " << i;
  }
}

TEST(ColumnText, BooleansAndNull) {
  EXPECT_EQ(Json(Build(arrow::BooleanBuilder(), true, false)), "true false null");
  EXPECT_EQ(Json(*arrow::MakeArrayOfNull(arrow::null(), 2)), "null null");
}

TEST(ColumnText, Strings) {
  const std::string all = "q\" b\\ n\n r\r t\t \b\f\x01\x1f";
  EXPECT_EQ(
      Json(Build(arrow::StringBuilder(), "", "abc", "host_1234567890_überlänge 世界", all)),
      R"("" "abc" "host_1234567890_überlänge 世界" "q\" b\\ n\n r\r t\t \b\f\u0001\u001f" null)");
  EXPECT_EQ(Json(Build(arrow::LargeStringBuilder(), "1234567\"")), "\"1234567\\\"\" null");
  EXPECT_EQ(Json(Build(arrow::StringViewBuilder(), "short", "longer than twelve bytes")),
            R"("short" "longer than twelve bytes" null)");
}

TEST(ColumnText, EscapesAtEveryPlace) {
  for (size_t size = 1; size < 40; ++size) {
    for (size_t at = 0; at < size; ++at) {
      for (const char c : {'"', '\\', '\x00', '\x1f', '\x7f', '\x20'}) {
        std::string text(size, 'x');
        text[at] = c;
        std::string wanted = "\"" + text.substr(0, at);
        wanted += c == '"'    ? "\\\""
                  : c == '\\' ? "\\\\"
                  : c == 0    ? "\\u0000"
                  : c == 0x1f ? "\\u001f"
                              : std::string(1, c);
        wanted += text.substr(at + 1) + "\"";
        ASSERT_EQ(JsonString(text), wanted);
      }
    }
  }
}

TEST(ColumnText, Binaries) {
  EXPECT_EQ(Json(Build(arrow::BinaryBuilder(), "v1", "", std::string("\xff\x00", 2))),
            "[118,49] [] [255,0] null");
  EXPECT_EQ(Json(Build(arrow::FixedSizeBinaryBuilder(arrow::fixed_size_binary(2)), "ab")),
            "[97,98] null");
}

TEST(ColumnText, TimesAndDates) {
  using arrow::TimeUnit;
  const auto timestamps = [](TimeUnit::type unit, auto... values) {
    return Build(arrow::TimestampBuilder(arrow::timestamp(unit), arrow::default_memory_pool()),
                 int64_t{values}...);
  };
  EXPECT_EQ(Json(timestamps(TimeUnit::MICRO, 1451606400000000, 1999, -1, -1000)),
            "1451606400000 1 -1 -1 null");
  EXPECT_EQ(Json(timestamps(TimeUnit::SECOND, 5)), "5000 null");
  EXPECT_EQ(Json(timestamps(TimeUnit::MILLI, 5)), "5 null");
  EXPECT_EQ(Json(timestamps(TimeUnit::NANO, -1, 1'999'999)), "-1 1 null");
  EXPECT_EQ(Json(Build(arrow::TimestampBuilder(arrow::timestamp(TimeUnit::MICRO, "UTC"),
                                               arrow::default_memory_pool()),
                       int64_t{1000})),
            "1 null");
  EXPECT_EQ(Json(Build(arrow::Date32Builder(), 0, 19'782, -1, -719'528, 11'016)),
            R"("1970-01-01" "2024-02-29" "1969-12-31" "0000-01-01" "2000-02-29" null)");
  EXPECT_EQ(
      Json(Build(arrow::Time64Builder(arrow::time64(TimeUnit::MICRO), arrow::default_memory_pool()),
                 int64_t{3'723'000'000}, int64_t{1}, int64_t{86'399'999'999})),
      R"("01:02:03" "00:00:00.000001" "23:59:59.999999" null)");
}

TEST(ColumnText, Intervals) {
  using Value = arrow::MonthDayNanoIntervalType::MonthDayNanos;
  EXPECT_EQ(Json(Build(arrow::MonthDayNanoIntervalBuilder(), Value{14, 3, 14'706'500'000'000},
                       Value{0, 0, 0}, Value{0, -2, 0}, Value{0, 0, -500'000'000})),
            R"("P1Y2M3DT4H5M6.5S" "PT0S" "P-2D" "PT-0.5S" null)");
}

TEST(ColumnText, Decimals) {
  const auto decimals = [](int32_t scale, auto... values) {
    return Build(arrow::Decimal128Builder(arrow::decimal128(38, scale)),
                 *arrow::Decimal128::FromString(values)...);
  };
  EXPECT_EQ(Json(decimals(0, "0", "-5", "99999999999999999999999999999999999999")),
            "0 -5 99999999999999999999999999999999999999 null");
  EXPECT_EQ(Json(decimals(2, "12.34", "-0.05", "0.00")), "12.34 -0.05 0.00 null");
}

TEST(ColumnText, NestedAndSliced) {
  auto values = std::make_shared<arrow::Int64Builder>();
  arrow::ListBuilder lists(arrow::default_memory_pool(), values);
  ASSERT_TRUE(lists.Append().ok() && values->Append(1).ok() && values->AppendNull().ok());
  ASSERT_TRUE(lists.AppendNull().ok() && lists.Append().ok());
  const auto list = *lists.Finish();
  EXPECT_EQ(Json(list), "[1,null] null []");
  EXPECT_EQ(Json(list->Slice(1)), "null []");

  const auto names = Build(arrow::StringBuilder(), "x", "y\"");
  const auto numbers = Build(arrow::DoubleBuilder(), 1.0, 2.5);
  const auto rows =
      *arrow::StructArray::Make({names, numbers}, std::vector<std::string>{"n\"", "v"});
  EXPECT_EQ(Json(rows), R"({"n\"":"x","v":1.0} {"n\"":"y\"","v":2.5} {"n\"":null,"v":null})");
  EXPECT_EQ(Json(rows->Slice(1, 1)), R"({"n\"":"y\"","v":2.5})");

  const auto offsets = Build(arrow::Int32Builder(), 0, 2)->Slice(0, 2);
  const auto keys = Build(arrow::Int64Builder(), int64_t{1}, int64_t{2})->Slice(0, 2);
  const auto items = names->Slice(0, 2);
  EXPECT_EQ(Json(*arrow::MapArray::FromArrays(offsets, keys, items)), R"({"1":"x","2":"y\""})");

  EXPECT_EQ(Json(Build(arrow::BooleanBuilder(), true, false, true)->Slice(1)), "false true null");
  EXPECT_EQ(Json(Build(arrow::StringBuilder(), "a", "b")->Slice(1)), "\"b\" null");
  EXPECT_EQ(Json(Build(arrow::Int64Builder(), int64_t{1}, int64_t{2})->Slice(1)), "2 null");
}

TEST(ColumnText, Dictionaries) {
  const auto codes = Build(arrow::Int32Builder(), 1, 0, 1);
  const auto array = *arrow::DictionaryArray::FromArrays(
      codes, Build(arrow::StringBuilder(), "a", "b\"")->Slice(0, 2));
  EXPECT_EQ(Json(array), R"("b\"" "a" "b\"" null)");
  EXPECT_EQ(Json(array->Slice(1)), R"("a" "b\"" null)");
  EXPECT_EQ(Csv(array), "\"b\"\"\"|a|\"b\"\"\"||");
}

TEST(ColumnText, OtherTypesHaveAText) {
  const auto array = ArrayOf(arrow::duration(arrow::TimeUnit::SECOND),
                             {std::make_shared<arrow::DurationScalar>(5, arrow::TimeUnit::SECOND)});
  EXPECT_EQ(Json(array), "\"5\"");
}

TEST(ColumnText, CsvQuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(Csv(Build(arrow::StringBuilder(), "a", "", "b,c", "d\"e", "f\ng")),
            "a|\"\"|\"b,c\"|\"d\"\"e\"|\"f\ng\"||");
  EXPECT_EQ(Csv(Build(arrow::DoubleBuilder(), 1.0, std::nan(""))), "1.0|||");
  EXPECT_EQ(Csv(Build(arrow::BinaryBuilder(), "v1")), "7631||");
  EXPECT_EQ(Csv(Build(arrow::Date32Builder(), 0)), "1970-01-01||");
}

TEST(ResultEncoder, EveryFormat) {
  const auto batch = Batch({{"host", Build(arrow::StringBuilder(), "a", "b")},
                            {"v\"", Build(arrow::DoubleBuilder(), 100.0, 2.5)}});
  EXPECT_EQ(
      Encode(ResultFormat::kJson, batch),
      R"({"rows":[{"host":"a","v\"":100.0},{"host":"b","v\"":2.5},{"host":null,"v\"":null}]})");
  EXPECT_EQ(Encode(ResultFormat::kJsonColumns, batch),
            R"({"names":["host","v\""],"types":["string","double"],)"
            R"("values":[["a",100.0],["b",2.5],[null,null]]})");
  EXPECT_EQ(Encode(ResultFormat::kNdjson, batch),
            "{\"host\":\"a\",\"v\\\"\":100.0}\n{\"host\":\"b\",\"v\\\"\":2.5}\n"
            "{\"host\":null,\"v\\\"\":null}\n");
  EXPECT_EQ(Encode(ResultFormat::kCsv, batch), "host,\"v\"\"\"\r\na,100.0\r\nb,2.5\r\n,\r\n");
  const std::string arrow_text = Encode(ResultFormat::kArrow, batch);
  auto reader = *arrow::ipc::RecordBatchStreamReader::Open(
      std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(arrow_text)));
  std::shared_ptr<arrow::RecordBatch> read;
  ASSERT_TRUE(reader->ReadNext(&read).ok());
  EXPECT_TRUE(read->Equals(*batch));
}

TEST(ResultEncoder, NoRows) {
  const auto batch = Batch({{"v", Build(arrow::DoubleBuilder())}})->Slice(0, 0);
  EXPECT_EQ(Encode(ResultFormat::kJson, batch), R"({"rows":[]})");
  EXPECT_EQ(Encode(ResultFormat::kJsonColumns, batch),
            R"({"names":["v"],"types":["double"],"values":[]})");
  EXPECT_EQ(Encode(ResultFormat::kCsv, batch), "v\r\n");
}

TEST(ResultEncoder, TypeNames) {
  EXPECT_EQ(ResultTypeName(*arrow::decimal128(38, 0)), "decimal(38,0)");
  EXPECT_EQ(ResultTypeName(*arrow::list(arrow::int64())), "bigint[]");
  EXPECT_EQ(ResultTypeName(*arrow::dictionary(arrow::int32(), arrow::utf8())), "string");
  EXPECT_EQ(ResultTypeName(*arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")), "timestamp");
  EXPECT_EQ(ResultTypeName(*arrow::month_day_nano_interval()), "interval");
}

}  // namespace
}  // namespace varve
