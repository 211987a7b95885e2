// Values that the tests of this folder share. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "meta/version.h"

namespace varve {

inline constexpr TimestampUs kTestNow(1'700'000'000'000'000);

inline ColumnSchema TestColumn(std::string name, ColumnType type) {
  ColumnSchema column;
  column.name = std::move(name);
  column.type = type;
  return column;
}

// tsid, t, host (tag), value
inline TableSchema TestSchema() {
  ColumnSchema time = TestColumn("t", ColumnType::kTimestamp);
  time.nullable = false;
  ColumnSchema host = TestColumn("host", ColumnType::kString);
  host.tag = true;
  host.dictionary = true;
  ColumnSchema value = TestColumn("value", ColumnType::kDouble);
  value.default_value = "1.5";
  value.comment = "°C";
  return TableSchema::Make({.columns = {time, host, value}}).value();
}

inline Uuid TestId(uint64_t number) { return {0x4000, uint64_t{2} << 62 | number}; }

inline FileMeta TestFile(uint64_t number) {
  FileMeta file;
  file.id = TestId(number);
  file.path = "tables/00000000-0000-4000-8000-000000000001/data/1700000000000000/" +
              file.id.ToString() + ".parquet";
  file.segment_start = kTestNow;
  file.schema_id = 1;
  file.rows = 1000;
  file.size_bytes = 12'345;
  file.sha256 = std::string(64, 'a');
  file.time_min = kTestNow;
  file.time_max = TimestampUs(kTestNow.value() + 999'000);
  file.tsid_min = 9'007'199'254'740'993;        // 2^53 + 1: lost in a double
  file.tsid_max = 18'446'744'073'709'551'615u;  // 2^64 - 1
  file.sequence_max = Sequence(18'446'744'073'709'551'614u);
  file.null_counts = {{1, 0}, {2, 0}, {3, 10}, {4, 999}};
  return file;
}

inline DeletionVectorMeta TestVector(uint64_t rows) {
  return {"tables/x/data/v" + std::to_string(rows) + ".roaring", 77, std::string(64, 'b'), rows};
}

inline VersionEdit CreateEdit() {
  VersionEdit edit;
  edit.kind = EditKind::kCreate;
  edit.schema = TestSchema();
  edit.options = TableOptions();
  return edit;
}

inline VersionEdit AddFile(uint64_t number) {
  VersionEdit edit;
  edit.added_files = {TestFile(number)};
  return edit;
}

// Two versions that are the same state.
inline void ExpectSame(const Version& a, const Version& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.committed_at, b.committed_at);
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.other_kind, b.other_kind);
  EXPECT_EQ(*a.schema, *b.schema);
  ASSERT_EQ(a.schemas.size(), b.schemas.size());
  for (const auto& [id, schema] : a.schemas) {
    EXPECT_EQ(*schema, *b.schemas.at(id));
  }
  EXPECT_EQ(a.options, b.options);
  EXPECT_EQ(a.files, b.files);
  EXPECT_EQ(a.masked_at, b.masked_at);
  EXPECT_EQ(a.flushed, b.flushed);
  EXPECT_EQ(a.operations, b.operations);
}

}  // namespace varve
