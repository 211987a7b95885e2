// Proves what every form of line becomes, which lines are refused and why, and that no text breaks
// the parser.
#include "server/influx/line_protocol.h"

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "base/matchers.h"
#include "server/influx/digits.h"
#include "server/influx/line_protocol_checks.h"
#include "server/influx/line_table.h"

namespace varve {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr TimestampUs kNow(5'000'700);

// "m[t=v][f:float=1.5] @1000" per row, tags and fields sorted by name.
std::vector<std::string> Rows(const ParsedLines& parsed) {
  std::vector<std::string> rows;
  for (const PointBatch& batch : parsed.batches) {
    CheckBatch(batch);
    for (size_t row = 0; row < batch.time_us.size(); ++row) {
      std::vector<std::string> parts;
      for (size_t tag = 0; tag < batch.tag_names.size(); ++tag) {
        const auto& value = batch.series_tags[batch.row_series[row] * batch.tag_names.size() + tag];
        if (value) {
          parts.push_back(fmt::format("[{}={}]", batch.tag_names[tag], *value));
        }
      }
      std::ranges::sort(parts);
      const size_t tags = parts.size();
      for (const PointField& field : batch.fields) {
        if (field.values->IsValid(static_cast<int64_t>(row))) {
          parts.push_back(
              fmt::format("[{}:{}={}]", field.name, ColumnTypeName(field.type),
                          (*field.values->GetScalar(static_cast<int64_t>(row)))->ToString()));
        }
      }
      std::sort(parts.begin() + static_cast<ptrdiff_t>(tags), parts.end());
      std::string text = batch.table;
      for (const std::string& part : parts) {
        text += part;
      }
      rows.push_back(fmt::format("{} @{}", text, batch.time_us[row]));
    }
  }
  return rows;
}

ParsedLines Parse(std::string_view body, LinePrecision precision = LinePrecision::kNanoseconds) {
  auto parsed = ParseLines(body, {precision, kNow});
  EXPECT_THAT(parsed, IsOk());
  return parsed ? *std::move(parsed) : ParsedLines{};
}

struct GoodLine {
  std::string_view line;
  std::string_view row;
};

TEST(LineProtocol, GoodLines) {
  for (const auto& [line, row] : std::vector<GoodLine>{
           {"m v=1 1000000", "m[v:double=1] @1000"},
           {"m v=1", "m[v:double=1] @5000000"},
           {"m v=1 ", "m[v:double=1] @5000000"},
           {"m  v=1   1000000  ", "m[v:double=1] @1000"},
           {"  m v=1 1000000", "m[v:double=1] @1000"},
           {"m v=1 -1", "m[v:double=1] @-1000"},
           {"m v=1 1999999", "m[v:double=1] @1000"},
           {"m v=1 9223372036854775807", "m[v:double=1] @9223372036854000"},
           {"m v=1 -9223372036854775808", "m[v:double=1] @-9223372036855000"},
           {"m v=1\r", "m[v:double=1] @5000000"},
           {"m v=1 1000000\r", "m[v:double=1] @1000"},
           {"m,a=1,b=2 v=1 0", "m[a=1][b=2][v:double=1] @0"},
           {"m v=1i 0", "m[v:bigint=1] @0"},
           {"m v=-9223372036854775808i 0", "m[v:bigint=-9223372036854775808] @0"},
           {"m v=9223372036854775807i 0", "m[v:bigint=9223372036854775807] @0"},
           {"m v=000000000000000000000000000012i 0", "m[v:bigint=12] @0"},
           {"m v=-0i 0", "m[v:bigint=0] @0"},
           {"m v=18446744073709551615u 0", "m[v:uint64=18446744073709551615] @0"},
           {"m v=1.5 0", "m[v:double=1.5] @0"},
           {"m v=-1.25e3 0", "m[v:double=-1250] @0"},
           {"m v=1. 0", "m[v:double=1] @0"},
           {"m v=.5 0", "m[v:double=0.5] @0"},
           {"m v=-.5 0", "m[v:double=-0.5] @0"},
           {"m v=+1 0", "m[v:double=1] @0"},
           {"m v=1E+2 0", "m[v:double=100] @0"},
           {"m v=0.1 0", "m[v:double=0.1] @0"},
           {"m v=12345678901234567890 0", "m[v:double=1.2345678901234567e+19] @0"},
           {"m v=t,w=T,x=true,y=True,z=TRUE 0",
            "m[v:boolean=true][w:boolean=true][x:boolean=true][y:boolean=true][z:boolean=true] @0"},
           {"m v=f,w=F,x=false,y=False,z=FALSE 0",
            "m[v:boolean=false][w:boolean=false][x:boolean=false][y:boolean=false][z:boolean=false]"
            " @0"},
           {R"(m s="" 0)", "m[s:string=] @0"},
           {R"(m s="a b,c=d" 0)", "m[s:string=a b,c=d] @0"},
           {R"(m s="q\"b\\n\n" 0)", R"(m[s:string=q"b\n\n] @0)"},
           {"m s=\"two\nlines\",v=1 0", "m[s:string=two\nlines][v:double=1] @0"},
           {R"(m s="# no comment" 0)", "m[s:string=# no comment] @0"},
           {R"(my\ m\,x\=y,t\ \,\==v\ \,\=w f\ \,\==1 0)",
            "my m,x\\=y[t ,==v ,=w][f ,=:double=1] @0"},
           {R"(C:\dir,p=a\b v=1 0)", R"(C:\dir[p=a\b][v:double=1] @0)"},
           {R"(m=x,"t"="q" "v"=1 0)", R"(m=x["t"="q"]["v":double=1] @0)"},
           {"m\xC3\xA9,t=\xE4\xB8\x96 v=1 0", "m\xC3\xA9[t=\xE4\xB8\x96][v:double=1] @0"},
           {"m v=1,v=2 0", "m[v:double=2] @0"},
           {R"(m s="a",s="b" 0)", "m[s:string=b] @0"},
           {"m,a_tag_with_a_name_longer_than_thirty_two_bytes=1 "
            "a_field_with_a_name_longer_than_32_bytes=1i 0",
            "m[a_tag_with_a_name_longer_than_thirty_two_bytes=1][a_field_with_a_name_longer_than_"
            "32_bytes:bigint=1] @0"},
       }) {
    // Alone, and with another behind it, which takes the paths that look ahead.
    for (const std::string& body : {std::string(line), std::string(line) + "\n",
                                    std::string(line) + "\n" + std::string(line) + "\n"}) {
      const ParsedLines parsed = Parse(body);
      EXPECT_EQ(parsed.dropped, 0u) << line << ": " << parsed.errors;
      for (const std::string& got : Rows(parsed)) {
        EXPECT_EQ(got, row) << line;
      }
      EXPECT_GE(parsed.rows, 1u) << line;
    }
  }
}

struct BadLine {
  std::string_view line;
  std::string_view reason;
};
const BadLine kBadLines[] = {
    {"m", "missing fields"},
    {"m ", "missing fields"},
    {"m,a=1", "missing fields"},
    {"m,a=1   ", "missing fields"},
    {",a=1 v=1", "missing measurement"},
    {"m, v=1", "missing tag key"},
    {"m,=1 v=1", "missing tag key"},
    {"m,,a=1 v=1", "missing tag key"},
    {"m,a v=1", "missing tag value"},
    {"m,a= v=1", "missing tag value"},
    {"m,a=,b=1 v=1", "missing tag value"},
    {"m,a,b=1 v=1", "missing tag value"},
    {"m,a=1=2 v=1", "invalid tag format"},
    {"m,a=1,a=2 v=1", "duplicate tags"},
    {"m,b=1,a=1,b=2 v=1", "duplicate tags"},
    {"m v", "invalid field format"},
    {"m =1", "missing field key"},
    {"m v=", "missing field value"},
    {"m v= 1", "missing field value"},
    {"m v=,w=1", "missing field value"},
    {"m v=1,", "invalid field format"},
    {"m v=1,w", "invalid field format"},
    {"m v=1,=2", "missing field key"},
    {"m v=1 2 3", "bad timestamp"},
    {"m v=1 abc", "bad timestamp"},
    {"m v=1 1.5", "bad timestamp"},
    {"m v=1 -", "bad timestamp"},
    {"m v=1 1\r2", "bad timestamp"},
    {"m v=1 9223372036854775808", "time outside range"},
    {"m v=1 99999999999999999999999", "time outside range"},
    {"m v=1x", "invalid number"},
    {"m v=1i2", "invalid number"},
    {"m v=-", "invalid number"},
    {"m v=-i", "invalid number"},
    {"m v=.", "invalid number"},
    {"m v=1.2.3", "invalid number"},
    {"m v=1e", "invalid number"},
    {"m v=0x10", "invalid number"},
    {"m v=+-1", "invalid number"},
    {"m v=-1u", "invalid number"},
    {"m v=-inf", "invalid number"},
    {"m v=1e999", "value out of range"},
    {"m v=9223372036854775808i", "value out of range"},
    {"m v=-9223372036854775809i", "value out of range"},
    {"m v=18446744073709551616u", "value out of range"},
    {"m v=nan", "invalid boolean"},
    {"m v=tRUE", "invalid boolean"},
    {"m v=text", "invalid boolean"},
    {"m v=\"text", "unbalanced quotes"},
    {"m v=\"text\\\"", "unbalanced quotes"},
    {"m v=\"a\"b", "invalid field format"},
    {"m v=\"a\\\"\"b", "invalid field format"},
    {"m v=1i,v=2 0", "field type conflict"},
    {"m,v=1 v=2 0", "is a tag of measurement 'm'"},
    {"m\x01 v=1", "control character"},
    {"m,t\x01=1 v=1", "control character"},
    {"m f\x7f=1", "control character"},
    {"m s=\"\xff\" 0", "not valid UTF-8"},
    {"m,t=\xc3 v=1 0", "not valid UTF-8"},
};

TEST(LineProtocol, BadLines) {
  for (const auto& [line, reason] : kBadLines) {
    const ParsedLines alone = Parse(line);
    EXPECT_EQ(alone.rows, 0u) << line;
    EXPECT_EQ(alone.dropped, 1u) << line;
    EXPECT_THAT(alone.errors, AllOf(StartsWith("unable to parse '"), HasSubstr(reason))) << line;
    if (reason == "unbalanced quotes") {
      continue;  // it takes all lines behind it along
    }
    // It takes nothing of the lines around it away, and leaves nothing behind.
    const std::string good = "good,t=1 v=1,s=\"x\" 1000000\nm2 w=2 1000000";
    const std::string body = good + "\n" + std::string(line) + "\n" + good;
    const ParsedLines among = Parse(body);
    EXPECT_EQ(among.rows, 4u) << line;
    EXPECT_EQ(among.dropped, 1u) << line;
    EXPECT_THAT(among.errors, HasSubstr("(line 3)")) << line;
    EXPECT_THAT(Rows(among), testing::ElementsAre("good[t=1][s:string=x][v:double=1] @1000",
                                                  "good[t=1][s:string=x][v:double=1] @1000",
                                                  "m2[w:double=2] @1000", "m2[w:double=2] @1000"))
        << line;
  }
}

TEST(LineProtocol, ABadLineLeavesNothingInItsMeasurement) {
  const ParsedLines parsed = Parse(
      "m,a=1 v=1,w=1i 0\n"
      "m,new=1 x=1,v=1i 0\n"       // conflict after a new tag and a new field
      "m,a=1 v=7,w=7i,y=1,z= 0\n"  // bad after values for all columns
      "m,a=1 new=\"now a field\" 0\n"
      "m,a=2,x=\"now\\ a\\ tag\" v=2 0");
  EXPECT_EQ(parsed.dropped, 2u);
  EXPECT_THAT(parsed.errors, HasSubstr("input field \"v\" on measurement \"m\" is type integer, "
                                       "already exists as type float"));
  EXPECT_THAT(Rows(parsed), testing::ElementsAre("m[a=1][v:double=1][w:bigint=1] @0",
                                                 "m[a=1][new:string=now a field] @0",
                                                 "m[a=2][x=\"now a tag\"][v:double=2] @0"));
}

TEST(LineProtocol, CommentsAndBlankLines) {
  const ParsedLines parsed = Parse("# one\n\n   \n\r\nm v=1 0\r\n#two\nm v=2 0\n\n");
  EXPECT_EQ(parsed.rows, 2u);
  EXPECT_EQ(parsed.dropped, 0u);
  EXPECT_EQ(Parse("").rows, 0u);
  EXPECT_EQ(Parse("#").rows, 0u);
}

TEST(LineProtocol, SeriesDoNotDependOnTheOrderOfTags) {
  const ParsedLines parsed = Parse(
      "m,a=1,b=2 v=1 0\nm,b=2,a=1 v=2 0\nm,a=1 v=3 0\nm,c=3,b=2,a=1 v=4 0\nm,a=1,b=2,c=3 v=5 0\n"
      "m v=6 0\nm,b=2,a=1 v=7 0\n");
  ASSERT_EQ(parsed.batches.size(), 1u);
  EXPECT_EQ(parsed.batches[0].series_count, 4u);
  EXPECT_THAT(parsed.batches[0].row_series, testing::ElementsAre(0, 0, 1, 2, 2, 3, 0));
  Rows(parsed);
}

TEST(LineProtocol, DifferentFieldsPerRow) {
  const ParsedLines parsed =
      Parse("m a=1,b=2i 0\nm b=3i,a=4 0\nm c=\"x\" 0\nm d=t 0\nm a=5,c=\"y\" 0\nn a=1i 0\nm d=f 0");
  EXPECT_THAT(Rows(parsed),
              testing::ElementsAre("m[a:double=1][b:bigint=2] @0", "m[a:double=4][b:bigint=3] @0",
                                   "m[c:string=x] @0", "m[d:boolean=true] @0",
                                   "m[a:double=5][c:string=y] @0", "m[d:boolean=false] @0",
                                   "n[a:bigint=1] @0"));
}

TEST(LineProtocol, Precision) {
  using enum LinePrecision;
  const auto time = [](std::string_view text, LinePrecision precision) {
    const ParsedLines parsed = Parse(fmt::format("m v=1 {}", text), precision);
    return parsed.rows == 1 ? std::optional(parsed.batches[0].time_us[0]) : std::nullopt;
  };
  EXPECT_EQ(time("1700000000123456789", kNanoseconds), 1'700'000'000'123'000);
  EXPECT_EQ(time("-1", kNanoseconds), -1000);
  EXPECT_EQ(time("1700000000123456", kMicroseconds), 1'700'000'000'123'000);
  EXPECT_EQ(time("-1", kMicroseconds), -1000);
  EXPECT_EQ(time("1700000000123", kMilliseconds), 1'700'000'000'123'000);
  EXPECT_EQ(time("1700000000", kSeconds), 1'700'000'000'000'000);
  EXPECT_EQ(time("2", kMinutes), 120'000'000);
  EXPECT_EQ(time("2", kHours), 7'200'000'000);
  EXPECT_EQ(time("9223372036854776", kMilliseconds), std::nullopt);
  EXPECT_EQ(time("9223372036854775807", kHours), std::nullopt);
  EXPECT_EQ(time("-9223372036854775808", kMicroseconds), std::nullopt);
  for (const auto& [name, precision] :
       std::vector<std::pair<std::string_view, LinePrecision>>{{"n", kNanoseconds},
                                                               {"ns", kNanoseconds},
                                                               {"u", kMicroseconds},
                                                               {"us", kMicroseconds},
                                                               {"µ", kMicroseconds},
                                                               {"ms", kMilliseconds},
                                                               {"s", kSeconds},
                                                               {"m", kMinutes},
                                                               {"h", kHours}}) {
    EXPECT_EQ(ParseLinePrecision(name), precision) << name;
  }
  EXPECT_EQ(ParseLinePrecision("d"), std::nullopt);
}

TEST(LineProtocol, ErrorsAreFewShortAndPrintable) {
  std::string body;
  for (int i = 0; i < 1000; ++i) {
    body += "m v=" + std::string(5000, 'x') + "\n";
  }
  body += "m v=1 0\n";
  const ParsedLines parsed = Parse(body);
  EXPECT_EQ(parsed.rows, 1u);
  EXPECT_EQ(parsed.dropped, 1000u);
  EXPECT_LT(parsed.errors.size(), 5000u);
  EXPECT_EQ(Parse("m\xff").errors, "unable to parse 'm?': missing fields (line 1)");
  EXPECT_EQ(Parse("a v=1\nm s=\"x\ny\"\n\nbad\r\n").errors,
            "unable to parse 'bad': missing fields (line 5)");
}

TEST(LineProtocol, Limits) {
  std::string tags = "m";
  for (size_t i = 0; i <= kLineTagsMax; ++i) {
    tags += fmt::format(",t{}=1", i);
  }
  EXPECT_THAT(Parse(tags + " v=1").errors, HasSubstr("more than 256 tags"));
  std::string fields = "m ";
  for (int i = 0; i < 5000; ++i) {
    fields += fmt::format("{}f{}=1", i == 0 ? "" : ",", i);
  }
  EXPECT_THAT(Parse(fields).errors, HasSubstr("more than 4096"));
  // Few values, but 20,000 rows by 4,000 columns of NULL.
  std::string sparse;
  for (int i = 0; i < 20'000; ++i) {
    sparse += fmt::format("m f{}=1 0\n", i % 4000);
  }
  EXPECT_THAT(ParseLines(sparse, {.now = kNow}),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("send less")));
  std::string measurements;
  for (int i = 0; i < 5000; ++i) {
    measurements += fmt::format("m{} v=1 0\n", i);
  }
  EXPECT_THAT(ParseLines(measurements, {.now = kNow}),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("4096")));
}

TEST(LineProtocol, ManySeries) {
  std::string body;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 5000; ++i) {
      body += fmt::format("m,host=h{},region=r{} v={}i {}\n", i, i % 7, i, round * 1'000'000);
    }
  }
  const ParsedLines parsed = Parse(body);
  ASSERT_EQ(parsed.batches.size(), 1u);
  EXPECT_EQ(parsed.batches[0].series_count, 5000u);
  CheckBatch(parsed.batches[0]);
  for (size_t row = 0; row < 15'000; ++row) {
    ASSERT_EQ(parsed.batches[0].row_series[row], row % 5000);
  }
}

TEST(LineProtocol, ManyMeasurements) {
  std::string body;
  std::vector<std::string> rows;
  for (int i = 0; i < 100; ++i) {
    body += fmt::format("m{},t=with\\ space\\ {} v=1 0\n", i, i);
    rows.push_back(fmt::format("m{}[t=with space {}][v:double=1] @0", i, i));
  }
  EXPECT_EQ(Rows(Parse(body)), rows);
}

TEST(Digits, OfEveryLengthAndPlace) {
  for (size_t length = 0; length <= 22; ++length) {
    for (size_t behind = 0; behind < 12; ++behind) {
      std::string text;
      for (size_t i = 0; i < length; ++i) {
        text.push_back(static_cast<char>('1' + i % 9));
      }
      const std::string number = text;
      text.append(behind, behind % 2 == 0 ? '/' : ':');
      const Digits digits = ReadDigits(text.data(), text.data() + text.size());
      EXPECT_EQ(digits.end - text.data(), static_cast<ptrdiff_t>(length));
      EXPECT_EQ(digits.overflow, length > 20) << text;
      if (length > 0 && length <= 19) {
        EXPECT_EQ(digits.value, std::stoull(number)) << text;
      }
    }
  }
  const std::string max = "18446744073709551615";
  EXPECT_EQ(ReadDigits(max.data(), max.data() + max.size()).value, UINT64_MAX);
  const std::string more = "18446744073709551616";
  EXPECT_TRUE(ReadDigits(more.data(), more.data() + more.size()).overflow);
}

TEST(LineProtocol, NoTextBreaksIt) {
  const std::vector<std::string> seeds = {
      "cpu,host=a,region=eu\\ west v=1.5,n=7i,u=8u,b=t,s=\"a \\\"b\\\" c\" 1000\n",
      "cpu,region=eu\\ west,host=a n=7i,v=1.5 2000\r\n# comment\n",
      "m\\,x,t\\=a=b\\ c f\\ g=1i -5\n", "cpu,host=\xC3\xA9 v=0,s=\"two\nlines\"\n"};
  const std::vector<std::string> junk = {"\"",    "\\",
                                         ",",     "=",
                                         " ",     "\n",
                                         "\r",    "i",
                                         "-",     "#",
                                         "\xff",  std::string(1, '\0'),
                                         "1e999", "99999999999999999999"};
  constexpr uint64_t kSeed = 20'240'229;
  std::mt19937_64 random(kSeed);
  for (int round = 0; round < 20'000; ++round) {
    std::string body;
    for (uint64_t i = random() % 6; i > 0; --i) {
      body += seeds[random() % seeds.size()];
    }
    for (uint64_t i = random() % 8; i > 0 && !body.empty(); --i) {
      const size_t at = random() % body.size();
      switch (random() % 4) {
        case 0:
          body.insert(at, junk[random() % junk.size()]);
          break;
        case 1:
          body.erase(at, random() % 9);
          break;
        case 2:
          body[at] = static_cast<char>(random());
          break;
        default:
          body.insert(at, body.substr(random() % body.size(), random() % 30));
      }
    }
    SCOPED_TRACE(fmt::format("seed {}, round {}", kSeed, round));
    // A copy of the exact size, so that a sanitizer sees a read beyond it.
    const std::vector<char> exact(body.begin(), body.end());
    CheckAnyLines({exact.data(), exact.size()});
  }
}

}  // namespace
}  // namespace varve
