#include "engine/changes.h"

#include <arrow/array/builder_binary.h>
#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include <algorithm>
#include <deque>
#include <string>
#include <unordered_set>
#include <utility>

#include "engine/arrow_status.h"
#include "engine/change_rows.h"
#include "engine/row_keys.h"

namespace varve {
namespace {

// In a message.
constexpr size_t kNamedPartitionsMax = 8;

// Rows of one file that a commit has added or taken away.
struct Part {
  FileMeta file;
  enum class Which : uint8_t { kOnly, kAllBut } which = Which::kAllBut;
  DeletionVector rows;
  enum class Way : uint8_t { kLeaves, kEnters } way = Way::kEnters;
};

Result<DeletionVector> DeletedOf(const FileMeta& file, SstCache& files) {
  if (!file.deletion_vector) {
    return DeletionVector::FromRows(std::span<const uint64_t>());
  }
  VARVE_ASSIGN(const auto deleted, files.Deletions(file.id, *file.deletion_vector));
  return *deleted;
}

bool ChangesRows(EditKind kind) {
  return kind != EditKind::kCompact && kind != EditKind::kExpire && kind != EditKind::kAlter;
}

// What leaves first.
Result<std::deque<Part>> PartsOf(const Version* before, const Version& after, SstCache& files) {
  std::deque<Part> parts;
  if (!ChangesRows(after.kind)) {
    return parts;
  }
  static const std::map<Uuid, FileMeta> kNone;
  const auto& former = before == nullptr ? kNone : before->files;
  std::deque<Part> entering;
  for (const auto& [id, file] : former) {
    const auto now = after.files.find(id);
    if (now == after.files.end()) {
      VARVE_ASSIGN(DeletionVector deleted, DeletedOf(file, files));
      parts.push_back({file, Part::Which::kAllBut, std::move(deleted), Part::Way::kLeaves});
      continue;
    }
    if (now->second.deletion_vector == file.deletion_vector) {
      continue;
    }
    VARVE_ASSIGN(const DeletionVector was, DeletedOf(file, files));
    VARVE_ASSIGN(const DeletionVector is, DeletedOf(now->second, files));
    if (DeletionVector gone = is.Minus(was); gone.size() > 0) {
      parts.push_back({file, Part::Which::kOnly, std::move(gone), Part::Way::kLeaves});
    }
    if (DeletionVector back = was.Minus(is); back.size() > 0) {
      entering.push_back({file, Part::Which::kOnly, std::move(back), Part::Way::kEnters});
    }
  }
  for (const auto& [id, file] : after.files) {
    if (!former.contains(id)) {
      VARVE_ASSIGN(DeletionVector deleted, DeletedOf(file, files));
      entering.push_back({file, Part::Which::kAllBut, std::move(deleted), Part::Way::kEnters});
    }
  }
  std::ranges::move(entering, std::back_inserter(parts));
  return parts;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  return out;
}

Result<std::shared_ptr<arrow::Schema>> SchemaOf(const TableSchema& schema, std::string_view table) {
  arrow::FieldVector fields = {
      arrow::field(std::string(kChangeColumns[0]), arrow::utf8(), false),
      arrow::field(std::string(kChangeColumns[1]), arrow::uint64(), false),
      arrow::field(std::string(kChangeColumns[2]), ArrowType(ColumnType::kTimestamp), false)};
  for (const ColumnSchema& column : schema.columns()) {
    if (std::ranges::find(kChangeColumns, Lower(column.name)) != kChangeColumns.end()) {
      return InvalidArgument(
          "the changes of table {} cannot be read: its column '{}' has a name that they need; "
          "rename it",
          table, column.name);
    }
    fields.push_back(arrow::field(column.name, ArrowType(column.type), column.nullable));
  }
  return arrow::schema(std::move(fields));
}

// What one commit has done.
class CommitChanges {
 public:
  static Result<CommitChanges> Of(const ChangeInput& input, const Version* before,
                                  const Version& after) {
    CommitChanges out(input, after);
    VARVE_ASSIGN(out.parts_, PartsOf(before, after, *input.files));
    return out;
  }

  // nullptr after the last.
  Result<std::shared_ptr<arrow::RecordBatch>> Next(const std::shared_ptr<arrow::Schema>& schema) {
    while (rows_ != nullptr || !parts_.empty()) {
      if (rows_ == nullptr) {
        VARVE_ASSIGN(rows_, Open(parts_.front()));
      }
      VARVE_ASSIGN(ChangeColumns columns, rows_->Next());
      if (columns.rows > 0) {
        return Batch(schema, std::move(columns), parts_.front().way);
      }
      rows_ = nullptr;
      parts_.pop_front();
    }
    return nullptr;
  }

 private:
  CommitChanges(const ChangeInput& input, const Version& after)
      : input_(&input), version_(after.id), committed_at_(after.committed_at), kind_(after.kind) {}

  Result<std::unique_ptr<ChangeRows>> Open(const Part& part) const {
    return part.which == Part::Which::kOnly ? ChangeRows::Only(*input_, part.file, part.rows)
                                            : ChangeRows::AllBut(*input_, part.file, part.rows);
  }

  Result<std::shared_ptr<arrow::RecordBatch>> Batch(const std::shared_ptr<arrow::Schema>& schema,
                                                    ChangeColumns columns, Part::Way way) {
    auto& values = columns.values;
    values.insert(values.begin(), kChangeColumns.size(), nullptr);
    VARVE_ASSIGN(values[1], FromArrow(arrow::MakeArrayFromScalar(
                                arrow::UInt64Scalar(version_.value()), columns.rows)));
    VARVE_ASSIGN(
        values[2],
        FromArrow(arrow::MakeArrayFromScalar(
            arrow::TimestampScalar(committed_at_.value(), ArrowType(ColumnType::kTimestamp)),
            columns.rows)));
    VARVE_ASSIGN(values[0], Types(columns, way));
    return arrow::RecordBatch::Make(schema, columns.rows, std::move(values));
  }

