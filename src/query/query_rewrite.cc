#include "query/query_rewrite.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <duckdb/parser/expression/list.hpp>
#include <duckdb/parser/parsed_expression_iterator.hpp>
#include <duckdb/parser/parser.hpp>
#include <duckdb/parser/query_node/list.hpp>
#include <duckdb/parser/statement/select_statement.hpp>
#include <duckdb/parser/tableref/at_clause.hpp>
#include <duckdb/parser/tableref/list.hpp>

#include "query/change_names.h"
#include "query/coercions.h"
#include "query/duckdb_bridge.h"
#include "query/parameters.h"
#include "query/session.h"
#include "query/table_changes.h"
#include "sql/error_text.h"
#include "sql/rewrite.h"

namespace varve {
namespace {

using Expression = duckdb::unique_ptr<duckdb::ParsedExpression>;
using duckdb::ExpressionClass;
using duckdb::ExpressionType;

// Catalogue names that CeresDB's clients send.
constexpr std::array<std::string_view, 2> kOtherCatalogNames = {"ceresdb", "horaedb"};

bool IsOtherCatalogName(std::string_view name) {
  return std::ranges::find(kOtherCatalogNames, name) != kOtherCatalogNames.end();
}

constexpr std::array<std::string_view, 5> kArithmetic = {"+", "-", "*", "//", "%"};

// A number, or what is computed from numbers only.
bool IsNumber(const duckdb::ParsedExpression& expression) {
  if (expression.GetExpressionClass() == ExpressionClass::CONSTANT) {
    const duckdb::Value& value = expression.Cast<duckdb::ConstantExpression>().value;
    return !value.IsNull() && value.type().IsNumeric();
  }
  if (expression.GetExpressionClass() != ExpressionClass::FUNCTION) {
    return false;
  }
  const auto& function = expression.Cast<duckdb::FunctionExpression>();
  return function.is_operator &&
         std::ranges::find(kArithmetic, function.function_name) != kArithmetic.end() &&
         std::ranges::all_of(function.children,
                             [](const Expression& child) { return IsNumber(*child); });
}

// DuckDB computes with the shortest types that hold the numbers, which are too short for
// milliseconds: 1357020000 * 1000.
void ComputeWithInt64(duckdb::ParsedExpression& expression) {
  if (expression.GetExpressionClass() != ExpressionClass::FUNCTION) {
    return;
  }
  for (Expression& child : expression.Cast<duckdb::FunctionExpression>().children) {
    ComputeWithInt64(*child);
    if (child->GetExpressionClass() == ExpressionClass::CONSTANT &&
        child->Cast<duckdb::ConstantExpression>().value.type().InternalType() ==
            duckdb::PhysicalType::INT32) {
      child =
          duckdb::make_uniq<duckdb::CastExpression>(duckdb::LogicalType::BIGINT, std::move(child));
    }
  }
}

// What may be bound a second time only to learn its type. A subquery or a window would leave its
// plan behind.
bool MayBeBoundTwice(const duckdb::ParsedExpression& expression) {
  switch (expression.GetExpressionClass()) {
    case ExpressionClass::COLUMN_REF:
    case ExpressionClass::CAST:
    case ExpressionClass::FUNCTION:
      break;
    default:
      return false;
  }
  bool may = true;
  duckdb::ParsedExpressionIterator::EnumerateChildren(
      expression, [&](const duckdb::ParsedExpression& child) {
        may = may &&
              (child.GetExpressionClass() == ExpressionClass::CONSTANT || MayBeBoundTwice(child));
      });
  return may;
}

void Align(const duckdb::ParsedExpression& other, Expression& literal) {
  if (!IsNumber(*literal) || IsNumber(other) || !MayBeBoundTwice(other)) {
    return;
  }
  ComputeWithInt64(*literal);
  duckdb::vector<Expression> arguments;
  arguments.push_back(other.Copy());
  arguments.push_back(std::move(literal));
  literal = duckdb::make_uniq<duckdb::FunctionExpression>(std::string(kAlignFunction),
                                                          std::move(arguments));
}

class Rewriter {
 public:
  Rewriter(const RewriteContext& context, NameMapping names)
      : context_(context), names_(std::move(names)) {}

  const NameMapping& names() const { return names_; }
  const std::set<std::pair<std::string, std::string>>& views() const { return views_; }

  // Catalogue names, and which columns collide: must be known before any expression is looked at.
  void CollectTables(duckdb::QueryNode& node) {
    duckdb::ParsedExpressionIterator::EnumerateQueryNodeChildren(
        node, [&](Expression& child) { CollectTables(*child); },
        [&](duckdb::TableRef& reference) { CollectTable(reference); });
  }

