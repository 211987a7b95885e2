#include "query/function_catalog.h"

#include <duckdb/catalog/catalog_entry/aggregate_function_catalog_entry.hpp>
#include <duckdb/catalog/catalog_entry/scalar_function_catalog_entry.hpp>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/function/function_binder.hpp>
#include <duckdb/main/extension/extension_loader.hpp>
#include <duckdb/parser/parsed_data/create_scalar_function_info.hpp>
#include <duckdb/parser/parsed_data/drop_info.hpp>

#include "query/duckdb_bridge.h"

namespace varve {
namespace {

duckdb::ExtensionLoader Loader(duckdb::Connection& connection) {
  return duckdb::ExtensionLoader(*connection.context->db, "varve");
}

duckdb::unique_ptr<duckdb::CreateMacroInfo> MacroInfo(
    std::span<const duckdb::DefaultMacro> overloads) {
  return duckdb::DefaultFunctionGenerator::CreateInternalMacroInfo(
      duckdb::array_ptr<const duckdb::DefaultMacro>(overloads.data(), overloads.size()));
}

}  // namespace

void FunctionCatalog::Add(duckdb::ScalarFunction function) {
  Loader(connection_).RegisterFunction(std::move(function));
}

void FunctionCatalog::Add(duckdb::ScalarFunctionSet functions) {
  Loader(connection_).RegisterFunction(std::move(functions));
}

void FunctionCatalog::Add(duckdb::AggregateFunctionSet functions) {
  Loader(connection_).RegisterFunction(std::move(functions));
}

void FunctionCatalog::AddMacro(std::span<const duckdb::DefaultMacro> overloads) {
  Loader(connection_).RegisterFunction(*MacroInfo(overloads));
}

void FunctionCatalog::AddScalarAlias(const std::string& alias, const std::string& name) {
  duckdb::ScalarFunctionSet functions = Entry(duckdb::CatalogType::SCALAR_FUNCTION_ENTRY, name)
                                            .Cast<duckdb::ScalarFunctionCatalogEntry>()
                                            .functions;
  functions.name = alias;
  for (duckdb::ScalarFunction& function : functions.functions) {
    function.name = alias;
  }
  Add(std::move(functions));
}

void FunctionCatalog::AddAggregateAlias(const std::string& alias, const std::string& name) {
  duckdb::AggregateFunctionSet functions =
      Entry(duckdb::CatalogType::AGGREGATE_FUNCTION_ENTRY, name)
          .Cast<duckdb::AggregateFunctionCatalogEntry>()
          .functions;
  functions.name = alias;
  for (duckdb::AggregateFunction& function : functions.functions) {
    function.name = alias;
  }
  Add(std::move(functions));
}

void FunctionCatalog::Replace(duckdb::ScalarFunctionSet functions) {
  duckdb::CreateScalarFunctionInfo info(std::move(functions));
  Replace(info);
}

void FunctionCatalog::ReplaceByMacro(std::span<const duckdb::DefaultMacro> overloads) {
  Replace(*MacroInfo(overloads));
}

// In one transaction: one that creates must see what was dropped.
void FunctionCatalog::Replace(duckdb::CreateFunctionInfo& info) {
  connection_.context->RunFunctionInTransaction([&] {
    auto& system = duckdb::Catalog::GetSystemCatalog(*connection_.context);
    duckdb::DropInfo drop;
    drop.type = duckdb::CatalogType::SCALAR_FUNCTION_ENTRY;
    drop.schema = DEFAULT_SCHEMA;
    drop.name = info.name;
    drop.allow_drop_internal = true;
    system.DropEntry(*connection_.context, drop);
    info.internal = true;
    system.CreateFunction(*connection_.context, info);
  });
}

duckdb::CatalogEntry& FunctionCatalog::Entry(duckdb::CatalogType type, const std::string& name) {
  duckdb::optional_ptr<duckdb::CatalogEntry> entry;
  connection_.context->RunFunctionInTransaction([&] {
    entry = duckdb::Catalog::GetSystemCatalog(*connection_.context)
                .GetEntry(*connection_.context, type, DEFAULT_SCHEMA, name,
                          duckdb::OnEntryNotFound::THROW_EXCEPTION);
  });
  return *entry;
}

duckdb::unique_ptr<duckdb::Expression> BindCall(
    duckdb::ClientContext& context, const std::string& name,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> arguments) {
  duckdb::ErrorData error;
  auto bound = duckdb::FunctionBinder(context).BindScalarFunction(DEFAULT_SCHEMA, name,
                                                                  std::move(arguments), error);
  if (!bound) {
    error.Throw();
  }
  return bound;
}

duckdb::Value ConstantArgument(duckdb::ClientContext& context, duckdb::Expression& argument,
                               std::string_view what) {
  if (!argument.IsFoldable()) {
    Throw(Error{ErrorKind::kInvalidArgument, fmt::format("{} must be a constant", what)});
  }
  return duckdb::ExpressionExecutor::EvaluateScalar(context, argument);
}

}  // namespace varve
