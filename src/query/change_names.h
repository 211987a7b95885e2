// How users name a table and versions of it where they ask for changes: in SQL's text arguments and
// in URLs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/changes.h"
#include "sql/statement.h"

namespace varve {

// [[catalog.]schema.]table as it would stand in a statement; a schema that is not given is
// `schema`. Errors: kInvalidArgument; kNotFound for a catalogue that is not Varve's.
Result<TableName> ParseTableText(std::string_view text, std::string_view schema);

// The text that ParseTableText takes apart again.
std::string TableText(const TableName& name);

// "snapshot.N", "savepoint.N", "savepoint.name", "timestamp.<ISO or milliseconds>" and what
// ParseVersionRef takes else. Errors: kInvalidArgument.
Result<VersionRef> ParseVersionText(std::string_view text);

// Errors: those of FindChangesStart and FindVersion. Without `to`: the newest version.
Result<ChangeRange> FindRange(const Table& table, const VersionRef& from,
                              const std::optional<VersionRef>& to);

}  // namespace varve
