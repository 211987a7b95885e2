// The payload of a write-ahead log record: one RowBatch.
//
// FORMAT, version 1 (little-endian; varint = LEB128). Do not change it: add a version.
//   SIZE      FIELD
//   1         format version, 1
//   varint    number of series
//     varint + bytes   per series: its key (model/series_key.h); its tsid follows from it
//   varint    number of rows
//   4 x rows  per row: index of its series
//   varint    number of columns
//     varint  per column: column id
//     1       ColumnType
//     1       1 = a validity bitmap follows, 0 = no NULLs
//     (rows+7)/8  the bitmap, least significant bit first, 1 = a value
//     values: boolean: a bitmap; string, varbinary: (rows+1) x 4 offsets from 0, then the bytes;
//             all others: rows x width of the ArrowType
// A reader refuses a version that it does not know. The record around it carries the checksum
// (wal/record_format.h).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/row_batch.h"

namespace varve {

// Errors: kInternal when Arrow fails.
Result<std::string> EncodeBatch(const RowBatch& batch);

// Errors: kCorruption, kNotSupported (a newer version). Column names of the result are the ids as
// text.
Result<RowBatch> DecodeBatch(std::string_view payload);

}  // namespace varve
