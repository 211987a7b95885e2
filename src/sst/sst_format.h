// What a Varve data file is: a Parquet file that every Parquet reader understands, and a few notes
// of our own.
//
// FORMAT, version 1.1 (extended only here; `sst_format_test.cc` pins it)
//   CONTAINER  Parquet format 2.6, data pages v1 with CRC-32, page index; row groups sorted by the
//   primary key, which
//              their `sorting_columns` name. Encodings and compression are free: Parquet itself
//              says which.
//   COLUMNS    one per column of the table schema, in its order and under its name; field id =
//   column id; REQUIRED
//              when the column is NOT NULL, else OPTIONAL.
//   TYPES      COLUMN TYPE        PHYSICAL     LOGICAL
//              timestamp          INT64        TIMESTAMP(MICROS, not adjusted to UTC)
//              double, float      DOUBLE, FLOAT
//              string             BYTE_ARRAY   STRING
//              varbinary          BYTE_ARRAY
//              bigint, int        INT64, INT32
//              smallint, tinyint  INT32        INT(16, signed), INT(8, signed)
//              uint64             INT64        INT(64, unsigned)
//              uint32             INT64        none: widened, because Spark refuses UINT_32
//              uint16, uint8      INT32        none: widened, for the same reason
//              boolean            BOOLEAN
//              date               INT32        DATE
//              time               INT64        TIME(MICROS, not adjusted to UTC)
//   KEY/VALUE  varve.format         "varve-sst"
//              varve.version        "1.1": major "." minor
//              varve.file_id        the file's UUID
//              varve.schema_id      decimal: the table schema it was written with
//              varve.segment_start  decimal: microseconds since 1970-01-01T00:00:00Z
//              varve.columns        JSON object: decimal column id -> name of the column type (as
//              ColumnTypeName)
//              varve.series_tags    since 1.1, only in files of tables with the default key:
//              "constant" when all rows of one tsid have the same tags, else "mixed" (two series
//              whose tsids are equal). Files without it, and other values, say nothing.
// A reader ignores keys it does not know. A new key that may be ignored raises the minor version;
// anything else raises the major version, and a reader refuses a newer major.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "model/column_type.h"
#include "model/table_schema.h"

namespace arrow {
class DataType;
class Schema;
}  // namespace arrow

namespace varve {

inline constexpr std::string_view kSstFormat = "varve-sst";
inline constexpr uint32_t kSstVersionMajor = 1;
inline constexpr uint32_t kSstVersionMinor = 1;

// What a file knows of the tags of its series.
enum class SeriesTags : uint8_t { kUnknown, kConstant, kMixed };

// Varve's notes in a data file.
struct SstHeader {
  Uuid file_id;
  uint32_t schema_id = 0;
  TimestampUs segment_start;
  std::map<uint32_t, ColumnType> columns;  // by column id
  SeriesTags series_tags = SeriesTags::kUnknown;

  bool operator==(const SstHeader&) const = default;
};

// The notes as the key/value pairs above.
std::map<std::string, std::string> EncodeSstHeader(const SstHeader& header);
// Errors: kNotSupported for a newer major version (use a newer Varve); kCorruption when a pair is
// missing or wrong.
Result<SstHeader> DecodeSstHeader(const std::map<std::string, std::string>& pairs);

// The Arrow type that Parquet writes as the table above says; ArrowType(type) but for the widened
// types.
std::shared_ptr<arrow::DataType> StoredType(ColumnType type);
// The file's columns, with their field ids.
std::shared_ptr<arrow::Schema> StoredSchema(const TableSchema& schema);

}  // namespace varve
