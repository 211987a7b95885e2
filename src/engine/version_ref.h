// VersionRef: which version of a table is meant, as users say it.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"

namespace varve {

// The name of a savepoint.
struct SavepointName {
  std::string text;
  bool operator==(const SavepointName&) const = default;
};

// A time means the newest version that was committed at or before it.
using VersionRef = std::variant<VersionId, SavepointId, SavepointName, TimestampUs>;

// "42" and "snapshot.42": a version. "savepoint.7": a savepoint by its id; "savepoint.name" and
// "name": by its name. Errors: kInvalidArgument that says what may stand there.
Result<VersionRef> ParseVersionRef(std::string_view text);

// For messages: "snapshot 42", "savepoint 'before'", "2024-01-01T00:00:00Z".
std::string Describe(const VersionRef& ref);

}  // namespace varve
