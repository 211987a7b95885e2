// regexp_match(text, pattern [, flags]): what the groups of the first match caught, or the whole
// match when the pattern has none; NULL when nothing matches. regexp_replace is DuckDB's.
#include <duckdb/common/re2_regex.hpp>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/planner/expression/bound_constant_expression.hpp>
#include <duckdb/planner/expression/bound_function_expression.hpp>
#include <map>

#include "query/duckdb_bridge.h"
#include "query/functions.h"

namespace varve {
namespace {

using duckdb::LogicalType;
using duckdb_re2::Match;
using duckdb_re2::Regex;

// Patterns from a column: as many are kept compiled by each thread.
constexpr size_t kPatternsMax = 64;

// Regex takes any pattern; only functions say what is wrong with one.
void Check(duckdb::ClientContext& context, const std::string& pattern) {
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> arguments;
  arguments.push_back(duckdb::make_uniq<duckdb::BoundConstantExpression>(duckdb::Value("")));
  arguments.push_back(duckdb::make_uniq<duckdb::BoundConstantExpression>(duckdb::Value(pattern)));
  const auto call = BindCall(context, "regexp_matches", std::move(arguments));
  duckdb::ExpressionExecutor::EvaluateScalar(context, *call);
}

Regex Compile(duckdb::ClientContext& context, const std::string& pattern,
              const std::string& flags) {
  for (const char flag : flags) {
    if (flag == 'g') {
      Throw(Error{ErrorKind::kInvalidArgument,
                  "regexp_match() does not support the \"global\" option"});
    }
    if (std::string_view("imsU").find(flag) == std::string_view::npos) {
      Throw(
          Error{ErrorKind::kInvalidArgument,
                fmt::format("regexp_match: there is no flag '{}'; there are i, m, s and U", flag)});
    }
  }
  const std::string whole = flags.empty() ? pattern : fmt::format("(?{}){}", flags, pattern);
  Check(context, whole);
  return Regex(whole);
}

struct Patterns final : public duckdb::FunctionLocalState {
  std::map<std::pair<std::string, std::string>, Regex> compiled;

  const Regex& Of(duckdb::ClientContext& context, std::string pattern, std::string flags) {
    auto key = std::pair(std::move(pattern), std::move(flags));
    const auto found = compiled.find(key);
    if (found != compiled.end()) {
      return found->second;
    }
    if (compiled.size() == kPatternsMax) {
      compiled.clear();
    }
    Regex regex = Compile(context, key.first, key.second);
    return compiled.emplace(std::move(key), std::move(regex)).first->second;
  }
};

duckdb::unique_ptr<duckdb::FunctionLocalState> NewPatterns(duckdb::ExpressionState&,
                                                           const duckdb::BoundFunctionExpression&,
                                                           duckdb::FunctionData*) {
  return duckdb::make_uniq<Patterns>();
}

// The texts of an argument; nullptr: NULL.
class Texts {
 public:
  Texts(duckdb::Vector& vector, duckdb::idx_t count) {
    vector.ToUnifiedFormat(count, format_);
    values_ = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(format_);
  }
  const duckdb::string_t* At(duckdb::idx_t row) const {
    const duckdb::idx_t index = format_.sel->get_index(row);
    return format_.validity.RowIsValid(index) ? &values_[index] : nullptr;
  }

 private:
  duckdb::UnifiedVectorFormat format_;
  const duckdb::string_t* values_ = nullptr;
};

void AppendGroups(Match& match, duckdb::Vector& result, duckdb::list_entry_t& entry) {
  const size_t first = match.groups.size() > 1 ? 1 : 0;
  entry.offset = duckdb::ListVector::GetListSize(result);
  entry.length = match.groups.size() - first;
  for (size_t i = first; i < match.groups.size(); ++i) {
    duckdb::ListVector::PushBack(result, duckdb::Value(match.groups[i].text));
  }
}

void RegexpMatch(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                 duckdb::Vector& result) {
  const duckdb::idx_t count = arguments.size();
  auto& patterns = duckdb::ExecuteFunctionState::GetFunctionState(state)->Cast<Patterns>();
  const Texts texts(arguments.data[0], count);
  const Texts expressions(arguments.data[1], count);
  duckdb::Vector no_flags(duckdb::Value(""));
  const Texts flags(arguments.ColumnCount() > 2 ? arguments.data[2] : no_flags, count);
  result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  auto* entries = duckdb::FlatVector::GetData<duckdb::list_entry_t>(result);
  Match match;
  for (duckdb::idx_t row = 0; row < count; ++row) {
    const auto* text = texts.At(row);
    const auto* expression = expressions.At(row);
    const auto* flag = flags.At(row);
    entries[row] = {};
    match.groups.clear();
    if (text == nullptr || expression == nullptr || flag == nullptr ||
        !duckdb_re2::RegexSearch(
            text->GetString(), match,
            patterns.Of(state.GetContext(), expression->GetString(), flag->GetString()))) {
      duckdb::FlatVector::SetNull(result, row, true);
      continue;
    }
    AppendGroups(match, result, entries[row]);
  }
  if (arguments.AllConstant()) {
    result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
  }
}

}  // namespace

void AddRegexpFunctions(FunctionCatalog& catalog) {
  duckdb::vector<LogicalType> types = {LogicalType::VARCHAR, LogicalType::VARCHAR};
  for (int overload = 0; overload < 2; ++overload) {
    duckdb::ScalarFunction function("regexp_match", types, LogicalType::LIST(LogicalType::VARCHAR),
                                    RegexpMatch);
    function.SetInitStateCallback(NewPatterns);
    function.SetNullHandling(duckdb::FunctionNullHandling::SPECIAL_HANDLING);
    catalog.Add(std::move(function));
    types.push_back(LogicalType::VARCHAR);
  }
}

}  // namespace varve
