// Parameters of a statement: ? (numbered in the order of the text), ?1 or $1.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace varve {

// A statement has no more: as in PostgreSQL's protocol.
inline constexpr size_t kParametersMax = 65535;

// How many values the statement needs: the number of its ?, or its highest $n. Errors:
// kInvalidArgument with the place for names ($name), $0, both forms in one statement, too many.
Result<size_t> CountParameters(std::string_view statement);

// The number of a text that is "$n" and nothing else, which is how a rewritten statement
// (rewrite.h) shows all of its parameters.
std::optional<size_t> ParameterNumber(std::string_view text);

}  // namespace varve
