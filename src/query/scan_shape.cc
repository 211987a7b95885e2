#include "query/scan_shape.h"

#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/planner/expression/bound_between_expression.hpp>
#include <duckdb/planner/expression/bound_columnref_expression.hpp>
#include <duckdb/planner/expression/bound_comparison_expression.hpp>
#include <duckdb/planner/expression/bound_conjunction_expression.hpp>
#include <duckdb/planner/expression/bound_constant_expression.hpp>
#include <duckdb/planner/expression_iterator.hpp>
#include <duckdb/planner/operator/logical_filter.hpp>
#include <duckdb/planner/operator/logical_projection.hpp>

#include "query/time_filter.h"
#include "query/varve_scan.h"

namespace varve {
namespace {

using duckdb::Expression;
using duckdb::ExpressionClass;
using duckdb::LogicalOperatorType;
using duckdb::unique_ptr;

// Puts constants in the place of what can be computed now.
void Fold(duckdb::ClientContext& context, unique_ptr<Expression>& expression) {
  if (expression->GetExpressionClass() == ExpressionClass::BOUND_CONSTANT) {
    return;
  }
  duckdb::Value value;
  if (expression->IsFoldable() &&
      duckdb::ExpressionExecutor::TryEvaluateScalar(context, *expression, value)) {
    expression = duckdb::make_uniq<duckdb::BoundConstantExpression>(std::move(value));
    return;
  }
  duckdb::ExpressionIterator::EnumerateChildren(
      *expression, [&](unique_ptr<Expression>& child) { Fold(context, child); });
}

bool IsConstant(const Expression& expression) {
  return expression.GetExpressionClass() == ExpressionClass::BOUND_CONSTANT;
}

}  // namespace

std::optional<ScanShape> ScanShape::Of(duckdb::ClientContext& context,
                                       unique_ptr<duckdb::LogicalOperator>& top) {
  ScanShape shape(context);
  if (!shape.Descend(top)) {
    return std::nullopt;
  }
  return shape;
}

bool ScanShape::Descend(unique_ptr<duckdb::LogicalOperator>& top) {
  std::vector<const Expression*> conditions;
  unique_ptr<duckdb::LogicalOperator>* at = &top;
  while ((*at)->type != LogicalOperatorType::LOGICAL_GET) {
    if ((*at)->type == LogicalOperatorType::LOGICAL_PROJECTION) {
      projections_.push_back(at->get());
    } else if ((*at)->type == LogicalOperatorType::LOGICAL_FILTER) {
      for (const auto& condition : (*at)->expressions) {
        conditions.push_back(condition.get());
      }
    } else {
      return false;
    }
    at = &(*at)->children.front();
  }
  scan_ = at;
  source_ = ScannedTable(get());
  if (!source_) {
    return false;
  }
  for (const Expression* condition : conditions) {
    AddFilter(*condition);
  }
  return true;
}

void ScanShape::AddFilter(const Expression& conjunct) {
  if (!filters_) {
    return;
  }
  if (conjunct.GetExpressionType() == duckdb::ExpressionType::CONJUNCTION_AND) {
    for (const auto& child : conjunct.Cast<duckdb::BoundConjunctionExpression>().children) {
      AddFilter(*child);
    }
    return;
  }
  auto condition = InTermsOfScan(conjunct);
  if (!condition) {
    filters_.reset();
    return;
  }
  Fold(*context_, condition);
  if (const auto range = ExactTimeRange(*condition)) {
    filters_->time_range = Intersect(filters_->time_range, *range);
  } else if (OfSeries(*condition)) {
    filters_->on_series = true;
  } else {
    filters_.reset();
  }
}

std::optional<TimeRange> ScanShape::ExactTimeRange(Expression& conjunct) const {
  bool comparison = false;
  if (conjunct.GetExpressionClass() == ExpressionClass::BOUND_COMPARISON) {
    const auto& compared = conjunct.Cast<duckdb::BoundComparisonExpression>();
    comparison = (IsTime(*compared.left) && IsConstant(*compared.right)) ||
                 (IsTime(*compared.right) && IsConstant(*compared.left));
  } else if (conjunct.GetExpressionClass() == ExpressionClass::BOUND_BETWEEN) {
    const auto& between = conjunct.Cast<duckdb::BoundBetweenExpression>();
    comparison = IsTime(*between.input) && IsConstant(*between.lower) && IsConstant(*between.upper);
  }
  if (!comparison) {
    return std::nullopt;
  }
  const auto& columns = get().GetColumnIds();
  for (duckdb::idx_t i = 0; i < columns.size(); ++i) {
    if (columns[i].GetPrimaryIndex() == source_->time_index()) {
      const TimeRange range = TimeRangeOf(conjunct, {get().table_index, i});
      // What says nothing is a comparison that TimeRangeOf does not know, such as with NULL.
      return range == TimeRange() ? std::nullopt : std::optional(range);
    }
  }
  return std::nullopt;
}

unique_ptr<Expression> ScanShape::InTermsOfScan(const Expression& expression) const {
  auto result = expression.Copy();
  bool known = true;
  const std::function<void(unique_ptr<Expression>&)> replace = [&](unique_ptr<Expression>& part) {
    if (part->GetExpressionClass() == ExpressionClass::BOUND_COLUMN_REF) {
      const auto& reference = part->Cast<duckdb::BoundColumnRefExpression>();
      if (reference.depth > 0) {
        known = false;
        return;
      }
      if (reference.binding.table_index == get().table_index) {
        return;
      }
      for (const auto* projection : projections_) {
        if (projection->Cast<duckdb::LogicalProjection>().table_index ==
            reference.binding.table_index) {
          part = projection->expressions[reference.binding.column_index]->Copy();
          replace(part);
          return;
        }
      }
      known = false;
      return;
    }
    duckdb::ExpressionIterator::EnumerateChildren(*part, replace);
  };
  replace(result);
  return known ? std::move(result) : nullptr;
}

const ColumnSchema* ScanShape::ScanColumn(const duckdb::ColumnBinding& binding) const {
  const auto& columns = get().GetColumnIds();
  if (binding.table_index != get().table_index || binding.column_index >= columns.size()) {
    return nullptr;
  }
  const duckdb::idx_t index = columns[binding.column_index].GetPrimaryIndex();
  const auto& all = source_->schema().columns();
  return index < all.size() ? &all[index] : nullptr;
}

const ColumnSchema* ScanShape::ColumnOf(const Expression& expression) const {
  const auto in_scan = InTermsOfScan(expression);
  if (!in_scan || in_scan->GetExpressionClass() != ExpressionClass::BOUND_COLUMN_REF) {
    return nullptr;
  }
  return ScanColumn(in_scan->Cast<duckdb::BoundColumnRefExpression>().binding);
}

bool ScanShape::IsTime(const Expression& expression) const {
  const ColumnSchema* column = ColumnOf(expression);
  return column != nullptr && column->id == source_->schema().timestamp().id;
}

bool ScanShape::OfSeries(const Expression& expression) const {
  const auto in_scan = InTermsOfScan(expression);
  if (!in_scan || in_scan->IsVolatile() || in_scan->HasSubquery()) {
    return false;
  }
  bool of_series = true;
  duckdb::ExpressionIterator::VisitExpression<duckdb::BoundColumnRefExpression>(
      *in_scan, [&](const duckdb::BoundColumnRefExpression& reference) {
        const ColumnSchema* column = ScanColumn(reference.binding);
        of_series &= column != nullptr && (column->tag || column->name == kTsidColumn);
      });
  return of_series;
}

}  // namespace varve
