// Functions of numbers that DataFusion defines as IEEE 754 does: where DuckDB fails, they are NaN
// or infinite.
#include <cmath>
#include <duckdb/common/vector_operations/binary_executor.hpp>
#include <duckdb/common/vector_operations/unary_executor.hpp>

#include "query/functions.h"

namespace varve {
namespace {

using duckdb::LogicalType;
using Function = double (*)(double);

template <Function kFunction>
void OfDouble(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::UnaryExecutor::Execute<double, double>(arguments.data[0], result, arguments.size(),
                                                 [](double x) {
                                                   const double y = kFunction(x);
                                                   // Some have a sign, which would be shown.
                                                   return std::isnan(y) ? std::fabs(y) : y;
                                                 });
}

void LogToBase(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::BinaryExecutor::Execute<double, double, double>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [](double base, double x) { return std::log(x) / std::log(base); });
}

double Signum(double x) { return std::isnan(x) || x == 0 ? x : std::copysign(1.0, x); }

template <Function kFunction>
duckdb::ScalarFunctionSet Of(const char* name) {
  duckdb::ScalarFunctionSet functions(name);
  functions.AddFunction(duckdb::ScalarFunction(name, {LogicalType::DOUBLE}, LogicalType::DOUBLE,
                                               OfDouble<kFunction>));
  return functions;
}

}  // namespace

void AddMathFunctions(FunctionCatalog& catalog) {
  catalog.Replace(Of<std::acos>("acos"));
  catalog.Replace(Of<std::asin>("asin"));
  catalog.Replace(Of<std::cos>("cos"));
  catalog.Replace(Of<std::sin>("sin"));
  catalog.Replace(Of<std::tan>("tan"));
  catalog.Replace(Of<std::sqrt>("sqrt"));
  catalog.Replace(Of<std::log>("ln"));
  catalog.Replace(Of<std::log2>("log2"));
  catalog.Replace(Of<std::log10>("log10"));
  duckdb::ScalarFunctionSet log = Of<std::log10>("log");
  log.AddFunction(duckdb::ScalarFunction("log", {LogicalType::DOUBLE, LogicalType::DOUBLE},
                                         LogicalType::DOUBLE, LogToBase));
  catalog.Replace(std::move(log));
  catalog.Add(Of<Signum>("signum"));
}

}  // namespace varve
