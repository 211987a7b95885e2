#include <algorithm>
#include <array>
#include <duckdb/parser/expression/list.hpp>
#include <duckdb/parser/query_node/select_node.hpp>
#include <duckdb/parser/statement/select_statement.hpp>
#include <duckdb/parser/tableref/at_clause.hpp>
#include <duckdb/parser/tableref/basetableref.hpp>
#include <duckdb/planner/filter/conjunction_filter.hpp>
#include <duckdb/planner/filter/constant_filter.hpp>
#include <utility>

#include "query/as_of.h"
#include "query/direct_aggregate.h"
#include "query/direct_constants.h"
#include "query/duckdb_bridge.h"
#include "query/duckdb_types.h"
#include "query/name_mapping.h"
#include "query/time_period.h"

namespace varve {
namespace {

using duckdb::ExpressionClass;
using duckdb::ExpressionType;
using duckdb::ParsedExpression;
using duckdb::Value;

constexpr int64_t kMicrosecondsPerDay = int64_t{86'400} * 1'000'000;
// Monday, 2000-01-03: where DuckDB's time_bucket counts intervals of days and less from.
constexpr int64_t kTimeBucketOriginUs = 946'857'600'000'000;
// Monday, 1970-01-05: weeks.
constexpr int64_t kMondayUs = 4 * kMicrosecondsPerDay;

struct NamedInterval {
  std::string_view name;
  DirectAggregate::Interval interval;
};
// Units of date_trunc that have one length.
constexpr std::array<NamedInterval, 5> kTruncated = {{
    {"second", {1'000'000, 0}},
    {"minute", {60'000'000, 0}},
    {"hour", {3'600'000'000, 0}},
    {"day", {kMicrosecondsPerDay, 0}},
    {"week", {7 * kMicrosecondsPerDay, kMondayUs}},
}};

constexpr std::array<std::pair<std::string_view, AggregateKind>, 6> kAggregates = {{
    {"count", AggregateKind::kCount},
    {"min", AggregateKind::kMin},
    {"max", AggregateKind::kMax},
    {"sum", AggregateKind::kSum},
    {"avg", AggregateKind::kAvg},
    {"mean", AggregateKind::kAvg},
}};

ExpressionType Swapped(ExpressionType comparison) {
  switch (comparison) {
    case ExpressionType::COMPARE_LESSTHAN:
      return ExpressionType::COMPARE_GREATERTHAN;
    case ExpressionType::COMPARE_LESSTHANOREQUALTO:
      return ExpressionType::COMPARE_GREATERTHANOREQUALTO;
    case ExpressionType::COMPARE_GREATERTHAN:
      return ExpressionType::COMPARE_LESSTHAN;
    case ExpressionType::COMPARE_GREATERTHANOREQUALTO:
      return ExpressionType::COMPARE_LESSTHANOREQUALTO;
    default:
      return comparison;
  }
}

bool IsComparison(ExpressionType type) {
  switch (type) {
    case ExpressionType::COMPARE_EQUAL:
    case ExpressionType::COMPARE_LESSTHAN:
    case ExpressionType::COMPARE_LESSTHANOREQUALTO:
    case ExpressionType::COMPARE_GREATERTHAN:
    case ExpressionType::COMPARE_GREATERTHANOREQUALTO:
      return true;
    default:
      return false;
  }
}

// Takes one statement apart. Every function answers "no" to what it does not know.
class Matcher {
 public:
  explicit Matcher(const RewriteContext& context) : context_(context) {}

  std::optional<DirectAggregate> Match(const duckdb::SelectStatement& statement) {
    if (statement.node->type != duckdb::QueryNodeType::SELECT_NODE) {
      return std::nullopt;
    }
    const auto& node = statement.node->Cast<duckdb::SelectNode>();
    if (!IsPlain(node) || !MatchTable(*node.from_table) || !MatchSelect(node) ||
        !MatchGroups(node.groups) || !EachKeyIsGrouped() || !MatchWhere(node.where_clause.get()) ||
        !MatchModifiers(node)) {
      return std::nullopt;
    }
    return std::move(query_);
  }

 private:
  static bool IsPlain(const duckdb::SelectNode& node) {
    return node.from_table && !node.having && !node.qualify && !node.sample &&
           node.cte_map.map.empty() && node.groups.grouping_sets.size() <= 1 &&
           node.aggregate_handling == duckdb::AggregateHandling::STANDARD_HANDLING;
  }

  bool MatchTable(const duckdb::TableRef& reference) {
    if (reference.type != duckdb::TableReferenceType::BASE_TABLE || reference.sample ||
        !reference.column_name_alias.empty()) {
      return false;
    }
    const auto& table = reference.Cast<duckdb::BaseTableRef>();
    if (!table.catalog_name.empty() || context_.database == nullptr) {
      return false;
    }
    auto found = context_.database->FindTable(
        table.schema_name.empty() ? context_.schema : std::string_view(table.schema_name),
        table.table_name);
    if (!found || (*found)->partitioning()) {
      return false;
    }
    query_.table = *std::move(found);
    query_.schema = query_.table->schema();
    if (table.at_clause && !MatchVersion(*table.at_clause)) {
      return false;
    }
    table_name_ = table.alias.empty() ? table.table_name : table.alias;
    NameMapping names;
    names.Add(*query_.schema);
    return names.empty();
  }

  // A version that cannot be read is for the plan to say.
  bool MatchVersion(duckdb::AtClause& at) {
    const std::optional<Value> value = ConstantValue(*at.ExpressionMutable());
    if (!value) {
      return false;
    }
    const auto ref = Caught([&] { return VersionRefOf(at.Unit(), *value); });
    auto version = ref ? query_.table->FindVersion(*ref) : std::unexpected(ref.error());
    if (!version) {
      return false;
    }
    query_.version = *std::move(version);
    query_.schema = query_.version->schema;
    return true;
  }

  // Names that are spelt as the table spells them; DuckDB's rules for others are its own.
  std::optional<size_t> ColumnOf(const ParsedExpression& expression) const {
    if (expression.GetExpressionClass() != ExpressionClass::COLUMN_REF) {
      return std::nullopt;
    }
    const auto& names = expression.Cast<duckdb::ColumnRefExpression>().column_names;
    if (names.size() > 2 || (names.size() == 2 && names.front() != table_name_)) {
      return std::nullopt;
    }
    return query_.schema->FindIndex(names.back());
  }

  const ColumnSchema& Column(size_t index) const { return query_.schema->columns()[index]; }
  bool IsTime(const ParsedExpression& expression) const {
    return ColumnOf(expression) == query_.schema->timestamp_index();
  }

  std::optional<Value> ConstantValue(const ParsedExpression& expression) const {
    return ConstantIn(expression, context_.parameters);
  }
  std::optional<Value> ForColumn(const ParsedExpression& expression, size_t column) const {
    return ConstantForColumn(expression, context_.parameters, Column(column).type);
  }

  std::optional<DirectAggregate::Key> KeyOf(const ParsedExpression& expression) const {
    if (const auto column = ColumnOf(expression)) {
      const bool key = *column == query_.schema->timestamp_index() ||
                       (Column(*column).tag && Column(*column).type == ColumnType::kString);
      return key ? std::optional(DirectAggregate::Key{*column, {}}) : std::nullopt;
    }
    if (expression.GetExpressionClass() != ExpressionClass::FUNCTION) {
      return std::nullopt;
    }
    const auto& function = expression.Cast<duckdb::FunctionExpression>();
    if (!function.schema.empty() || function.distinct || function.filter ||
        (function.order_bys && !function.order_bys->orders.empty()) ||
        function.children.size() != 2) {
      return std::nullopt;
    }
    const bool time_first = IsTime(*function.children[0]);
    if (!time_first && !IsTime(*function.children[1])) {
      return std::nullopt;
    }
    const auto constant = ConstantValue(*function.children[time_first ? 1 : 0]);
    if (!constant || constant->IsNull()) {
      return std::nullopt;
    }
    const auto interval = IntervalOf(function.function_name, time_first, *constant);
    return interval
               ? std::optional(DirectAggregate::Key{query_.schema->timestamp_index(), interval})
               : std::nullopt;
  }

  static std::optional<DirectAggregate::Interval> IntervalOf(const std::string& function,
                                                             bool time_first,
                                                             const Value& constant) {
    const duckdb::LogicalTypeId type = constant.type().id();
    if (function == "date_trunc" && !time_first && type == duckdb::LogicalTypeId::VARCHAR) {
      const std::string unit = duckdb::StringUtil::Lower(duckdb::StringValue::Get(constant));
      const auto* const known = std::ranges::find(kTruncated, unit, &NamedInterval::name);
      return known == kTruncated.end() ? std::nullopt : std::optional(known->interval);
    }
    if (function != "time_bucket") {
      return std::nullopt;
    }
    if (time_first && type == duckdb::LogicalTypeId::VARCHAR) {
      const auto period = TimePeriod::Parse(duckdb::StringValue::Get(constant));
      return period && period->unit == TimePeriod::Unit::kMicroseconds
                 ? std::optional(DirectAggregate::Interval{period->count, 0})
                 : std::nullopt;
    }
    if (!time_first && type == duckdb::LogicalTypeId::INTERVAL) {
      const auto interval = duckdb::IntervalValue::Get(constant);
      int64_t width = 0;
      return interval.months == 0 && duckdb::Interval::TryGetMicro(interval, width) && width > 0
                 ? std::optional(DirectAggregate::Interval{width, kTimeBucketOriginUs})
                 : std::nullopt;
    }
    return std::nullopt;
  }

  std::optional<DirectAggregate::Aggregate> AggregateOf(const ParsedExpression& expression) const {
    if (expression.GetExpressionClass() != ExpressionClass::FUNCTION) {
      return std::nullopt;
    }
    const auto& function = expression.Cast<duckdb::FunctionExpression>();
    if (!function.schema.empty() || function.distinct || function.filter ||
        (function.order_bys && !function.order_bys->orders.empty()) || function.export_state) {
      return std::nullopt;
    }
    if (function.function_name == "count_star" && function.children.empty()) {
      return DirectAggregate::Aggregate{AggregateKind::kCount, std::nullopt};
    }
    const auto* const known =
        std::ranges::find(kAggregates, std::string_view(function.function_name),
                          [](const auto& entry) { return entry.first; });
    if (known == kAggregates.end() || function.children.size() != 1) {
      return std::nullopt;
    }
    const auto column = ColumnOf(*function.children[0]);
    if (!column || !Accumulator::Make(known->second, DuckDbType(Column(*column).type))) {
      return std::nullopt;
    }
    return DirectAggregate::Aggregate{known->second, column};
  }

  template <class T>
  static size_t AddOnce(std::vector<T>& all, const T& one) {
    const auto found = std::ranges::find(all, one);
    const auto index = static_cast<size_t>(found - all.begin());
    if (found == all.end()) {
      all.push_back(one);
    }
    return index;
  }

  std::optional<DirectAggregate::Output> OutputOf(const ParsedExpression& expression) {
    using Of = DirectAggregate::Output::Of;
    if (const auto key = KeyOf(expression)) {
      return DirectAggregate::Output{Of::kKey, AddOnce(query_.keys, *key)};
    }
    if (const auto aggregate = AggregateOf(expression)) {
      return DirectAggregate::Output{Of::kAggregate, AddOnce(query_.aggregates, *aggregate)};
    }
    return std::nullopt;
  }

  bool MatchSelect(const duckdb::SelectNode& node) {
    for (const auto& expression : node.select_list) {
      const auto output = OutputOf(*expression);
      // An alias that is also a column's name means one or the other, by rules of DuckDB's.
      if (!output || query_.schema->FindIndex(expression->GetAlias())) {
        return false;
      }
      query_.outputs.push_back(*output);
      query_.names.push_back(expression->GetName());
      aliases_.push_back(expression->GetAlias());
    }
    return !query_.aggregates.empty();
  }

  // A column of the result by its place or its alias.
  std::optional<DirectAggregate::Output> Selected(const ParsedExpression& expression) const {
    if (expression.GetExpressionClass() == ExpressionClass::CONSTANT) {
      const Value& place = expression.Cast<duckdb::ConstantExpression>().value;
      if (place.IsNull() || !place.type().IsIntegral()) {
        return std::nullopt;
      }
      const auto number = CastConstant(place, duckdb::LogicalType::UBIGINT);
      const uint64_t index = number ? number->GetValue<uint64_t>() : 0;
      return index >= 1 && index <= query_.outputs.size() ? std::optional(query_.outputs[index - 1])
                                                          : std::nullopt;
    }
    if (expression.GetExpressionClass() != ExpressionClass::COLUMN_REF) {
      return std::nullopt;
    }
    const auto& names = expression.Cast<duckdb::ColumnRefExpression>().column_names;
    if (names.size() != 1 || std::ranges::count(aliases_, names.front()) != 1) {
      return std::nullopt;
    }
    const auto found = std::ranges::find(aliases_, names.front());
    return query_.outputs[static_cast<size_t>(found - aliases_.begin())];
  }

  bool MatchGroups(const duckdb::GroupByNode& groups) {
    grouped_.assign(query_.keys.size(), false);
    for (const auto& expression : groups.group_expressions) {
      auto output = Selected(*expression);
      if (!output) {
        const auto key = KeyOf(*expression);
        if (!key) {
          return false;
        }
        output = {DirectAggregate::Output::Of::kKey, AddOnce(query_.keys, *key)};
      }
      if (output->of != DirectAggregate::Output::Of::kKey) {
        return false;
      }
      grouped_.resize(query_.keys.size(), false);
      grouped_[output->index] = true;
    }
    query_.grouped = !groups.group_expressions.empty();
    return true;
  }

  bool EachKeyIsGrouped() const {
    return std::ranges::all_of(grouped_, [](bool grouped) { return grouped; });
  }

  bool MatchWhere(const ParsedExpression* where) {
    if (where == nullptr) {
      return true;
    }
    switch (where->GetExpressionClass()) {
      case ExpressionClass::CONJUNCTION: {
        if (where->GetExpressionType() != ExpressionType::CONJUNCTION_AND) {
          return false;
        }
        const auto& children = where->Cast<duckdb::ConjunctionExpression>().children;
        return std::ranges::all_of(children,
                                   [this](const auto& child) { return MatchWhere(child.get()); });
      }
      case ExpressionClass::COMPARISON:
        return MatchComparison(where->Cast<duckdb::ComparisonExpression>());
      case ExpressionClass::BETWEEN: {
        const auto& between = where->Cast<duckdb::BetweenExpression>();
        return AddComparison(*between.input, ExpressionType::COMPARE_GREATERTHANOREQUALTO,
                             *between.lower) &&
               AddComparison(*between.input, ExpressionType::COMPARE_LESSTHANOREQUALTO,
                             *between.upper);
      }
      case ExpressionClass::OPERATOR:
        return MatchIn(where->Cast<duckdb::OperatorExpression>());
      default:
        return false;
    }
  }

  bool MatchComparison(const duckdb::ComparisonExpression& comparison) {
    const ExpressionType type = comparison.GetExpressionType();
    return IsComparison(type) &&
           (AddComparison(*comparison.left, type, *comparison.right) ||
            AddComparison(*comparison.right, Swapped(type), *comparison.left));
  }

  bool AddComparison(const ParsedExpression& left, ExpressionType type,
                     const ParsedExpression& right) {
    const auto column = ColumnOf(left);
    const auto value = column ? ForColumn(right, *column) : std::nullopt;
    if (!value) {
      return false;
    }
    query_.filters[*column].push_back(duckdb::make_uniq<duckdb::ConstantFilter>(type, *value));
    return true;
  }

  bool MatchIn(const duckdb::OperatorExpression& in) {
    if (in.GetExpressionType() != ExpressionType::COMPARE_IN) {
      return false;
    }
    const auto column = ColumnOf(*in.children[0]);
    if (!column) {
      return false;
    }
    auto any = duckdb::make_uniq<duckdb::ConjunctionOrFilter>();
    for (size_t i = 1; i < in.children.size(); ++i) {
      const auto value = ForColumn(*in.children[i], *column);
      if (!value) {
        return false;
      }
      any->child_filters.push_back(
          duckdb::make_uniq<duckdb::ConstantFilter>(ExpressionType::COMPARE_EQUAL, *value));
    }
    query_.filters[*column].push_back(std::move(any));
    return true;
  }

  bool MatchModifiers(const duckdb::SelectNode& node) {
    return std::ranges::all_of(node.modifiers, [this](const auto& modifier) {
      switch (modifier->type) {
        case duckdb::ResultModifierType::ORDER_MODIFIER:
          return MatchOrder(modifier->template Cast<duckdb::OrderModifier>());
        case duckdb::ResultModifierType::LIMIT_MODIFIER:
          return MatchLimit(modifier->template Cast<duckdb::LimitModifier>());
        default:
          return false;
      }
    });
  }

  bool MatchOrder(const duckdb::OrderModifier& order) {
    for (const duckdb::OrderByNode& by : order.orders) {
      if (by.null_order == duckdb::OrderByNullType::NULLS_FIRST) {
        return false;
      }
      auto output = Selected(*by.expression);
      if (!output) {
        output = OutputOf(*by.expression);
      }
      // What is only ordered by would be one more key.
      if (!output || query_.keys.size() != grouped_.size()) {
        return false;
      }
      query_.order.push_back({*output, by.type == duckdb::OrderType::DESCENDING});
    }
    return true;
  }

  bool MatchLimit(const duckdb::LimitModifier& modifier) {
    const auto number = [this](const duckdb::unique_ptr<ParsedExpression>& expression,
                               uint64_t absent) -> std::optional<uint64_t> {
      if (!expression) {
        return absent;
      }
      const auto value = ConstantValue(*expression);
      const auto rows = value && value->type().IsIntegral()
                            ? CastConstant(*value, duckdb::LogicalType::UBIGINT)
                            : std::nullopt;
      return rows ? std::optional(rows->GetValue<uint64_t>()) : std::nullopt;
    };
    const auto limit = number(modifier.limit, query_.limit);
    const auto offset = number(modifier.offset, 0);
    if (!limit || !offset) {
      return false;
    }
    query_.limit = *limit;
    query_.offset = *offset;
    return true;
  }

  const RewriteContext& context_;
  DirectAggregate query_;
  std::string table_name_;
  std::vector<std::string> aliases_;  // of the outputs
  std::vector<bool> grouped_;         // by key
};

}  // namespace

std::optional<DirectAggregate> MatchDirectAggregate(const duckdb::SelectStatement& statement,
                                                    const RewriteContext& context) {
  return Matcher(context).Match(statement);
}

}  // namespace varve
