// CatalogueVersion: which schemas and tables there are at one moment, and CatalogueEdit, what leads
// from one to the next.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "model/partitioning.h"

namespace varve {

inline constexpr std::string_view kDefaultSchema = "public";

// A partitioned table holds no rows: its partitions do, which are tables of their own, made,
// renamed and dropped with it. The ids of the partitions follow that of the table, in order.
struct TableEntry {
  TableId id;
  Uuid uuid;
  std::string schema;
  std::string name;
  TimestampUs created_at;
  std::optional<Partitioning> partitioning = {};  // of a partitioned table
  std::optional<TableId> partition_of = {};       // of a partition: its table
  // The tables under whose folders files may lie that versions of this one name: those that it was
  // cloned from. Their files stay while this table is there, whether those tables do or not.
  std::vector<Uuid> shares = {};
  bool operator==(const TableEntry&) const = default;
};

// A query that has a name. Tables and views of a schema share their names.
struct ViewEntry {
  std::string schema;
  std::string name;
  std::vector<std::string> columns;  // their names, where CREATE VIEW gives them
  std::string
      query;  // in Varve's dialect, without comments; strings in single, names in back quotes
  TimestampUs created_at;
  bool operator==(const ViewEntry&) const = default;
};

// A table that has been dropped and can still be brought back.
struct DroppedTable {
  TableEntry table;
  TimestampUs dropped_at;
  TimestampUs kept_until;
  bool operator==(const DroppedTable&) const = default;
};

// An immutable state of the catalogue.
struct CatalogueVersion {
  VersionId id;
  TimestampUs committed_at;                                          // greater than the parent's
  std::map<std::string, std::map<std::string, TableEntry>> schemas;  // schema name -> table name
  std::map<std::string, std::map<std::string, ViewEntry>> views;     // as `schemas`
  std::map<TableId, DroppedTable> dropped;  // with the partitions of partitioned tables
  TableId last_table_id;                    // the largest ever given, also to tables that are gone

  // Of a partitioned table, in order; else empty.
  std::vector<TableEntry> PartitionsOf(const TableEntry& table) const;
  // The newest table of that name that was dropped; nullptr: none is kept. Valid as long as the
  // version.
  const DroppedTable* FindDropped(std::string_view schema, std::string_view name) const;
  // All tables whose files are needed: those that are there, and those that are kept.
  std::vector<TableEntry> KeptTables() const;
  // nullptr: no such table, view. Valid as long as the version.
  const TableEntry* Find(std::string_view schema, std::string_view name) const;
  const ViewEntry* FindView(std::string_view schema, std::string_view name) const;
};

// kOther: a kind that this Varve does not know; its parts that are known are applied.
enum class CatalogueEditKind : uint8_t {
  kCreate,
  kAddSchema,
  kRemoveSchema,
  kAddTable,
  kRemoveTable,
  kRenameTable,
  kRestoreTable,
  kPurgeTables,
  kSetView,
  kRemoveView,
  kOther,
};

struct TableRename {
  TableEntry table;  // as it was
  std::string name;  // the new one
  bool operator==(const TableRename&) const = default;
};

struct TableRestore {
  TableId table;
  std::string name;  // that it gets
  bool operator==(const TableRestore&) const = default;
};

struct CatalogueEdit {
  CatalogueEditKind kind = CatalogueEditKind::kCreate;
  std::string other_kind = {};  // the kind's name when it is kOther
  std::optional<std::string> added_schema = {};
  std::optional<std::string> removed_schema = {};
  std::optional<TableEntry> added_table = {};     // its id is greater than all ids ever given
  std::vector<TableEntry> added_partitions = {};  // of added_table
  std::optional<TableEntry> removed_table = {};
  std::optional<TimestampUs> kept_until = {};  // removed_table can be restored until then
  std::optional<TableRename> renamed_table = {};
  std::optional<TableRestore> restored_table = {};
  std::vector<TableId> purged_tables = {};  // of those that were kept, without their partitions
  std::optional<ViewEntry> removed_view = {};
  std::optional<ViewEntry> added_view = {};
};

// The version after `base`, or the first one when `base` is CatalogueVersion{}. Errors: kNotFound,
// kAlreadyExists; kInvalidArgument for a bad name, a schema that holds tables or views, `public`,
// an id that was given before, or a partition without
// its table.
Result<CatalogueVersion> Apply(CatalogueVersion base, CatalogueEdit edit, TimestampUs now);

}  // namespace varve
