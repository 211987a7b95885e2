#include "query/early_stop.h"

#include <duckdb/optimizer/optimizer_extension.hpp>

#include "query/last_rows_rule.h"
#include "query/newest_first_rule.h"

namespace varve {
namespace {

void Visit(duckdb::ClientContext& context, duckdb::unique_ptr<duckdb::LogicalOperator>& plan) {
  ReadOnlyLastRows(context, plan);
  ReadNewestFirst(context, plan);
  for (auto& child : plan->children) {
    Visit(context, child);
  }
}

void PreOptimize(duckdb::OptimizerExtensionInput& input,
                 duckdb::unique_ptr<duckdb::LogicalOperator>& plan) {
  Visit(input.context, plan);
}

}  // namespace

void RegisterEarlyStop(duckdb::DBConfig& config) {
  duckdb::OptimizerExtension extension;
  extension.pre_optimize_function = PreOptimize;
  duckdb::OptimizerExtension::Register(config, std::move(extension));
}

}  // namespace varve
