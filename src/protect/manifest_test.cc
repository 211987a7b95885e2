// The bytes of a manifest, what is made of damaged ones, and checksums.
#include "protect/manifest.h"

#include <gmock/gmock.h>

#include "base/checksum.h"
#include "base/matchers.h"

namespace varve {
namespace {

using testing::HasSubstr;

Manifest Example() {
  Manifest manifest;
  manifest.snapshot_id = Uuid(1, 2);
  manifest.db_uuid = Uuid(3, 4);
  manifest.server_version = "0.1.0";
  manifest.catalog = "varve";
  manifest.schemas = {"public"};
  manifest.tables = {"public.cpu"};
  manifest.range = {TimestampUs(0), TimestampUs(172'800'000'000)};
  manifest.created_at = TimestampUs(200'000'000'000);
  manifest.completed_at = TimestampUs(200'000'000'001);
  manifest.sources = {{"public", "cpu", 1, Uuid(5, 6), VersionId(7), TimestampUs(0)}};
  manifest.schema_files = {{"schema/tables.json", 10, Sha256Hex("tables")}};
  SnapshotFile file{.path = "data/1/public.cpu.parquet", .schema = "public", .table = "cpu"};
  file.size_bytes = 5;
  file.rows = 2;
  file.sha256 = Sha256Hex("hello");
  file.time_min = TimestampUs(1000);
  file.time_max = TimestampUs(2000);
  file.notes = DataFileNotes{TimestampUs(0), 7, 18446744073709551615U, {{3, 1}}};
  Chunk chunk{1, {TimestampUs(0), TimestampUs(86'400'000'000)}, ChunkStatus::kCompleted, {file}};
  chunk.sources = {{.schema = "public",
                    .table = "cpu",
                    .partition = 1,
                    .uuid = Uuid(5, 6),
                    .visible_from = TimestampUs(0),
                    .files = {{Uuid(7, 8), ""}, {Uuid(7, 9), Sha256Hex("rows")}}}};
  chunk.checksum = ChunkChecksum(chunk.files);
  manifest.chunks = {
      chunk,
      {2, {TimestampUs(86'400'000'000), TimestampUs(172'800'000'000)}, ChunkStatus::kSkipped}};
  manifest.checksum = SnapshotChecksum(manifest);
  return manifest;
}

constexpr std::string_view kGolden = R"({
 "format": "varve-export",
 "version": 1,
 "min_reader": 1,
 "snapshot_id": "00000000-0000-0001-0000-000000000002",
 "db_uuid": "00000000-0000-0003-0000-000000000004",
 "server_version": "0.1.0",
 "catalog": "varve",
 "schemas": [
  "public"
 ],
 "tables": [
  "public.cpu"
 ],
 "time_range": {
  "start": "1970-01-01T00:00:00Z",
  "end": "1970-01-03T00:00:00Z"
 },
 "schema_only": false,
 "data_format": "parquet",
 "chunk_time_window": "1d",
 "state": "complete",
 "created_at": "1970-01-03T07:33:20Z",
 "completed_at": "1970-01-03T07:33:20.000001Z",
 "sources": [
  {
   "schema": "public",
   "table": "cpu",
   "partition": 1,
   "uuid": "00000000-0000-0005-0000-000000000006",
   "version": 7,
   "visible_from": "1970-01-01T00:00:00Z"
  }
 ],
 "schema_files": [
  {
   "path": "schema/tables.json",
   "size_bytes": 10,
   "sha256": "sha256:@tables"
  }
 ],
 "chunks": [
  {
   "id": 1,
   "time_range": {
    "start": "1970-01-01T00:00:00Z",
    "end": "1970-01-02T00:00:00Z"
   },
   "status": "Completed",
   "files": [
    {
     "path": "data/1/public.cpu.parquet",
     "schema": "public",
     "table": "cpu",
     "size_bytes": 5,
     "rows": 2,
     "sha256": "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
     "min_ts": "1970-01-01T00:00:00.001Z",
     "max_ts": "1970-01-01T00:00:00.002Z",
     "varve": {
      "segment_start": "1970-01-01T00:00:00Z",
      "tsid_min": "7",
      "tsid_max": "18446744073709551615",
      "null_counts": {
       "3": 1
      }
     }
    }
   ],
   "sources": [
    {
     "schema": "public",
     "table": "cpu",
     "partition": 1,
     "uuid": "00000000-0000-0005-0000-000000000006",
     "visible_from": "1970-01-01T00:00:00Z",
     "files": [
      {
       "id": "00000000-0000-0007-0000-000000000008"
      },
      {
       "id": "00000000-0000-0007-0000-000000000009",
       "deletions": "sha256:@rows"
      }
     ]
    }
   ],
   "checksum": "sha256:@chunk"
  },
  {
   "id": 2,
   "time_range": {
    "start": "1970-01-02T00:00:00Z",
    "end": "1970-01-03T00:00:00Z"
   },
   "status": "Skipped",
   "files": []
  }
 ],
 "checksum": "sha256:@snapshot"
}
)";

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(ManifestTest, TheBytesAreTheSpecification) {
  // By the words of the format, not by the code.
  const std::string file_hash = Sha256Hex("hello");
  const std::string chunk_hash =
      Sha256Hex(std::string("data/1/public.cpu.parquet") + '\0' + file_hash + "\n");
  const std::string snapshot_hash =
      Sha256Hex(std::string("data/1") + '\0' + chunk_hash + "\n" + "schema/tables.json" + '\0' +
                Sha256Hex("tables") + "\n");
  std::string golden = Replaced(std::string(kGolden), "@tables", Sha256Hex("tables"));
  golden = Replaced(golden, "@rows", Sha256Hex("rows"));
  golden = Replaced(golden, "@chunk", chunk_hash);
  golden = Replaced(golden, "@snapshot", snapshot_hash);
  EXPECT_EQ(*EncodeManifest(Example()), golden);
  const auto read = DecodeManifest(golden);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(*read, Example());
}

constexpr std::string_view kSelectionGolden = R"( "selection": {
  "schemas": [
   "public"
  ],
  "tables": [
   "cpu"
  ],
  "start": "1970-01-01T00:00:00Z"
 },)";

constexpr std::string_view kChangesGolden = R"( "base": {
  "snapshot_id": "00000000-0000-0008-0000-000000000001",
  "manifest_sha256": "sha256:@base",
  "location": "file:///backup/monday"
 },
 "changes": {
  "dropped_schemas": [
   "old"
  ],
  "dropped_tables": [
   {
    "schema": "public",
    "name": "gone"
   }
  ],
  "dropped_views": [
   {
    "schema": "public",
    "name": "view"
   }
  ],
  "made_tables": [
   {
    "schema": "public",
    "name": "new"
   }
  ],
  "base_columns": [
   {
    "schema": "public",
    "table": "cpu",
    "columns": [
     {
      "id": 1,
      "name": "tsid"
     },
     {
      "id": 2,
      "name": "t"
     }
    ]
   }
  ]
 },)";

TEST(ManifestTest, TheBytesOfAnIncrementAreTheSpecification) {
  Manifest manifest = Example();
  manifest.selection = {{{"public"}}, {{"cpu"}}, TimestampUs(0)};
  manifest.base = {Uuid(8, 1), Sha256Hex("base"), "file:///backup/monday"};
  manifest.changes = {{"old"},
                      {{"public", "gone"}},
                      {{"public", "view"}},
                      {{"public", "new"}},
                      {{{"public", "cpu"}, {{1, "tsid"}, {2, "t"}}}}};
  ChunkSource& source = manifest.chunks[0].sources[0];
  source.change = ChunkChange::kAdd;
  source.added = {source.files[1]};
  source.files.resize(1);
  manifest.chunks[1].sources = {
      {.schema = "public", .table = "cpu", .uuid = Uuid(5, 7), .change = ChunkChange::kReplace}};
  const std::string text = *EncodeManifest(manifest);
  for (const std::string& part :
       {std::string("\"version\": 2,\n \"min_reader\": 2,"), std::string(kSelectionGolden),
        Replaced(std::string(kChangesGolden), "@base", Sha256Hex("base")),
        std::string("     \"change\": \"add\",\n     \"files\": [\n      {\n       \"id\": "
                    "\"00000000-0000-0007-0000-000000000008\"\n      }\n     ],\n     \"added\": "
                    "[\n      {\n       \"id\": \"00000000-0000-0007-0000-000000000009\",\n"),
        std::string("     \"change\": \"replace\",\n     \"files\": []\n")}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  const auto read = DecodeManifest(text);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(*read, manifest);
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"\"add\"", "\"more\""},
                                                        {"\"changes\"", "\"change\""},
                                                        {"\"manifest_sha256\"", "\"x\""}}) {
    EXPECT_FALSE(DecodeManifest(Replaced(text, from, to))) << from;
  }
}

TEST(ManifestTest, WhatIsUnknownIsIgnoredAndWhatIsNewerRefused) {
  const std::string text = *EncodeManifest(Example());
  EXPECT_THAT(DecodeManifest(Replaced(text, "\"version\": 1", "\"version\": 9, \"new\": {}")),
              IsOk());
  const auto newer = DecodeManifest(Replaced(text, "\"min_reader\": 1", "\"min_reader\": 3"));
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().kind, ErrorKind::kNotSupported);
  EXPECT_THAT(newer.error().message, HasSubstr("MANIFEST_TOO_NEW"));
}