  void CollectTables(duckdb::ParsedExpression& expression) {
    if (expression.GetExpressionClass() == ExpressionClass::SUBQUERY) {
      CollectTables(*expression.Cast<duckdb::SubqueryExpression>().subquery->node);
    }
    duckdb::ParsedExpressionIterator::EnumerateChildren(
        expression, [&](duckdb::ParsedExpression& child) { CollectTables(child); });
  }

  void Rewrite(duckdb::QueryNode& node) {
    KeepOutputNames(node);
    duckdb::ParsedExpressionIterator::EnumerateQueryNodeChildren(
        node, [&](Expression& child) { Rewrite(child); },
        [&](duckdb::TableRef& reference) { Rewrite(reference); });
  }

  void Rewrite(Expression& expression) {
    if (expression->GetExpressionClass() == ExpressionClass::SUBQUERY) {
      Rewrite(*expression->Cast<duckdb::SubqueryExpression>().subquery->node);
    }
    duckdb::ParsedExpressionIterator::EnumerateChildren(*expression,
                                                        [&](Expression& child) { Rewrite(child); });
    switch (expression->GetExpressionClass()) {
      case ExpressionClass::COLUMN_REF:
        RenameColumn(expression->Cast<duckdb::ColumnRefExpression>());
        break;
      case ExpressionClass::COMPARISON:
        AlignComparison(expression->Cast<duckdb::ComparisonExpression>());
        break;
      case ExpressionClass::BETWEEN:
        AlignBetween(expression->Cast<duckdb::BetweenExpression>());
        break;
      case ExpressionClass::OPERATOR:
        AlignIn(expression->Cast<duckdb::OperatorExpression>());
        break;
      case ExpressionClass::FUNCTION:
        ZonelessNow(expression);
        break;
      case ExpressionClass::PARAMETER:
        GiveValue(expression);
        break;
      default:
        break;
    }
  }

 private:
  void CollectTable(duckdb::TableRef& reference) {
    if (reference.type == duckdb::TableReferenceType::TABLE_FUNCTION) {
      return CollectChanges(reference.Cast<duckdb::TableFunctionRef>());
    }
    if (reference.type != duckdb::TableReferenceType::BASE_TABLE) {
      return;
    }
    auto& table = reference.Cast<duckdb::BaseTableRef>();
    if (IsOtherCatalogName(table.catalog_name)) {
      table.catalog_name = std::string(kDefaultCatalogName);
    } else if (table.catalog_name.empty() && IsOtherCatalogName(table.schema_name)) {
      table.schema_name = std::string(kDefaultCatalogName);
    }
    if (context_.database == nullptr) {
      return;
    }
    const bool named = !table.schema_name.empty() && table.schema_name != kDefaultCatalogName;
    const std::string schema = named ? table.schema_name : std::string(schema_);
    const auto found = context_.database->FindTable(schema, table.table_name);
    if (found) {
      AddNames(**found, table);
    } else if (const auto view = context_.database->FindView(schema, table.table_name)) {
      CollectView(*view);
    }
  }

  void AddNames(const Table& table, duckdb::BaseTableRef& reference) {
    names_.Add(*table.schema());
    if (!reference.at_clause) {
      return;
    }
    Expression& version = reference.at_clause->ExpressionMutable();
    if (version->GetExpressionClass() == ExpressionClass::PARAMETER) {
      GiveValue(version);
    }
    // Which version it is, is known when the statement is bound.
    const auto current = OrThrow(table.FindVersion(table.current_version()));
    for (const auto& [id, schema] : current->schemas) {
      names_.Add(*schema);
    }
  }

  // The table's name is made a whole one here, where it is known what a short one means.
  void CollectChanges(duckdb::TableFunctionRef& reference) {
    if (reference.function->GetExpressionClass() != ExpressionClass::FUNCTION) {
      return;
    }
    auto& call = reference.function->Cast<duckdb::FunctionExpression>();
    if (!duckdb::StringUtil::CIEquals(call.function_name, std::string(kTableChanges)) ||
        call.children.empty()) {
      return;
    }
    Expression& first = call.children.front();
    if (first->GetExpressionClass() == ExpressionClass::PARAMETER) {
      GiveValue(first);
    }
    if (first->GetExpressionClass() != ExpressionClass::CONSTANT) {
      return;
    }
    duckdb::Value& text = first->Cast<duckdb::ConstantExpression>().value;
    if (text.IsNull() || text.type().id() != duckdb::LogicalTypeId::VARCHAR) {
      return;
    }
    const TableName name = OrThrow(ParseTableText(duckdb::StringValue::Get(text), schema_));
    text = duckdb::Value(TableText(name));
    if (context_.database == nullptr) {
      return;
    }
    if (const auto table = context_.database->FindTable(name.schema, name.table)) {
      // Older versions may have other columns.
      const auto newest = OrThrow((*table)->FindVersion((*table)->current_version()));
      for (const auto& [id, schema] : newest->schemas) {
        names_.Add(*schema);
      }
    }
  }

