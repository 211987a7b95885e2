// InfluxDB's line protocol -> points.
//
//   measurement,tag=value,tag=value field=1.5,field=2i,field="text",field=t 1700000000000000000
//
// Escapes as in InfluxDB: a backslash before comma, space (and equals sign, but not in
// measurements) takes away their meaning; in quoted strings it does so before a quote and a
// backslash; elsewhere it is itself. Strings may hold line breaks. Of two values of one field in a
// line the last one counts; two values of one tag are an error.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/point_batch.h"
#include "server/influx/line_time.h"

namespace varve {

struct LineOptions {
  LinePrecision precision = LinePrecision::kNanoseconds;
  TimestampUs now;  // the time of lines that have none
};

struct ParsedLines {
  // One per measurement; views of them point into the body.
  std::vector<PointBatch> batches;
  size_t rows = 0;
  size_t dropped = 0;  // lines that are in no batch because of an error
  // "unable to parse '…': reason (line N)" of the first few of these, a line each.
  std::string errors;
};

// A bad line leaves nothing behind: the batches are those of the good lines.
// Errors: kInvalidArgument when the request as a whole is beyond what a write may hold: it must be
// split.
Result<ParsedLines> ParseLines(std::string_view body, const LineOptions& options);

}  // namespace varve
