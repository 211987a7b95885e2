// PARTITION BY [LINEAR] KEY(tag, …) | [LINEAR] HASH(tag) | RANDOM [PARTITIONS n]
#pragma once

#include "base/result.h"
#include "model/partitioning.h"
#include "sql/cursor.h"

namespace varve {

// The cursor is at PARTITION; it is left behind the clause. Whether the columns fit their table is
// not looked at. Errors: as ParseSql's.
Result<PartitionClause> ParsePartition(Cursor& cursor);

}  // namespace varve
