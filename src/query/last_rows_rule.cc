#include "query/last_rows_rule.h"

#include <arrow/array/array_base.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/planner/expression/bound_aggregate_expression.hpp>
#include <duckdb/planner/expression/bound_cast_expression.hpp>
#include <duckdb/planner/expression/bound_columnref_expression.hpp>
#include <duckdb/planner/expression/bound_comparison_expression.hpp>
#include <duckdb/planner/expression/bound_window_expression.hpp>
#include <duckdb/planner/operator/logical_aggregate.hpp>
#include <duckdb/planner/operator/logical_distinct.hpp>
#include <duckdb/planner/operator/logical_filter.hpp>
#include <duckdb/planner/operator/logical_projection.hpp>
#include <duckdb/planner/operator/logical_window.hpp>
#include <span>

#include "engine/newest_rows.h"
#include "query/duckdb_bridge.h"
#include "query/scan_shape.h"
#include "query/varve_scan.h"

namespace varve {
namespace {

using duckdb::Expression;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;
using duckdb::OrderType;
using duckdb::unique_ptr;

bool MayHoldNulls(const ReadView& view, const ColumnSchema& column) {
  if (!column.nullable) {
    return false;
  }
  const auto in_file = [&](const auto& entry) {
    const auto found = entry.second.null_counts.find(column.id);
    return found == entry.second.null_counts.end() || found->second > 0;
  };
  const auto in_chunk = [&](const auto& chunk) {
    const auto found = std::ranges::find(chunk->column_ids, column.id);
    return found == chunk->column_ids.end() ||
           chunk->rows->column(static_cast<int>(found - chunk->column_ids.begin()))->null_count() >
               0;
  };
  return std::ranges::any_of(view.version->files, in_file) ||
         std::ranges::any_of(view.memtables, [&](const MemoryRows& memory) {
           return std::ranges::any_of(memory.rows->chunks(), in_chunk);
         });
}

// arg_max passes over rows in which its first argument is NULL.
bool NeverNull(const ScanShape& shape, const Expression& expression) {
  const ColumnSchema* column = shape.ColumnOf(expression);
  return column != nullptr && (column->tag || !MayHoldNulls(shape.source().view, *column));
}

// Whether the order begins with the time, the newest first (kDescending) or last.
bool BeginsWithTime(const ScanShape& shape, std::span<const duckdb::BoundOrderByNode> orders,
                    OrderType type) {
  return !orders.empty() && orders.front().type == type && shape.IsTime(*orders.front().expression);
}

bool NeedsLastRowOnly(const ScanShape& shape, const duckdb::BoundAggregateExpression& aggregate) {
  if (aggregate.filter && !shape.OfSeries(*aggregate.filter)) {
    return false;
  }
  const std::string& name = aggregate.function.name;
  const auto& arguments = aggregate.children;
  if (aggregate.order_bys) {
    const auto& orders = aggregate.order_bys->orders;
    return arguments.size() == 1 && !aggregate.IsDistinct() &&
           ((name == "last" && BeginsWithTime(shape, orders, OrderType::ASCENDING)) ||
            (name == "first" && BeginsWithTime(shape, orders, OrderType::DESCENDING)));
  }
  if (name == "max" && arguments.size() == 1) {
    return shape.IsTime(*arguments[0]) || shape.OfSeries(*arguments[0]);
  }
  if (name == "min" && arguments.size() == 1) {
    return shape.OfSeries(*arguments[0]);
  }
  if ((name == "arg_max" || name == "max_by") && arguments.size() == 2) {
    return shape.IsTime(*arguments[1]) && NeverNull(shape, *arguments[0]);
  }
  return name == "arg_max_null" && arguments.size() == 2 && shape.IsTime(*arguments[1]);
}

bool NeedsLastRowsOnly(const ScanShape& shape, const duckdb::LogicalAggregate& aggregate) {
  return aggregate.grouping_sets.size() <= 1 && aggregate.grouping_functions.empty() &&
         !aggregate.expressions.empty() &&
         std::ranges::all_of(aggregate.groups,
                             [&](const auto& group) { return shape.OfSeries(*group); }) &&
         std::ranges::all_of(aggregate.expressions, [&](const auto& expression) {
           return expression->GetExpressionClass() == duckdb::ExpressionClass::BOUND_AGGREGATE &&
                  NeedsLastRowOnly(shape,
                                   expression->template Cast<duckdb::BoundAggregateExpression>());
         });
}

bool NeedsLastRowsOnly(const ScanShape& shape, const duckdb::LogicalDistinct& distinct) {
  if (distinct.distinct_type != duckdb::DistinctType::DISTINCT_ON || !distinct.order_by) {
    return false;
  }
  const auto is_target = [&](const Expression& expression) {
    const auto in_scan = shape.InTermsOfScan(expression);
    return in_scan && std::ranges::any_of(distinct.distinct_targets, [&](const auto& target) {
             const auto other = shape.InTermsOfScan(*target);
             return other && other->Equals(*in_scan);
           });
  };
  if (!std::ranges::all_of(distinct.distinct_targets,
                           [&](const auto& target) { return shape.OfSeries(*target); })) {
    return false;
  }
  std::span<const duckdb::BoundOrderByNode> orders(distinct.order_by->orders);
  while (!orders.empty() && is_target(*orders.front().expression)) {
    orders = orders.subspan(1);
  }
  return BeginsWithTime(shape, orders, OrderType::DESCENDING);
}

bool NumbersNewestFirst(const ScanShape& shape, const LogicalOperator& window) {
  if (window.expressions.size() != 1 ||
      window.expressions[0]->GetExpressionType() != duckdb::ExpressionType::WINDOW_ROW_NUMBER) {
    return false;
  }
  const auto& number = window.expressions[0]->Cast<duckdb::BoundWindowExpression>();
  return std::ranges::all_of(number.partitions,
                             [&](const auto& part) { return shape.OfSeries(*part); }) &&
         BeginsWithTime(shape, number.orders, OrderType::DESCENDING);
}

// Whether the condition says of that column, perhaps by way of projections, that it is 1.
bool IsFirst(duckdb::ClientContext& context, const Expression& condition,
             const duckdb::ColumnBinding& number,
             const std::vector<const LogicalOperator*>& above) {
  if (condition.GetExpressionType() != duckdb::ExpressionType::COMPARE_EQUAL) {
    return false;
  }
  const auto& comparison = condition.Cast<duckdb::BoundComparisonExpression>();
  const Expression* column = comparison.left.get();
  const Expression* value = comparison.right.get();
  if (column->IsFoldable()) {
    std::swap(column, value);
  }
  for (const LogicalOperator* projection : above) {
    if (column->GetExpressionClass() != duckdb::ExpressionClass::BOUND_COLUMN_REF) {
      return false;
    }
    const auto& binding = column->Cast<duckdb::BoundColumnRefExpression>().binding;
    if (binding.table_index == projection->Cast<duckdb::LogicalProjection>().table_index) {
      column = projection->expressions[binding.column_index].get();
    }
  }
  duckdb::Value constant;
  return column->GetExpressionClass() == duckdb::ExpressionClass::BOUND_COLUMN_REF &&
         column->Cast<duckdb::BoundColumnRefExpression>().binding == number &&
         value->IsFoldable() &&
         duckdb::ExpressionExecutor::TryEvaluateScalar(context, *value, constant) &&
         constant.DefaultTryCastAs(duckdb::LogicalType::BIGINT) && !constant.IsNull() &&
         constant.GetValue<int64_t>() == 1;
}

// The window below a filter that keeps the first row of each partition; nullptr: it is none.
LogicalOperator* WindowOfFirstRows(duckdb::ClientContext& context, LogicalOperator& filter) {
  std::vector<const LogicalOperator*> projections;
  LogicalOperator* below = filter.children.front().get();
  while (below->type == LogicalOperatorType::LOGICAL_PROJECTION) {
    projections.push_back(below);
    below = below->children.front().get();
  }
  if (below->type != LogicalOperatorType::LOGICAL_WINDOW) {
    return nullptr;
  }
  const duckdb::ColumnBinding number(below->Cast<duckdb::LogicalWindow>().window_index, 0);
  const bool first = std::ranges::any_of(filter.expressions, [&](const auto& condition) {
    return IsFirst(context, *condition, number, projections);
  });
  return first ? below : nullptr;
}

// Whether DISTINCT ON has nothing left to do because each of these rows is alone with its targets.
bool AreDistinct(const ScanShape& shape, const duckdb::LogicalDistinct& distinct,
                 const RowSelection& rows) {
  std::vector<const ColumnSchema*> tags;
  for (const auto& target : distinct.distinct_targets) {
    const ColumnSchema* column = shape.ColumnOf(*target);
    if (column == nullptr || !column->tag || column->type != ColumnType::kString) {
      return false;
    }
    tags.push_back(column);
  }
  return OrThrow(DifferInTags(shape.source().view, rows, tags));
}

std::optional<ScanShape> ShapeThatNeedsLastRows(duckdb::ClientContext& context,
                                                LogicalOperator& plan) {
  std::optional<ScanShape> shape;
  switch (plan.type) {
    case LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY:
      shape = ScanShape::Of(context, plan.children.front());
      return shape && NeedsLastRowsOnly(*shape, plan.Cast<duckdb::LogicalAggregate>())
                 ? shape
                 : std::nullopt;
    case LogicalOperatorType::LOGICAL_DISTINCT:
      shape = ScanShape::Of(context, plan.children.front());
      return shape && NeedsLastRowsOnly(*shape, plan.Cast<duckdb::LogicalDistinct>())
                 ? shape
                 : std::nullopt;
    case LogicalOperatorType::LOGICAL_FILTER:
      if (LogicalOperator* window = WindowOfFirstRows(context, plan)) {
        shape = ScanShape::Of(context, window->children.front());
        return shape && NumbersNewestFirst(*shape, *window) ? shape : std::nullopt;
      }
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

}  // namespace

void ReadOnlyLastRows(duckdb::ClientContext& context, unique_ptr<LogicalOperator>& plan) {
  const auto shape = ShapeThatNeedsLastRows(context, *plan);
  if (!shape || !shape->filters()) {
    return;
  }
  const TableSource& source = shape->source();
  if (auto rows = OrThrow(LastRows(source.view, shape->filters()->time_range.end))) {
    auto restricted = duckdb::make_shared_ptr<TableSource>(source);
    restricted->only_rows = std::make_shared<const RowSelection>(*std::move(rows));
    ReplaceSource(context, shape->get(), restricted);
    if (plan->type == LogicalOperatorType::LOGICAL_DISTINCT &&
        AreDistinct(*shape, plan->Cast<duckdb::LogicalDistinct>(), *restricted->only_rows)) {
      plan = std::move(plan->children.front());
    }
  }
}

}  // namespace varve