  // DuckDB puts the view's query in; what its tables are is to be known before.
  void CollectView(const ViewEntry& view) {
    if (views_deep_ == kViewsDeepMax) {
      Throw(Error{ErrorKind::kInvalidArgument,
                  fmt::format("views read each other more than {} deep here, view:{}",
                              kViewsDeepMax, view.name)});
    }
    views_.emplace(view.schema, view.name);
    const auto query = OrThrow(ParseQuery(OrThrow(RewriteForDuckDb(view.query))));
    const std::string_view outer = std::exchange(schema_, view.schema);
    ++views_deep_;
    CollectTables(*query->node);
    --views_deep_;
    schema_ = outer;
  }

  // A rewritten expression must not change what its column is called.
  void KeepOutputNames(duckdb::QueryNode& node) {
    if (node.type == duckdb::QueryNodeType::SET_OPERATION_NODE) {
      for (auto& child : node.Cast<duckdb::SetOperationNode>().children) {
        KeepOutputNames(*child);
      }
    }
    if (node.type != duckdb::QueryNodeType::SELECT_NODE) {
      return;
    }
    for (Expression& column : node.Cast<duckdb::SelectNode>().select_list) {
      const ExpressionClass kind = column->GetExpressionClass();
      if (column->GetAlias().empty() && kind != ExpressionClass::COLUMN_REF &&
          kind != ExpressionClass::STAR && kind != ExpressionClass::CONSTANT &&
          WillChange(*column)) {
        column->SetAlias(column->GetName());
      }
    }
  }

  bool WillChange(const duckdb::ParsedExpression& expression) const {
    switch (expression.GetExpressionClass()) {
      case ExpressionClass::COMPARISON:
      case ExpressionClass::BETWEEN:
      case ExpressionClass::PARAMETER:
      case ExpressionClass::SUBQUERY:
        return true;
      case ExpressionClass::OPERATOR:
        if (expression.GetExpressionType() == ExpressionType::COMPARE_IN ||
            expression.GetExpressionType() == ExpressionType::COMPARE_NOT_IN) {
          return true;
        }
        break;
      case ExpressionClass::FUNCTION:
        if (IsNow(expression.Cast<duckdb::FunctionExpression>())) {
          return true;
        }
        break;
      default:
        break;
    }
    bool will = false;
    duckdb::ParsedExpressionIterator::EnumerateChildren(
        expression,
        [&](const duckdb::ParsedExpression& child) { will = will || WillChange(child); });
    return will;
  }

  void Rewrite(duckdb::TableRef& reference) {
    if (reference.type == duckdb::TableReferenceType::SUBQUERY) {
      KeepOutputNames(*reference.Cast<duckdb::SubqueryRef>().subquery->node);
    }
    if (reference.type == duckdb::TableReferenceType::SHOW_REF) {
      auto& show = reference.Cast<duckdb::ShowRef>();
      if (show.query) {
        Rewrite(*show.query);
      }
    }
    if (reference.type == duckdb::TableReferenceType::JOIN) {
      for (std::string& column : reference.Cast<duckdb::JoinRef>().using_columns) {
        column = names_.ToDuckDb(column);
      }
    }
  }

  void RenameColumn(duckdb::ColumnRefExpression& reference) const {
    if (names_.empty()) {
      return;
    }
    for (std::string& part : reference.column_names) {
      part = names_.ToDuckDb(part);
    }
  }

  void AlignComparison(duckdb::ComparisonExpression& comparison) const {
    Align(*comparison.left, comparison.right);
    Align(*comparison.right, comparison.left);
  }

  void AlignBetween(duckdb::BetweenExpression& between) const {
    Align(*between.input, between.lower);
    Align(*between.input, between.upper);
  }

  void AlignIn(duckdb::OperatorExpression& in) const {
    if (in.GetExpressionType() != ExpressionType::COMPARE_IN &&
        in.GetExpressionType() != ExpressionType::COMPARE_NOT_IN) {
      return;
    }
    for (size_t i = 1; i < in.children.size(); ++i) {
      Align(*in.children[0], in.children[i]);
    }
  }

  static bool IsNow(const duckdb::FunctionExpression& function) {
    return function.children.empty() &&
           (function.function_name == "now" || function.function_name == "get_current_timestamp" ||
            function.function_name == "transaction_timestamp");
  }

  void GiveValue(Expression& expression) const {
    const std::string alias = expression->GetAlias();
    const auto& parameter = expression->Cast<duckdb::ParameterExpression>();
    expression = duckdb::make_uniq<duckdb::ConstantExpression>(
        ConstantOf(context_.parameters, parameter.identifier));
    expression->SetAlias(alias);
  }

