// FunctionCatalog: adds Varve's functions to those of DuckDB, for all sessions of an instance.
// Everything here throws what DuckDB throws; one thread, before the fence closes.
#pragma once

#include <duckdb.hpp>
#include <duckdb/catalog/default/default_functions.hpp>
#include <duckdb/function/aggregate_function.hpp>
#include <duckdb/function/scalar_function.hpp>
#include <span>
#include <string>
#include <vector>

namespace varve {

class FunctionCatalog {
 public:
  explicit FunctionCatalog(duckdb::Connection& connection) : connection_(connection) {}

  // Beside overloads of that name, if there are any.
  void Add(duckdb::ScalarFunction function);
  void Add(duckdb::ScalarFunctionSet functions);
  void Add(duckdb::AggregateFunctionSet functions);
  // All overloads of a name; `overloads` are the definitions of one macro.
  void AddMacro(std::span<const duckdb::DefaultMacro> overloads);
  // Another name for a function of DuckDB, with all overloads.
  void AddScalarAlias(const std::string& alias, const std::string& name);
  void AddAggregateAlias(const std::string& alias, const std::string& name);
  // In the place of DuckDB's scalar function of that name, with all its overloads. Nothing can be
  // added to it afterwards.
  void Replace(duckdb::ScalarFunctionSet functions);
  void ReplaceByMacro(std::span<const duckdb::DefaultMacro> overloads);

 private:
  void Replace(duckdb::CreateFunctionInfo& info);
  duckdb::CatalogEntry& Entry(duckdb::CatalogType type, const std::string& name);

  duckdb::Connection& connection_;
};

// Binds a call of the named function of DuckDB: what a bind_expression callback returns whose
// function is only another way to say that.
duckdb::unique_ptr<duckdb::Expression> BindCall(
    duckdb::ClientContext& context, const std::string& name,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> arguments);

// The value of an argument that must be the same for all rows. Throws: "<what> must be a constant".
duckdb::Value ConstantArgument(duckdb::ClientContext& context, duckdb::Expression& argument,
                               std::string_view what);

}  // namespace varve
