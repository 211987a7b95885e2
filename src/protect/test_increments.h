// Increments between databases in memory. For tests only.
#pragma once

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "model/schema_change.h"
#include "protect/snapshot_folder.h"
#include "protect/test_database.h"

namespace varve {

class IncrementTest : public ProtectTest {
 protected:
  using Place = std::unique_ptr<MemoryObjectStore>;
  Place NewPlace() { return std::make_unique<MemoryObjectStore>(&source_.clock_); }

  // What has been written since gets another time than the snapshot before.
  Result<ExportReport> Increment(ObjectStore& target, ObjectStore& since,
                                 ExportRequest request = {}) {
    source_.clock_.Advance(std::chrono::hours(1));
    return ExportSince(target, &since, std::move(request));
  }

  // "public.cpu day 1 add 2 rows", of all chunks in which something is to be done.
  static std::vector<std::string> Changes(ObjectStore& place) {
    const Manifest manifest = SnapshotFolder(place).LoadComplete().value();
    std::vector<std::string> out;
    for (const Chunk& chunk : manifest.chunks) {
      for (const ChunkSource& source : chunk.sources) {
        uint64_t rows = 0;
        for (const SnapshotFile& file : chunk.files) {
          rows += file.table == source.table && file.partition == source.partition ? file.rows : 0;
        }
        if (source.change != ChunkChange::kNone) {
          out.push_back(fmt::format("{} day {} {} {} rows", source.table,
                                    chunk.range.start.value() / 1000 / kDayMs,
                                    source.change == ChunkChange::kAdd ? "add" : "replace", rows));
        }
      }
    }
    return out;
  }

  static TestRows AllRows(TransferDatabase& database, const std::string& table) {
    const auto found = database->FindTable("public", table);
    TestRows all;
    if (!found) {
      return all;
    }
    auto parts = database->PartitionsOf(**found);
    parts.push_back(*found);
    for (const auto& part : parts) {
      const TestRows rows = ReadRows(database.store_, part->View().value()).value();
      all.insert(rows.begin(), rows.end());
    }
    return all;
  }

  // Deletes the rows of [start, end) from the table.
  void Delete(const std::string& name, int64_t start_ms, int64_t end_ms) {
    const auto found = source_->FindTable("public", name).value();
    auto parts = source_->PartitionsOf(*found);
    parts.push_back(found);
    for (const auto& part : parts) {
      const auto find = [&](const ReadView& view) -> Result<Table::RowsByFile> {
        Table::RowsByFile rows;
        for (const auto& [id, file] : view.version->files) {
          VARVE_ASSIGN(const auto positions, RowsBetween(file, *view.schema, start_ms, end_ms));
          if (!positions.empty()) {
            rows.emplace(id, DeletionVector::FromRows(positions));
          }
        }
        return rows;
      };
      ASSERT_THAT(part->Delete(find), IsOk());
    }
  }
  Result<std::vector<uint64_t>> RowsBetween(const FileMeta& file, const TableSchema& schema,
                                            int64_t start_ms, int64_t end_ms) {
    VARVE_ASSIGN(const auto reader, SstReader::Open(source_.store_, file, schema));
    std::vector<uint64_t> found;
    uint64_t position = 0;
    while (true) {
      VARVE_ASSIGN(const auto batch, reader->Next());
      if (batch == nullptr) {
        return found;
      }
      const auto& times = static_cast<const arrow::TimestampArray&>(
          *batch->column(static_cast<int>(schema.timestamp_index())));
      for (int64_t i = 0; i < times.length(); ++i, ++position) {
        if (times.Value(i) >= start_ms * 1000 && times.Value(i) < end_ms * 1000) {
          found.push_back(position);
        }
      }
    }
  }

  void AlterColumns(const std::string& name) {
    const auto stays = *source_->FindTable("public", name);
    ASSERT_THAT(source_->AddColumns(*stays, {{.name = "x", .type = ColumnType::kDouble},
                                             {.name = "y", .type = ColumnType::kString}}),
                IsOk());
    ASSERT_THAT(source_->AlterTable(*stays,
                                    [](const TableSchema& schema) {
                                      return WithColumnRenamed(schema, "value", "amount");
                                    }),
                IsOk());
    ASSERT_THAT(source_->AlterTable(*stays,
                                    [](const TableSchema& schema) {
                                      return WithColumnRenamed(schema, "x", "value");
                                    }),
                IsOk());
    ASSERT_THAT(source_->AlterTable(*stays,
                                    [](const TableSchema& schema) {
                                      const std::vector<std::string> names = {"y"};
                                      return WithColumnsDropped(schema, names);
                                    }),
                IsOk());
    ASSERT_THAT(source_->ModifyOptions(*stays, {{"compression", "LZ4"}}), IsOk());
  }

  std::string Refusal(const Result<ImportReport>& imported) {
    return imported ? "ok" : imported.error().message;
  }
};

}  // namespace varve
