// TableSchema: the columns of a table, its primary key and its timestamp key. An immutable value;
// ALTER TABLE makes a new one with the next schema id.
//
// Invariants (TableSchema::Make checks them): exactly one timestamp key column, of type timestamp,
// NOT NULL, not a tag; it is part of the primary key; key columns stand first, in key order; column
// ids are unique and never used again; names are unique, case counts; `tsid` is there exactly when
// the primary key names it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/column_type.h"

namespace varve {

// The hidden column of tables without an explicit primary key: the hash of a row's tags (see
// series_key.h).
inline constexpr std::string_view kTsidColumn = "tsid";
inline constexpr size_t kColumnsMax =
    4096;  // of one table; bounds the width of files and of INSERT
inline constexpr size_t kIdentifierBytesMax = 1024;  // of a table or column name

struct ColumnSchema {
  uint32_t id = 0;  // the Parquet field id; counts from 1 in the table's life
  std::string name;
  ColumnType type = ColumnType::kDouble;
  bool nullable = true;
  bool tag = false;
  bool dictionary = false;    // string only: the user asked for dictionary encoding
  std::string default_value;  // an SQL expression in normal form; empty = none
  std::string comment;

  bool operator==(const ColumnSchema&) const = default;
};

// What CREATE TABLE says, before it is checked and completed.
struct TableSpec {
  std::vector<ColumnSchema> columns;         // as declared; ids are not set yet
  std::vector<std::string> primary_key;      // empty: (tsid, timestamp)
  std::optional<std::string> timestamp_key;  // nullopt: the only timestamp column
};

class TableSchema {
 public:
  // A new table's schema: adds tsid where the key needs it, moves key columns to the front, gives
  // ids from 1. Errors: kInvalidArgument with CeresDB's reasons ("Table must contain timestamp
  // constraint", ...).
  static Result<TableSchema> Make(TableSpec spec);

  // A schema that was made before, read back. Errors: kCorruption when an invariant does not hold.
  static Result<TableSchema> Restore(uint32_t schema_id, uint32_t last_column_id,
                                     std::vector<ColumnSchema> columns,
                                     std::vector<std::string> primary_key,
                                     std::string_view timestamp_key);

  // The next schema, with these columns appended. Errors: kAlreadyExists for a name that is taken;
  // kInvalidArgument for NOT NULL ("Not allow to add a not null column, name:c"), a reserved name
  // or too many columns.
  Result<TableSchema> WithColumnsAdded(std::vector<ColumnSchema> added) const;

  // The same columns, as the schema that follows `current`, which has had them all.
  TableSchema AsSuccessorOf(const TableSchema& current) const;

  uint32_t schema_id() const { return schema_id_; }            // counts from 1
  uint32_t last_column_id() const { return last_column_id_; }  // the largest id ever given
  const std::vector<ColumnSchema>& columns() const { return columns_; }
  // Indexes into columns(), in key order: 0, 1, ... (key columns stand first).
  size_t key_size() const { return key_size_; }
  size_t timestamp_index() const { return timestamp_index_; }
  const ColumnSchema& timestamp() const { return columns_[timestamp_index_]; }
  std::optional<size_t> tsid_index() const { return tsid_index_; }
  // Indexes of the tag columns, in schema order.
  const std::vector<size_t>& tags() const { return tags_; }
  // True for the key (tsid, timestamp), which is the fast path of writing and reading.
  bool HasDefaultKey() const {
    return tsid_index_ == 0u && timestamp_index_ == 1 && key_size_ == 2;
  }

  // Case counts. nullopt / nullptr: no such column.
  std::optional<size_t> FindIndex(std::string_view name) const;
  const ColumnSchema* Find(std::string_view name) const;
  const ColumnSchema* FindById(uint32_t id) const;

  bool operator==(const TableSchema&) const = default;

 private:
  TableSchema() = default;
  // Fills what follows from columns_ and the key names; checks the invariants.
  Status Complete(const std::vector<std::string>& primary_key, std::string_view timestamp_key);

  uint32_t schema_id_ = 1;
  uint32_t last_column_id_ = 0;
  std::vector<ColumnSchema> columns_;
  size_t key_size_ = 0;
  size_t timestamp_index_ = 0;
  std::optional<size_t> tsid_index_;
  std::vector<size_t> tags_;
};

// Errors: kInvalidArgument for an empty or over-long name, or one with control characters.
Status CheckIdentifier(std::string_view kind, std::string_view name);

}  // namespace varve
