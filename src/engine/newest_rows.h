// What queries for the newest rows need, found without scanning: the last row of each series, and
// times at which there are rows.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/read_view.h"
#include "engine/row_selection.h"

namespace varve {

// Of each series that has rows before `before`: the newest of these; perhaps some older ones beside
// it. Reads the index and the ends of series, of files that may hold something newer than what has
// been found. nullopt: it cannot be told without a scan (tables with a key of their own, and files
// that do not keep their series apart). Errors: those of SstFile.
Result<std::optional<RowSelection>> LastRows(const ReadView& view, TimestampUs before);

// Whether no two of the selected rows have the same values in all of these tags, which are strings.
// false also when a file does not keep its series apart. Errors: those of SstFile.
Result<bool> DifferInTags(const ReadView& view, const RowSelection& rows,
                          std::span<const ColumnSchema* const> tags);

// Times before `before` at which the view has rows: a sample of the newest, newest first, without
// repetition; empty when there is no cheap one. Errors: those of SstFile.
Result<std::vector<int64_t>> SampleNewestTimes(const ReadView& view, TimestampUs before);

}  // namespace varve
