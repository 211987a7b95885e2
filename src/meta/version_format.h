// How versions of a table are written: the edits and checkpoints of a table's log.
//
// The envelope (checksum, chain, majors, unknown fields) is in log_format.h. A field in [] is left
// out where it has nothing to say; times are microseconds since 1970-01-01T00:00:00Z.
//
// FORMAT "varve-table-edit": kind = "create", "flush", "alter", "compact", "delete", "expire" or
// "restore"; edit =
//   [added_files]       array of FILE
//   [removed_files]     array of UUID; a "restore" that also adds one of them is of major 4
//   [deletion_vectors]  array of {file: UUID, vector: VECTOR}: the file's new one
//   [former_schemas]    array of SCHEMA, of a clone's version 1; major 4
//   [schema]            SCHEMA; in version 1 always
//   [options]           OPTIONS; in version 1 always
//   [flushed]           integer  the sequence up to which all writes are in files
//   [operation_id]      text     what made the commit
//
// FORMAT "varve-table-checkpoint": state =
//   kind                text     of this version's edit
//   schema_id           integer  of the current schema
//   schemas             array of SCHEMA: all that the table has had
//   options             OPTIONS
//   files               array of FILE, with [masked_at], the version that gave the file its
//   deletion vector flushed             integer [operations]        array of [operation id,
//   version]
//
// FILE    {id: UUID, path, segment_start, schema_id, rows, size_bytes, sha256, time_min, time_max,
// tsid_min, tsid_max,
//          sequence_max, null_counts: array of [column id, count], [deletion_vector: VECTOR]}, as
//          in model/file_meta.h
// VECTOR  {path, size_bytes, sha256, rows}
// SCHEMA  {schema_id, last_column_id, primary_key: array of column names, timestamp_key: column
// name,
//          columns: array of COLUMN}
// COLUMN  {id, name, type: the number in model/column_type.h, [not_null: true], [tag: true],
// [dictionary: true],
//          [default_value], [comment]}
// OPTIONS {option: text}, every option as SHOW CREATE TABLE names it
#pragma once

#include <string>
#include <string_view>

#include "meta/log_format.h"
#include "meta/version.h"

namespace varve {

// The bytes of the file. Errors: kInvalidArgument when a text is not UTF-8.
Result<std::string> EncodeTableEdit(const VersionEdit& edit, const EditLink& link);
Result<std::string> EncodeTableCheckpoint(const Version& version, std::string_view edit_sha256);

// Any bytes. Errors: kCorruption that says what is wrong; kNotSupported for a newer major.
Result<DecodedEdit<VersionEdit>> DecodeTableEdit(std::string_view bytes);
Result<DecodedCheckpoint<Version>> DecodeTableCheckpoint(std::string_view bytes);

// Whether the options can be written and read back. Errors: kInvalidArgument.
Status CheckOptions(const TableOptions& options);

}  // namespace varve
