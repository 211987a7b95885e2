#include "query/as_of.h"

#include "query/duckdb_bridge.h"
#include "query/literals.h"

namespace varve {

VersionRef VersionRefOf(const std::string& unit, const duckdb::Value& value) {
  if (value.IsNull()) {
    Throw(Error{ErrorKind::kInvalidArgument, "AS OF NULL names no version"});
  }
  if (duckdb::StringUtil::CIEquals(unit, "version")) {
    return OrThrow(ParseVersionRef(value.ToString()));
  }
  if (value.type().IsIntegral()) {
    return TimestampUs(value.DefaultCastAs(duckdb::LogicalType::BIGINT).GetValue<int64_t>() * 1000);
  }
  if (value.type().id() == duckdb::LogicalTypeId::VARCHAR) {
    return TimestampUs(OrThrow(ParseTimestampText(value.ToString())));
  }
  const duckdb::Value time = value.DefaultCastAs(duckdb::LogicalType::TIMESTAMP);
  return TimestampUs(time.GetValue<duckdb::timestamp_t>().value);
}

}  // namespace varve
