// BucketZone: the time zone of a session, in which the days, weeks, months and years of time_bucket
// begin. What is known of named zones comes from DuckDB's ICU: nothing is read from the machine.
#pragma once

#include <duckdb.hpp>
#include <duckdb/main/client_context_state.hpp>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "query/time_zone.h"

namespace varve {

// CeresDB's, which it cannot change: sessions that are told nothing use it.
inline constexpr int64_t kBucketOffsetDefaultUs = 8 * 3600 * kMicrosPerSecond;

// From the connection's next statement on: an offset ("+08:00", "UTC"), an IANA name in any case
// ("Europe/Berlin"), or "" for the default. The connection must be idle. The first use of a name in
// a process takes some 50 ms. Errors: kInvalidArgument for a zone that is not known.
Status UseBucketZone(duckdb::Connection& connection, std::string_view name);

// What UseBucketZone said last for the connection of this context.
std::shared_ptr<const TimeZone> BucketZoneOf(duckdb::ClientContext& context);

}  // namespace varve