  // DuckDB's now() has a time zone. Compared with it, a column would be cast, and neither files nor
  // row groups could be left out.
  static void ZonelessNow(Expression& expression) {
    if (IsNow(expression->Cast<duckdb::FunctionExpression>())) {
      const std::string alias = expression->GetAlias();
      expression = duckdb::make_uniq<duckdb::CastExpression>(duckdb::LogicalType::TIMESTAMP,
                                                             std::move(expression));
      expression->SetAlias(alias);
    }
  }

  const RewriteContext& context_;
  NameMapping names_;
  std::string_view schema_ = context_.schema;  // of unqualified names here
  size_t views_deep_ = 0;
  std::set<std::pair<std::string, std::string>> views_;
};

// What `parse` makes of the text, or what DuckDB's parser says of it, with the place. `before` is
// how much DuckDB puts before the text.
template <class Parse>
auto WithPlace(std::string_view sql, size_t before, const Parse& parse) {
  try {
    return parse();
  } catch (const duckdb::ParserException& exception) {
    const duckdb::ErrorData error(exception);
    const auto position = error.ExtraInfo().find("position");
    if (position == error.ExtraInfo().end()) {
      throw;
    }
    const size_t offset = std::strtoull(position->second.c_str(), nullptr, 10);
    const size_t place = std::min(offset - std::min(offset, before), sql.size());
    Throw(ErrorAt(ErrorKind::kInvalidArgument, sql, place, error.RawMessage()).error());
  }
}

}  // namespace

Result<duckdb::unique_ptr<duckdb::SelectStatement>> ParseQuery(std::string_view sql) {
  return Caught([&]() -> Result<duckdb::unique_ptr<duckdb::SelectStatement>> {
    duckdb::ParserOptions options;
    options.max_expression_depth = kExpressionDepthMax;
    duckdb::Parser parser(options);
    WithPlace(sql, 0, [&] {
      parser.ParseQuery(std::string(sql));
      return 0;
    });
    if (parser.statements.size() != 1 ||
        parser.statements[0]->type != duckdb::StatementType::SELECT_STATEMENT) {
      return InvalidArgument("one query was expected here: SELECT, WITH, VALUES or FROM");
    }
    return duckdb::unique_ptr_cast<duckdb::SQLStatement, duckdb::SelectStatement>(
        std::move(parser.statements[0]));
  });
}

Result<RewrittenQuery> RewriteQuery(duckdb::unique_ptr<duckdb::SelectStatement> statement,
                                    const RewriteContext& context) {
  return Caught([&]() -> Result<RewrittenQuery> {
    Rewriter rewriter(context, {});
    rewriter.CollectTables(*statement->node);
    rewriter.Rewrite(*statement->node);
    statement->named_param_map.clear();
    return RewrittenQuery{std::move(statement), rewriter.names(), rewriter.views()};
  });
}

Result<RewrittenQuery> RewriteQuery(std::string_view sql, const RewriteContext& context) {
  VARVE_ASSIGN(auto statement, ParseQuery(sql));
  return RewriteQuery(std::move(statement), context);
}

Result<duckdb::unique_ptr<duckdb::SelectStatement>> ViewQuery(const ViewEntry& view,
                                                              const Database& database,
                                                              NameMapping names) {
  return Caught([&]() -> Result<duckdb::unique_ptr<duckdb::SelectStatement>> {
    auto statement = OrThrow(ParseQuery(OrThrow(RewriteForDuckDb(view.query))));
    const RewriteContext context{&database, view.schema};
    Rewriter rewriter(context, std::move(names));
    rewriter.CollectTables(*statement->node);
    rewriter.Rewrite(*statement->node);
    return statement;
  });
}

Result<Expression> RewriteExpression(std::string_view sql, const RewriteContext& context,
                                     NameMapping names) {
  return Caught([&]() -> Result<Expression> {
    duckdb::ParserOptions options;
    options.max_expression_depth = kExpressionDepthMax;
    constexpr size_t kBefore = std::string_view("SELECT ").size();
    auto parsed = WithPlace(sql, kBefore, [&] {
      return duckdb::Parser::ParseExpressionList(std::string(sql), options);
    });
    if (parsed.size() != 1) {
      return InvalidArgument("one expression was expected, not: {}", sql);
    }
    Rewriter rewriter(context, std::move(names));
    rewriter.CollectTables(*parsed[0]);
    rewriter.Rewrite(parsed[0]);
    return std::move(parsed[0]);
  });
}

Result<Expression> RewriteDefault(std::string_view expression, const RewriteContext& context,
                                  NameMapping names) {
  VARVE_ASSIGN(const std::string sql, RewriteForDuckDb(expression));
  return RewriteExpression(sql, context, std::move(names));
}

}  // namespace varve
