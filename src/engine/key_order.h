// The order of rows by a primary key of any columns. The default key (tsid, timestamp) has a faster
// way of its own.
#pragma once

#include <compare>
#include <functional>
#include <span>

#include "engine/flush_rows.h"

namespace varve {

// Compares two rows: negative, zero or positive; NULL stands before all values. `series_of` gives
// the number of a row's series within its memtable. The columns outlive the function.
std::function<int(RowRef, RowRef)> MakeKeyOrder(std::span<const ColumnSource> key,
                                                std::function<uint32_t(RowRef)> series_of);

}  // namespace varve
