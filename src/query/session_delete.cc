// DELETE and TRUNCATE.
#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>

#include <duckdb/parser/expression/columnref_expression.hpp>
#include <duckdb/parser/query_node/select_node.hpp>
#include <duckdb/parser/statement/select_statement.hpp>

#include "query/duckdb_bridge.h"
#include "query/name_text.h"
#include "query/session_internal.h"

namespace varve {
namespace {

constexpr uint64_t kRowMask = (uint64_t{1} << kRowPlaceBits) - 1;

// SELECT 1 FROM the rows' table WHERE the condition, which may call it by the name of the table
// that the statement names. In parentheses, so that the condition is one expression: its own are
// known to match.
std::string RowsQuery(const Table& rows, const Table& named,
                      const std::optional<std::string>& where) {
  std::string sql = fmt::format("SELECT 1 FROM {}.{}.{}", DuckDbName(kDefaultCatalogName),
                                DuckDbName(rows.schema_name()), DuckDbName(rows.name()));
  if (&rows != &named) {
    sql += fmt::format(" AS {}", DuckDbName(named.name()));
  }
  if (where) {
    sql += fmt::format(" WHERE ({})", *where);
  }
  return sql;
}

// Positions of one file, a few at a time as numbers, all others as a bitmap: a delete may be of
// most rows of a large table.
class FilePositions {
 public:
  void Add(uint64_t position) {
    pending_.push_back(position);
    if (pending_.size() == kPendingMax) {
      Compress();
    }
  }

  DeletionVector Take() {
    Compress();
    return std::move(all_);
  }

 private:
  static constexpr size_t kPendingMax = size_t{1} << 17;  // 1 MiB of numbers

  void Compress() {
    all_ = all_.Union(DeletionVector::FromRows(pending_));
    pending_.clear();
  }

  DeletionVector all_ = DeletionVector::FromRows({});
  std::vector<uint64_t> pending_;
};

Result<Table::RowsByFile> ReadPlaces(ResultStream& places, const Version& version) {
  std::vector<Uuid> files;
  for (const auto& [id, file] : version.files) {
    files.push_back(id);
  }
  std::map<Uuid, FilePositions> found;
  while (true) {
    VARVE_ASSIGN(const auto batch, places.Next());
    if (!batch) {
      break;
    }
    const auto& column = static_cast<const arrow::UInt64Array&>(*batch->column(0));
    for (int64_t i = 0; i < column.length(); ++i) {
      const uint64_t place = column.Value(i);
      found[files[place >> kRowPlaceBits]].Add(place & kRowMask);
    }
  }
  Table::RowsByFile rows;
  for (auto& [id, positions] : found) {
    rows.emplace(id, positions.Take());
  }
  return rows;
}

// Deletes from several tables: all rows are found before any is deleted, so that what the condition
// reads of the tables is as it was.
class DeleteFromAll {
 public:
  using Find = std::function<Result<Table::RowsByFile>(const Table&, const ReadView&)>;
  DeleteFromAll(std::vector<std::shared_ptr<Table>> tables, Find find)
      : tables_(std::move(tables)), find_(std::move(find)) {}

  Result<uint64_t> Run() {
    if (Status status = DeleteFrom(0); !status) {
      if (done_ == 0) {
        return std::unexpected(std::move(status).error());
      }
      return std::unexpected(status.error().WithContext(fmt::format(
          "DELETE: rows of {} of {} partitions are deleted; run the statement again for the others",
          done_, tables_.size())));
    }
    return rows_;
  }

 private:
  // Of the tables from `index` on. While the rows of one are looked for, it does not change: there
  // the others have their turn.
  Status DeleteFrom(size_t index) {
    if (index == tables_.size()) {
      for (size_t i = 0; i < tables_.size(); ++i) {
        VARVE_ASSIGN(auto found, find_(*tables_[i], views_[i]));
        found_.push_back(std::move(found));
      }
      return {};
    }
    const auto find = [&](const ReadView& view) -> Result<Table::RowsByFile> {
      views_.push_back(view);
      VARVE_TRY(DeleteFrom(index + 1));
      return std::move(found_[index]);
    };
    VARVE_ASSIGN(const uint64_t rows, tables_[index]->Delete(find));
    rows_ += rows;
    done_ += rows > 0 ? 1 : 0;
    return {};
  }

  const std::vector<std::shared_ptr<Table>> tables_;
  const Find find_;
  std::vector<ReadView> views_;
  std::vector<Table::RowsByFile> found_;
  uint64_t rows_ = 0;
  size_t done_ = 0;  // from which rows have been deleted
};

}  // namespace

Result<QueryResult> SessionImpl::Run(const DeleteStatement& statement) {
  VARVE_ASSIGN(const auto table, Find(statement.name));
  VARVE_TRY(AllowWrite(*table));
  if (statement.where) {
    // By itself first: what is wrong with it is shown in the user's text.
    VARVE_TRY(RewriteExpression(fmt::format("({})", *statement.where), Rewriting(), {}));
  }
  const auto find = [&](const Table& rows, const ReadView& view) -> Result<Table::RowsByFile> {
    VARVE_ASSIGN(RewrittenQuery query,
                 RewriteQuery(RowsQuery(rows, *table, statement.where), Rewriting()));
    auto& select = query.statement->node->Cast<duckdb::SelectNode>().select_list;
    select.clear();
    select.push_back(duckdb::make_uniq<duckdb::ColumnRefExpression>(kRowPlaceName));
    VARVE_ASSIGN(const auto places, connection_->Run(std::move(query.statement), query.names,
                                                     RowTarget{rows.id(), view}));
    return ReadPlaces(*places, *view.version);
  };
  VARVE_TRY(database().AlignPartitions(*table));
  auto tables = database().PartitionsOf(*table);
  if (!table->partitioning()) {
    tables.push_back(table);
  }
  VARVE_ASSIGN(const uint64_t rows, DeleteFromAll(std::move(tables), find).Run());
  return AffectedRows{rows};
}

Result<QueryResult> SessionImpl::Run(const TruncateStatement& statement) {
  VARVE_ASSIGN(const auto table, Find(statement.name));
  VARVE_TRY(AllowWrite(*table));
  VARVE_TRY(database().Truncate(*table));
  return AffectedRows{};
}

}  // namespace varve