TEST(ManifestTest, DamageIsNamed) {
  const std::string text = *EncodeManifest(Example());
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"format\": \"varve-export\"", "\"format\": \"other\""},
           {"\"snapshot_id\"", "\"snapshot\""},
           {"\"id\": 2", "\"id\": 3"},
           {"data/1/public", "../1/public"},
           {"\"Completed\"", "\"Done\""},
           {"sha256:2cf2", "sha256:2CF2"},
           {"1970-01-02T00:00:00Z\",\n    \"end", "1970-01-02T00:00:01Z\",\n    \"end"},
           {"\"rows\": 2", "\"rows\": -2"}}) {
    SCOPED_TRACE(from);
    const auto read = DecodeManifest(Replaced(text, from, to));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, ErrorKind::kCorruption);
    EXPECT_THAT(read.error().message, HasSubstr("MANIFEST_CORRUPT: manifest.json"));
  }
  for (size_t size = 0; size + 1 < text.size(); size += 7) {
    EXPECT_FALSE(DecodeManifest(text.substr(0, size)));
  }
}

TEST(ManifestTest, NamesBecomeSegmentsOfPaths) {
  EXPECT_EQ(SnapshotSegment("../evil"), "%2E%2E%2Fevil");
  EXPECT_EQ(SnapshotSegment("Größe_1-a.b%"), "Gr%C3%B6%C3%9Fe_1-a%2Eb%25");
}

}  // namespace
}  // namespace varve
