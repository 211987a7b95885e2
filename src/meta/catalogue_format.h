// How the catalogue is written: the edits and checkpoints of its log, and the FORMAT file of the
// store.
//
// The envelope (checksum, chain, majors, unknown fields) is in log_format.h. A field in [] is left
// out where it has nothing to say.
//
// FORMAT "varve", the file FORMAT at the root of the store, written once before anything else:
//   db_uuid           UUID     the identity of the database; copies of its files keep it
//
// FORMAT "varve-catalogue-edit": kind = "create", "add_schema", "remove_schema", "add_table",
// "remove_table", "rename_table", "restore_table", "purge_tables", "set_view" or "remove_view";
// edit =
//   [added_schema]    text
//   [added_table]     TABLE
//   [added_partitions] array of TABLE, those of added_table               (major 3)
//   [removed_table]   TABLE
//   [kept_until]      integer  removed_table can be restored until then   (major 4)
//   [restored_table]  {id: integer, name: text}                           (major 4)
//   [purged_tables]   array of integer, ids of tables that were kept      (major 4)
//   [renamed_table]   {table: TABLE as it was, name: text, the new one}   (major 2)
//   [removed_view]    VIEW                                                (major 2)
//   [added_view]      VIEW                                                (major 2)
//   [removed_schema]  text
//   and they are applied in this order
//
// FORMAT "varve-catalogue-checkpoint": state =
//   schemas           array of text, sorted
//   tables            array of TABLE
//   [views]           array of VIEW                                       (major 2)
//   [dropped]         array of {table: TABLE, dropped_at, kept_until}     (major 4)
//   last_table_id     integer  the largest ever given; ids of dropped tables are not given again
//
// TABLE {id: integer, uuid: UUID, schema: text, name: text, created_at: microseconds since
// 1970-01-01T00:00:00Z, [partitioning]: PARTITIONING, [partition_of]: integer, [shares]:
// array of UUID}; the last three of majors 3, 3 and 4
// PARTITIONING {method: "key", "hash" or "random", [linear]: true, columns: array of integer, the
// ids of columns, count: integer}; model/partitioning.h says which rows are where. A table with it
// has `count` partitions: the tables `__<name>_0`, … whose `partition_of` is its id and whose ids
// follow it.
// VIEW {schema: text, name: text, [columns]: array of text, query: text, created_at}
#pragma once

#include <string>
#include <string_view>

#include "meta/catalogue_version.h"
#include "meta/log_format.h"

namespace varve {

// The bytes of the file. Errors: kInvalidArgument when a text is not UTF-8.
Result<std::string> EncodeCatalogueEdit(const CatalogueEdit& edit, const EditLink& link);
Result<std::string> EncodeCatalogueCheckpoint(const CatalogueVersion& version,
                                              std::string_view edit_sha256);
Result<std::string> EncodeStoreFormat(const Uuid& db_uuid);

// Any bytes. Errors: kCorruption that says what is wrong; kNotSupported for a newer major.
Result<DecodedEdit<CatalogueEdit>> DecodeCatalogueEdit(std::string_view bytes);
Result<DecodedCheckpoint<CatalogueVersion>> DecodeCatalogueCheckpoint(std::string_view bytes);
Result<Uuid> DecodeStoreFormat(std::string_view bytes);

}  // namespace varve
