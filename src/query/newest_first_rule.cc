#include "query/newest_first_rule.h"

#include <algorithm>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/planner/expression/bound_cast_expression.hpp>
#include <duckdb/planner/expression/bound_columnref_expression.hpp>
#include <duckdb/planner/expression/bound_comparison_expression.hpp>
#include <duckdb/planner/expression/bound_constant_expression.hpp>
#include <duckdb/planner/expression/bound_function_expression.hpp>
#include <duckdb/planner/expression/bound_reference_expression.hpp>
#include <duckdb/planner/expression_iterator.hpp>
#include <duckdb/planner/operator/logical_aggregate.hpp>
#include <duckdb/planner/operator/logical_filter.hpp>
#include <duckdb/planner/operator/logical_limit.hpp>
#include <duckdb/planner/operator/logical_order.hpp>
#include <duckdb/planner/operator/logical_projection.hpp>
#include <optional>

#include "engine/newest_rows.h"
#include "query/duckdb_bridge.h"
#include "query/scan_shape.h"
#include "query/varve_scan.h"

namespace varve {
namespace {

using duckdb::Expression;
using duckdb::idx_t;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;
using duckdb::unique_ptr;

// More buckets than that are no newest few: the sample would not hold them.
constexpr idx_t kBucketsMax = 10'000;

// LIMIT n OFFSET m: n + m; nullopt when it is not a LIMIT by numbers.
std::optional<idx_t> RowsAsked(const LogicalOperator& plan) {
  if (plan.type != LogicalOperatorType::LOGICAL_LIMIT) {
    return std::nullopt;
  }
  const auto& limit = plan.Cast<duckdb::LogicalLimit>();
  if (limit.limit_val.Type() != duckdb::LimitNodeType::CONSTANT_VALUE) {
    return std::nullopt;
  }
  idx_t rows = limit.limit_val.GetConstantValue();
  if (limit.offset_val.Type() == duckdb::LimitNodeType::CONSTANT_VALUE) {
    const idx_t offset = limit.offset_val.GetConstantValue();
    rows = offset > kBucketsMax ? kBucketsMax + 1 : rows + offset;
  } else if (limit.offset_val.Type() != duckdb::LimitNodeType::UNSET) {
    return std::nullopt;
  }
  return rows;
}

// What the expression is below the projections that stand between.
const Expression& Below(const Expression& expression,
                        const std::vector<const LogicalOperator*>& projections) {
  const Expression* at = &expression;
  for (const LogicalOperator* projection : projections) {
    if (at->GetExpressionClass() != duckdb::ExpressionClass::BOUND_COLUMN_REF) {
      break;
    }
    const auto& binding = at->Cast<duckdb::BoundColumnRefExpression>().binding;
    if (binding.table_index == projection->Cast<duckdb::LogicalProjection>().table_index) {
      at = projection->expressions[binding.column_index].get();
    }
  }
  return *at;
}

// Whether it rounds the time down to the start of its bucket: never beyond the time, and the start
// of a bucket belongs to it.
bool RoundsTimeDown(const ScanShape& shape, const Expression& in_scan) {
  if (shape.IsTime(in_scan)) {
    return true;
  }
  if (in_scan.GetExpressionClass() != duckdb::ExpressionClass::BOUND_FUNCTION) {
    return false;
  }
  const auto& function = in_scan.Cast<duckdb::BoundFunctionExpression>();
  const std::string& name = function.function.name;
  if ((name != "time_bucket" && name != "date_trunc" && name != "date_bin") ||
      in_scan.return_type.id() != duckdb::LogicalTypeId::TIMESTAMP) {
    return false;
  }
  // The time is the first argument of CeresDB's time_bucket, the second of the others; all else is
  // constant. DuckDB's time_bucket with an offset rounds to moments that may be after the time.
  size_t times = 0;
  for (size_t i = 0; i < function.children.size(); ++i) {
    if (i < 2 && shape.IsTime(*function.children[i])) {
      ++times;
    } else if (!function.children[i]->IsFoldable() ||
               (i == 2 &&
                function.children[i]->return_type.id() == duckdb::LogicalTypeId::INTERVAL)) {
      return false;
    }
  }
  return times == 1;
}

// The n-th newest bucket among those of the times; nullopt when there are not as many.
std::optional<int64_t> NthNewestBucket(duckdb::ClientContext& context, const Expression& bucket,
                                       const std::vector<int64_t>& times, idx_t n) {
  auto of_row = bucket.Copy();
  duckdb::ExpressionIterator::VisitExpressionClassMutable(
      of_row, duckdb::ExpressionClass::BOUND_COLUMN_REF, [](unique_ptr<Expression>& column) {
        column = duckdb::make_uniq<duckdb::BoundReferenceExpression>(column->return_type, 0u);
      });
  duckdb::ExpressionExecutor executor(context, *of_row);
  duckdb::DataChunk input;
  input.Initialize(context, {duckdb::LogicalType::TIMESTAMP});
  duckdb::DataChunk output;
  output.Initialize(context, {duckdb::LogicalType::TIMESTAMP});
  std::optional<int64_t> newest;
  idx_t found = 0;
  for (size_t first = 0; first < times.size(); first += STANDARD_VECTOR_SIZE) {
    const idx_t count = std::min<size_t>(STANDARD_VECTOR_SIZE, times.size() - first);
    input.Reset();
    output.Reset();
    std::copy_n(times.data() + first, count, duckdb::FlatVector::GetData<int64_t>(input.data[0]));
    input.SetCardinality(count);
    executor.Execute(input, output);
    output.Flatten();
    const auto* buckets = duckdb::FlatVector::GetData<int64_t>(output.data[0]);
    for (idx_t i = 0; i < count; ++i) {
      if (!duckdb::FlatVector::Validity(output.data[0]).RowIsValid(i)) {
        return std::nullopt;  // time_bucket(ts, NULL)
      }
      if (!newest || buckets[i] < *newest) {
        newest = buckets[i];
        if (++found == n) {
          return newest;
        }
      }
    }
  }
  return std::nullopt;
}

void KeepFrom(const ScanShape& shape, int64_t time) {
  auto& get = shape.get();
  const auto& columns = get.GetColumnIds();
  const auto found = std::ranges::find_if(columns, [&](const duckdb::ColumnIndex& column) {
    return column.GetPrimaryIndex() == shape.source().time_index();
  });
  const duckdb::ColumnBinding binding(get.table_index, static_cast<idx_t>(found - columns.begin()));
  auto condition = duckdb::make_uniq<duckdb::BoundComparisonExpression>(
      duckdb::ExpressionType::COMPARE_GREATERTHANOREQUALTO,
      duckdb::make_uniq<duckdb::BoundColumnRefExpression>(duckdb::LogicalType::TIMESTAMP, binding),
      duckdb::make_uniq<duckdb::BoundConstantExpression>(
          duckdb::Value::TIMESTAMP(duckdb::timestamp_t(time))));
  auto filter = duckdb::make_uniq<duckdb::LogicalFilter>(std::move(condition));
  filter->children.push_back(std::move(shape.scan()));
  shape.scan() = std::move(filter);
}

void KeepNewestBuckets(duckdb::ClientContext& context, LogicalOperator& aggregate,
                       const Expression& group, idx_t n) {
  const auto& by = aggregate.Cast<duckdb::LogicalAggregate>();
  if (by.grouping_sets.size() > 1 || n == 0 || n > kBucketsMax ||
      group.GetExpressionClass() != duckdb::ExpressionClass::BOUND_COLUMN_REF) {
    return;
  }
  const auto& binding = group.Cast<duckdb::BoundColumnRefExpression>().binding;
  if (binding.table_index != by.group_index) {
    return;
  }
  const auto shape = ScanShape::Of(context, aggregate.children.front());
  if (!shape || !shape->filters() || shape->filters()->on_series) {
    return;
  }
  const auto bucket = shape->InTermsOfScan(*by.groups[binding.column_index]);
  if (!bucket || !RoundsTimeDown(*shape, *bucket)) {
    return;
  }
  const TimeRange range = shape->filters()->time_range;
  auto times = OrThrow(SampleNewestTimes(shape->source().view, range.end));
  std::erase_if(times, [&](int64_t time) { return time < range.start.value(); });
  if (const auto from = NthNewestBucket(context, *bucket, times, n)) {
    KeepFrom(*shape, *from);
  }
}

void ScanNewestFirst(duckdb::ClientContext& context, unique_ptr<LogicalOperator>& below,
                     const Expression& order) {
  const auto shape = ScanShape::Of(context, below);
  if (!shape || !shape->IsTime(order)) {
    return;
  }
  auto source = duckdb::make_shared_ptr<TableSource>(shape->source());
  source->order = TableSource::Order::kNewestFirst;
  ReplaceSource(context, shape->get(), std::move(source));
}

}  // namespace

void ReadNewestFirst(duckdb::ClientContext& context, unique_ptr<LogicalOperator>& plan) {
  const auto rows = RowsAsked(*plan);
  if (!rows) {
    return;
  }
  std::vector<const LogicalOperator*> projections;
  LogicalOperator* above = plan.get();
  while (above->children.front()->type == LogicalOperatorType::LOGICAL_PROJECTION) {
    above = above->children.front().get();
  }
  if (above->children.front()->type != LogicalOperatorType::LOGICAL_ORDER_BY) {
    return;
  }
  LogicalOperator& sort = *above->children.front();
  const auto& first = sort.Cast<duckdb::LogicalOrder>().orders.front();
  if (first.type != duckdb::OrderType::DESCENDING) {
    return;
  }
  unique_ptr<LogicalOperator>* below = &sort.children.front();
  while ((*below)->type == LogicalOperatorType::LOGICAL_PROJECTION) {
    projections.push_back(below->get());
    below = &(*below)->children.front();
  }
  if ((*below)->type == LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY) {
    KeepNewestBuckets(context, **below, Below(*first.expression, projections), *rows);
    return;
  }
  ScanNewestFirst(context, sort.children.front(), *first.expression);
}

}  // namespace varve
