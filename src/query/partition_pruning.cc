#include "query/partition_pruning.h"

#include <algorithm>
#include <duckdb/optimizer/optimizer_extension.hpp>
#include <duckdb/planner/expression/bound_columnref_expression.hpp>
#include <duckdb/planner/expression/bound_comparison_expression.hpp>
#include <duckdb/planner/expression/bound_conjunction_expression.hpp>
#include <duckdb/planner/expression/bound_constant_expression.hpp>
#include <duckdb/planner/expression/bound_operator_expression.hpp>
#include <duckdb/planner/operator/logical_empty_result.hpp>
#include <duckdb/planner/operator/logical_projection.hpp>
#include <duckdb/planner/operator/logical_set_operation.hpp>
#include <optional>
#include <span>

#include "query/duckdb_types.h"
#include "query/varve_scan.h"

namespace varve {
namespace {

using duckdb::Expression;
using duckdb::ExpressionClass;
using duckdb::ExpressionType;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;
using duckdb::unique_ptr;

// So many keys are in nearly all partitions, and each is looked up for each partition.
constexpr size_t kKeysMax = 1000;

using Tag = std::optional<TagValue>;           // nullopt: NULL
using Tags = std::optional<std::vector<Tag>>;  // nullopt: any

// Values of one column that rows can have.
class KeyColumn {
 public:
  KeyColumn(const ColumnSchema& column, duckdb::ColumnBinding binding)
      : column_(column), type_(DuckDbType(column.type)), binding_(binding) {}

  Tags AllowedBy(const Expression& filter) const {
    switch (filter.GetExpressionClass()) {
      case ExpressionClass::BOUND_COMPARISON:
        return OfComparison(filter.Cast<duckdb::BoundComparisonExpression>());
      case ExpressionClass::BOUND_OPERATOR:
        return OfOperator(filter.Cast<duckdb::BoundOperatorExpression>());
      case ExpressionClass::BOUND_CONJUNCTION: {
        const auto& children = filter.Cast<duckdb::BoundConjunctionExpression>().children;
        return filter.GetExpressionType() == ExpressionType::CONJUNCTION_AND ? OfAll(children)
                                                                             : OfAny(children);
      }
      default:
        return std::nullopt;
    }
  }

  Tags OfAll(const duckdb::vector<unique_ptr<Expression>>& filters) const {
    Tags fewest;
    for (const auto& filter : filters) {
      auto allowed = AllowedBy(*filter);
      if (allowed && (!fewest || allowed->size() < fewest->size())) {
        fewest = std::move(allowed);
      }
    }
    return fewest;
  }

 private:
  Tags OfAny(const duckdb::vector<unique_ptr<Expression>>& filters) const {
    std::vector<Tag> all;
    for (const auto& filter : filters) {
      const auto allowed = AllowedBy(*filter);
      if (!allowed) {
        return std::nullopt;
      }
      all.insert(all.end(), allowed->begin(), allowed->end());
    }
    return all;
  }

  Tags OfComparison(const duckdb::BoundComparisonExpression& comparison) const {
    const bool distinct =
        comparison.GetExpressionType() == ExpressionType::COMPARE_NOT_DISTINCT_FROM;
    if (!distinct && comparison.GetExpressionType() != ExpressionType::COMPARE_EQUAL) {
      return std::nullopt;
    }
    const Expression* const other = IsColumn(*comparison.left)    ? comparison.right.get()
                                    : IsColumn(*comparison.right) ? comparison.left.get()
                                                                  : nullptr;
    std::vector<Tag> tags;
    if (other == nullptr || !AddConstant(*other, tags)) {
      return std::nullopt;
    }
    if (distinct && tags.empty()) {
      tags.emplace_back();
    }
    return tags;
  }

  Tags OfOperator(const duckdb::BoundOperatorExpression& expression) const {
    if (!IsColumn(*expression.children.front())) {
      return std::nullopt;
    }
    if (expression.GetExpressionType() == ExpressionType::OPERATOR_IS_NULL) {
      return std::vector<Tag>(1);
    }
    if (expression.GetExpressionType() != ExpressionType::COMPARE_IN) {
      return std::nullopt;
    }
    std::vector<Tag> tags;
    for (size_t i = 1; i < expression.children.size(); ++i) {
      if (!AddConstant(*expression.children[i], tags)) {
        return std::nullopt;
      }
    }
    return tags;
  }

  bool IsColumn(const Expression& expression) const {
    return expression.GetExpressionClass() == ExpressionClass::BOUND_COLUMN_REF &&
           expression.Cast<duckdb::BoundColumnRefExpression>().binding == binding_;
  }

  // Nothing is equal to NULL. False: it is no constant that is understood.
  bool AddConstant(const Expression& expression, std::vector<Tag>& tags) const {
    if (expression.GetExpressionClass() != ExpressionClass::BOUND_CONSTANT) {
      return false;
    }
    const duckdb::Value& value = expression.Cast<duckdb::BoundConstantExpression>().value;
    if (value.IsNull()) {
      return true;
    }
    if (value.type() != type_) {
      return false;
    }
    auto tag = TagOf(value);
    if (!tag) {
      return false;
    }
    tags.push_back(std::move(tag));
    return true;
  }

