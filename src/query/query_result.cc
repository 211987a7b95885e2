#include "query/query_result.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/c/bridge.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <duckdb/common/arrow/arrow_converter.hpp>
#include <duckdb/common/arrow/arrow_type_extension.hpp>

#include "base/check.h"
#include "engine/arrow_status.h"
#include "query/duckdb_bridge.h"
#include "query/name_mapping.h"

namespace varve {
namespace {

using ExtensionTypes =
    std::unordered_map<duckdb::idx_t, const duckdb::shared_ptr<duckdb::ArrowTypeExtensionData>>;

class DuckDbStream final : public ResultStream {
 public:
  DuckDbStream(duckdb::Connection& connection, duckdb::unique_ptr<duckdb::QueryResult> result,
               CleanMessage clean)
      : connection_(connection), result_(std::move(result)), clean_(std::move(clean)) {}

  ~DuckDbStream() override {
    if (result_) {
      Abandon();
    }
  }

  Status Open() {
    return Caught([&]() -> Status {
      properties_ = connection_.context->GetClientProperties();
      extension_types_ =
          duckdb::ArrowTypeExtensionData::GetExtensionTypes(*connection_.context, result_->types);
      duckdb::vector<std::string> names;
      for (const std::string& name : result_->names) {
        names.push_back(NameMapping::FromDuckDb(name));
      }
      ArrowSchema c_schema;
      duckdb::ArrowConverter::ToArrowSchema(&c_schema, result_->types, names, properties_);
      VARVE_ASSIGN(schema_, FromArrow(arrow::ImportSchema(&c_schema)));
      return {};
    });
  }

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    if (!result_) {
      return nullptr;
    }
    auto batch = Caught([&] { return Fetch(); });
    if (!batch) {
      result_.reset();
      return std::unexpected(Error{batch.error().kind, clean_(batch.error().message)});
    }
    return batch;
  }

 private:
  Result<std::shared_ptr<arrow::RecordBatch>> Fetch() {
    duckdb::unique_ptr<duckdb::DataChunk> chunk;
    duckdb::ErrorData error;
    if (!result_->TryFetch(chunk, error)) {
      // What stops a query from outside is left in the result, what it throws is in `error`.
      return std::unexpected(ToError(error.HasError() ? error : result_->GetErrorObject()));
    }
    if (!chunk || chunk->size() == 0) {
      result_.reset();
      return nullptr;
    }
    ArrowArray c_array;
    duckdb::ArrowConverter::ToArrowArray(*chunk, &c_array, properties_, extension_types_);
    return FromArrow(arrow::ImportRecordBatch(&c_array, schema_));
  }

  // A query whose rows nobody wants any more would keep its transaction, and with it old files and
  // memtables, until the connection's next statement. Interrupted, it ends with the next fetch.
  void Abandon() {
    const auto ended = Caught([&] {
      connection_.Interrupt();
      duckdb::unique_ptr<duckdb::DataChunk> chunk;
      duckdb::ErrorData error;
      while (result_->TryFetch(chunk, error) && chunk && chunk->size() > 0) {
      }
      result_.reset();
    });
    // Whatever it says: the query is over.
    static_cast<void>(ended);
  }

  duckdb::Connection& connection_;
  duckdb::unique_ptr<duckdb::QueryResult> result_;  // null once it has ended
  const CleanMessage clean_;
  duckdb::ClientProperties properties_;
  ExtensionTypes extension_types_;
  std::shared_ptr<arrow::Schema> schema_;
};

class BatchStream final : public ResultStream {
 public:
  explicit BatchStream(std::shared_ptr<arrow::RecordBatch> batch)
      : schema_(batch->schema()), batch_(std::move(batch)) {}
  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    return std::exchange(batch_, nullptr);
  }

 private:
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::RecordBatch> batch_;
};

template <class Builder, class Value>
std::shared_ptr<arrow::Array> ArrayOf(const std::vector<Value>& values) {
  Builder builder;
  std::shared_ptr<arrow::Array> array;
  for (const auto& value : values) {
    VARVE_CHECK(builder.Append(value).ok());
  }
  VARVE_CHECK(builder.Finish(&array).ok());
  return array;
}

}  // namespace

Result<std::unique_ptr<ResultStream>> RunQuery(duckdb::Connection& connection,
                                               duckdb::unique_ptr<duckdb::SQLStatement> statement,
                                               CleanMessage clean) {
  auto opened = Caught([&]() -> Result<std::unique_ptr<ResultStream>> {
    auto pending = connection.PendingQuery(std::move(statement),
                                           duckdb::QueryResultOutputType::ALLOW_STREAMING);
    if (pending->HasError()) {
      return std::unexpected(ToError(pending->GetErrorObject()));
    }
    auto result = pending->Execute();
    if (result->HasError()) {
      return std::unexpected(ToError(result->GetErrorObject()));
    }
    auto stream = std::make_unique<DuckDbStream>(connection, std::move(result), clean);
    VARVE_TRY(stream->Open());
    return stream;
  });
  if (!opened) {
    return std::unexpected(Error{opened.error().kind, clean(opened.error().message)});
  }
  return opened;
}

std::unique_ptr<ResultStream> TableOf(std::vector<NamedColumn> columns) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (NamedColumn& column : columns) {
    fields.push_back(
        arrow::field(column.name, column.values->type(), column.values->null_count() > 0));
    arrays.push_back(std::move(column.values));
  }
  const int64_t rows = arrays.empty() ? 0 : arrays.front()->length();
  return StreamOf(
      arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows, std::move(arrays)));
}

std::unique_ptr<ResultStream> StreamOf(std::shared_ptr<arrow::RecordBatch> batch) {
  return std::make_unique<BatchStream>(std::move(batch));
}

std::shared_ptr<arrow::Array> StringArray(const std::vector<std::string>& values) {
  return ArrayOf<arrow::StringBuilder>(values);
}
std::shared_ptr<arrow::Array> BooleanArray(const std::vector<bool>& values) {
  return ArrayOf<arrow::BooleanBuilder>(values);
}
std::shared_ptr<arrow::Array> UInt8Array(const std::vector<uint8_t>& values) {
  return ArrayOf<arrow::UInt8Builder>(values);
}
std::shared_ptr<arrow::Array> UInt64Array(const std::vector<uint64_t>& values) {
  return ArrayOf<arrow::UInt64Builder>(values);
}

}  // namespace varve
