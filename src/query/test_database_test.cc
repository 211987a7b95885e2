#include "query/test_database.h"

#include <arrow/array.h>
#include <arrow/compute/api_scalar.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>

namespace varve {
namespace {

std::string ValueText(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) {
    return "NULL";
  }
  switch (array.type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY: {
      const std::string_view text = static_cast<const arrow::BinaryArray&>(array).GetView(row);
      return text.empty() ? "(empty)" : std::string(text);
    }
    case arrow::Type::DOUBLE:
      return fmt::format("{}", static_cast<const arrow::DoubleArray&>(array).Value(row));
    case arrow::Type::FLOAT:
      return fmt::format("{}", static_cast<const arrow::FloatArray&>(array).Value(row));
    case arrow::Type::NA:
      return "NULL";
    default: {
      std::string text = array.GetScalar(row).ValueOrDie()->ToString();
      // Arrow always prints six digits of a fraction.
      if (array.type_id() == arrow::Type::TIMESTAMP && text.ends_with(".000000")) {
        text.resize(text.size() - 7);
      }
      return text;
    }
  }
}

}  // namespace

Result<std::vector<std::string>> RowTexts(ResultStream& stream) {
  std::vector<std::string> rows;
  while (true) {
    VARVE_ASSIGN(const auto batch, stream.Next());
    if (!batch) {
      return rows;
    }
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      std::string text;
      for (int column = 0; column < batch->num_columns(); ++column) {
        text += column == 0 ? "" : "\t";
        text += ValueText(*batch->column(column), row);
      }
      rows.push_back(std::move(text));
    }
  }
}

Result<std::vector<std::string>> TestDatabase::Rows(std::string_view sql) {
  VARVE_ASSIGN(QueryResult result, Execute(sql));
  if (const auto* affected = std::get_if<AffectedRows>(&result)) {
    return std::vector<std::string>{fmt::format("affected {}", affected->rows)};
  }
  return RowTexts(*std::get<std::unique_ptr<ResultStream>>(result));
}

void TestDatabase::Open() {
  wal_ = std::make_unique<MemoryWal>(log_);
  auto database =
      Database::Open({.store = &store_, .wal = wal_.get(), .clock = &clock_, .ids = &ids_});
  ASSERT_TRUE(database) << database.error().message;
  database_ = *std::move(database);
  auto engine = QueryEngine::Open({.database = database_.get(), .copy = copy_});
  ASSERT_TRUE(engine) << engine.error().message;
  engine_ = *std::move(engine);
  auto session = engine_->NewSession({});
  ASSERT_TRUE(session) << session.error().message;
  session_ = *std::move(session);
}

void TestDatabase::Close() {
  session_.reset();
  engine_.reset();
  if (database_) {
    EXPECT_TRUE(database_->Close());
    database_.reset();
  }
}

}  // namespace varve
