#include "query/limiter_rule.h"

#include <algorithm>
#include <duckdb/optimizer/optimizer_extension.hpp>
#include <duckdb/planner/operator/logical_explain.hpp>
#include <duckdb/planner/operator/logical_filter.hpp>
#include <duckdb/planner/operator/logical_get.hpp>
#include <vector>

#include "query/duckdb_bridge.h"
#include "query/table_changes.h"
#include "query/time_filter.h"
#include "query/varve_scan.h"

namespace varve {
namespace {

struct LimiterInfo final : public duckdb::OptimizerExtensionInfo {
  LimiterInfo(Limiter& asked, const Clock& time) : limiter(asked), clock(time) {}
  Limiter& limiter;
  const Clock& clock;
};

bool OnlyExplains(const duckdb::LogicalOperator& plan) {
  return plan.type == duckdb::LogicalOperatorType::LOGICAL_EXPLAIN &&
         plan.Cast<duckdb::LogicalExplain>().explain_type == duckdb::ExplainType::EXPLAIN_STANDARD;
}

std::string_view SchemaOf(const TableSource& source) {
  return source.entry ? std::string_view(source.entry->ParentSchema().name) : std::string_view();
}

void CheckTables(Limiter& limiter, duckdb::LogicalOperator& plan) {
  if (plan.type == duckdb::LogicalOperatorType::LOGICAL_GET) {
    if (const auto table = ScannedChanges(plan.Cast<duckdb::LogicalGet>())) {
      OrThrow(limiter.CheckRead(table->schema_name(), table->name()));
    }
    if (const auto source = ScannedTable(plan.Cast<duckdb::LogicalGet>())) {
      OrThrow(limiter.CheckRead(SchemaOf(*source), source->name));
      if (source->partition) {
        OrThrow(limiter.CheckRead(SchemaOf(*source), source->partition->table));
      }
    }
  }
  for (auto& child : plan.children) {
    CheckTables(limiter, *child);
  }
}

using Filters = std::vector<const duckdb::LogicalFilter*>;

TimeRange RangeOf(const duckdb::LogicalGet& get, const TableSource& source,
                  const Filters& filters) {
  TimeRange range;
  for (const auto& [column, filter] : get.table_filters.filters) {
    if (column == source.time_index()) {
      range = Intersect(range, TimeRangeOf(*filter));
    }
  }
  const auto& columns = get.GetColumnIds();
  const auto time =
      std::ranges::find(columns, source.time_index(), &duckdb::ColumnIndex::GetPrimaryIndex);
  const TimeColumn column{get.table_index, static_cast<duckdb::idx_t>(time - columns.begin())};
  for (const duckdb::LogicalFilter* const filter : filters) {
    for (const auto& expression : filter->expressions) {
      range = Intersect(range, TimeRangeOf(*expression, column));
    }
  }
  return range;
}

std::optional<std::chrono::milliseconds> SpanOf(const TimeRange& range, TimestampUs now) {
  if (range.start == TimeRange().start) {
    return std::nullopt;
  }
  const TimestampUs end = range.end == TimeRange().end ? now : range.end;
  const auto span = std::chrono::microseconds(end.value() - range.start.value());
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::max(span, std::chrono::microseconds(0)));
}

// `filters` are those between the plan's top and `plan`.
void CheckReads(const LimiterInfo& info, duckdb::LogicalOperator& plan, Filters& filters) {
  const bool filter = plan.type == duckdb::LogicalOperatorType::LOGICAL_FILTER;
  if (filter) {
    filters.push_back(&plan.Cast<duckdb::LogicalFilter>());
  }
  if (plan.type == duckdb::LogicalOperatorType::LOGICAL_GET) {
    const auto& get = plan.Cast<duckdb::LogicalGet>();
    if (const auto table = ScannedChanges(get)) {
      OrThrow(info.limiter.CheckPlanned(
          {.schema = table->schema_name(), .table = table->name(), .filtered = !filters.empty()}));
    }
    if (const auto source = ScannedTable(get)) {
      OrThrow(info.limiter.CheckPlanned(
          {.schema = SchemaOf(*source),
           .table = source->name,
           .filtered = !filters.empty() || !get.table_filters.filters.empty(),
           .span = SpanOf(RangeOf(get, *source, filters), info.clock.Now())}));
    }
  }
  for (auto& child : plan.children) {
    CheckReads(info, *child, filters);
  }
  if (filter) {
    filters.pop_back();
  }
}

void BeforeOptimizers(duckdb::OptimizerExtensionInput& input,
                      duckdb::unique_ptr<duckdb::LogicalOperator>& plan) {
  Limiter& limiter = static_cast<LimiterInfo&>(*input.info).limiter;
  if (!limiter.idle() && !OnlyExplains(*plan)) {
    CheckTables(limiter, *plan);
  }
}

void AfterOptimizers(duckdb::OptimizerExtensionInput& input,
                     duckdb::unique_ptr<duckdb::LogicalOperator>& plan) {
  const auto& info = static_cast<LimiterInfo&>(*input.info);
  if (!info.limiter.idle() && !OnlyExplains(*plan)) {
    Filters filters;
    CheckReads(info, *plan, filters);
  }
}

}  // namespace

void RegisterLimiter(duckdb::DBConfig& config, Limiter& limiter, const Clock& clock) {
  duckdb::OptimizerExtension extension;
  extension.pre_optimize_function = BeforeOptimizers;
  extension.optimize_function = AfterOptimizers;
  extension.optimizer_info = duckdb::make_shared_ptr<LimiterInfo>(limiter, clock);
  duckdb::OptimizerExtension::Register(config, std::move(extension));
}

}  // namespace varve