  // As rows have it; nullopt: not known. Texts stay in the value.
  Tag TagOf(const duckdb::Value& value) const {
    switch (column_.type) {
      case ColumnType::kString:
      case ColumnType::kVarbinary:
        return TagValue{column_.id, std::string_view(duckdb::StringValue::Get(value))};
      case ColumnType::kInt64:
      case ColumnType::kInt32:
      case ColumnType::kInt16:
      case ColumnType::kInt8:
        return TagValue{column_.id, value.GetValue<int64_t>()};
      case ColumnType::kUInt64:
      case ColumnType::kUInt32:
      case ColumnType::kUInt16:
      case ColumnType::kUInt8:
        return TagValue{column_.id, value.GetValue<uint64_t>()};
      case ColumnType::kBoolean:
        return TagValue{column_.id, uint64_t{duckdb::BooleanValue::Get(value)}};
      default:
        return std::nullopt;
    }
  }

  const ColumnSchema& column_;
  const duckdb::LogicalType type_;
  const duckdb::ColumnBinding binding_;
};

Tags AllowedTags(const TableSchema& schema, uint32_t column_id, const duckdb::LogicalGet& get,
                 const duckdb::vector<unique_ptr<Expression>>& filters) {
  const ColumnSchema* const column = schema.FindById(column_id);
  if (column == nullptr) {
    return std::nullopt;
  }
  const auto& scanned = get.GetColumnIds();
  const auto index = static_cast<duckdb::idx_t>(column - schema.columns().data());
  const auto found = std::ranges::find(scanned, index, &duckdb::ColumnIndex::GetPrimaryIndex);
  if (found == scanned.end()) {
    return std::nullopt;
  }
  const duckdb::ColumnBinding binding(get.table_index,
                                      static_cast<duckdb::idx_t>(found - scanned.begin()));
  return KeyColumn(*column, binding).OfAll(filters);
}

// Whether one of the keys, whose first tags are in `key`, is in the partition.
bool AnyIsIn(const PartitionPlace& place, std::span<const std::vector<Tag>> rest,
             std::vector<Tag>& key) {
  if (rest.empty()) {
    return PartitionOf(place.partitioning, key) == place.index;
  }
  return std::ranges::any_of(rest.front(), [&](const Tag& tag) {
    key.push_back(tag);
    const bool in = AnyIsIn(place, rest.subspan(1), key);
    key.pop_back();
    return in;
  });
}

bool ReadsNothing(const LogicalOperator& plan) {
  switch (plan.type) {
    case LogicalOperatorType::LOGICAL_GET:
      return IsLeftOut(plan.Cast<duckdb::LogicalGet>());
    case LogicalOperatorType::LOGICAL_EMPTY_RESULT:
      return true;
    case LogicalOperatorType::LOGICAL_PROJECTION:
    case LogicalOperatorType::LOGICAL_FILTER:
      return ReadsNothing(*plan.children.front());
    default:
      return false;
  }
}

// The only one that is left, under the names of all.
unique_ptr<LogicalOperator> Only(duckdb::idx_t table_index, unique_ptr<LogicalOperator> child) {
  child->ResolveOperatorTypes();
  const auto bindings = child->GetColumnBindings();
  duckdb::vector<unique_ptr<Expression>> columns;
  for (size_t i = 0; i < bindings.size(); ++i) {
    columns.push_back(
        duckdb::make_uniq<duckdb::BoundColumnRefExpression>(child->types[i], bindings[i]));
  }
  auto only = duckdb::make_uniq<duckdb::LogicalProjection>(table_index, std::move(columns));
  only->children.push_back(std::move(child));
  return only;
}

void LeaveOut(unique_ptr<LogicalOperator>& plan) {
  for (auto& child : plan->children) {
    LeaveOut(child);
  }
  if (plan->type != LogicalOperatorType::LOGICAL_UNION ||
      !plan->Cast<duckdb::LogicalSetOperation>().setop_all) {
    return;
  }
  auto& children = plan->children;
  const auto reads_nothing = [](const auto& child) { return ReadsNothing(*child); };
  if (std::ranges::all_of(children, reads_nothing)) {
    plan = duckdb::make_uniq<duckdb::LogicalEmptyResult>(std::move(plan));
    return;
  }
  children.erase(std::remove_if(children.begin(), children.end(), reads_nothing), children.end());
  if (children.size() == 1) {
    const duckdb::idx_t table_index = plan->Cast<duckdb::LogicalSetOperation>().table_index;
    plan = Only(table_index, std::move(children.front()));
  }
}

void Optimize(duckdb::OptimizerExtensionInput&, unique_ptr<LogicalOperator>& plan) {
  LeaveOut(plan);
}

}  // namespace

bool MayHoldRows(const PartitionPlace& place, const TableSchema& schema,
                 const duckdb::LogicalGet& get,
                 const duckdb::vector<unique_ptr<Expression>>& filters) {
  if (place.partitioning.method == PartitionMethod::kRandom) {
    return true;
  }
  std::vector<std::vector<Tag>> allowed;
  size_t keys = 1;
  for (const uint32_t column_id : place.partitioning.columns) {
    auto tags = AllowedTags(schema, column_id, get, filters);
    if (!tags || tags->size() > kKeysMax) {
      return true;
    }
    keys *= tags->size();
    if (keys > kKeysMax) {
      return true;
    }
    allowed.push_back(*std::move(tags));
  }
  std::vector<Tag> key;
  return AnyIsIn(place, allowed, key);
}

void RegisterPartitionPruning(duckdb::DBConfig& config) {
  duckdb::OptimizerExtension extension;
  extension.optimize_function = Optimize;
  duckdb::OptimizerExtension::Register(config, std::move(extension));
}

}  // namespace varve
