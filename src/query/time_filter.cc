#include "query/time_filter.h"

#include <algorithm>
#include <duckdb/planner/expression/bound_between_expression.hpp>
#include <duckdb/planner/expression/bound_cast_expression.hpp>
#include <duckdb/planner/expression/bound_columnref_expression.hpp>
#include <duckdb/planner/expression/bound_comparison_expression.hpp>
#include <duckdb/planner/expression/bound_conjunction_expression.hpp>
#include <duckdb/planner/expression/bound_constant_expression.hpp>
#include <duckdb/planner/expression/bound_operator_expression.hpp>
#include <duckdb/planner/filter/conjunction_filter.hpp>
#include <duckdb/planner/filter/constant_filter.hpp>
#include <duckdb/planner/filter/dynamic_filter.hpp>
#include <duckdb/planner/filter/in_filter.hpp>
#include <duckdb/planner/filter/optional_filter.hpp>
#include <limits>
#include <mutex>
#include <optional>

namespace varve {
namespace {

using duckdb::ExpressionType;

constexpr int64_t kEndOfTime = std::numeric_limits<int64_t>::max();

// The instant in microseconds; nullopt for NULL, infinities and other types.
std::optional<int64_t> Instant(const duckdb::Value& value) {
  if (value.IsNull() || value.type().id() != duckdb::LogicalTypeId::TIMESTAMP) {
    return std::nullopt;
  }
  const duckdb::timestamp_t time = duckdb::TimestampValue::Get(value);
  if (!duckdb::Timestamp::IsFinite(time)) {
    return std::nullopt;
  }
  return time.value;
}

TimeRange Compared(ExpressionType type, int64_t time) {
  const TimestampUs at(time);
  const TimestampUs after(time == kEndOfTime ? time : time + 1);
  switch (type) {
    case ExpressionType::COMPARE_EQUAL:
      return {at, after};
    case ExpressionType::COMPARE_GREATERTHAN:
      return {.start = after};
    case ExpressionType::COMPARE_GREATERTHANOREQUALTO:
      return {.start = at};
    case ExpressionType::COMPARE_LESSTHAN:
      return {.end = at};
    case ExpressionType::COMPARE_LESSTHANOREQUALTO:
      return {.end = after};
    default:
      return {};
  }
}

TimeRange Compared(ExpressionType type, const duckdb::Value& value) {
  const std::optional<int64_t> time = Instant(value);
  return time ? Compared(type, *time) : TimeRange();
}

// The smallest interval that holds both.
TimeRange Span(const TimeRange& a, const TimeRange& b) {
  return {std::min(a.start, b.start), std::max(a.end, b.end)};
}

bool IsColumn(const duckdb::Expression& expression, const TimeColumn& column) {
  if (expression.GetExpressionClass() != duckdb::ExpressionClass::BOUND_COLUMN_REF) {
    return false;
  }
  const auto& reference = expression.Cast<duckdb::BoundColumnRefExpression>();
  return reference.depth == 0 && reference.binding.table_index == column.table_index &&
         reference.binding.column_index == column.column_index;
}

const duckdb::Value* Constant(const duckdb::Expression& expression) {
  if (expression.GetExpressionClass() != duckdb::ExpressionClass::BOUND_CONSTANT) {
    return nullptr;
  }
  return &expression.Cast<duckdb::BoundConstantExpression>().value;
}

TimeRange OfComparison(const duckdb::BoundComparisonExpression& comparison,
                       const TimeColumn& column) {
  if (IsColumn(*comparison.left, column)) {
    const duckdb::Value* value = Constant(*comparison.right);
    return value == nullptr ? TimeRange() : Compared(comparison.GetExpressionType(), *value);
  }
  if (IsColumn(*comparison.right, column)) {
    const duckdb::Value* value = Constant(*comparison.left);
    return value == nullptr
               ? TimeRange()
               : Compared(duckdb::FlipComparisonExpression(comparison.GetExpressionType()), *value);
  }
  return {};
}

TimeRange OfBetween(const duckdb::BoundBetweenExpression& between, const TimeColumn& column) {
  TimeRange range;
  if (!IsColumn(*between.input, column)) {
    return range;
  }
  if (const duckdb::Value* lower = Constant(*between.lower)) {
    range = Intersect(range, Compared(between.LowerComparisonType(), *lower));
  }
  if (const duckdb::Value* upper = Constant(*between.upper)) {
    range = Intersect(range, Compared(between.UpperComparisonType(), *upper));
  }
  return range;
}

TimeRange OfConjunction(const duckdb::BoundConjunctionExpression& conjunction,
                        const TimeColumn& column) {
  const bool all = conjunction.GetExpressionType() == ExpressionType::CONJUNCTION_AND;
  std::optional<TimeRange> range;
  for (const auto& child : conjunction.children) {
    const TimeRange part = TimeRangeOf(*child, column);
    range = !range ? part : all ? Intersect(*range, part) : Span(*range, part);
  }
  return range.value_or(TimeRange());
}

TimeRange OfIn(const duckdb::BoundOperatorExpression& in, const TimeColumn& column) {
  if (in.children.size() < 2 || !IsColumn(*in.children[0], column)) {
    return {};
  }
  std::optional<TimeRange> range;
  for (size_t i = 1; i < in.children.size(); ++i) {
    const duckdb::Value* value = Constant(*in.children[i]);
    if (value == nullptr) {
      return {};
    }
    const TimeRange part = Compared(ExpressionType::COMPARE_EQUAL, *value);
    range = range ? Span(*range, part) : part;
  }
  return *range;
}

TimeRange OfIn(const duckdb::InFilter& in) {
  std::optional<TimeRange> range;
  for (const duckdb::Value& value : in.values) {
    const TimeRange part = Compared(ExpressionType::COMPARE_EQUAL, value);
    range = range ? Span(*range, part) : part;
  }
  return range.value_or(TimeRange());
}

TimeRange OfDynamic(const duckdb::DynamicFilter& dynamic) {
  if (!dynamic.filter_data || !dynamic.filter_data->initialized) {
    return {};
  }
  const std::lock_guard lock(dynamic.filter_data->lock);
  return dynamic.filter_data->filter ? TimeRangeOf(*dynamic.filter_data->filter) : TimeRange();
}

}  // namespace

TimeRange Intersect(const TimeRange& a, const TimeRange& b) {
  return {std::max(a.start, b.start), std::min(a.end, b.end)};
}

TimeRange TimeRangeOf(const duckdb::Expression& expression, const TimeColumn& column) {
  switch (expression.GetExpressionClass()) {
    case duckdb::ExpressionClass::BOUND_COMPARISON:
      return OfComparison(expression.Cast<duckdb::BoundComparisonExpression>(), column);
    case duckdb::ExpressionClass::BOUND_BETWEEN:
      return OfBetween(expression.Cast<duckdb::BoundBetweenExpression>(), column);
    case duckdb::ExpressionClass::BOUND_CONJUNCTION:
      return OfConjunction(expression.Cast<duckdb::BoundConjunctionExpression>(), column);
    case duckdb::ExpressionClass::BOUND_OPERATOR:
      if (expression.GetExpressionType() == ExpressionType::COMPARE_IN) {
        return OfIn(expression.Cast<duckdb::BoundOperatorExpression>(), column);
      }
      return {};
    default:
      return {};
  }
}

TimeRange TimeRangeOf(const duckdb::TableFilter& filter) {
  switch (filter.filter_type) {
    case duckdb::TableFilterType::CONSTANT_COMPARISON: {
      const auto& constant = filter.Cast<duckdb::ConstantFilter>();
      return Compared(constant.comparison_type, constant.constant);
    }
    case duckdb::TableFilterType::CONJUNCTION_AND: {
      TimeRange range;
      for (const auto& child : filter.Cast<duckdb::ConjunctionAndFilter>().child_filters) {
        range = Intersect(range, TimeRangeOf(*child));
      }
      return range;
    }
    case duckdb::TableFilterType::CONJUNCTION_OR: {
      std::optional<TimeRange> range;
      for (const auto& child : filter.Cast<duckdb::ConjunctionOrFilter>().child_filters) {
        const TimeRange part = TimeRangeOf(*child);
        range = range ? Span(*range, part) : part;
      }
      return range.value_or(TimeRange());
    }
    case duckdb::TableFilterType::OPTIONAL_FILTER: {
      const auto& optional = filter.Cast<duckdb::OptionalFilter>();
      return optional.child_filter ? TimeRangeOf(*optional.child_filter) : TimeRange();
    }
    case duckdb::TableFilterType::IN_FILTER:
      return OfIn(filter.Cast<duckdb::InFilter>());
    case duckdb::TableFilterType::DYNAMIC_FILTER:
      return OfDynamic(filter.Cast<duckdb::DynamicFilter>());
    default:
      return {};
  }
}

}  // namespace varve
