// Partitioned tables: what is done to one is done to its partitions.
#include <algorithm>

#include "engine/database.h"
#include "engine/partition_rows.h"

namespace varve {
namespace {

// A statement that has reached some of the partitions.
Error Unfinished(const Error& why, std::string_view what, const Table& partition, size_t done,
                 size_t all) {
  return why.WithContext(
      fmt::format("{}: partition {}, after {} of {} partitions; run the statement again", what,
                  partition.name(), done, all));
}

// The partition's columns become those of its table, which says what they are: all ids agree.
Status FollowSchema(const Table& table, Table& partition) {
  const auto follows = [&](const TableSchema& schema) {
    return schema.columns() == table.schema()->columns() &&
           schema.last_column_id() == table.schema()->last_column_id();
  };
  if (follows(*partition.schema())) {
    return {};
  }
  return partition.AlterSchema([&](const TableSchema& schema) {
    const auto whole = table.schema();
    std::vector<std::string> key;
    for (size_t i = 0; i < whole->key_size(); ++i) {
      key.push_back(whole->columns()[i].name);
    }
    // A partition that has missed an alteration has fewer schemas behind it.
    return TableSchema::Restore(schema.schema_id() + 1, whole->last_column_id(), whole->columns(),
                                std::move(key), whole->timestamp().name);
  });
}

// Rows are looked for by these columns.
Status CheckPartitionKey(const Table& table, const TableSchema& next) {
  if (!table.partitioning()) {
    return {};
  }
  for (const uint32_t id : table.partitioning()->columns) {
    if (next.FindById(id) == nullptr) {
      return InvalidArgument("Column can not be dropped: the table is partitioned by it, name:{}",
                             table.schema()->FindById(id)->name);
    }
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<Table>> Database::CreatePartitionedTable(std::string_view schema,
                                                                std::string_view name,
                                                                TableSpec spec,
                                                                TableOptions options,
                                                                const PartitionClause& clause) {
  VARVE_TRY(CheckIdentifier("table", name));
  VARVE_ASSIGN(const TableSchema table_schema, TableSchema::Make(std::move(spec)));
  VARVE_ASSIGN(Partitioning partitioning, MakePartitioning(clause, table_schema, options));
  VARVE_TRY(CheckIdentifier("table", PartitionName(name, partitioning.count - 1)));
  std::lock_guard ddl(ddl_mutex_);
  VARVE_TRY(CheckNew(schema, name));
  for (uint32_t i = 0; i < partitioning.count; ++i) {
    VARVE_TRY(CheckNew(schema, PartitionName(name, i)));
  }
  const auto create = [&]() -> Result<Catalogue::NewTable> {
    const Uuid uuid = options_.ids->NewUuid();
    VARVE_TRY(TableLog::Create(*options_.store, *options_.clock, uuid, table_schema, options));
    return Catalogue::NewTable{uuid};
  };
  VARVE_ASSIGN(Catalogue::NewTable table, create());
  std::vector<Catalogue::NewTable> partitions(partitioning.count);
  for (Catalogue::NewTable& partition : partitions) {
    VARVE_ASSIGN(partition, create());
  }
  VARVE_ASSIGN(const TableEntry entry,
               catalogue_->AddPartitionedTable(schema, name, std::move(table),
                                               std::move(partitioning), partitions));
  // The table last: who finds it finds its partitions.
  for (const TableEntry& partition : catalogue_->current()->PartitionsOf(entry)) {
    VARVE_TRY(OpenTable(partition));
  }
  return OpenTable(entry);
}

std::vector<std::shared_ptr<Table>> Database::PartitionsOf(const Table& table) const {
  std::vector<std::shared_ptr<Table>> partitions;
  if (!table.partitioning()) {
    return partitions;
  }
  std::shared_lock lock(tables_mutex_);
  for (uint32_t i = 0; i < table.partitioning()->count; ++i) {
    const auto found = tables_.find(TableId(table.id().value() + 1 + i));
    if (found != tables_.end()) {
      partitions.push_back(found->second);
    }
  }
  return partitions;
}

std::shared_ptr<Table> Database::TableOf(const Table& partition) const {
  return partition.partition_of() ? TableById(*partition.partition_of()) : nullptr;
}

Status Database::OnPartitions(const Table& table, std::string_view what,
                              const std::function<Status(Table&)>& apply) const {
  const auto partitions = PartitionsOf(table);
  for (size_t i = 0; i < partitions.size(); ++i) {
    if (const Status status = apply(*partitions[i]); !status) {
      return std::unexpected(
          Unfinished(status.error(), what, *partitions[i], i, partitions.size()));
    }
  }
  return {};
}

Status Database::AlterTable(Table& table, const SchemaChange& change) {
  VARVE_TRY(CheckNoPartition(table));
  VARVE_TRY(table.AlterSchema([&](const TableSchema& schema) -> Result<TableSchema> {
    VARVE_ASSIGN(TableSchema next, change(schema));
    VARVE_TRY(CheckPartitionKey(table, next));
    return next;
  }));
  return AlignPartitions(table);
}

Status Database::AlterOnce(Table& table, const std::string& operation_id,
                           const SchemaChangeOnce& change, const TableOptions& options) {
  VARVE_TRY(CheckNoPartition(table));
  const auto checked = [&](const TableSchema& schema) -> Result<std::optional<TableSchema>> {
    VARVE_ASSIGN(auto next, change(schema));
    if (next) {
      VARVE_TRY(CheckPartitionKey(table, *next));
    }
    return next;
  };
  VARVE_TRY(table.AlterOnce(operation_id, checked, options));
  VARVE_TRY(AlignPartitions(table));
  const auto stays = [](const TableSchema&) -> Result<std::optional<TableSchema>> {
    return std::nullopt;
  };
  return OnPartitions(table, "altering it", [&](Table& partition) {
    return partition.AlterOnce(operation_id, stays, options);
  });
}

Status Database::AlignPartitions(const Table& table) {
  for (const auto& partition : PartitionsOf(table)) {
    if (const Status status = FollowSchema(table, *partition); !status) {
      return std::unexpected(status.error().WithContext(fmt::format(
          "table {} is altered, but its partition {} not yet: that follows with the next rows that "
          "are written to it, or the next ALTER TABLE",
          table.name(), partition->name())));
    }
  }
  return {};
}

Status Database::AddColumns(Table& table, std::vector<ColumnSchema> columns) {
  return AlterTable(table,
                    [&](const TableSchema& schema) { return schema.WithColumnsAdded(columns); });
}

Status Database::ModifyOptions(Table& table, const std::map<std::string, std::string>& changes) {
  VARVE_TRY(CheckNoPartition(table));
  VARVE_TRY(table.ModifyOptions(changes));
  return OnPartitions(table, "MODIFY SETTING",
                      [&](Table& partition) { return partition.ModifyOptions(changes); });
}

Status Database::Truncate(Table& table) {
  VARVE_TRY(table.Truncate());
  return OnPartitions(table, "TRUNCATE", [](Table& partition) { return partition.Truncate(); });
}

Result<std::vector<TableWrite>> Database::SplitWrites(std::vector<TableWrite> writes) {
  std::vector<TableWrite> out;
  for (TableWrite& write : writes) {
    const Table& table = *write.table;
    if (!table.partitioning()) {
      out.push_back(std::move(write));
      continue;
    }
    const auto partitions = PartitionsOf(table);
    if (partitions.size() != table.partitioning()->count) {
      return NotFound("Table not found, table:{}", table.name());  // dropped meanwhile
    }
    VARVE_ASSIGN(auto rows, SplitRows(std::move(write.batch), *table.partitioning(),
                                      *table.schema(), random_partition_++));
    for (PartitionRows& part : rows) {
      VARVE_TRY(FollowSchema(table, *partitions[part.partition]));
      out.push_back({partitions[part.partition], std::move(part.batch)});
    }
  }
  std::ranges::sort(out, {}, [](const auto& write) { return write.table->id(); });
  const auto twice =
      std::ranges::adjacent_find(out, {}, [](const auto& write) { return write.table->id(); });
  if (twice != out.end()) {
    return InvalidArgument(
        "table {} is a partition: rows for it and for its table cannot be in one write",
        twice->table->name());
  }
  return out;
}

}  // namespace varve