  Result<std::shared_ptr<arrow::Array>> Types(const ChangeColumns& columns, Part::Way way) {
    const bool flushed = kind_ == EditKind::kFlush;
    if (way == Part::Way::kEnters && replaced_.empty()) {
      return FromArrow(
          arrow::MakeArrayFromScalar(arrow::StringScalar(std::string(kInsert)), columns.rows));
    }
    if (way == Part::Way::kLeaves && !flushed) {
      return FromArrow(
          arrow::MakeArrayFromScalar(arrow::StringScalar(std::string(kDelete)), columns.rows));
    }
    RowKeys keys =
        RowKeys::Of(*input_->schema, std::span(columns.values).subspan(kChangeColumns.size()));
    arrow::StringBuilder types;
    for (int64_t row = 0; row < columns.rows; ++row) {
      std::string_view type = kUpdatePreimage;
      if (way == Part::Way::kLeaves) {
        replaced_.emplace(keys.Key(row));
      } else {
        type = replaced_.contains(std::string(keys.Key(row))) ? kUpdatePostimage : kInsert;
      }
      VARVE_TRY(FromArrow(types.Append(type)));
    }
    return FromArrow(types.Finish());
  }

  const ChangeInput* input_;
  VersionId version_;
  TimestampUs committed_at_;
  EditKind kind_;
  std::deque<Part> parts_;
  std::unique_ptr<ChangeRows> rows_;          // of the first of them
  std::unordered_set<std::string> replaced_;  // keys of rows that the flush has replaced
};

class LogChangeReader final : public ChangeReader {
 public:
  LogChangeReader(std::shared_ptr<const Table> table, std::unique_ptr<VersionWalk> walk,
                  std::shared_ptr<const Version> before, std::shared_ptr<const Version> to,
                  std::shared_ptr<arrow::Schema> schema)
      : table_(std::move(table)),
        walk_(std::move(walk)),
        before_(std::move(before)),
        to_(std::move(to)),
        schema_(std::move(schema)) {}

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }
  const TableSchema& table_schema() const override { return *to_->schema; }

  Result<std::optional<ChangeStep>> Next() override {
    if (!commit_) {
      if (before_ != nullptr && before_->id >= to_->id) {
        return std::nullopt;
      }
      VARVE_TRY(Begin());
    }
    VARVE_ASSIGN(auto rows, commit_->Next(schema_));
    if (rows == nullptr) {
      commit_.reset();
      before_ = std::move(version_);
      return ChangeStep{before_->id, nullptr};
    }
    return ChangeStep{version_->id, std::move(rows)};
  }

  Status GoOn(VersionId to) override {
    VARVE_ASSIGN(auto version, table_->FindVersion(to));
    if (version->schema->schema_id() != to_->schema->schema_id()) {
      VARVE_ASSIGN(schema_, SchemaOf(*version->schema, table_->name()));
    }
    to_ = std::move(version);
    return {};
  }

 private:
  Status Begin() {
    VARVE_ASSIGN(version_, walk_->Next());
    if (version_ == nullptr) {
      return Internal("table {} has lost the versions before {}", table_->name(), to_->id);
    }
    const ReadView view = table_->ViewAt(version_);
    files_ = view.files;
    input_ = {&table_->store(), files_.get(), to_->schema.get(), view.visible_from};
    VARVE_ASSIGN(commit_, CommitChanges::Of(input_, before_.get(), *version_));
    return {};
  }

  const std::shared_ptr<const Table> table_;
  const std::unique_ptr<VersionWalk> walk_;
  std::shared_ptr<const Version> before_;  // nullptr: before the first one
  std::shared_ptr<const Version> to_;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<const Version> version_;  // that is being read
  std::shared_ptr<SstCache> files_;
  ChangeInput input_;
  std::optional<CommitChanges> commit_;
};

}  // namespace

Result<std::unique_ptr<ChangeReader>> ChangeReader::Open(std::shared_ptr<const Table> table,
                                                         ChangeRange range) {
  VARVE_ASSIGN(auto walk, table->WalkVersions(range.from, range.to));
  std::shared_ptr<const Version> before;
  if (range.from != VersionId()) {
    VARVE_ASSIGN(before, table->FindVersion(range.from));
  }
  VARVE_ASSIGN(auto to, table->FindVersion(range.to));
  VARVE_ASSIGN(auto schema, SchemaOf(*to->schema, table->name()));
  return std::make_unique<LogChangeReader>(std::move(table), std::move(walk), std::move(before),
                                           std::move(to), std::move(schema));
}

Result<std::shared_ptr<Table>> FindTableWithChanges(const Database& database,
                                                    std::string_view schema,
                                                    std::string_view name) {
  VARVE_ASSIGN(auto table, database.FindTable(schema, name));
  if (!table->partitioning()) {
    return table;
  }
  std::string names;
  const auto partitions = database.PartitionsOf(*table);
  for (size_t i = 0; i < std::min(partitions.size(), kNamedPartitionsMax); ++i) {
    names += (i == 0 ? "" : ", ") + partitions[i]->name();
  }
  return InvalidArgument(
      "table {} is partitioned, and each of its {} partitions has changes of its own: read those "
      "of "
      "{}{}",
      name, partitions.size(), names, partitions.size() > kNamedPartitionsMax ? ", …" : "");
}

}  // namespace varve
