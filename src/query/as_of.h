// What AT (VERSION => …) and AT (TIMESTAMP => …) mean, which VERSION AS OF and its kin become.
#pragma once

#include <duckdb.hpp>
#include <string>

#include "engine/version_ref.h"

namespace varve {

// `unit` is "version" or "timestamp", in any case; a time is ISO 8601 text, a timestamp or
// milliseconds. Throws on a value that names no version.
VersionRef VersionRefOf(const std::string& unit, const duckdb::Value& value);

}  // namespace varve
