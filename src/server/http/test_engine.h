// A QueryEngine without a database: a test says what each statement answers. For tests only.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "query/session.h"

namespace varve {

struct TestRows {
  std::shared_ptr<arrow::RecordBatch> batch;
  int times = 1;               // how often it comes
  std::optional<Error> error;  // after that; nullopt = the end
};
using TestAnswerOf = std::variant<uint64_t, TestRows, Error>;

struct TestEngineState {
  std::map<std::string, TestAnswerOf> answers;
  std::atomic<int> sessions_made = 0;
  std::atomic<int> cancels = 0;
  std::atomic<int> stops = 0;  // of WAIT
  std::atomic<int> batches = 0;
  std::function<void()> stream_ended = [] {};
  std::function<void()> wait_began = [] {};  // of WAIT
};

class TestStream final : public ResultStream {
 public:
  TestStream(TestRows rows, TestEngineState& state) : rows_(std::move(rows)), state_(state) {}
  ~TestStream() override { state_.stream_ended(); }
  std::shared_ptr<arrow::Schema> schema() const override { return rows_.batch->schema(); }
  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    if (rows_.times == 0) {
      if (rows_.error) {
        return std::unexpected(*rows_.error);
      }
      return nullptr;
    }
    --rows_.times;
    ++state_.batches;
    return rows_.batch;
  }

 private:
  TestRows rows_;
  TestEngineState& state_;
};

class TestSession final : public Session {
 public:
  TestSession(std::string schema, TestEngineState& state)
      : schema_(std::move(schema)), state_(state) {}
  using Session::Execute;
  Result<QueryResult> Execute(std::string_view sql, const StatementContext& context) override {
    if (sql == "WAIT") {  // until it is stopped
      state_.wait_began();
      std::mutex mutex;
      std::unique_lock lock(mutex);
      std::condition_variable_any wake;
      wake.wait_for(lock, context.stop, std::chrono::seconds(30), [] { return false; });
      state_.stops += context.stop.stop_requested() ? 1 : 0;
      return Cancelled("the query was cancelled");
    }
    if (sql == "SHOW context") {
      return InvalidArgument("{} parameters, request {}, {} ms, zone {}", context.parameters.size(),
                             context.request_id, settings_.statement_timeout.count(),
                             settings_.time_zone);
    }
    if (sql == "SHOW schema") {
      return InvalidArgument("in {}", schema_);
    }
    if (sql.starts_with("USE ")) {
      schema_ = sql.substr(4);
      return AffectedRows{0};
    }
    const auto found = state_.answers.find(std::string(sql));
    if (found == state_.answers.end()) {
      return InvalidArgument("no such statement: {}", sql);
    }
    if (const auto* error = std::get_if<Error>(&found->second)) {
      return std::unexpected(*error);
    }
    if (const auto* rows = std::get_if<uint64_t>(&found->second)) {
      return AffectedRows{*rows};
    }
    return std::make_unique<TestStream>(std::get<TestRows>(found->second), state_);
  }
  Result<WriteReport> Ingest(std::vector<PointBatch>) override { return WriteReport(); }
  void Cancel() override { ++state_.cancels; }
  const std::string& schema() const override { return schema_; }
  Status UseSchema(std::string_view schema) override {
    schema_ = schema;
    return {};
  }
  const SessionSettings& settings() const override { return settings_; }
  Status ChangeSettings(SessionSettings settings) override {
    settings_ = std::move(settings);
    return {};
  }

 private:
  std::string schema_;
  SessionSettings settings_;
  TestEngineState& state_;
};

class TestEngine final : public QueryEngine {
 public:
  Result<std::unique_ptr<Session>> NewSession(SessionOptions options) override {
    if (options.schema == "missing") {
      return NotFound("Schema not found, schema_name:missing");
    }
    ++state.sessions_made;
    return std::make_unique<TestSession>(options.schema, state);
  }
  TestEngineState state;
};

}  // namespace varve
