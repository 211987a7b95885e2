// Functions of texts: names that DuckDB lacks, and those that count from 1 as SQL has it.
#include <array>
#include <duckdb/common/vector_operations/unary_executor.hpp>
#include <duckdb/planner/expression/bound_constant_expression.hpp>

#include "query/duckdb_bridge.h"
#include "query/functions.h"

namespace varve {
namespace {

using duckdb::DefaultMacro;
using duckdb::LogicalType;

// DuckDB's substring under a name that the macros below can use.
constexpr const char* kSubstring = "__varve_substring";

constexpr std::array kTrim = {
    DefaultMacro{DEFAULT_SCHEMA, "btrim", {"s"}, {{}}, "trim(s)"},
    DefaultMacro{DEFAULT_SCHEMA, "btrim", {"s", "chars"}, {{}}, "trim(s, chars)"}};

// A start before the first character uses up the length, where DuckDB counts from the end.
constexpr const char* kFrom = "__varve_substring(s, CASE WHEN a < 1 THEN 1 ELSE a END)";
constexpr const char* kFromFor =
    "CASE WHEN n < 0 THEN error('negative substring length not allowed') ELSE "
    "__varve_substring(s, CASE WHEN a < 1 THEN 1 ELSE a END, "
    "CASE WHEN a < 1 THEN CASE WHEN a + n < 1 THEN 0 ELSE a + n - 1 END ELSE n END) END";
constexpr std::array kSubstr = {
    DefaultMacro{DEFAULT_SCHEMA, "substr", {"s", "a"}, {{}}, kFrom},
    DefaultMacro{DEFAULT_SCHEMA, "substr", {"s", "a", "n"}, {{}}, kFromFor}};
constexpr std::array kSubstringMacro = {
    DefaultMacro{DEFAULT_SCHEMA, "substring", {"s", "a"}, {{}}, kFrom},
    DefaultMacro{DEFAULT_SCHEMA, "substring", {"s", "a", "n"}, {{}}, kFromFor}};

constexpr std::array kInitcap = {DefaultMacro{
    DEFAULT_SCHEMA,
    "initcap",
    {"s"},
    {{}},
    "CASE WHEN s = '' THEN '' ELSE array_to_string(list_transform(regexp_extract_all(lower(s), "
    "'[\\p{L}\\p{M}\\p{N}]+|[^\\p{L}\\p{M}\\p{N}]+'), "
    "lambda word: upper(word[1]) || word[2:]), '') END"}};

constexpr std::array kInList = {
    DefaultMacro{DEFAULT_SCHEMA, "in_list", {"x", "list"}, {{}}, "list_contains(list, x)"},
    DefaultMacro{DEFAULT_SCHEMA,
                 "in_list",
                 {"x", "list", "negated"},
                 {{}},
                 "list_contains(list, x) <> negated"}};

// lpad(s, n) is lpad(s, n, ' ').
template <bool kLeft>
duckdb::unique_ptr<duckdb::Expression> PadWithBlanks(duckdb::FunctionBindExpressionInput& input) {
  auto arguments = std::move(input.children);
  arguments.push_back(duckdb::make_uniq<duckdb::BoundConstantExpression>(duckdb::Value(" ")));
  return BindCall(input.context, kLeft ? "lpad" : "rpad", std::move(arguments));
}

// to_hex(x) is lower(hex(x)), with the overloads of hex.
duckdb::unique_ptr<duckdb::Expression> LowerHex(duckdb::FunctionBindExpressionInput& input) {
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> hex;
  hex.push_back(BindCall(input.context, "hex", std::move(input.children)));
  return BindCall(input.context, "lower", std::move(hex));
}

void NeverRun(duckdb::DataChunk&, duckdb::ExpressionState&, duckdb::Vector&) {
  Throw(Error{ErrorKind::kInternal, "this function is replaced when bound"});
}

void OctetLength(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::UnaryExecutor::Execute<duckdb::string_t, int64_t>(
      arguments.data[0], result, arguments.size(),
      [](duckdb::string_t text) { return static_cast<int64_t>(text.GetSize()); });
}

duckdb::ScalarFunctionSet Rebound(const char* name, duckdb::vector<LogicalType> arguments,
                                  duckdb::function_bind_expression_t bind) {
  duckdb::ScalarFunction function(name, std::move(arguments), LogicalType::VARCHAR, NeverRun);
  function.SetBindExpressionCallback(bind);
  duckdb::ScalarFunctionSet functions(name);
  functions.AddFunction(std::move(function));
  return functions;
}

}  // namespace

void AddTextFunctions(FunctionCatalog& catalog) {
  catalog.AddScalarAlias(kSubstring, "substring");
  catalog.ReplaceByMacro(kSubstr);
  catalog.ReplaceByMacro(kSubstringMacro);
  catalog.AddMacro(kTrim);
  catalog.AddMacro(kInitcap);
  catalog.AddMacro(kInList);
  catalog.Add(Rebound("lpad", {LogicalType::VARCHAR, LogicalType::INTEGER}, PadWithBlanks<true>));
  catalog.Add(Rebound("rpad", {LogicalType::VARCHAR, LogicalType::INTEGER}, PadWithBlanks<false>));
  catalog.Replace(Rebound("to_hex", {LogicalType::ANY}, LowerHex));
  catalog.Add(duckdb::ScalarFunction("octet_length", {LogicalType::VARCHAR}, LogicalType::BIGINT,
                                     OctetLength));
}

}  // namespace varve
