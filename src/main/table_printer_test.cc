// Proves: the same rows come out right as a table, as CSV and as JSON, whatever is in them.
#include "main/table_printer.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <gmock/gmock.h>

#include <clocale>

#include "base/matchers.h"

namespace varve {
namespace {

std::shared_ptr<arrow::Array> Column(const std::shared_ptr<arrow::DataType>& type,
                                     const std::string& json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

std::string Print(OutputFormat format, const std::shared_ptr<arrow::RecordBatch>& batch,
                  int times = 1) {
  std::string text;
  const auto printer = MakeTablePrinter(format, [&text](std::string_view piece) {
    text += piece;
    return Status();
  });
  EXPECT_THAT(printer->Begin(*batch->schema()), IsOk());
  for (int i = 0; i < times; ++i) {
    EXPECT_THAT(printer->Rows(*batch), IsOk());
  }
  EXPECT_THAT(printer->Finish(), IsOk());
  return text;
}

std::shared_ptr<arrow::RecordBatch> Sample() {
  return arrow::RecordBatch::Make(
      arrow::schema({arrow::field("time", arrow::timestamp(arrow::TimeUnit::MICRO)),
                     arrow::field("host", arrow::utf8()), arrow::field("v", arrow::float64()),
                     arrow::field("n", arrow::int64())}),
      3,
      {Column(arrow::timestamp(arrow::TimeUnit::MICRO), "[0, 1357020000500000, -1500]"),
       Column(arrow::utf8(), R"(["a,\"b\"", "", null])"),
       Column(arrow::float64(), "[0.1, 100, null]"),
       Column(arrow::int64(), "[9007199254740993, -1, 0]")});
}

TEST(TablePrinter, Table) {
  EXPECT_EQ(Print(OutputFormat::kTable, Sample()),
            " time                        | host  |    v |                n\n"
            "-----------------------------+-------+------+------------------\n"
            " 1970-01-01T00:00:00Z        | a,\"b\" |  0.1 | 9007199254740993\n"
            " 2013-01-01T06:00:00.500Z    |       |  100 |               -1\n"
            " 1969-12-31T23:59:59.998500Z | NULL  | NULL |                0\n"
            "(3 rows)\n");
}

TEST(TablePrinter, Csv) {
  EXPECT_EQ(Print(OutputFormat::kCsv, Sample()),
            "time,host,v,n\n"
            "1970-01-01T00:00:00Z,\"a,\"\"b\"\"\",0.1,9007199254740993\n"
            "2013-01-01T06:00:00.500Z,\"\",100,-1\n"
            "1969-12-31T23:59:59.998500Z,,,0\n");
}

TEST(TablePrinter, JsonIsThatOfTheHttpApi) {
  EXPECT_EQ(Print(OutputFormat::kJson, Sample()),
            "{\"rows\":[\n"
            "{\"time\":0,\"host\":\"a,\\\"b\\\"\",\"v\":0.1,\"n\":9007199254740993},\n"
            "{\"time\":1357020000500,\"host\":\"\",\"v\":100,\"n\":-1},\n"
            "{\"time\":-2,\"host\":null,\"v\":null,\"n\":0}]}\n");
}

TEST(TablePrinter, OtherTypes) {
  const auto batch = arrow::RecordBatch::Make(
      arrow::schema({arrow::field("d", arrow::date32()),
                     arrow::field("t", arrow::time64(arrow::TimeUnit::MICRO)),
                     arrow::field("b", arrow::boolean()), arrow::field("x", arrow::binary()),
                     arrow::field("m", arrow::decimal128(10, 2)),
                     arrow::field("l", arrow::list(arrow::int32()))}),
      1,
      {Column(arrow::date32(), "[15706]"),
       Column(arrow::time64(arrow::TimeUnit::MICRO), "[21600500000]"),
       Column(arrow::boolean(), "[true]"), Column(arrow::binary(), R"(["v1"])"),
       Column(arrow::decimal128(10, 2), R"(["12.50"])"),
       Column(arrow::list(arrow::int32()), "[[1, 2]]")});
  EXPECT_EQ(
      Print(OutputFormat::kCsv, batch),
      "d,t,b,x,m,l\n2013-01-01,06:00:00.500,true,\\x7631,12.50,\"list<item: int32>[1, 2]\"\n");
  EXPECT_EQ(Print(OutputFormat::kJson, batch),
            "{\"rows\":[\n{\"d\":\"2013-01-01\",\"t\":\"06:00:00.500\",\"b\":true,\"x\":[118,49],"
            "\"m\":12.50,\"l\":\"list<item: int32>[1, 2]\"}]}\n");
}

TEST(TablePrinter, NoRows) {
  const auto empty = Sample()->Slice(0, 0);
  EXPECT_EQ(Print(OutputFormat::kTable, empty),
            " time | host | v | n\n------+------+---+---\n(0 rows)\n");
  EXPECT_EQ(Print(OutputFormat::kCsv, empty), "time,host,v,n\n");
  EXPECT_EQ(Print(OutputFormat::kJson, empty), "{\"rows\":[]}\n");
}

TEST(TablePrinter, ValuesStayInTheirLineAndColumn) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  const auto batch = arrow::RecordBatch::Make(
      arrow::schema({arrow::field("s", arrow::utf8()), arrow::field("n", arrow::int64())}), 3,
      {Column(arrow::utf8(), R"(["日本", "é", "a\nb"])"), Column(arrow::int64(), "[1, 2, 3]")});
  EXPECT_EQ(Print(OutputFormat::kTable, batch),
            " s    | n\n------+---\n 日本 | 1\n é    | 2\n a\\nb | 3\n(3 rows)\n");
}

TEST(TablePrinter, ManyRowsAreNotAllKept) {
  const auto batch = arrow::RecordBatch::Make(arrow::schema({arrow::field("n", arrow::int64())}), 1,
                                              {Column(arrow::int64(), "[7]")});
  const std::string text = Print(OutputFormat::kTable, batch, kRowsMeasured + 5);
  EXPECT_TRUE(text.ends_with(fmt::format(" 7\n({} rows)\n", kRowsMeasured + 5)));
  EXPECT_EQ(text.find("n\n"), text.rfind("n\n"));
}

TEST(TablePrinter, AnOutputThatFailsStopsIt) {
  const auto printer = MakeTablePrinter(
      OutputFormat::kCsv, [](std::string_view) -> Status { return Io("the disk is full"); });
  EXPECT_THAT(printer->Begin(*Sample()->schema()), IsOk());
  EXPECT_THAT(printer->Finish(), IsError(ErrorKind::kIo));
}

}  // namespace
}  // namespace varve
